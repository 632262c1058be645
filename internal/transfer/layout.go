package transfer

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"secretaria/internal/fault"
)

// table is a table of the embedded database.
type table struct {
	name    string
	columns []string // sorted, so that a sum does not depend on the order of migrations
	serial  string   // the column that counts by itself; "" where none does
}

// fields are the columns as a statement names them.
func (t table) fields() string {
	quoted := make([]string, len(t.columns))
	for i, name := range t.columns {
		quoted[i] = quote(name)
	}
	return strings.Join(quoted, ", ")
}

func (t table) query() string { return "select " + t.fields() + " from " + quote(t.name) }

func quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// sums is the table in a backup that holds the checksums of the others.
const sums = "secretaria_backup"

// ours says whether a table is copied; see the package comment for those that are not.
func ours(name string) bool {
	return !strings.HasPrefix(name, "sqlite_") && !strings.HasPrefix(name, "river_") && !strings.HasPrefix(name, "house_") && !slices.Contains([]string{sums, "workers", "budget_reservations"}, name)
}

// querier is a transaction or a pool of database/sql.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

// layout reads which tables there are: first those that others refer to. A file that is not
// one of ours is fault.Invalid.
func layout(ctx context.Context, q querier) ([]table, error) {
	names, err := texts(ctx, q, "select name from sqlite_schema where type = 'table' order by name")
	if err != nil {
		return nil, err
	}
	if !slices.Contains(names, "conversations") {
		return nil, fault.New(fault.Invalid, "there are no conversations in it: it is not a database of this program")
	}
	var out []table
	refers := map[string][]string{}
	for _, name := range slices.DeleteFunc(names, func(name string) bool { return !ours(name) }) {
		t := table{name: name}
		if t.columns, err = texts(ctx, q, "select name from pragma_table_info($1) order by name", name); err != nil {
			return nil, err
		}
		serial, err := texts(ctx, q, "select p.name from sqlite_schema s, pragma_table_info(s.name) p where s.type = 'table' and s.name = $1 and p.pk = 1 and lower(s.sql) like '%autoincrement%'", name)
		if err != nil {
			return nil, err
		}
		t.serial = strings.Join(serial, "")
		if refers[name], err = texts(ctx, q, `select distinct "table" from pragma_foreign_key_list($1)`, name); err != nil {
			return nil, err
		}
		out = append(out, t)
	}
	return ordered(out, refers)
}

func ordered(tables []table, refers map[string][]string) ([]table, error) {
	placed := map[string]bool{}
	var out []table
	for len(out) < len(tables) {
		before := len(out)
		for _, t := range tables {
			waits := slices.ContainsFunc(refers[t.name], func(to string) bool { return to != t.name && !placed[to] })
			if !placed[t.name] && !waits {
				placed[t.name] = true
				out = append(out, t)
			}
		}
		if len(out) == before {
			return nil, fault.New(fault.Invalid, "its tables refer to each other in a circle, or to a table that is missing")
		}
	}
	return out, nil
}

// texts reads a column of texts.
func texts(ctx context.Context, q querier, query string, args ...any) ([]string, error) {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("read schema: %w", err)
	}
	defer rows.Close()
	var out []string
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			return nil, fmt.Errorf("read schema: %w", err)
		}
		out = append(out, s)
	}
	return out, rows.Err()
}
