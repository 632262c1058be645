// Package fault names the few kinds of failure that every part of the product shares.
//
// The kind of a failure decides what happens next: whether it is tried again, which
// status an HTTP caller sees and which words an operator reads. A kind comes from a
// status, a code or a sentinel of a peer, never from the free text of a message, except
// where a peer gives nothing else (Whaticket), and then only in that peer's adapter.
package fault

import (
	"errors"
	"fmt"
	"time"
)

// Kind classifies a failure.
type Kind int

const (
	// Unknown is an error that nobody classified; it is treated like Transient.
	Unknown Kind = iota
	// Transient may pass by itself: nothing happened at the peer, and another try can help.
	Transient
	// RateLimited is Transient with a wish: come back after RetryAfter.
	RateLimited
	// Uncertain means that the effect may have happened: a request was written and no
	// usable answer came back. It must be reconciled with the peer before it is repeated.
	Uncertain
	// Permanent cannot be helped by trying again.
	Permanent
	// Unauthorized is a missing or wrong credential or signature.
	Unauthorized
	// Invalid is input that will never be right.
	Invalid
	// NotFound says that the thing addressed is not there.
	NotFound
	// Conflict says that somebody else was there first: a lost lease, a stale draft.
	Conflict
	// Unsupported says that the peer or its configuration cannot do this at all.
	Unsupported
)

var names = [...]string{"unknown", "transient", "rate_limited", "uncertain", "permanent", "unauthorized", "invalid", "not_found", "conflict", "unsupported"}

// String gives the kind's name in snake_case, as logs and metrics carry it.
func (k Kind) String() string {
	if k < 0 || int(k) >= len(names) {
		return names[Unknown]
	}
	return names[k]
}

// Retryable says whether the same call, later, may succeed without anybody's help.
func (k Kind) Retryable() bool {
	switch k {
	case Unknown, Transient, RateLimited, Uncertain:
		return true
	}
	return false
}

// Error is a failure with its kind. Code is a short cause without customer text, hosts or
// credentials; it may be shown to an operator and stored.
type Error struct {
	Kind       Kind
	Code       string
	Status     int           // HTTP status of the peer's answer, 0 when there was none
	RetryAfter time.Duration // what the peer asked for; 0 when it did not
	Err        error
}

// New returns an error of a kind with a short cause.
func New(kind Kind, code string) *Error { return &Error{Kind: kind, Code: code} }

// Wrap gives err a kind and a short cause; a nil err stays nil.
func Wrap(kind Kind, code string, err error) error {
	if err == nil {
		return nil
	}
	return &Error{Kind: kind, Code: code, Err: err}
}

func (e *Error) Error() string {
	s := e.Code
	if s == "" {
		s = e.Kind.String()
	}
	if e.Status != 0 {
		s = fmt.Sprintf("%s (status %d)", s, e.Status)
	}
	if e.Err != nil {
		return s + ": " + e.Err.Error()
	}
	return s
}

func (e *Error) Unwrap() error { return e.Err }

// KindOf returns the kind of the outermost classified error in err's chain.
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return Unknown
}

// Is says whether err is of the kind.
func Is(err error, kind Kind) bool { return err != nil && KindOf(err) == kind }

// Code returns the short cause of err, safe to store and to show to an operator. An error
// without one reads "internal".
func Code(err error) string {
	if err == nil {
		return ""
	}
	var e *Error
	if errors.As(err, &e) {
		if e.Code != "" {
			return e.Code
		}
		return e.Kind.String()
	}
	return "internal"
}

// StatusOf returns the HTTP status that the peer answered, or 0.
func StatusOf(err error) int {
	var e *Error
	if errors.As(err, &e) {
		return e.Status
	}
	return 0
}

// RetryAfter returns how long the peer asked us to stay away, or 0.
func RetryAfter(err error) time.Duration {
	var e *Error
	if errors.As(err, &e) {
		return e.RetryAfter
	}
	return 0
}
