package app

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"secretaria/internal/channel"
	"secretaria/internal/conversation"
	"secretaria/internal/store"
)

// People implements store.Store.
func (m *memory) People(ctx context.Context, f store.PersonFilter) ([]store.Person, error) {
	return with(m, func(s store.Store) ([]store.Person, error) { return s.People(ctx, f) })
}

// Dossier implements store.Store.
func (m *memory) Dossier(ctx context.Context, id conversation.ContactID) (store.Dossier, error) {
	return with(m, func(s store.Store) (store.Dossier, error) { return s.Dossier(ctx, id) })
}

// Erase implements store.Store.
func (m *memory) Erase(ctx context.Context, e store.Erasure) (store.Erased, error) {
	return with(m, func(s store.Store) (store.Erased, error) { return s.Erase(ctx, e) })
}

// WasErased implements store.Store.
func (m *memory) WasErased(ctx context.Context, inbox string, ids []channel.Identity, at time.Time) (bool, error) {
	return with(m, func(s store.Store) (bool, error) { return s.WasErased(ctx, inbox, ids, at) })
}

// Sweep implements store.Store.
func (m *memory) Sweep(ctx context.Context, w store.Sweep) (store.Swept, error) {
	return with(m, func(s store.Store) (store.Swept, error) { return s.Sweep(ctx, w) })
}

// Note implements store.Store.
func (m *memory) Note(ctx context.Context, a store.Act) error {
	return m.do(func(s store.Store) error { return s.Note(ctx, a) })
}

// Acts implements store.Store.
func (m *memory) Acts(ctx context.Context, f store.ActFilter) ([]store.Act, error) {
	return with(m, func(s store.Store) ([]store.Act, error) { return s.Acts(ctx, f) })
}

// Scrub implements store.Store.
func (m *memory) Scrub(ctx context.Context) error {
	return m.do(func(s store.Store) error { return s.Scrub(ctx) })
}

const (
	// sweepBatch bounds the rows of one step, and sweepPause is for those who wait for the
	// database meanwhile.
	sweepBatch = 200
	sweepPause = 20 * time.Millisecond
)

// retain removes what is older than it may be, soon after the start and then every so often,
// until Stop. Several workers may do so at once: what one has removed, the others do not find.
func (a *App) retain(ctx context.Context) {
	if a.o.Retention.Messages <= 0 && a.o.Retention.Audit <= 0 {
		return
	}
	loop, stop := context.WithCancel(context.WithoutCancel(ctx))
	var done sync.WaitGroup
	done.Go(func() {
		next := time.NewTimer(min(a.o.Retention.Every, time.Minute))
		defer next.Stop()
		for {
			select {
			case <-loop.Done():
				return
			case <-next.C:
				a.sweep(loop)
				next.Reset(a.o.Retention.Every)
			}
		}
	})
	a.onStop("retention", func(context.Context) error {
		stop()
		done.Wait()
		return nil
	})
}

// sweep removes all that is too old, in batches.
func (a *App) sweep(ctx context.Context) {
	began := time.Now()
	removed := map[string]int64{}
	next := &store.Sweep{Now: began, Messages: a.o.Retention.Messages, Audit: a.o.Retention.Audit, Batch: sweepBatch}
	for next != nil {
		out, err := a.store.Sweep(ctx, *next)
		if err != nil {
			if ctx.Err() == nil {
				a.log.Warn("retention interrupted", "stage", next.Stage, "error", err.Error())
			}
			return
		}
		for _, c := range out.Removed {
			removed[c.Table] += c.Rows
		}
		next = out.Next
		select {
		case <-ctx.Done():
			return
		case <-time.After(sweepPause):
		}
	}
	if len(removed) == 0 {
		return
	}
	attrs := []any{"duration_ms", time.Since(began).Milliseconds()}
	for _, table := range slices.Sorted(maps.Keys(removed)) {
		attrs = append(attrs, table, removed[table])
	}
	a.log.Info("retention ended", attrs...)
}
