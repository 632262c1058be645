package redis

import (
	"sync"
	"sync/atomic"
	"time"

	"secretaria/internal/fault"
)

const (
	// strikes are the failures in a row after which the server is taken for away.
	strikes = 3
	// awayProbe and idleProbe are how often the server is looked at while it is away, and
	// while it seems to be there: a process that has nothing to do learns it too.
	awayProbe = time.Second
	idleProbe = 5 * time.Second
)

// gate is shut while the server is away. Unlike in a usual breaker no caller is let through
// to see whether it is back: a customer's webhook would wait for a server that is silent.
type gate struct {
	down atomic.Bool
	fell chan struct{}

	mu       sync.Mutex
	seen     bool // the server answered once
	failures int
	since    time.Time // when it went away
}

// judge takes note of how a command ended. Only a probe opens the gate, and a refusal of one
// command is no reason to shut it.
func (c *Client) judge(err error, probe bool) {
	g := &c.gate
	if err == nil && !probe && g.down.Load() {
		return // it was under way when the server went
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	switch kind := fault.KindOf(err); {
	case err == nil:
		g.failures, g.seen = 0, true
		if g.down.CompareAndSwap(true, false) {
			c.log.Info("redis is back", "away_ms", time.Since(g.since).Milliseconds())
		}
		return
	case !probe && (kind == fault.Unsupported || kind == fault.Permanent):
		return
	}
	g.failures++
	if g.seen && g.failures < strikes || g.down.Load() {
		return
	}
	g.since = time.Now()
	g.down.Store(true)
	c.log.Warn("redis is away", "cause", fault.Code(err))
	select {
	case g.fell <- struct{}{}:
	default:
	}
}

// watch looks after the server until Close.
func (c *Client) watch() {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-c.alive.Done():
			return
		case <-c.gate.fell:
			timer.Reset(awayProbe)
			continue
		case <-timer.C:
		}
		wait := idleProbe
		if err := c.Ping(c.alive); err != nil {
			wait = awayProbe
		}
		timer.Reset(wait)
	}
}
