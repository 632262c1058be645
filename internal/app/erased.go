package app

import (
	"context"
	"strings"
	"sync"
	"time"

	"secretaria/internal/channel"
	"secretaria/internal/jsontree"
	"secretaria/internal/phone"
	"secretaria/internal/spool"
	"secretaria/internal/store"
)

// tendEvery is how often what was set aside in the spool is looked through.
const tendEvery = 5 * time.Second

// erasedSince says that a webhook came from somebody who was erased after it had arrived: to
// store it now would bring them back.
func (a *App) erasedSince(ctx context.Context, arrival store.Arrival) (bool, error) {
	for _, ev := range arrival.Events {
		if was, err := a.store.WasErased(ctx, arrival.Inbox, ev.Contact.Identities, arrival.Now); was || err != nil {
			return was, err
		}
	}
	return false, nil
}

// tendSpool drops from what was set aside what came from people who have been erased, and what
// was kept long enough, until Stop.
func (a *App) tendSpool(ctx context.Context) {
	loop, stop := context.WithCancel(context.WithoutCancel(ctx))
	var done sync.WaitGroup
	done.Go(func() {
		tick := time.NewTicker(tendEvery)
		defer tick.Stop()
		for {
			select {
			case <-loop.Done():
				return
			case now := <-tick.C:
				if a.spool.State().Dead > 0 {
					a.tend(loop, now)
				}
			}
		}
	})
	a.onStop("spool's tender", func(context.Context) error {
		stop()
		done.Wait()
		return nil
	})
}

func (a *App) tend(ctx context.Context, now time.Time) {
	var before time.Time
	if keep := a.o.Retention.Webhooks; keep > 0 {
		before = now.Add(-keep)
	}
	var failed error
	n, err := a.spool.Drop(ctx, before, func(e spool.Entry) bool {
		if failed != nil {
			return false
		}
		was, err := a.store.WasErased(ctx, e.Inbox, a.idsOf(e), e.Received)
		failed = err
		return was
	})
	if err == nil {
		err = failed
	}
	if n > 0 {
		a.log.Info("spooled webhooks dropped", "dropped", n)
	}
	if err != nil && ctx.Err() == nil {
		a.log.Warn("spool cannot be looked through", "error", err.Error())
	}
}

// idsOf are the ids of whom a spooled webhook is about.
func (a *App) idsOf(e spool.Entry) []channel.Identity {
	var ids []channel.Identity
	if in := a.intakes[e.Channel]; in != nil {
		if arrival, err := in.Read(e); err == nil {
			for _, ev := range arrival.Events {
				ids = append(ids, ev.Contact.Identities...)
			}
		}
	}
	return append(ids, Numbers(e.Body)...)
}

// Numbers are the ids that numbers in a webhook could be, for one that nobody can read any
// more: telephone numbers and WhatsApp's hidden ids, wherever they stand.
func Numbers(body []byte) (ids []channel.Identity) {
	for _, text := range jsontree.Texts(body, func(s string) bool { return len(s) >= 8 && len(s) <= 64 && len(phone.Digits(s)) >= 8 }) {
		if e164, ok := phone.Canonical(text, "55"); ok {
			ids = append(ids, channel.Identity{Kind: channel.Phone, Value: e164})
		}
		digits := phone.Digits(text)
		if strings.HasSuffix(text, "@lid") {
			ids = append(ids, channel.Identity{Kind: channel.LID, Value: digits})
		}
		ids = append(ids, channel.Identity{Kind: channel.RawNumber, Value: digits})
	}
	return ids
}
