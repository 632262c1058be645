package bench

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"secretaria/internal/store/postgres/postgrestest"
)

// archive keeps filled databases and gives out copies of them.
type archive interface {
	// copy makes a database with so many conversations, filled now if it never was, and
	// returns what DATABASE_URL calls it and how to look into it. took is the time that
	// filling took; 0: it was there.
	copy(b *testing.B, size int) (database string, ask asker, took time.Duration)
}

// cacheFolder is where filled databases are kept.
func (p plan) cacheFolder(b *testing.B, name string) string {
	b.Helper()
	dir := p.cache
	if dir == "" {
		dir = filepath.Join(folder, "cache")
	}
	dir, err := filepath.Abs(filepath.Join(dir, name))
	if err != nil {
		b.Fatal(err)
	}
	// Passable for the user whom the database server runs as.
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		b.Fatal(err)
	}
	return dir
}

// files is the archive of the embedded database.
type files struct {
	dir, blank, schema string
	moulds             []mould
}

func newFiles(b *testing.B, p plan) *files {
	b.Helper()
	f := &files{dir: p.cacheFolder(b, "sqlite"), blank: filepath.Join(b.TempDir(), "blank.db")}
	if err := os.MkdirAll(f.dir, 0o755); err != nil {
		b.Fatal(err)
	}
	db := openFile(b, f.blank, "busy_timeout(10000)")
	play(b, "sqlite:"+f.blank, askFile(db))
	f.moulds = moulds(b, askFile(db))
	f.schema = schemaName(b, askFile(db), "select sql from sqlite_master where sql is not null order by type, name")
	mustExec(b, db, "pragma foreign_keys = off", "delete from attempts", "delete from workers")
	for _, table := range filledTables() {
		mustExec(b, db, "delete from "+table)
	}
	mustExec(b, db, "delete from sqlite_sequence", "pragma wal_checkpoint(truncate)", "vacuum", "pragma wal_checkpoint(truncate)")
	if err := db.Close(); err != nil {
		b.Fatal(err)
	}
	return f
}

