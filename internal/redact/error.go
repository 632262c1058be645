package redact

import (
	"errors"
	"fmt"
)

// Error returns err with its text masked. errors.Is and errors.As find what they found in
// err, so kinds of package fault and sentinels stay; nil stays nil, and an error that says
// nothing personal is returned as it is.
//
// The result has no Unwrap: whoever walked along a chain and printed its links would print
// what was masked. What As hands out is the original, whose own text is not masked.
func Error(err error) error {
	if err == nil {
		return nil
	}
	text := errorText(err)
	clean := Text(text)
	if clean == text {
		return err
	}
	return &masked{text: clean, err: err}
}

type masked struct {
	text string
	err  error
}

func (m *masked) Error() string { return m.text }

// Is implements what errors.Is asks for.
func (m *masked) Is(target error) bool { return errors.Is(m.err, target) }

// As implements what errors.As asks for.
func (m *masked) As(target any) bool { return errors.As(m.err, target) }

// Format keeps every verb, %#v included, from showing the original.
func (m *masked) Format(f fmt.State, verb rune) {
	if verb == 'q' {
		_, _ = fmt.Fprintf(f, "%q", m.text)
		return
	}
	_, _ = f.Write([]byte(m.text))
}

// errorText is what an error says, also if it panics when asked: a nil pointer in an error.
func errorText(err error) (text string) {
	defer func() {
		if r := recover(); r != nil {
			text = "[unprintable]"
		}
	}()
	return err.Error()
}
