package simulation

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"secretaria/internal/agent"
	"secretaria/internal/channel"
	"secretaria/internal/conversation"
)

const (
	// grace is how long after a takeover was received something may still be sent: what was
	// on its way out at that instant.
	grace = 50 * time.Millisecond
	// raceHold is how long a person keeps a conversation where nothing hands it back.
	raceHold = 15 * time.Second
	// A life of races has so many conversations, and so many races in each.
	racers, raceRounds = 10, 10
)

// TestTakeoverRaces lets people take conversations over at any instant of the bot's work:
// while the customer writes, while the desk thinks, between two bubbles, with one on the
// wire. Nothing is sent when the takeover was received fifty milliseconds before, or earlier.
func TestTakeoverRaces(t *testing.T) {
	tn := newTown(t)
	lives := *races
	switch {
	case lives > 0:
	case raceDetector:
		lives = 200
	default:
		lives = 2000
	}
	lives /= racers * raceRounds
	next, failed := atomic.Uint64{}, atomic.Bool{}
	var mu sync.Mutex
	totals := map[string]int{}
	t.Run("lives", func(t *testing.T) {
		for i := range runtime.GOMAXPROCS(0) {
			t.Run(strconv.Itoa(i), func(t *testing.T) {
				t.Parallel()
				for !failed.Load() {
					seed := next.Add(1)
					if seed > uint64(lives) {
						return
					}
					w := tn.race(t, seed)
					for _, wrong := range w.wrongs {
						t.Errorf("race %d: %s", seed, wrong)
						failed.Store(true)
					}
					if failed.Load() && testing.Verbose() {
						t.Log(w.tail(400))
					}
					mu.Lock()
					for what, times := range w.counts {
						totals[what] += times
					}
					mu.Unlock()
				}
			})
		}
	})
	t.Logf("%d lives, race detector %v:\n%s", lives, raceDetector, table(totals))
	if failed.Load() {
		return
	}
	if want := lives * racers * raceRounds; totals["race"] != want {
		t.Errorf("%d races, want %d", totals["race"], want)
	}
	for _, what := range []string{
		"race while the customer waits", "race while the desk thinks", "race between two bubbles", "race with one on the wire", "race when all is said",
		"takeover speaks", "takeover types on the phone", "takeover opens", "takeover is assigned", "takeover resolves", "takeover notes a command", "takeover operates",
	} {
		if totals[what] < totals["race"]/200 {
			t.Errorf("%q happened %d times in %d races, want more", what, totals[what], totals["race"])
		}
	}
}

// race lives a life of nothing but races.
func (tn *town) race(t *testing.T, seed uint64) (w *world) {
	t.Helper()
	path, done := tn.database(t, seed)
	defer done()
	synctest.Test(t, func(t *testing.T) {
		var err error
		if w, err = newWorld(t.Context(), seed, path); err != nil {
			t.Fatalf("race %d: %v", seed, err)
		}
		r := w.dice("races")
		w.shape = shape{roles: pick(r, [][]role{{both}, {both, both}, {web, worker}}), sweep: pick(r, []time.Duration{500 * time.Millisecond, 2 * time.Second}), think: 3 * time.Second,
			hold: raceHold, quiet: pick(r, []time.Duration{0, 300 * time.Millisecond, 2 * time.Second}), quietMax: 8 * time.Second, peaceful: true}
		w.actors = (*world).races
		w.desk = func(p *process) thinking { return racer{p} }
		w.live(t.Context())
		if err := w.store.Close(); err != nil {
			t.Errorf("race %d: Close: %v", seed, err)
		}
	})
	return w
}

// racer is a desk that takes its time and says several things.
type racer struct{ p *process }

func (racer) Name() string { return "racer" }
func (racer) History() int { return 4 }

func (d racer) Decide(ctx context.Context, in agent.Input) (agent.Decision, error) {
	w := d.p.w
	words := wordsOf(in.Pending)
	r := w.dice("racer " + name(in.Pending[0].Conversation))
	t := w.threadOf(words)
	w.busy(t, "thinks")
	defer w.busy(t, "")
	timer := time.NewTimer(between(r, 5*time.Millisecond, w.shape.think))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
		return agent.Decision{}, ctx.Err()
	case <-w.ended:
		return agent.Decision{}, errOver
	}
	out := agent.Decision{Outcome: agent.Replied, Reason: "model"}
	for i := range 1 + r.IntN(4) {
		text := fmt.Sprintf("Parte %d de %d.", i, r.Uint64())
		if i == 0 {
			text = reply(rand.New(rand.NewPCG(0, 0)), words)
		}
		out.Replies = append(out.Replies, agent.Reply{Text: text})
	}
	if chance(r, .1) {
		out.Outcome, out.Handoff = agent.HandedOver, &agent.Handoff{Reason: conversation.ByHandoff, Note: "uma pessoa, por favor"}
	}
	return out, nil
}

