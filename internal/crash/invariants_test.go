package crash

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	schedule "secretaria/internal/delivery"
)

// recorded is how long after a helpdesk's answer the program may still have to write it
// down: a kill within that time leaves the outcome unknown to it.
const recorded = time.Second

// result is what a campaign came to.
type result struct {
	written, acknowledged, overtaken       int
	leftTo                                 map[desk]int // handedOver, by desk
	answers, answered, handedOver, givenUp int
	triedUp                                int // answers whose every try was disturbed
	spooled                                int // acknowledged while the database was away
	again                                  int // answered once more after people had them
	// By desk: how many customers, sends whose outcome nobody told the program, and answers
	// that were repeated because of it.
	customers, unknown, repeats map[desk]int
	slowest                     time.Duration
	// What the schedule makes an answer of a customer wait whose tries were disturbed.
	pauses map[*customer]time.Duration
}

// check holds the records of the helpdesks against what was promised: whatever was
// acknowledged was answered once, or people have it; what was not, at most once; in order;
// and nothing else was said. Without look-ups an answer whose sending was cut off may come
// twice, and no more than that.
func (c *campaign) check() result {
	c.house.t.Helper()
	t, w := c.house.t, c.town
	r := result{unknown: map[desk]int{}, repeats: map[desk]int{}, pauses: map[*customer]time.Duration{}}
	count := map[desk]int{}
	failed, spooled := c.failedDeliveries(&r), c.spooled()
	r.spooled = len(spooled)
	c.town.unanswered() // whom people have now is excused
	got := w.answers()
	problems := 0
	for _, who := range w.customers {
		count[who.desk]++
		problem := c.customer(who, got[who], failed[who], spooled, &r)
		if problem == "" {
			continue
		}
		if problems++; problems > 3 {
			t.Errorf("CRASH_SEED=%d: %s: %s", c.seed, strings.TrimSuffix(who.prefix, "-"), problem)
			continue
		}
		t.Errorf("CRASH_SEED=%d: %s: %s\n%s", c.seed, strings.TrimSuffix(who.prefix, "-"), problem, w.timeline(who, c.house.program))
	}
	for _, overlap := range w.model.overlaps() {
		t.Errorf("CRASH_SEED=%d: two turns of one conversation at the same time: %s", c.seed, overlap)
	}
	if r.slowest > promised {
		t.Errorf("CRASH_SEED=%d: somebody was answered %s after the last restart, promised were %s", c.seed, r.slowest, promised)
	}
	// Where nobody can be asked, two deaths on one answer give the customer to a person, and on a
	// slow machine more answers are on their way when a process dies.
	if left := r.handedOver - r.leftTo[blind]; left*10 > r.acknowledged {
		t.Errorf("CRASH_SEED=%d: %d of %d messages were handed over: too many for this to prove anything", c.seed, left, r.acknowledged)
	}
	r.customers = count
	return r
}

// customer returns what is wrong with what a customer got, "" when all is well.
func (c *campaign) customer(who *customer, got []answer, failed bool, spooled map[string]bool, r *result) string {
	who.mu.Lock()
	defer who.mu.Unlock()
	r.written += len(who.said)
	r.acknowledged += len(who.acked)
	problem := ""
	copies, about, first := map[string]int{}, map[string]int{}, map[string]string{}
	var order []string
	for _, a := range got {
		r.answers++
		said := word.FindAllString(a.text, -1)
		if len(said) == 0 {
			problem = fmt.Sprintf("an answer is about nothing: %q", a.text)
		}
		copies[a.text]++
		if n := copies[a.text]; n > 1 {
			r.repeats[who.desk]++
			if p := c.repeated(who, a.text, n); p != "" {
				problem = p
			}
			continue
		}
		for _, s := range said {
			about[s]++
			if about[s] == 1 {
				first[s] = a.text
			} else if who.excused[s] && slices.ContainsFunc(c.town.gate.of(first[s]), c.unknown) {
				// People had the conversation before the program could ask what became of its
				// answer, so that it was cancelled, and is not there when the bot has it again.
				r.again++
			} else if !failed {
				problem = fmt.Sprintf("%s was answered %d times", s, about[s])
			}
			if !strings.HasPrefix(s, who.prefix) {
				problem = fmt.Sprintf("got somebody else's answer: %q", a.text)
			}
			if about[s] > 1 {
				continue
			}
			order = append(order, s)
			if at, ok := who.acked[s]; ok && a.at.After(c.house.last) {
				r.slowest = max(r.slowest, a.at.Sub(later(at, c.house.last))-r.pauses[who])
			}
		}
	}
	for _, said := range who.said {
		_, acked := who.acked[said]
		switch {
		case about[said] > 0:
			r.answered++
		case acked && (who.excused[said] || failed):
			r.handedOver++
			if r.leftTo == nil {
				r.leftTo = map[desk]int{}
			}
			r.leftTo[who.desk]++
		case acked:
			problem = said + " was acknowledged and never answered"
		}
	}
	// What arrived one after the other is answered in that order. A spool belongs to one web
	// process, and another one may overtake it.
	// What was not acknowledged may come later, when a conversation is taken back.
	direct := func(said string) bool {
		_, acked := who.acked[said]
		return acked && !spooled[said]
	}
	order, arrived := filter(order, direct), filter(who.arrived, direct)
	at := 0
	for _, said := range order {
		i := slices.Index(arrived[at:], said)
		if i < 0 {
			if problem == "" {
				problem = fmt.Sprintf("answers are out of order: %v, arrived: %v", order, arrived)
			}
			break
		}
		at += i + 1
	}
	for i, said := range who.arrived {
		if i > 0 && !who.letters[who.arrived[i-1]].swapped && who.letters[said].swapped {
			r.overtaken++
		}
	}
	return problem
}

