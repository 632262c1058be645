package app

import (
	"context"
	"sync"
	"time"

	"secretaria/internal/store"
)

// beatEvery is how often a process says that it is alive.
const beatEvery = 5 * time.Second

// leaveWithin bounds what a process that ends says about it.
const leaveWithin = time.Second

// presence is what this process tells of its configuration.
type presence struct {
	mu     sync.Mutex
	parts  map[string]string // sealed; nil: to be sealed anew
	change int               // counts what Reload has taken up
}

func (p *presence) told() (parts map[string]string, change int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.parts, p.change
}

// tell keeps what was sealed, unless the configuration has changed meanwhile.
func (p *presence) tell(parts map[string]string, change int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.change == change {
		p.parts = parts
	}
}

// changed lets the next sign of life tell the configuration anew.
func (p *presence) changed() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.parts = nil
	p.change++
}

// present says that the process is alive, and how it is configured.
func (a *App) present(ctx context.Context, now time.Time) error {
	parts, change := a.presence.told()
	if parts == nil {
		var err error
		if parts, err = a.store.Seal(ctx, a.current().Fingerprint()); err != nil {
			return err
		}
		a.presence.tell(parts, change)
	}
	return a.store.Beat(ctx, store.Process{ID: a.id, Role: string(a.o.Role), Version: a.o.Version, Parts: parts}, now)
}

// current are the options with what Reload has taken up.
func (a *App) current() Options {
	a.reloading.Lock()
	defer a.reloading.Unlock()
	o := a.o
	o.Desks = a.now.desks
	o.Inboxes = make([]Inbox, len(a.now.inboxes))
	for i, in := range a.now.inboxes {
		o.Inboxes[i] = in.Inbox
	}
	return o
}

// beat says that the process is alive, now and until Stop. A process that answers nothing goes
// on where that cannot be stored: it is only missed in lists.
func (a *App) beat(ctx context.Context) error {
	if a.beating {
		return nil // what starts after it did not, and is tried again
	}
	worker := a.o.Role != Web
	if err := a.present(ctx, time.Now()); err != nil && worker {
		return err
	}
	loop, stop := context.WithCancel(context.WithoutCancel(ctx))
	a.beating = true
	a.beats.Go(func() {
		tick := time.NewTicker(beatEvery)
		defer tick.Stop()
		for {
			select {
			case <-loop.Done():
				return
			case now := <-tick.C:
				if err := a.present(loop, now); err != nil && loop.Err() == nil && worker {
					a.log.Warn("worker heartbeat failed", "error", err.Error())
				}
			}
		}
	})
	a.onStop("heartbeat", func(ctx context.Context) error {
		stop()
		a.beats.Wait()
		ctx, cancel := context.WithTimeout(ctx, leaveWithin)
		defer cancel()
		// Where it cannot be said, the others notice by the silence.
		_ = a.store.Leave(ctx, a.id)
		return nil
	})
	return nil
}
