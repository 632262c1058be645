package app

import (
	"context"
	"errors"
	"fmt"
	"time"
)

const (
	// stopAway bounds Stop while the database cannot be reached: what waits for it would
	// wait in vain, since nothing of what is under way can be written down any more.
	stopAway = 4 * time.Second
	// lastGrace is what a part has to end when there is no time left.
	lastGrace = 100 * time.Millisecond
)

var errAway = errors.New("the database is away")

// teardown undoes one thing that was built. They run backwards.
type teardown struct {
	name string
	run  func(context.Context) error
}

func (a *App) onStop(name string, run func(context.Context) error) {
	a.building.Lock()
	defer a.building.Unlock()
	a.teardown = append(a.teardown, teardown{name, run})
}

// Stop ends everything that New and Start began, in reverse, within ctx. What was accepted
// is stored; what was under way and could not end is taken up by the next process. That the
// database is away, so that hardly anything can end in good order, is logged and no error.
func (a *App) Stop(ctx context.Context) error {
	away := a.away(ctx)
	if away {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, stopAway, errAway)
		defer cancel()
	}
	var errs []error
	end := func(t teardown) {
		err := a.within(ctx, t.run)
		switch {
		case err == nil:
		case away:
			a.log.Warn("not stopped in good order: the database is away, and the next process takes up what was under way", "part", t.name, "error", err.Error())
		default:
			errs = append(errs, fmt.Errorf("stop %s: %w", t.name, err))
		}
	}
	if a.later != nil {
		end(teardown{"opening of the database", a.later.end}) // nothing is started any more
	}
	a.building.Lock()
	all := a.teardown
	a.teardown = nil
	a.building.Unlock()
	for i := len(all) - 1; i >= 0; i-- {
		end(all[i])
	}
	return errors.Join(errs...)
}

// away says whether the database of several processes does not answer.
func (a *App) away(ctx context.Context) bool {
	if a.store == nil || a.o.Postgres.IsZero() {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	a.building.Lock()
	running := len(a.teardown) > 0
	a.building.Unlock()
	return running && a.store.Ping(ctx) != nil
}

// within runs a part's end, and waits for it no longer than ctx.
func (a *App) within(ctx context.Context, run func(context.Context) error) error {
	ended := make(chan error, 1)
	a.ending.Go(func() { ended <- run(ctx) })
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	grace := time.NewTimer(lastGrace)
	defer grace.Stop()
	select {
	case err := <-ended:
		return err
	case <-grace.C:
		return context.Cause(ctx)
	}
}
