package crash

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

const (
	// promised is how long after the last restart everybody has an answer.
	promised = 30 * time.Second
	// reach is how long a blow waits for its moment before it falls all the same.
	reach = 1500 * time.Millisecond
	// frozen is how long a process stands still: longer than any lease.
	frozen = 11 * time.Second
)

// small is what runs with all other tests.
func small() size { return size{messages: 1000, conversations: 200, kills: 30} }

// TestCampaign lets customers write while the program is killed, again and again, on each
// step of the way of a message, and while what it depends on fails. In the end everybody has
// what they were promised. CRASH_SEED repeats a plan, as far as the machine lets it;
// CRASH_MESSAGES, CRASH_CONVERSATIONS and CRASH_KILLS make it longer, CRASH_DATABASE chooses
// the database.
func TestCampaign(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	setting(t, "CRASH_SEED", &seed)
	s := small()
	setting(t, "CRASH_MESSAGES", &s.messages)
	setting(t, "CRASH_CONVERSATIONS", &s.conversations)
	setting(t, "CRASH_KILLS", &s.kills)
	if s.kills < 1 || s.conversations < 4 || s.messages < 2*s.conversations {
		t.Fatalf("%+v: want a kill, 4 conversations, and twice as many messages", s)
	}
	only := os.Getenv("CRASH_DATABASE")
	for name, open := range map[string]func(*testing.T, *town, *program) *house{"embedded": embedded, "postgres": shared} {
		if only != "" && only != name {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			t.Logf("CRASH_SEED=%d CRASH_DATABASE=%s CRASH_MESSAGES=%d CRASH_CONVERSATIONS=%d CRASH_KILLS=%d", seed, name, s.messages, s.conversations, s.kills)
			path, err := built()
			must(t, err)
			w := newTown(t, seed, s.conversations, s.messages)
			h := open(t, w, &program{path: path})
			begun := time.Now()
			c := campaign{house: h, town: w, seed: seed, size: s, kills: map[moment]int{}, missed: map[moment]int{}}
			c.run(draw(seed, s))
			c.settle()
			result := c.check()
			h.stop()
			h.program.checkLog(t, w.forbidden())
			t.Log("\n" + c.table(result, time.Since(begun)))
		})
	}
}

// setting reads a number from the environment, where it is set.
func setting[T int | uint64](t *testing.T, name string, into *T) {
	t.Helper()
	if s := os.Getenv(name); s != "" {
		n, err := strconv.ParseUint(s, 10, 64)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		*into = T(n)
	}
}

// campaign is one run of a plan.
type campaign struct {
	house *house
	town  *town
	seed  uint64
	size  size

	kills, missed    map[moment]int // missed: the moment did not come in time
	killed           int            // processes
	databases, redis int            // times they went away
	frozen           int            // workers
	away             bool           // Redis
	written          time.Time      // when everybody had written everything
}

// run carries the plan out.
func (c *campaign) run(plan []blow) {
	c.house.t.Helper()
	work := c.town.begin(c.house.t.Context())
	for i := range plan {
		c.strike(&plan[i], work)
		// Nobody writes so much faster than the program may answer that the rest of the plan
		// would fall on a backlog alone.
		c.thaw(frozen)
		c.until("customers to write", promised, func() bool { return work.waiting.Load() <= int64(2*len(plan[i].letters)) })
	}
	c.until("frozen processes", frozen+promised, func() bool { c.thaw(frozen); return c.icy() == nil })
	c.town.balancer.deaf.Store(false)
	if c.away {
		c.house.redis.Restart(c.house.t)
	}
	c.town.end(work)
	c.written = time.Now()
}

// strike lets customers write, and kills when the moment has come.
func (c *campaign) strike(b *blow, work *writing) {
	c.house.t.Helper()
	w, h := c.town, c.house
	w.balancer.deaf.Store(b.lostEcho)
	var full <-chan struct{}
	if b.moment == whileSending {
		full = w.gate.hold(b.after, b.stored)
	}
	acks, asked, answered := w.balancer.acks.Load(), w.model.asked.Load(), w.model.answered.Load()
	for _, l := range b.letters {
		work.give(w.customers[l.customer], l)
	}
	c.kills[b.moment]++
	switch b.moment {
	case betweenAcks:
		c.await(b, func() bool { return w.balancer.acks.Load()-acks >= int64(b.after) })
	case whileThinking:
		c.await(b, func() bool { return w.model.asked.Load()-asked >= int64(b.after) })
	case whileDeciding:
		c.await(b, func() bool { return w.model.answered.Load()-answered >= int64(b.after) })
	case whileSending:
		c.await(b, func() bool {
			select {
			case <-full:
				return true
			default:
				return false
			}
		})
	case anyTime:
		c.pass(b.pause)
	}
	w.note(nil, "blow %s, after %d (stored: %v)", b.moment, b.after, b.stored)
	victims := c.victims(b)
	if b.freeze && c.icy() == nil {
		if i := slices.IndexFunc(h.places, func(p *place) bool { return p.role == "worker" && !slices.Contains(victims, p) }); i >= 0 {
			h.freeze(h.places[i])
			c.frozen++
		}
	}
	for _, p := range victims {
		h.kill(p)
		c.killed++
	}
	w.gate.release()
	if b.database && h.postgres != nil {
		h.restartDatabase()
		c.databases++
	}
	if c.away && !b.redis {
		h.redis.Restart(h.t)
		c.away = false
		w.note(nil, "Redis is started")
	}
	if b.redis && !c.away && h.redis != nil {
		h.redis.Stop()
		c.away = true
		c.redis++
		w.note(nil, "Redis is stopped")
	}
	c.pass(b.staysDown)
	for _, p := range victims {
		h.start(p)
	}
}