// races are customers, and people who are never far away.
func (w *world) races(actors *sync.WaitGroup) {
	for i := range racers {
		d := w.desks[i%len(w.desks)]
		t := &thread{desk: d, index: i, status: conversation.Pending}
		t.move(conversation.Pending)
		w.mu.Lock()
		d.threads = append(d.threads, t)
		w.mu.Unlock()
		r := w.dice("race " + t.String())
		actors.Go(func() {
			w.wait(between(r, 0, 3*time.Second))
			for n := range raceRounds {
				t.race(r, n)
			}
		})
	}
}

// race is one: the customer writes, and a person takes the conversation over at some instant.
func (t *thread) race(r *rand.Rand, n int) {
	w := t.desk.w
	for i := range 1 + r.IntN(2) {
		t.asks(r, fmt.Sprintf("assunto-%d-%d", t.index, 10*n+i))
		w.wait(between(r, 20*time.Millisecond, time.Second))
	}
	w.wait(between(r, 0, pick(r, []time.Duration{time.Second, 4 * time.Second, 10 * time.Second, 25 * time.Second})))
	w.count("race")
	how := t.takes(r)
	w.count("takeover " + how)
	// Whatever was left unsaid had the time to be said.
	w.wait(between(r, 4*time.Second, 12*time.Second))
	if chance(r, .3) {
		t.asks(r, fmt.Sprintf("assunto-%d-%d", t.index, 10*n+5))
		w.wait(between(r, time.Second, 3*time.Second))
	}
	w.mu.Lock()
	resolved := t.status == conversation.Resolved
	w.mu.Unlock()
	switch {
	case resolved: // the customer's next words begin anew
	case t.desk.kind == marked:
		t.handBack(r)
		w.wait(between(r, time.Second, 3*time.Second))
	case how == "operates":
		w.effects.Lock()
		id := t.stored()
		t.free()
		err := w.store.HandBack(context.Background(), id, nil, time.Now())
		w.look(context.Background(), id)
		w.effects.Unlock()
		if err != nil {
			w.wrong("%s: HandBack: %v", t, err)
		}
	default:
		w.wait(raceHold + time.Second)
		t.free()
	}
}

// free notes that the bot is given the conversation at this instant.
func (t *thread) free() {
	t.desk.w.mu.Lock()
	t.freed = time.Now()
	t.desk.w.mu.Unlock()
}

// asks lets the customer write.
func (t *thread) asks(r *rand.Rand, said string) {
	w := t.desk.w
	m := &message{thread: t, word: said}
	w.mu.Lock()
	m.key = t.key()
	w.messages[m.word], w.keys[m.key] = m, m
	if t.status == conversation.Resolved {
		t.move(conversation.Pending)
		t.freed = time.Now()
	}
	ev := t.event(channel.Received)
	w.mu.Unlock()
	ev.Key, ev.Content = m.key, conversation.Content{Kind: conversation.Text, Text: "Queria saber do " + said}
	w.note("%s: customer writes %s", t, said)
	t.report(r, ev, m)
}

