package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"secretaria/internal/fault"
	"secretaria/internal/store"
)

func TestOutage(t *testing.T) {
	t.Parallel()
	said := func(code string) error { return database("receive", &pgconn.PgError{Code: code}) }
	for _, c := range []struct {
		name string
		err  error
		want bool
	}{
		{"nothing", nil, false},
		{"a connection that was lost", database("receive", io.ErrUnexpectedEOF), true},
		{"no answer in time", database("receive", context.DeadlineExceeded), true},
		{"a store that is closed", errClosed, true},
		{"shut down", said("57P01"), true},
		{"starting", said("57P03"), true},
		{"a statement that took too long", said("57014"), true},
		{"a lock", said("55P03"), true},
		{"too many connections", said("53300"), true},
		{"a full disk", said("53100"), true},
		{"a password that was changed", said("28P01"), true},
		{"a standby", said("25006"), true},
		{"a deadlock", said("40P01"), true},
		{"a constraint", said("23514"), false},
		{"a unique key", said("23505"), false},
		{"data", said("22001"), false},
		{"a table that is missing", said("42P01"), false},
		{"corrupted", said("XX001"), false},
		{"a code that is none", said(""), false},
		{"wrapped", fmt.Errorf("receive: %w", said("23505")), false},
		{"a refusal", store.ErrLost, false},
		{"invalid", fault.New(fault.Invalid, "no"), false},
		{"anybody's", errors.New("anything"), true},
	} {
		if got := Outage(c.err); got != c.want {
			t.Errorf("%s: Outage(%v) = %v, want %v", c.name, c.err, got, c.want)
		}
	}
}
