package app

import (
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"
	"time"

	"secretaria/internal/conversation"
	"secretaria/internal/event"
	"secretaria/internal/intake"
	"secretaria/internal/job"
	"secretaria/internal/queue"
	"secretaria/internal/ratelimit"
	"secretaria/internal/redis"
	"secretaria/internal/secret"
	"secretaria/internal/telemetry"
)

// openRedis makes the client of what processes share, and the bus. Whether the server is
// there is found out later: nothing waits for it.
func (a *App) openRedis() error {
	if a.o.Redis.IsZero() {
		a.bus = &event.Local{}
		return nil
	}
	var metrics *telemetry.Redis
	c, err := redis.Open(a.o.Redis, redis.Options{Pepper: a.pepper(), Logger: a.log, Failed: func(u redis.Use) { metrics.Failed(string(u)) }})
	if err != nil {
		return err
	}
	uses := []string{}
	for _, u := range redis.Uses() {
		uses = append(uses, string(u))
	}
	metrics = telemetry.NewRedis(a.registry, c.Up, uses)
	a.redis, a.bus = c, c.Bus()
	a.onStop("redis", func(context.Context) error { return c.Close() })
	return nil
}

// pepper is something that all processes of an installation know and nobody else: what their
// webhooks are signed with. It keeps phone numbers from being guessed from Redis' keys.
func (a *App) pepper() []byte {
	sum := sha256.New()
	for _, in := range a.o.Inboxes {
		var known []secret.String
		if in.Whaticket != nil {
			known = append(append(append(known, in.Whaticket.Secrets...), in.Whaticket.WebhookTokens...), in.Whaticket.URLSecrets...)
		} else {
			known = in.Chatwoot.Secrets
		}
		for _, s := range known {
			fmt.Fprintf(sum, "%s\x00%s\x00", in.Name, s.Reveal())
		}
	}
	return sum.Sum(nil)
}

// limiter counts in Redis, where there is one, and else in this process.
func (a *App) limiter(name string, limit int) intake.Limiter {
	if a.redis != nil {
		return a.redis.Limiter(name, limit, a.o.Limits.Window)
	}
	return ratelimit.New(limit, a.o.Limits.Window)
}

// due wakes whoever dispatches: this process, or, where it does not, the others. What is due
// only after their next look by themselves, nobody need be told of: that look finds it, and
// at a thousand webhooks a second looking after each took longer than storing them.
func (a *App) due(lane job.Lane, at time.Time) {
	if time.Until(at) > cmp.Or(a.o.Queue.Sweep, queue.Sweep) {
		return
	}
	if a.o.Role == Web {
		a.bus.Publish(event.Event{Kind: event.Due, Lane: lane})
		return
	}
	a.queue.Wake(lane)
}

// moved says everywhere that a conversation moved on: whoever thinks about it starts over.
func (a *App) moved(id conversation.ID) {
	a.bus.Publish(event.Event{Kind: event.Moved, Conversation: id})
}

// listen acts on events, from here and from other processes.
func (a *App) listen() {
	cancel := a.bus.Subscribe(func(e event.Event) {
		switch e.Kind {
		case event.Due:
			a.queue.Wake(e.Lane)
		case event.Moved:
			a.turns.Stale(e.Conversation)
		}
	})
	a.onStop("events", func(context.Context) error { cancel(); return nil })
}