// takes lets a person take the conversation over, and says how.
func (t *thread) takes(r *rand.Rand) string {
	w := t.desk.w
	hows := []string{"speaks", "types on the phone", "operates"}
	if t.desk.kind == marked {
		hows = append(hows, "opens", "is assigned", "resolves", "notes a command")
	}
	how := pick(r, hows)
	w.mu.Lock()
	ev := t.event(channel.Changed)
	switch how {
	case "speaks", "types on the phone":
		t.spoke = true
		ev = t.event(channel.Said)
		ev.Author, ev.AuthorID, ev.ByPhone = conversation.Person, personID, how != "speaks"
		ev.Key, ev.Content = t.key(), conversation.Content{Kind: conversation.Text, Text: fmt.Sprintf("Aqui é uma pessoa %d", t.said)}
	case "opens":
		t.move(conversation.Open)
		ev = t.event(channel.Changed)
	case "is assigned":
		t.move(t.status)
		ev = t.event(channel.Changed)
		ev.Snapshot.Assignee, ev.Snapshot.AssigneeID = conversation.APerson, personID
	case "resolves":
		t.move(conversation.Resolved)
		ev = t.event(channel.Changed)
	case "notes a command":
		ev = t.event(channel.Ignored)
		ev.Author, ev.Key, ev.Command = conversation.Person, t.key(), channel.TakeOver
	}
	t.expected = true
	w.mu.Unlock()
	if how != "operates" {
		w.note("%s: a person %s", t, how)
		t.report(r, ev, nil)
		return how
	}
	for w.wait(between(r, time.Millisecond, 40*time.Millisecond)) && t.stored() == 0 {
	}
	id := t.stored()
	w.effects.Lock()
	defer w.effects.Unlock()
	t.takenAt()
	if err := w.store.TakeOver(context.Background(), id, raceHold, time.Now()); err != nil {
		w.wrong("%s: TakeOver: %v", t, err)
		return how
	}
	w.taken[id]++
	w.note("%s: an operator takes it over", t)
	w.look(context.Background(), id)
	return how
}

// stored is our conversation of a thread, 0 while there is none.
func (t *thread) stored() conversation.ID {
	t.desk.w.mu.Lock()
	defer t.desk.w.mu.Unlock()
	for id, of := range t.desk.w.threads {
		if of == t {
			return id
		}
	}
	return 0
}

func (w *world) threadOf(words []string) *thread {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, said := range words {
		if m := w.messages[said]; m != nil {
			return m.thread
		}
	}
	return nil
}

// onWire counts what is on its way to the helpdesk.
func (t *thread) onWire(n int) {
	t.desk.w.mu.Lock()
	t.wire += n
	t.desk.w.mu.Unlock()
}

// busy notes what the bot is doing about a thread.
func (w *world) busy(t *thread, what string) {
	if t == nil {
		return
	}
	w.mu.Lock()
	t.bot = what
	w.mu.Unlock()
}

// takenAt notes that a takeover is received at this instant, and what the bot was about.
func (t *thread) takenAt() {
	w := t.desk.w
	w.mu.Lock()
	defer w.mu.Unlock()
	t.taken = append(t.taken, time.Now())
	if !t.expected {
		return // our own handoff, or the first half of a hand-back
	}
	t.expected = false
	unsaid := 0
	for _, o := range w.orders {
		if w.threads[o.conversation] == t && o.kind == channel.Say && o.begun == 0 && o.at.After(t.freed) {
			unsaid++
		}
	}
	what := "when all is said"
	switch {
	case t.wire > 0:
		what = "with one on the wire"
	case unsaid > 0:
		what = "between two bubbles"
	case t.bot == "thinks":
		what = "while the desk thinks"
	case slices.ContainsFunc(t.open(), func(m *message) bool { return w.answered[m.id] == nil }):
		what = "while the customer waits"
	}
	w.counts["race "+what]++
}

// open are the messages of the thread that are stored. Call it with world.mu held.
func (t *thread) open() []*message {
	var out []*message
	for _, m := range t.desk.w.messages {
		if m.thread == t && m.id != 0 {
			out = append(out, m)
		}
	}
	return out
}

// shows notes what an event that is received at this instant says of who has the thread.
func (t *thread) shows(ev channel.Event) {
	s := ev.Snapshot
	changed := ev.Kind == channel.Changed && s != nil
	switch {
	case ev.Command == channel.TakeOver, ev.AuthorID == personID, changed && (s.Status != conversation.Pending || s.Assignee == conversation.APerson):
		t.takenAt()
	case changed:
		t.free()
	}
}

// sending is called at the instant at which something goes out to a thread: it must not be
// when a takeover was received long enough before, and nobody has given the conversation
// back before it was decided.
func (t *thread) sending(o channel.Order) {
	w := t.desk.w
	if !w.shape.peaceful || w.desk == nil {
		return // who stood still between the last look and the send cannot know; judge.next asks for less
	}
	w.mu.Lock()
	order, now := w.orders[o.Delivery], time.Now()
	late := time.Duration(0)
	if order != nil && o.Kind == channel.Say {
		for _, at := range t.taken {
			if at.After(order.free) && now.Sub(at) >= grace {
				late = max(late, now.Sub(at))
			}
		}
	}
	w.mu.Unlock()
	if late > 0 {
		w.wrong("%s: %q is sent %v after a person's takeover was received", t, clip(o.Text), late)
	}
}
