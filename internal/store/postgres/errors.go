package postgres

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5/pgconn"

	"secretaria/internal/fault"
)

var (
	errClosed = fault.New(fault.Transient, "store closed")
	// errRace says that somebody else stored at the same time what this step was about to
	// store: the step starts over and finds it.
	errRace = errors.New("somebody else was quicker")
)

// database gives an error of the database its kind, and words that repeat neither the
// address of the server nor anybody's data.
func database(doing string, err error) error {
	if err == nil {
		return nil
	}
	var f *fault.Error
	if errors.As(err, &f) {
		return err
	}
	return fault.Wrap(fault.Transient, "database", fmt.Errorf("%s: %w", doing, &discreet{err}))
}

// discreet says of an error what may be read by everybody.
type discreet struct{ err error }

func (d *discreet) Error() string { return describe(d.err) }

// Is lets callers ask for the causes that are theirs. Unwrap is missing on purpose: an error
// of the driver holds the configuration with its password.
func (d *discreet) Is(target error) bool {
	return (target == context.Canceled || target == context.DeadlineExceeded) && errors.Is(d.err, target)
}

// As gives what the server said.
func (d *discreet) As(target any) bool {
	to, ok := target.(**pgconn.PgError)
	return ok && errors.As(d.err, to)
}

func describe(err error) string {
	var said *pgconn.PgError
	var dns *net.DNSError
	var untrusted *tls.CertificateVerificationError
	var number syscall.Errno
	switch {
	case errors.As(err, &said):
		return sayServer(said)
	case errors.Is(err, context.Canceled):
		return "cancelled"
	case errors.Is(err, context.DeadlineExceeded):
		return "no answer in time"
	case errors.As(err, &dns):
		return "the server's name is not found"
	case errors.As(err, &untrusted):
		return "the server's certificate is not trusted"
	case errors.As(err, &number):
		return number.Error()
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed):
		return "connection lost"
	}
	var connect *pgconn.ConnectError
	var operation *net.OpError
	if errors.As(err, &connect) || errors.As(err, &operation) {
		return "the server cannot be reached"
	}
	return err.Error()
}

// sayServer tells an error of the server by its code. Errors about data quote the data, and
// errors about who may connect quote who tried.
func sayServer(e *pgconn.PgError) string {
	switch class := e.Code[:min(2, len(e.Code))]; class {
	case "22", "23":
		return strings.TrimSpace(fmt.Sprintf("SQLSTATE %s %s", e.Code, e.ConstraintName))
	case "28":
		return fmt.Sprintf("not let in by the server (SQLSTATE %s)", e.Code)
	}
	return fmt.Sprintf("%s (SQLSTATE %s)", e.Message, e.Code)
}

// again says whether the same step, tried at once, can be expected to succeed.
func again(err error) bool {
	if errors.Is(err, errRace) || pgconn.SafeToRetry(err) {
		return true
	}
	var said *pgconn.PgError
	if !errors.As(err, &said) {
		return false
	}
	switch said.Code {
	case "40001", // serialization failure
		"40P01", // deadlock
		"23503", // a foreign key: it was erased after we had looked
		"23505", // a unique key: it was stored after we had looked
		"0A000": // a prepared statement of before a migration
		return true
	}
	return false
}

func refusal(err error) bool {
	k := fault.KindOf(err)
	return k == fault.Conflict || k == fault.NotFound
}
