package queue_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"secretaria/internal/job"
	"secretaria/internal/queue"
)

// What River keeps of a job that failed says what failed, and nothing of anybody.
func TestFailuresAreKeptMasked(t *testing.T) {
	t.Parallel()
	const number, words = "5511912345678", "quero cancelar tudo"
	for name, c := range map[string]struct {
		turn func() error
		want string
	}{
		"error": {func() error { return errors.New("load " + number) }, "load [telefone]"},
		"panic": {func() error { panic(words + " " + number) }, "panicked: panic of type string"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := build(t, fresh(t), queue.Config{})
			ran := make(chan struct{}, 1)
			b.start(t, queue.Handlers{Turn: func(context.Context, job.Turn) error {
				ran <- struct{}{}
				return c.turn()
			}})
			b.write(t, 1, 0)
			b.q.Wake(job.Turns)
			<-ran
			kept := ""
			tick := time.NewTicker(5 * time.Millisecond)
			defer tick.Stop()
			for kept == "" {
				if err := b.db.QueryRowContext(t.Context(), "select coalesce(max(errors), '') from river_job where state = 'discarded'").Scan(&kept); err != nil {
					t.Fatal(err)
				}
				select {
				case <-tick.C:
				case <-t.Context().Done():
					t.Fatal("the job was not recorded")
				}
			}
			if !strings.Contains(kept, c.want) || strings.Contains(kept, number) || strings.Contains(kept, words) {
				t.Errorf("kept %s, want %q", kept, c.want)
			}
		})
	}
}
