package command_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"secretaria/internal/store/postgres/postgrestest"
)

// configured writes a configuration into a folder of its own, and returns the folder.
func configured(t *testing.T, yaml string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "secretaria.yaml"), []byte(yaml), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// Two processes on one PostgreSQL, as different hands have configured them.
func TestDoctorFindsDifferentConfigurations(t *testing.T) {
	t.Parallel()
	environ := []string{"DATABASE_URL=" + postgrestest.URL(t), "SHARED_SECRET=a-long-enough-secret", "APP_HOST=127.0.0.1"}
	const desks = "desks:\n  financeiro:\n    like: secretaria\n    keywords: [atendente]\n"
	one := configured(t, desks)
	same := configured(t, "# written in another way\n"+strings.ReplaceAll(desks, "[atendente]", "atendente")+"limits: {}\n")
	other := configured(t, strings.Replace(desks, "atendente", "humano", 1)+"limits:\n  whaticket_per_contact: 7\n")

	start(t, one, environ, "serve", "--role", "worker", "--port", "0").port(t)
	finds(t, one, environ, "processes", "ok", "1 process (worker) runs with this configuration")
	finds(t, other, environ, "processes", "note", "1 process (worker) runs with another configuration than the one here; they differ in desks.financeiro, limits",
		"start the server anew", "reinicie o servidor")

	start(t, same, environ, "serve", "--role", "web", "--port", "0").port(t)
	finds(t, one, environ, "processes", "ok", "2 processes (web, worker) run with this configuration")

	third := start(t, other, environ, "serve", "--role", "web", "--port", "0")
	third.port(t)
	for _, dir := range []string{one, other} {
		finds(t, dir, environ, "processes", "problem", "3 processes (web, web, worker) run on this database with different configurations; they differ in desks.financeiro, limits",
			"the same .env and secretaria.yaml", "o mesmo .env e secretaria.yaml")
	}

	// Who has ended is not compared any more.
	third.stop()
	third.until(t, `"msg":"stopped"`)
	finds(t, one, environ, "processes", "ok", "2 processes (web, worker) run with this configuration")
}

func TestDoctorNotesDifferentVersions(t *testing.T) {
	t.Parallel()
	environ := []string{"DATABASE_URL=" + postgrestest.URL(t), "SHARED_SECRET=a-long-enough-secret", "APP_HOST=127.0.0.1"}
	dir := t.TempDir()
	start(t, dir, environ, "serve", "--role", "worker", "--port", "0").port(t)
	c := connected(t, environ)
	if _, err := c.Exec(t.Context(), "insert into workers (id, at, version) select 'another', at + 3600000, '0.1.0' from workers"); err != nil {
		t.Fatal(err)
	}
	finds(t, dir, environ, "processes", "note", "different versions: 0.1.0, ", "let the upgrade come to its end", "termine a atualização")

	// Of another version a part is a part that nobody else has. It is not compared.
	if _, err := c.Exec(t.Context(), `update workers set version = '0.3.0', parts = '{"desks.sdr": "a", "new": "b"}' where id = 'another'`); err != nil {
		t.Fatal(err)
	}
	finds(t, dir, environ, "processes", "note", "different versions: 0.3.0, ", "let the upgrade come to its end")

	// 0.1.0 tells not even its version.
	if _, err := c.Exec(t.Context(), "update workers set version = '', parts = '' where id = 'another'"); err != nil {
		t.Fatal(err)
	}
	finds(t, dir, environ, "processes", "note", "different versions: 0.1.0 or older, ", "let the upgrade come to its end")
}

// Only what runs in the program's own version can be compared with what lies here.
func TestDoctorComparesOneVersion(t *testing.T) {
	t.Parallel()
	environ := []string{"DATABASE_URL=" + postgrestest.URL(t), "SHARED_SECRET=a-long-enough-secret"}
	dir := t.TempDir()
	if got := run(t, dir, environ, "migrate"); got.code != 0 {
		t.Fatalf("migrate: %v", got)
	}
	c := connected(t, environ)
	later := time.Now().Add(time.Hour).UnixMilli()
	if _, err := c.Exec(t.Context(), `insert into workers (id, at, role, version, parts) values ('one', $1, 'worker', '0.3.0', '{"turns": "a"}'), ('two', $1, 'web', '0.3.0', '{"turns": "a"}')`, later); err != nil {
		t.Fatal(err)
	}
	finds(t, dir, environ, "processes", "note", "2 processes (web, worker) run in version 0.3.0, and this program is ", "start the server anew with this program", "reinicie o servidor com este programa")
	if _, err := c.Exec(t.Context(), `update workers set parts = '{"turns": "b"}' where id = 'two'`); err != nil {
		t.Fatal(err)
	}
	finds(t, dir, environ, "processes", "problem", "with different configurations; they differ in turns", "the same .env and secretaria.yaml")
}

func TestDoctorFindsMissingMigrationsOfPostgres(t *testing.T) {
	t.Parallel()
	environ := []string{"DATABASE_URL=" + postgrestest.URL(t), "SHARED_SECRET=a-long-enough-secret"}
	dir := t.TempDir()
	finds(t, dir, environ, "database", "problem", "schema version 0", "run secretaria migrate", "rode secretaria migrate")
	if got := run(t, dir, environ, "migrate"); got.code != 0 {
		t.Fatalf("migrate: %v", got)
	}
	c := connected(t, environ)
	var version int
	if err := c.QueryRow(t.Context(), "select version from schema_version").Scan(&version); err != nil {
		t.Fatal(err)
	}
	set := func(v int) {
		if _, err := c.Exec(t.Context(), "update schema_version set version = $1", v); err != nil {
			t.Fatal(err)
		}
	}
	for _, v := range []int{version - 1, version + 1} {
		set(v)
		finds(t, dir, environ, "database", "problem", fmt.Sprintf("schema version %d", v), "run secretaria migrate", "rode secretaria migrate")
	}
	set(version)
	finds(t, dir, environ, "database", "ok", "of this program's version")
}

// connected is a connection to the database of an environment.
func connected(t *testing.T, environ []string) *pgx.Conn {
	t.Helper()
	c, err := pgx.Connect(t.Context(), strings.TrimPrefix(environ[0], "DATABASE_URL="))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close(context.WithoutCancel(t.Context())) })
	return c
}
