// Package secret holds strings that do not print themselves: however a value is printed,
// logged or marshalled, it reads [redacted]. Only Reveal gives it away.
package secret

import (
	"fmt"
	"log/slog"
	"unique"
)

const redacted = "[redacted]"

// String is a secret. The zero value is the empty secret, which means "not configured".
// Secrets can be compared with ==.
type String struct {
	// Behind a handle, because fmt does not ask the unexported fields of a struct how they
	// want to be printed: it would print a string, and of a handle it prints an address.
	value unique.Handle[string]
}

// New wraps a value.
func New(value string) String {
	if value == "" {
		return String{}
	}
	return String{unique.Make(value)}
}

// Reveal returns the value. Callers hand it to a MAC, a header or a comparison, never to a log.
func (s String) Reveal() string {
	if s.IsZero() {
		return ""
	}
	return s.value.Value()
}

// IsZero says whether no secret is set.
func (s String) IsZero() bool { return s == String{} }

func (s String) show() string {
	if s.IsZero() {
		return ""
	}
	return redacted
}

// String implements fmt.Stringer.
func (s String) String() string { return s.show() }

// Format keeps every verb, %v, %#v and %x included, from showing the value.
func (s String) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(s.show())) }

// LogValue implements slog.LogValuer.
func (s String) LogValue() slog.Value { return slog.StringValue(s.show()) }

// MarshalText implements encoding.TextMarshaler, and so covers JSON and YAML.
func (s String) MarshalText() ([]byte, error) { return []byte(s.show()), nil }

// UnmarshalText reads a secret from configuration.
func (s *String) UnmarshalText(text []byte) error {
	*s = New(string(text))
	return nil
}
