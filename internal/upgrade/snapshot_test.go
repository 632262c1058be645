package upgrade

import (
	"bytes"
	"context"
	"database/sql"
	"flag"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"secretaria/internal/queue"
	"secretaria/internal/store/postgres"
	"secretaria/internal/store/postgres/postgrestest"
	"secretaria/internal/store/sqlite"
)

var snapshot = flag.String("snapshot", "", "the version whose databases TestSnapshot is to keep")

// database is one of the two: how its snapshots are made, loaded and looked at.
type database struct {
	name string
	// open opens the store of a migrated database, which the test closes; dump is what is in it.
	open func(t *testing.T, address string) *memory
	dump func(t *testing.T, address string) string
	// load makes a database of a dump; "" makes an empty one. It returns its address.
	load func(t *testing.T, dump string) string
	// migrate brings it to today, queue included.
	migrate func(ctx context.Context, address string) error
	// describe is its schema in words, one line for each column, index and constraint.
	describe func(t *testing.T, address string) []string
}

func databases() []database {
	return []database{
		{"sqlite", openSQLite, dumpSQLite, loadSQLite, migrateSQLite, describeSQLite},
		{"postgres", openPostgres, dumpPostgres, loadPostgres, migratePostgres, describePostgres},
	}
}

func (d database) released() string {
	return filepath.Join("..", "store", d.name, "testdata", "released")
}

// TestSnapshot makes the databases of this version and their dumps, and checks that these
// hold all of them. With -snapshot it keeps them, as those of a version that is about to be
// released.
func TestSnapshot(t *testing.T) {
	t.Parallel()
	if *snapshot != "" && !regexp.MustCompile(`^\d+\.\d+\.\d+$`).MatchString(*snapshot) {
		t.Fatalf("-snapshot %q is not a version such as 1.2.3", *snapshot)
	}
	for _, d := range databases() {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			address := d.load(t, "")
			must(t, d.migrate(t.Context(), address))
			want := d.describe(t, address)
			m := d.open(t, address)
			live(t, m)
			must(t, m.Close())
			dump := d.dump(t, address)
			copied := d.load(t, dump)
			if diff := cmp.Diff(want, d.describe(t, copied)); diff != "" {
				t.Errorf("schema (-of the database +of its dump, loaded):\n%s", diff)
			}
			if *snapshot != "" {
				d.keep(t, dump)
			}
		})
	}
}

func (d database) keep(t *testing.T, dump string) {
	t.Helper()
	path := filepath.Join(d.released(), *snapshot, "dump.sql")
	if _, err := os.Stat(path); err == nil {
		t.Fatalf("%s is there already: what was released does not change", path)
	}
	must(t, os.MkdirAll(filepath.Dir(path), 0o755))
	must(t, os.WriteFile(path, []byte(dump), 0o644))
	t.Logf("%s: %d bytes", path, len(dump))
}

func openSQLite(t *testing.T, path string) *memory {
	db, err := sqlite.Open(t.Context(), path, true)
	must(t, err)
	_, enqueue, err := queue.SQLite(db.Writer(), queue.Config{})
	must(t, err)
	m := newMemory()
	m.Store, err = sqlite.New(t.Context(), db, noting(m, enqueue))
	must(t, err)
	return m
}

// dumpSQLite is what the sqlite3 program's .dump writes, and the schema's version. An index of
// words makes its own tables, and is made anew from those it is about.
func dumpSQLite(t *testing.T, path string) string {
	db, err := sql.Open("sqlite", "file:"+path)
	must(t, err)
	defer db.Close()
	var out strings.Builder
	out.WriteString("pragma foreign_keys = off;\nbegin;\n")
	for _, row := range rows(t, db, `select s.type, s.name, s.sql, coalesce(l.type, '') from sqlite_schema s left join pragma_table_list l on l.schema = 'main' and l.name = s.name
		where s.name not like 'sqlite_%' and s.sql is not null and coalesce(l.type, '') <> 'shadow' order by s.type <> 'table', s.rowid`) {
		fmt.Fprintf(&out, "%s;\n", row[2])
		if row[0] != "table" || row[3] == "virtual" {
			continue
		}
		var columns []string
		for _, c := range rows(t, db, "select name from pragma_table_info('"+row[1]+"')") {
			columns = append(columns, `quote("`+c[0]+`")`)
		}
		for _, values := range rows(t, db, "select "+strings.Join(columns, " || ', ' || ")+` from "`+row[1]+`"`) {
			fmt.Fprintf(&out, "insert into %q values (%s);\n", row[1], values[0])
		}
	}
	for _, row := range rows(t, db, "select name, cast(seq as text) from sqlite_sequence order by name") {
		fmt.Fprintf(&out, "update sqlite_sequence set seq = %s where name = '%s';\n", row[1], row[0])
	}
	version := rows(t, db, "select cast(user_version as text) from pragma_user_version")
	fmt.Fprintf(&out, "pragma user_version = %s;\ncommit;\n", version[0][0])
	return out.String()
}

