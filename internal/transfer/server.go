package transfer

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"secretaria/internal/fault"
)

// match checks that PostgreSQL has the tables of a layout with the same columns. It returns
// which columns are boolean, as "table.column".
func match(ctx context.Context, tx pgx.Tx, tables []table) (boolean map[string]bool, err error) {
	boolean = map[string]bool{}
	for _, t := range tables {
		found, err := tx.Query(ctx, `select a.attname::text, a.atttypid = 'boolean'::regtype from pg_attribute a where a.attrelid = to_regclass($1) and a.attnum > 0 and not a.attisdropped`, quote(t.name))
		if err != nil {
			return nil, err
		}
		var columns []string
		var name string
		var truth bool
		if _, err := pgx.ForEachRow(found, []any{&name, &truth}, func() error {
			columns = append(columns, name)
			boolean[t.name+"."+name] = truth
			return nil
		}); err != nil {
			return nil, err
		}
		slices.Sort(columns)
		if !slices.Equal(columns, t.columns) {
			return nil, fault.New(fault.Conflict, "the PostgreSQL database is not of this program's version (its table "+t.name+" differs): run secretaria migrate, or use the newer program")
		}
	}
	return boolean, nil
}

// fetch reads a table of PostgreSQL.
func fetch(ctx context.Context, tx pgx.Tx, t table) sequence {
	return func(yield func([]any, error) bool) {
		found, err := tx.Query(ctx, t.query())
		if err != nil {
			yield(nil, err)
			return
		}
		defer found.Close()
		for found.Next() {
			row, err := found.Values()
			if err == nil {
				err = plain(row)
			}
			if !yield(row, err) || err != nil {
				return
			}
		}
		if err := found.Err(); err != nil {
			yield(nil, err)
		}
	}
}

// load writes rows into a table of PostgreSQL.
func load(ctx context.Context, tx pgx.Tx, t table, boolean map[string]bool, from sequence) (Table, error) {
	var sum tally
	next, stop := iter.Pull2(sum.over(from))
	defer stop()
	var failed error // the server is told of it, and gives it back without its kind
	_, err := tx.CopyFrom(ctx, pgx.Identifier{t.name}, t.columns, pgx.CopyFromFunc(func() (_ []any, err error) {
		defer func() { failed = err }()
		row, err, ok := next()
		if !ok || err != nil {
			return nil, err
		}
		for i, name := range t.columns {
			if n, isInt := row[i].(int64); isInt && boolean[t.name+"."+name] {
				if n != 0 && n != 1 {
					return nil, fault.New(fault.Invalid, fmt.Sprintf("%s.%s is %d, and neither 0 nor 1", t.name, name, n))
				}
				row[i] = n == 1
			}
		}
		return row, nil
	}))
	if err = cmp.Or(failed, err); err != nil {
		return Table{}, fmt.Errorf("write %s: %w", t.name, err)
	}
	return sum.table(t.name), nil
}

// fill copies a snapshot into tables of PostgreSQL that are empty, and compares.
func fill(ctx context.Context, tx pgx.Tx, from *snapshot, boolean map[string]bool) (Report, error) {
	r := Report{Version: from.version}
	var written []Table
	for _, t := range from.tables {
		read, err := load(ctx, tx, t, boolean, mend(free(t, rows(ctx, from.tx, t)), &r.Mended))
		if err != nil {
			return Report{}, err
		}
		r.Tables = append(r.Tables, read)
	}
	for _, t := range from.tables {
		w, err := count(t.name, fetch(ctx, tx, t))
		if err != nil {
			return Report{}, err
		}
		written = append(written, w)
	}
	if err := same(r.Tables, written); err != nil {
		return Report{}, err
	}
	if err := tx.QueryRow(ctx, countWaiting).Scan(&r.Turns, &r.Deliveries); err != nil {
		return Report{}, err
	}
	// Plans for tables that were empty a moment ago are bad ones.
	if _, err := tx.Exec(ctx, "analyze "+names(from.tables)); err != nil {
		return Report{}, err
	}
	for _, t := range from.tables {
		last, err := reached(ctx, from.tx, t)
		if err != nil {
			return Report{}, err
		}
		if err := countOn(ctx, tx, t, last); err != nil {
			return Report{}, err
		}
	}
	return r, nil
}

// countOn makes a table of PostgreSQL count on from last at least. It comes last, because a
// rollback does not take it back, and never counts down: numbers left out harm nobody.
func countOn(ctx context.Context, tx pgx.Tx, t table, last int64) error {
	if t.serial == "" || last == 0 {
		return nil
	}
	_, err := tx.Exec(ctx, `select setval(s.name, greatest($3, coalesce(pg_sequence_last_value(s.name), 1)))
		from (select pg_get_serial_sequence($1, $2)::regclass as name) as s`, quote(t.name), t.serial, last)
	return err
}

// counted is the highest number that a table of PostgreSQL has given out.
func counted(ctx context.Context, tx pgx.Tx, t table) (last int64, err error) {
	if t.serial == "" {
		return 0, nil
	}
	err = tx.QueryRow(ctx, `select greatest(coalesce(pg_sequence_last_value(pg_get_serial_sequence($1, $2)::regclass), 0), (select coalesce(max(`+quote(t.serial)+`), 0) from `+quote(t.name)+`))`,
		quote(t.name), t.serial).Scan(&last)
	return last, err
}

func names(tables []table) string {
	out := make([]string, len(tables))
	for i, t := range tables {
		out[i] = quote(t.name)
	}
	return strings.Join(out, ", ")
}
