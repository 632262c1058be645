// Package transfer copies everything that is remembered: into a backup, from a backup, and
// from the embedded database to PostgreSQL.
//
// A backup is one SQLite file with the embedded database's tables, whichever database it was
// made of, and with a checksum for each table. It goes back into either.
//
// A copy is all or nothing. What was read and what was written are counted and summed in the
// same way, row by row, and a copy that differs is not kept. Which tables and columns there
// are is read from the databases, so that a migration needs nothing here.
//
// Five things are left behind on purpose. Jobs are hints: the conversations know what is
// due, and the dispatcher makes the jobs anew. Leases belong to processes that are gone by
// the time a copy is put to use, so copies that go into service have none. Workers are the
// processes that were alive, and calls to models that are under way are theirs; what such a
// call costs at worst stays in the lines of the budget. And houses are indexed anew from the
// configuration.
package transfer

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"iter"
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"secretaria/internal/fault"
)

// Report is what was copied.
type Report struct {
	// Version is that of the embedded database's schema in the file that was written, or read.
	Version int `json:"version"`
	// Tables stand in the order in which they were copied.
	Tables []Table `json:"tables"`
	// Turns and Deliveries are what waits to be done, and goes on when a server starts.
	Turns      int64 `json:"turns_due"`
	Deliveries int64 `json:"deliveries_open"`
	// Mended counts texts that had something in them that PostgreSQL does not store: a zero
	// byte, which was dropped, or bytes that are no UTF-8, in whose place stands U+FFFD.
	Mended int64 `json:"texts_mended"`
	// Kept is where the files of a target that was damaged are now; "" where none was.
	Kept string `json:"kept,omitempty"`
}

// Table is a table that was copied.
type Table struct {
	Name string `json:"name"`
	Rows int64  `json:"rows"`
	// Sum does not depend on the order of the rows, nor on the database.
	Sum string `json:"sum"`
}

// sequence yields the rows of a table in any order. A row has its values in the order of the
// table's columns: nil, int64, float64, string or []byte; truth is 0 or 1. Rows are the
// receiver's. After an error there is no more.
type sequence = iter.Seq2[[]any, error]

// tally counts and sums rows.
type tally struct {
	rows  int64
	lanes [4]uint64
}

// add adds the row's hash. Addition, because the order must not matter; not exclusive or,
// under which two equal rows would be none.
func (t *tally) add(row []any) {
	var buf []byte
	sized := func(tag byte, s string) {
		buf = binary.AppendUvarint(append(buf, tag), uint64(len(s)))
		buf = append(buf, s...)
	}
	for _, value := range row {
		switch v := value.(type) {
		case nil:
			buf = append(buf, 'n')
		case int64:
			buf = binary.BigEndian.AppendUint64(append(buf, 'i'), uint64(v))
		case float64:
			buf = binary.BigEndian.AppendUint64(append(buf, 'f'), math.Float64bits(v))
		case string:
			sized('s', v)
		case []byte:
			sized('b', string(v))
		}
	}
	hash := sha256.Sum256(buf)
	for i := range t.lanes {
		t.lanes[i] += binary.BigEndian.Uint64(hash[8*i:])
	}
	t.rows++
}

func (t *tally) table(name string) Table {
	var sum []byte
	for _, lane := range t.lanes {
		sum = binary.BigEndian.AppendUint64(sum, lane)
	}
	return Table{Name: name, Rows: t.rows, Sum: hex.EncodeToString(sum)}
}

// over passes rows on and adds them.
func (t *tally) over(rows sequence) sequence {
	return func(yield func([]any, error) bool) {
		for row, err := range rows {
			if err == nil {
				t.add(row)
			}
			if !yield(row, err) {
				return
			}
		}
	}
}

// count reads rows to their end.
func count(name string, rows sequence) (Table, error) {
	var t tally
	for row, err := range rows {
		if err != nil {
			return Table{}, fmt.Errorf("read %s: %w", name, err)
		}
		t.add(row)
	}
	return t.table(name), nil
}

// plain turns what a driver gives into what a row is made of.
func plain(row []any) error {
	for i, value := range row {
		switch v := value.(type) {
		case nil, int64, float64, string:
		case int32:
			row[i] = int64(v)
		case int16:
			row[i] = int64(v)
		case bool:
			row[i] = int64(0)
			if v {
				row[i] = int64(1)
			}
		case []byte:
			row[i] = append([]byte{}, v...) // empty is not null
		default:
			return fmt.Errorf("column %d is a %T, which this program does not know how to copy", i+1, value)
		}
	}
	return nil
}

// free passes a table's rows on without their leases.
func free(t table, rows sequence) sequence {
	if t.name != "conversations" {
		return rows
	}
	var leases []int
	for i, name := range t.columns {
		if name == "turn_lease" || name == "lane_lease" {
			leases = append(leases, i)
		}
	}
	return func(yield func([]any, error) bool) {
		for row, err := range rows {
			if err == nil {
				for _, i := range leases {
					row[i] = int64(0)
				}
			}
			if !yield(row, err) {
				return
			}
		}
	}
}

// mend passes rows on as PostgreSQL can store them, in the way of its store, and counts the
// texts that were changed.
func mend(rows sequence, changed *int64) sequence {
	return func(yield func([]any, error) bool) {
		for row, err := range rows {
			for i, value := range row {
				if s, ok := value.(string); ok && (!utf8.ValidString(s) || strings.IndexByte(s, 0) >= 0) {
					row[i] = strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "")
					*changed++
				}
			}
			if !yield(row, err) {
				return
			}
		}
	}
}

// same compares what was read with what was written.
func same(read, written []Table) error {
	for i, r := range read {
		if w := written[i]; r != w {
			return fault.New(fault.Permanent, fmt.Sprintf("the copy of %s is not what was read (%d rows, sum %.12s; read: %d rows, sum %.12s): nothing was kept", r.Name, w.Rows, w.Sum, r.Rows, r.Sum))
		}
	}
	return nil
}

// total is how many rows a table of the report has.
func (r Report) total(name string) int64 {
	i := slices.IndexFunc(r.Tables, func(t Table) bool { return t.Name == name })
	if i < 0 {
		return 0
	}
	return r.Tables[i].Rows
}