func rows(t *testing.T, db *sql.DB, query string) (out [][]string) {
	t.Helper()
	found, err := db.QueryContext(t.Context(), query)
	must(t, err)
	defer found.Close()
	columns, err := found.Columns()
	must(t, err)
	for found.Next() {
		row := make([]string, len(columns))
		into := make([]any, len(columns))
		for i := range row {
			into[i] = &row[i]
		}
		must(t, found.Scan(into...))
		out = append(out, row)
	}
	must(t, found.Err())
	return out
}

func loadSQLite(t *testing.T, dump string) string {
	path := filepath.Join(t.TempDir(), "secretaria.db")
	if dump == "" {
		return path
	}
	db, err := sql.Open("sqlite", "file:"+path)
	must(t, err)
	defer db.Close()
	_, err = db.ExecContext(t.Context(), dump)
	must(t, err)
	return path
}

func migrateSQLite(ctx context.Context, path string) error {
	db, err := sqlite.Open(ctx, path, false)
	if err != nil {
		return err
	}
	defer db.Close()
	if _, err := db.Migrate(ctx); err != nil {
		return err
	}
	return queue.MigrateSQLite(ctx, db.Writer())
}

func openPostgres(t *testing.T, at string) *memory {
	db, err := postgres.Open(t.Context(), at)
	must(t, err)
	_, enqueue, err := queue.Postgres(db.Pool(), queue.Config{})
	must(t, err)
	m := newMemory()
	m.Store, err = postgres.New(t.Context(), db, noting(m, enqueue))
	must(t, err)
	return m
}

// dumpPostgres is what pg_dump writes, for whatever schema it is loaded into.
func dumpPostgres(t *testing.T, at string) string {
	u, err := url.Parse(at)
	must(t, err)
	q := u.Query()
	schema := q.Get("search_path")
	q.Del("search_path") // not a setting of libpq's
	u.RawQuery = q.Encode()
	cmd := exec.CommandContext(t.Context(), "pg_dump", "--no-owner", "--no-privileges", "--inserts", "--rows-per-insert=100", "--schema", schema, "--dbname", u.String())
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	text, err := cmd.Output()
	if err != nil {
		t.Fatalf("pg_dump: %v\n%s", err, &stderr)
	}
	var out strings.Builder
	for line := range strings.Lines(strings.ReplaceAll(string(text), schema+".", "")) {
		switch start, _, _ := strings.Cut(line, " "); {
		case start == "SET", strings.HasPrefix(line, "--"), strings.HasPrefix(line, `\`), strings.HasPrefix(line, "CREATE SCHEMA"),
			strings.HasPrefix(line, "SELECT pg_catalog.set_config"), line == "\n":
		default:
			out.WriteString(line)
		}
	}
	return out.String()
}

func loadPostgres(t *testing.T, dump string) string {
	at := postgrestest.URL(t)
	if dump == "" {
		return at
	}
	conn, err := pgx.Connect(t.Context(), at)
	must(t, err)
	defer conn.Close(context.Background())
	// Functions may be about tables that come after them.
	_, err = conn.Exec(t.Context(), "set check_function_bodies = off; "+dump, pgx.QueryExecModeSimpleProtocol)
	must(t, err)
	return at
}

func migratePostgres(ctx context.Context, at string) error {
	db, err := postgres.Open(ctx, at)
	if err != nil {
		return err
	}
	defer db.Close()
	if _, err := db.Migrate(ctx); err != nil {
		return err
	}
	return queue.MigratePostgres(ctx, db.Pool())
}