// victims chooses whom a blow hits: nobody who is frozen, since that is yet to come back.
func (c *campaign) victims(b *blow) []*place {
	if p := c.icy(); p != nil {
		return slices.DeleteFunc(c.chosen(b), func(v *place) bool { return v == p })
	}
	return c.chosen(b)
}

// icy is the process that stands still, nil when all of them move.
func (c *campaign) icy() *place {
	for _, p := range c.house.places {
		if !p.frozen.IsZero() {
			return p
		}
	}
	return nil
}

// thaw wakes the process that has stood still for long enough.
func (c *campaign) thaw(after time.Duration) {
	if p := c.icy(); p != nil && time.Since(p.frozen) > after {
		c.house.thaw(p)
	}
}

func (c *campaign) chosen(b *blow) []*place {
	h := c.house
	webs, workers := h.of((*place).web), h.of((*place).worker)
	switch {
	case b.all:
		return slices.Clone(h.places)
	case b.moment == betweenAcks, b.moment == anyTime && b.either:
		return []*place{webs[b.web%len(webs)]}
	}
	if p := c.icy(); p != nil && len(workers) > 1 {
		workers = slices.DeleteFunc(workers, func(w *place) bool { return w == p })
	}
	return []*place{workers[b.worker%len(workers)]}
}

// await waits for a moment, as long as there is hope.
func (c *campaign) await(b *blow, come func() bool) {
	if !poll(reach, come) {
		c.missed[b.moment]++
	}
}

// pass lets time go by.
func (c *campaign) pass(d time.Duration) { poll(d, func() bool { return false }) }

// poll looks for something that nothing announces.
func poll(within time.Duration, come func() bool) bool {
	deadline := time.After(within)
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !come() {
		select {
		case <-tick.C:
		case <-deadline:
			return come()
		}
	}
	return true
}

// until waits for something that must come.
func (c *campaign) until(what string, within time.Duration, come func() bool) {
	c.house.t.Helper()
	if !poll(within, come) {
		c.house.t.Fatalf("CRASH_SEED=%d: waited in vain for %s\n%s", c.seed, what, c.example())
	}
}

// example is the timeline of somebody who was not answered.
func (c *campaign) example() string {
	missing := c.town.unanswered()
	if len(missing) == 0 {
		return "everybody is answered"
	}
	return fmt.Sprintf("unanswered: %v\n%s", missing, c.town.timeline(c.town.by(missing[:1]), c.house.program))
}

// settle waits until everybody is answered and nothing is left to do. The bound is what is
// promised, from the last restart or the last message on.
func (c *campaign) settle() {
	t := c.house.t
	t.Helper()
	from := c.house.last
	if c.written.After(from) {
		from = c.written
	}
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for len(c.town.unanswered()) > 0 {
		<-tick.C
		if time.Since(from) > promised {
			// Those that are lost on the inbox that cannot be asked are excused by check.
			break
		}
	}
	// What is left may only be work that no customer waits for.
	c.until("the end of all work", 5*promised, func() bool { return c.house.queued() == 0 })
}

// table is the summary.
func (c *campaign) table(r result, took time.Duration) string {
	var out strings.Builder
	row := func(name string, format string, args ...any) {
		fmt.Fprintf(&out, "%-34s %s\n", name, fmt.Sprintf(format, args...))
	}
	w := c.town
	row("seed", "%d", c.seed)
	row("took", "%s", took.Round(100*time.Millisecond))
	row("messages", "%d of %d customers", r.written, len(w.customers))
	row("acknowledged, refused", "%d, %d; slowest %s", r.acknowledged, w.balancer.refused.Load(), time.Duration(w.balancer.slowest.Load()).Round(time.Millisecond))
	row("webhooks repeated, overtaken", "%d, %d", w.balancer.repeated.Load(), r.overtaken)
	row("kills", "%d, of %d processes, %d started", c.size.kills, c.killed, c.house.starts)
	for _, m := range moments() {
		row("  "+string(m), "%d (%d before their moment came)", c.kills[m], c.missed[m])
	}
	row("workers frozen", "%d times for more than %s", c.frozen, frozen)
	row("PostgreSQL, Redis gone", "%d, %d times", c.databases, c.redis)
	row("kept while PostgreSQL was gone", "%d messages", r.spooled)
	for _, t := range []trouble{late, tooMany, brokenBefore, brokenAfter, silentBefore, silentAfter} {
		row("helpdesk: "+string(t), "%d", w.gate.troubles[t])
	}
	row("calls of the model", "%d, %d answered", w.model.asked.Load(), w.model.answered.Load())
	row("answers", "%d about %d messages", r.answers, r.answered)
	row("handed over", "%d messages %v, %d more were answered again when the bot had them back", r.handedOver, r.leftTo, r.again)
	for _, d := range []desk{echoed, searched, lookedUp, blind} {
		row("  "+d.String(), "%d customers, %d sends of unknown outcome, %d repeated", r.customers[d], r.unknown[d], r.repeats[d])
	}
	row("given up after two of them", "%d answers", r.givenUp)
	row("given up after all tries", "%d answers", r.triedUp)
	row("slowest after the last restart", "%s (promised: %s), without the pauses of %d customers with more than three tries", r.slowest.Round(time.Millisecond), promised, len(r.pauses))
	return out.String()
}