// openFile opens a file on one connection that ends with b.
func openFile(b *testing.B, path string, pragmas ...string) *sql.DB {
	b.Helper()
	q := url.Values{"_pragma": pragmas}
	db, err := sql.Open("sqlite", "file:"+path+"?"+q.Encode())
	if err != nil {
		b.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	b.Cleanup(func() { db.Close() })
	return db
}

func mustExec(b *testing.B, db *sql.DB, statements ...string) {
	b.Helper()
	for _, s := range statements {
		if _, err := db.Exec(s); err != nil {
			b.Fatalf("%.60s: %v", s, err)
		}
	}
}

func askFile(db *sql.DB) asker {
	return func(query string) (rows, error) {
		got, err := db.Query(query)
		if err != nil {
			return rows{}, err
		}
		defer got.Close()
		var out rows
		if out.columns, err = got.Columns(); err != nil {
			return rows{}, err
		}
		for got.Next() {
			row, into := make([]any, len(out.columns)), make([]any, len(out.columns))
			for i := range row {
				into[i] = &row[i]
			}
			if err := got.Scan(into...); err != nil {
				return rows{}, err
			}
			out.rows = append(out.rows, row)
		}
		return out, got.Err()
	}
}

func (f *files) copy(b *testing.B, size int) (string, asker, time.Duration) {
	b.Helper()
	from, took := f.blank, time.Duration(0)
	if size > 0 {
		from = filepath.Join(f.dir, fmt.Sprintf("seed_%d_%s.db", size, f.schema))
		if _, err := os.Stat(from); errors.Is(err, os.ErrNotExist) {
			begun := time.Now()
			f.fill(b, from, size)
			took = time.Since(begun)
		}
	}
	path := filepath.Join(b.TempDir(), "run.db")
	if err := copyFile(path, from); err != nil {
		b.Fatal(err)
	}
	return "sqlite:" + path, askFile(openFile(b, path, "busy_timeout(10000)", "query_only(1)")), took
}

// fill makes a file under another name first: what stands there was finished.
func (f *files) fill(b *testing.B, path string, size int) {
	b.Helper()
	making := path + ".making"
	if err := copyFile(making, f.blank); err != nil {
		b.Fatal(err)
	}
	db := openFile(b, making, "journal_mode(OFF)", "synchronous(0)", "foreign_keys(0)", "cache_size(-262144)")
	indexes, err := askFile(db)("select name, sql from sqlite_master where type = 'index' and sql is not null")
	if err != nil {
		b.Fatal(err)
	}
	for _, i := range indexes.rows {
		mustExec(b, db, fmt.Sprintf("drop index %s", i[0]))
	}
	for _, table := range filledTables() {
		if err := insertMany(db, &caster{table: table, moulds: f.moulds, size: size}); err != nil {
			b.Fatalf("fill %s: %v", table, err)
		}
	}
	for _, i := range indexes.rows {
		mustExec(b, db, fmt.Sprint(i[1]))
	}
	mustExec(b, db, "analyze", "pragma journal_mode = wal")
	if err := db.Close(); err != nil {
		b.Fatal(err)
	}
	if err := os.Rename(making, path); err != nil {
		b.Fatal(err)
	}
}

// insertMany inserts what a caster makes, many rows to a statement, in one transaction.
func insertMany(db *sql.DB, c *caster) error {
	const many = 50
	columns := c.moulds[0][c.table].columns
	one := "(" + strings.TrimSuffix(strings.Repeat("?,", len(columns)), ",") + ")"
	text := func(n int) string {
		return "insert into " + c.table + " (" + strings.Join(columns, ",") + ") values " + strings.TrimSuffix(strings.Repeat(one+",", n), ",")
	}
	tx, err := db.Begin()
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // after a commit it says so
	statement, err := tx.Prepare(text(many))
	if err != nil {
		return err
	}
	defer statement.Close()
	args := make([]any, 0, many*len(columns))
	for c.next() {
		if args = append(args, c.row...); len(args) == cap(args) {
			if _, err := statement.Exec(args...); err != nil {
				return err
			}
			args = args[:0]
		}
	}
	if len(args) > 0 {
		if _, err := tx.Exec(text(len(args)/len(columns)), args...); err != nil {
			return err
		}
	}
	return tx.Commit()
}

// copyFile copies and syncs, so that the disk is idle when the measure begins.
func copyFile(to, from string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	defer out.Close()
	if _, err := io.Copy(out, in); err != nil {
		return err
	}
	return errors.Join(out.Sync(), out.Close())
}

// templates is the archive of PostgreSQL: databases of a cluster that is kept.
type templates struct {
	*cluster
	schema  string
	moulds  []mould
	copying string // how a large database is copied: file by file, not through the log
}

const blankName = "bench_blank"

func newTemplates(b *testing.B, p plan) *templates {
	b.Helper()
	t := &templates{cluster: startCluster(b, postgrestest.Options{Folder: p.cacheFolder(b, "postgres")})}
	var version int
	if err := t.connect(b, t.URL).QueryRow(b.Context(), "select current_setting('server_version_num')::int").Scan(&version); err != nil {
		b.Fatal(err)
	}
	if version >= 150000 { // those before know no other way
		t.copying = " strategy file_copy"
	}
	blank := t.database(b, blankName)
	t.exec(b, t.URL, "drop database if exists "+blankName, "create database "+blankName)
	conn := t.connect(b, blank)
	play(b, blank, askServer(conn))
	t.moulds = moulds(b, askServer(conn))
	t.schema = schemaName(b, askServer(conn), `select table_name||column_name||data_type||coalesce(column_default, '') from information_schema.columns where table_schema = 'public'
union all select indexdef from pg_indexes where schemaname = 'public' order by 1`)
	t.exec(b, blank, "truncate "+strings.Join(filledTables(), ", ")+", attempts, workers restart identity cascade")
	conn.Close(b.Context()) // a database that is copied must be left alone
	return t
}

func askServer(conn *pgx.Conn) asker {
	return func(query string) (rows, error) {
		got, err := conn.Query(context.Background(), query)
		if err != nil {
			return rows{}, err
		}
		defer got.Close()
		var out rows
		for _, f := range got.FieldDescriptions() {
			out.columns = append(out.columns, f.Name)
		}
		for got.Next() {
			row, err := got.Values()
			if err != nil {
				return rows{}, err
			}
			out.rows = append(out.rows, row)
		}
		return out, got.Err()
	}
}

func (t *templates) copy(b *testing.B, size int) (string, asker, time.Duration) {
	b.Helper()
	from, took := blankName, time.Duration(0)
	if size > 0 {
		from = fmt.Sprintf("seed_%d_%s", size, t.schema)
		conn := t.connect(b, t.URL)
		var there bool
		if err := conn.QueryRow(b.Context(), "select exists (select from pg_database where datname = $1)", from).Scan(&there); err != nil {
			b.Fatal(err)
		}
		if !there {
			begun := time.Now()
			t.fill(b, from, size)
			took = time.Since(begun)
		}
	}
	name := fmt.Sprintf("run_%d", size)
	t.exec(b, t.URL, "drop database if exists "+name+" with (force)", "create database "+name+" template "+from+t.copying, "checkpoint")
	b.Cleanup(func() { t.dropAtEnd(name) })
	database := t.database(b, name)
	return database, askServer(t.connect(b, database)), took
}

func (t *templates) dropAtEnd(name string) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if conn, err := pgx.Connect(ctx, t.URL); err == nil {
		_, _ = conn.Exec(ctx, "drop database if exists "+name+" with (force)") // the next run does it otherwise
		_ = conn.Close(ctx)
	}
}

