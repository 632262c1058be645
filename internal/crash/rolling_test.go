package crash

import (
	"testing"
	"time"

	"secretaria/internal/porttest"
)

// TestRollingRestart replaces every process, one after the other, while customers write: as
// an orchestrator does that starts the new one first, and as one does that has no room for
// both. Whoever sends webhooks goes to another process when a connection is refused, and
// repeats nothing else.
func TestRollingRestart(t *testing.T) {
	t.Parallel()
	for name, newFirst := range map[string]bool{"new first": true, "old first": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path, err := built()
			must(t, err)
			const customers, each = 40, 8
			w := newTown(t, 1, customers, each)
			w.balancer.strict = true
			h := shared(t, w, &program{path: path})
			c := campaign{house: h, town: w, seed: 1, kills: map[moment]int{}, missed: map[moment]int{}}
			work := w.begin(t.Context())
			done := make(chan struct{})
			stopped := make(chan struct{})
			go func() {
				defer close(done)
				// About 50 messages a second, until every process has been replaced.
				tick := time.NewTicker(20 * time.Millisecond)
				defer tick.Stop()
				for i := 0; ; i++ {
					select {
					case <-stopped:
						return
					case <-tick.C:
					}
					who := w.customers[i%customers]
					if len(who.todo) < each {
						work.give(who, letter{delivery: once, route: i})
					}
				}
			}()
			for _, old := range h.places {
				c.until("the program to be at work", promised, func() bool { return w.gate.said.Load() > 0 })
				before := w.model.answered.Load()
				was := *old
				old.run = nil
				if newFirst {
					old.dir, old.port = t.TempDir(), porttest.Free(t)
					h.start(old)
				}
				// Out of the balancer before it is told to stop.
				h.announce()
				c.until("the balancer to leave it alone", promised, func() bool { return w.balancer.idle(was.url()) })
				h.stopOne(&was)
				if !newFirst {
					h.start(old)
					h.announce()
				}
				c.until("the program to go on", promised, func() bool { return w.model.answered.Load() > before+5 })
			}
			close(stopped)
			<-done
			w.end(work)
			c.written = time.Now()
			c.settle()
			result := c.check()
			for _, lost := range w.balancer.lostBySenders() {
				t.Errorf("a sender lost a webhook: %s", lost)
			}
			if result.handedOver > 0 || result.givenUp+result.triedUp > 0 || w.balancer.refused.Load() > 0 {
				t.Errorf("%d messages handed over, %d given up, %d refused, want none", result.handedOver, result.givenUp+result.triedUp, w.balancer.refused.Load())
			}
			for d, n := range result.repeats {
				t.Errorf("%d answers were repeated in %s, want none", n, d)
			}
			h.stop()
			h.program.checkLog(t, w.forbidden())
			t.Logf("%d messages, %d answers, slowest acknowledgement %s, slowest answer after the last start %s", result.written, result.answers,
				time.Duration(w.balancer.slowest.Load()).Round(time.Millisecond), result.slowest.Round(time.Millisecond))
		})
	}
}

// stopOne ends a process in good order.
func (h *house) stopOne(p *place) {
	h.t.Helper()
	h.town.note(nil, "%s is told to stop", p)
	told := time.Now()
	p.run.stop(h.t)
	p.run = nil
	h.town.note(nil, "%s has stopped", p)
	h.t.Logf("%s stopped within %s", p, time.Since(told).Round(time.Millisecond))
}
