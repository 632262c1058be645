// Package secret holds strings that do not print themselves: however a value is printed,
// logged or marshalled, it reads [redacted]. Only Reveal gives it away.
package secret

import (
	"fmt"
	"log/slog"
)

const redacted = "[redacted]"

// String is a secret. The zero value is the empty secret, which means "not configured".
type String struct{ value string }

// New wraps a value.
func New(value string) String { return String{value} }

// Reveal returns the value. Callers hand it to a MAC, a header or a comparison, never to a log.
func (s String) Reveal() string { return s.value }

// IsZero says whether no secret is set.
func (s String) IsZero() bool { return s.value == "" }

func (s String) show() string {
	if s.value == "" {
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
	s.value = string(text)
	return nil
}
