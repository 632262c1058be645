package postgrestest_test

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"secretaria/internal/store/postgres/postgrestest"
)

func TestDisturb(t *testing.T) {
	t.Parallel()
	s := postgrestest.Start(t)
	ask := func(within time.Duration, query string) error {
		ctx, cancel := context.WithTimeout(t.Context(), within)
		defer cancel()
		conn, err := pgx.Connect(ctx, s.URL)
		if err != nil {
			return err
		}
		defer conn.Close(context.WithoutCancel(ctx))
		_, err = conn.Exec(ctx, query)
		return err
	}
	if err := ask(10*time.Second, "create table kept (n int); insert into kept values (1)"); err != nil {
		t.Fatalf("write before the crash = %v, want no error", err)
	}
	s.Kill()
	s.Kill()
	if err := ask(10*time.Second, "select 1"); err == nil {
		t.Error("ask a killed server = nil, want an error")
	}
	s.Restart(t)
	if err := ask(10*time.Second, "update kept set n = 1 / count from (select count(*) from kept) c"); err != nil {
		t.Errorf("read after the restart = %v, want what was written", err)
	}
	s.Freeze(t)
	if err := ask(300*time.Millisecond, "select 1"); err == nil {
		t.Error("ask a frozen server = nil, want an error")
	}
	s.Thaw(t)
	if err := ask(10*time.Second, "select 1"); err != nil {
		t.Errorf("ask a thawed server = %v, want no error", err)
	}
	s.Freeze(t)
	s.Stop()
	if err := ask(10*time.Second, "select 1"); err == nil {
		t.Error("ask a server stopped while frozen = nil, want an error")
	}
}