// spooled lists what web processes kept for themselves while the database was away.
func (c *campaign) spooled() map[string]bool {
	list := map[string]bool{}
	for _, line := range c.house.program.written() {
		if !strings.Contains(line, "spooled") {
			continue
		}
		var o struct {
			CorrelationID string `json:"correlation_id"`
		}
		if json.Unmarshal([]byte(line), &o) == nil && word.MatchString(o.CorrelationID) {
			list[o.CorrelationID] = true
		}
	}
	return list
}

func filter(list []string, keep func(string) bool) []string {
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return !keep(s) })
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// repeated judges the nth copy of an answer. It is right only where nobody could tell the
// program whether the one before arrived, and only once. That is so without look-ups, and in
// Chatwoot with a bot's token where the echo was lost as well and something newer hides it.
func (c *campaign) repeated(who *customer, text string, n int) string {
	tries := c.town.gate.of(text)
	switch {
	case who.desk == lookedUp || who.desk == searched:
		return fmt.Sprintf("%q was said %d times", text, n)
	case n > 2 || len(tries) < n:
		return fmt.Sprintf("%q was said %d times, and once more would have been enough", text, n)
	case !c.unknown(tries[n-2]):
		return fmt.Sprintf("%q was said again, although the program was told at %s that it had arrived, and nothing happened to it then", text, clock(tries[n-2].ended))
	case who.desk == echoed && c.town.balancer.heardBefore(text, tries[n-1].began):
		return fmt.Sprintf("%q was said again, although its echo had told that it had arrived", text)
	}
	return ""
}

// unknown says whether the program could not know what became of a try.
func (c *campaign) unknown(s sending) bool {
	return !s.certain || c.town.killed(s.by, s.ended.Add(recorded)) || c.town.disturbed(s.by, s.began, s.ended.Add(recorded))
}

// failedDeliveries reads what "deliveries list" says beside the running processes. It
// returns who has answers that were given up, which may only be where nobody can be asked:
// a second unknown outcome is left to a person.
func (c *campaign) failedDeliveries(r *result) map[*customer]bool {
	t := c.house.t
	t.Helper()
	var list []struct {
		ID, Status, Kind, Inbox, Cause string
		CorrelationID                  string `json:"correlation_id"`
		Attempts, Conversation         int
	}
	out := c.house.command("deliveries", "list", "--json", "--limit", "1000000")
	if err := json.Unmarshal(out, &list); err != nil {
		t.Fatalf("deliveries list --json: %v\n%.2000s", err, out)
	}
	failed := map[*customer]bool{}
	for _, d := range list {
		if d.ID == "" || d.Conversation == 0 || d.Kind == "" {
			t.Errorf("incomplete delivery: %+v", d)
		}
		if d.Kind != "say" {
			continue
		}
		// The third pause of the schedule alone is longer than what is promised.
		if pauses := schedule.Schedule(); d.Attempts > 3 {
			who := c.town.by([]string{d.CorrelationID})
			r.pauses[who] = max(r.pauses[who], pauses[min(d.Attempts-2, len(pauses)-1)])
		}
		switch d.Status {
		case "SENT", "CANCELLED":
		case "FAILED_PERMANENT":
			failed[c.town.by([]string{d.CorrelationID})] = true
			switch {
			case d.Attempts > len(schedule.Schedule()):
				r.triedUp++ // every try was disturbed: people have the conversation
			case d.Inbox != inboxes[blind] && d.Inbox != inboxes[echoed] || d.Cause != "outcome unknown":
				t.Errorf("CRASH_SEED=%d: delivery failed for good: %+v", c.seed, d)
			default:
				r.givenUp++
			}
		default:
			t.Errorf("CRASH_SEED=%d: delivery is left: %+v", c.seed, d)
		}
	}
	// How often nobody could know, whether or not it was repeated.
	c.town.gate.mu.Lock()
	defer c.town.gate.mu.Unlock()
	for _, tries := range c.town.gate.sendings {
		for _, s := range tries {
			if s.stored && c.unknown(*s) {
				r.unknown[s.desk]++
			}
		}
	}
	return failed
}
