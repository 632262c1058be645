package upgrade

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"secretaria/internal/app"
	"secretaria/internal/fault"
	"secretaria/internal/secret"
)

// Many programs that migrate the same database at once all succeed, from nothing as from
// the oldest release, the queue's tables included.
func TestMigrateTogether(t *testing.T) {
	t.Parallel()
	for _, d := range databases() {
		for _, from := range []string{"", d.versions(t)[0]} {
			t.Run(d.name+"/from "+from, func(t *testing.T) {
				t.Parallel()
				address := d.load(t, "")
				if from != "" {
					address = d.load(t, d.kept(t, from))
				}
				var all sync.WaitGroup
				for range 8 {
					all.Go(func() {
						if err := d.migrate(t.Context(), address); err != nil {
							t.Errorf("migrate beside others: %v", err)
						}
					})
				}
				all.Wait()
				fresh := d.load(t, "")
				must(t, d.migrate(t.Context(), fresh))
				if diff := cmp.Diff(d.describe(t, fresh), d.describe(t, address)); diff != "" {
					t.Errorf("schema (-migrated alone +migrated by many):\n%s", diff)
				}
			})
		}
	}
}

// Web and worker processes that start together on an empty database all come up.
func TestStartTogether(t *testing.T) {
	t.Parallel()
	at := loadPostgres(t, "")
	var all sync.WaitGroup
	for i := range 8 {
		role := []app.Role{app.Web, app.Worker}[i%2]
		all.Go(func() {
			a, err := app.New(t.Context(), app.Options{Host: "127.0.0.1", Postgres: secret.New(at + "&pool_max_conns=8"), Role: role})
			if err != nil {
				t.Errorf("New(%s) beside others: %v", role, err)
				return
			}
			if err := a.Start(t.Context()); err != nil {
				t.Errorf("Start(%s) beside others: %v", role, err)
			}
			if err := a.Stop(context.WithoutCancel(t.Context())); err != nil {
				t.Errorf("Stop(%s): %v", role, err)
			}
		})
	}
	all.Wait()
}

// A database that a newer program has written is refused, with words that help, and is
// left as it was.
func TestDowngrade(t *testing.T) {
	t.Parallel()
	for _, d := range databases() {
		for _, newer := range []struct{ what, sqlite, postgres string }{
			{"schema", "pragma user_version = 999", "update schema_version set version = 999"},
			{"queue", "insert into river_migration (line, version) values ('main', 999)", "insert into river_migration (line, version) values ('main', 999)"},
		} {
			t.Run(d.name+"/"+newer.what, func(t *testing.T) {
				t.Parallel()
				address := d.load(t, d.kept(t, slices.Max(d.versions(t))))
				must(t, d.migrate(t.Context(), address))
				if d.name == "sqlite" {
					execSQLite(t, address, newer.sqlite)
				} else {
					execPostgres(t, address, newer.postgres)
				}
				before := d.describe(t, address)
				err := d.migrate(t.Context(), address)
				if !fault.Is(err, fault.Permanent) {
					t.Errorf("migrate = %v, want a permanent fault", err)
				}
				for _, want := range []string{"999", "newer program", "backup"} {
					if !strings.Contains(fmt.Sprint(err), want) {
						t.Errorf("migrate = %q, which does not mention %q", err, want)
					}
				}
				o := app.Options{Host: "127.0.0.1", Database: address}
				if d.name == "postgres" {
					o.Database, o.Postgres = "", secret.New(address)
				}
				if a, err := app.New(t.Context(), o); err == nil {
					t.Error("a server starts on it")
					_ = a.Stop(context.WithoutCancel(t.Context()))
				}
				if diff := cmp.Diff(before, d.describe(t, address)); diff != "" {
					t.Errorf("schema (-before +after):\n%s", diff)
				}
			})
		}
	}
}

func execSQLite(t *testing.T, path, query string) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path)
	must(t, err)
	defer db.Close()
	_, err = db.ExecContext(t.Context(), query)
	must(t, err)
}

func execPostgres(t *testing.T, at, query string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), at)
	must(t, err)
	defer conn.Close(context.Background())
	_, err = conn.Exec(t.Context(), query)
	must(t, err)
}
