package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strconv"
	"strings"
)

// statements are the writer's, each prepared when it is first needed. They run at the
// driver, beneath database/sql, whose transactions start a goroutine for the rows of every
// query: that took as long as the queries of a webhook themselves. Only the writer's
// goroutine uses them.
type statements struct {
	texts map[string]string // by name
	conn  any               // the driver's connection on which ready is prepared
	ready map[string]*statement
}

type statement struct {
	driver.Stmt
	// order holds, for each "?", which argument it stands for. The driver asks for the name of
	// every parameter, and one without a name costs nothing.
	order []int
	args  []driver.NamedValue
	row   []driver.Value
}

// positional replaces $1, $2 … by "?".
func positional(text string) (string, []int) {
	var out strings.Builder
	var order []int
	for {
		before, after, found := strings.Cut(text, "$")
		out.WriteString(before)
		digits := len(after) - len(strings.TrimLeft(after, "0123456789"))
		n, err := strconv.Atoi(after[:digits])
		if !found || err != nil {
			return out.String(), order
		}
		out.WriteByte('?')
		order = append(order, n-1)
		text = after[digits:]
	}
}

// use calls f with a statement that is ready and has its arguments.
func (s *statements) use(conn *sql.Conn, name string, args []any, f func(*statement) error) error {
	var failed error
	err := conn.Raw(func(c any) error {
		var st *statement
		if st, failed = s.prepared(c, name); failed != nil {
			return nil
		}
		if failed = st.bind(args); failed == nil {
			failed = f(st)
		}
		if errors.Is(failed, driver.ErrBadConn) {
			return failed
		}
		return nil // what the database says of a statement is no reason to give up the connection
	})
	if err == nil {
		err = failed
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

func (s *statements) prepared(conn any, name string) (*statement, error) {
	if conn != s.conn {
		// The pool has replaced its connection, and closed the other with its statements.
		s.conn, s.ready = conn, map[string]*statement{}
	}
	if st := s.ready[name]; st != nil {
		return st, nil
	}
	text, ok := s.texts[name]
	if !ok {
		panic("sqlite: no query named " + name) // a typing mistake, found by the first test
	}
	text, order := positional(text)
	prepared, err := conn.(driver.ConnPrepareContext).PrepareContext(context.Background(), text)
	if err != nil {
		return nil, err
	}
	st := &statement{Stmt: prepared, order: order, args: make([]driver.NamedValue, len(order))}
	s.ready[name] = st
	return st, nil
}

// close ends the statements, without which the file would stay open.
func (s *statements) close(db *sql.DB) error {
	conn, err := db.Conn(context.Background())
	if err != nil {
		return err
	}
	defer conn.Close()
	return conn.Raw(func(c any) error {
		var errs []error
		if c == s.conn {
			for _, st := range s.ready {
				errs = append(errs, st.Close())
			}
		}
		s.conn, s.ready = nil, nil
		return errors.Join(errs...)
	})
}

func (st *statement) bind(args []any) error {
	for i, n := range st.order {
		if n >= len(args) {
			return fmt.Errorf("argument %d is missing", n+1)
		}
		v, err := bindable(args[n])
		if err != nil {
			return err
		}
		st.args[i] = driver.NamedValue{Ordinal: i + 1, Value: v}
	}
	return nil
}

func bindable(arg any) (driver.Value, error) {
	switch v := arg.(type) {
	case nil, int64, string, bool, []byte:
		return v, nil
	case int:
		return int64(v), nil
	}
	return driver.DefaultParameterConverter.ConvertValue(arg)
}

func (st *statement) exec() (driver.Result, error) {
	return st.Stmt.(driver.StmtExecContext).ExecContext(context.Background(), st.args)
}

// rows calls scan for each row until it returns an error or false.
func (st *statement) rows(scan func(values) (more bool, err error)) (err error) {
	rows, err := st.Stmt.(driver.StmtQueryContext).QueryContext(context.Background(), st.args)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	if st.row == nil {
		st.row = make([]driver.Value, len(rows.Columns()))
	}
	for {
		switch err := rows.Next(st.row); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		if more, err := scan(st.row); err != nil || !more {
			return err
		}
	}
}

// values is a row. Its Scan knows the kinds of values that our queries have.
type values []driver.Value

// Scan implements row.Scanner. NULL is an error, but for a slice of bytes.
func (v values) Scan(dest ...any) error {
	if len(dest) != len(v) {
		return fmt.Errorf("%d columns for %d values", len(v), len(dest))
	}
	for i := range dest {
		if !assign(dest[i], v[i]) {
			return fmt.Errorf("column %d: %T for %T", i+1, v[i], dest[i])
		}
	}
	return nil
}

func assign(dest any, value driver.Value) bool {
	switch v := value.(type) {
	case int64:
		switch d := dest.(type) {
		case *int64:
			*d = v
			return true
		case *bool:
			*d = v != 0
			return true
		}
		if d := reflect.ValueOf(dest).Elem(); d.CanInt() {
			d.SetInt(v)
			return true
		}
	case string:
		if d, ok := dest.(*string); ok {
			*d = v
			return true
		}
		if d := reflect.ValueOf(dest).Elem(); d.Kind() == reflect.String {
			d.SetString(v)
			return true
		}
	case []byte:
		if d, ok := dest.(*[]byte); ok {
			*d = v
			return true
		}
	case nil:
		if d, ok := dest.(*[]byte); ok {
			*d = nil
			return true
		}
	}
	return false
}
