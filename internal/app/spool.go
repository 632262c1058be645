package app

import (
	"context"
	"fmt"
	"time"

	"secretaria/internal/fault"
	"secretaria/internal/spool"
	"secretaria/internal/store"
	"secretaria/internal/store/postgres"
)

// spools says whether this process keeps webhooks while the database is away.
func (o *Options) spools() bool {
	return !o.Postgres.IsZero() && o.Role != Worker && o.Spool.Dir != "" && o.Spool.MaxBytes > 0
}

// openSpool opens what keeps webhooks while PostgreSQL cannot be reached.
func (a *App) openSpool(ctx context.Context) error {
	if !a.o.spools() {
		return nil
	}
	s, err := spool.Open(ctx, spool.Config{Dir: a.o.Spool.Dir, MaxBytes: a.o.Spool.MaxBytes, Logger: a.log, Traces: a.traces})
	if err != nil {
		return fmt.Errorf("SPOOL_DIR: %w", err)
	}
	a.spool = s
	a.onStop("spool", s.Stop)
	return nil
}

// startSpool begins to forward.
func (a *App) startSpool(ctx context.Context) {
	if a.spool == nil {
		return
	}
	a.tendSpool(ctx)
	a.spool.Start(ctx, spool.Forwarding{
		Probe: a.store.Ping,
		Read: func(e spool.Entry) (store.Arrival, error) {
			in := a.intakes[e.Channel]
			if in == nil {
				return store.Arrival{}, fault.New(fault.NotFound, "the channel is not known")
			}
			return in.Read(e)
		},
		Receive: func(ctx context.Context, arrival store.Arrival) ([]store.Result, error) {
			if was, err := a.erasedSince(ctx, arrival); was || err != nil {
				return nil, err
			}
			results, err := a.intakes[arrival.Channel].Receive(ctx, arrival)
			if err == nil {
				a.stored(results)
			}
			return results, err
		},
		Outage: postgres.Outage,
		Stored: a.metrics.Spool.Forwarded.Inc,
	})
}

// checkSpool shows the spool in the health report. That something waits is no failure: the
// database, whose failure it is, has a line of its own.
func (a *App) checkSpool(ctx context.Context) (map[string]any, error) {
	state := a.spool.State()
	fields := map[string]any{"waiting": state.Waiting, "dead": state.Dead, "oldest_age_seconds": age(state.Oldest).Seconds(), "holding": state.Holding}
	return fields, a.spool.Check(ctx)
}

// gaugeSpool shows the spool in the metrics.
func (a *App) gaugeSpool() {
	if a.spool == nil {
		return
	}
	state := a.spool.State()
	a.metrics.Spool.Waiting.Set(float64(state.Waiting))
	a.metrics.Spool.Dead.Set(float64(state.Dead))
	a.metrics.Spool.OldestAge.Set(age(state.Oldest).Seconds())
}

func age(since time.Time) time.Duration {
	if since.IsZero() {
		return 0
	}
	return max(0, time.Since(since).Round(time.Millisecond))
}
