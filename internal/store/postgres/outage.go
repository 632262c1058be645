package postgres

import (
	"errors"

	"github.com/jackc/pgx/v5/pgconn"

	"secretaria/internal/fault"
)

// Refused says whether the server answered that it does not let us in, or that it has no
// such database: at a start, a mistake in the configuration.
func Refused(err error) bool {
	class := class(err)
	return class == "28" || class == "3D"
}

// Outage says whether an error of a step comes from the database's being out of reach, out
// of resources or not answering in time, so that the same step will succeed once it is back.
// What the server found wrong with the step itself is no outage.
func Outage(err error) bool {
	if err == nil || !fault.KindOf(err).Retryable() {
		return false
	}
	// The classes of https://www.postgresql.org/docs/current/errcodes-appendix.html.
	switch class(err) {
	case "", // the server has not spoken
		"08", // connections
		"28", // passwords that were changed
		"3D", // a database that is being restored
		"40", // transactions that met others, again and again
		"53", // disk, memory, connections
		"55", // locks
		"57", // shut down, starting, statements that took too long
		"58": // the server's system
		return true
	}
	var said *pgconn.PgError
	return errors.As(err, &said) && said.Code == "25006" // read only: a standby, or a server whose disk is full
}

// class is the class of what the server said, "" where it said nothing.
func class(err error) string {
	var said *pgconn.PgError
	if !errors.As(err, &said) {
		return ""
	}
	if len(said.Code) < 2 {
		return "?"
	}
	return said.Code[:2]
}