// fill makes a database under another name first: what has this name was finished.
func (t *templates) fill(b *testing.B, name string, size int) {
	b.Helper()
	making := "making_" + name
	t.exec(b, t.URL, "drop database if exists "+making, "create database "+making+" template "+blankName)
	conn := t.connect(b, t.database(b, making))
	run := func(query string) {
		if _, err := conn.Exec(b.Context(), query, pgx.QueryExecModeSimpleProtocol); err != nil {
			b.Fatalf("%.60s: %v", query, err)
		}
	}
	// No foreign keys: they are right, and a million look-ups are slow.
	run("set session_replication_role = replica")
	run("set maintenance_work_mem = '256MB'")
	indexes, err := askServer(conn)(`select indexname, indexdef from pg_indexes i where schemaname = 'public' and tablename in ('` + strings.Join(filledTables(), "','") + `')
and not exists (select from pg_constraint c where c.conname = i.indexname)`)
	if err != nil {
		b.Fatal(err)
	}
	for _, i := range indexes.rows {
		run(fmt.Sprintf("drop index %s", i[0]))
	}
	for _, table := range filledTables() {
		c := &caster{table: table, moulds: t.moulds, size: size}
		next := func() ([]any, error) {
			if !c.next() {
				return nil, nil
			}
			return c.row, nil
		}
		if _, err := conn.CopyFrom(b.Context(), pgx.Identifier{table}, t.moulds[0][table].columns, pgx.CopyFromFunc(next)); err != nil {
			b.Fatalf("fill %s: %v", table, err)
		}
	}
	for _, i := range indexes.rows {
		run(fmt.Sprint(i[1]))
	}
	for _, table := range []string{"contacts.id", "conversations.id", "turns.id", "deliveries.seq", "messages.id"} {
		name, column, _ := strings.Cut(table, ".")
		run(fmt.Sprintf("select setval(pg_get_serial_sequence('%s', '%s'), (select max(%s) from %s))", name, column, column, name))
	}
	run("vacuum (analyze, freeze)")
	run("checkpoint")
	conn.Close(b.Context())
	t.exec(b, t.URL, "alter database "+making+" rename to "+name)
}
