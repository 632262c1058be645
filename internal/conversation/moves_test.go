package conversation

import (
	"fmt"
	"math/rand"
	"slices"
	"strings"
	"testing"
	"time"
)

// walker makes random moves and checks after each of them what must always hold.
type walker struct {
	r     *rand.Rand
	now   time.Time
	s     State
	trail []string
	// decided is the epoch of everything that the bot has decided and perhaps not sent
	// yet; -1 while there is nothing.
	decided int64
	// taken: a person acted since the bot was last given the conversation.
	taken bool
}

func pick[T any](r *rand.Rand, of ...T) T { return of[r.Intn(len(of))] }

func TestWhateverHappens(t *testing.T) {
	t.Parallel()
	for seed := range int64(3000) {
		w := &walker{r: rand.New(rand.NewSource(seed)), now: noon, s: New(), decided: -1}
		for range 40 {
			if wrong := w.step(); wrong != "" {
				t.Fatalf("seed %d: %s after\n  %s", seed, wrong, strings.Join(w.trail, "\n  "))
			}
		}
	}
}

func (w *walker) step() string {
	w.now = w.now.Add(time.Duration(w.r.Intn(120)) * time.Second)
	before := w.s
	var c Change
	acted := false // a person acted
	var snap Snapshot
	observed, late := false, false
	switch move := w.r.Intn(7); move {
	case 0, 1, 2:
		snap = Snapshot{
			Status:     pick(w.r, "", Pending, Pending, Open, Snoozed, Resolved),
			Assignee:   pick(w.r, Unsaid, Unsaid, Nobody, APerson, SomeBot),
			AssigneeID: pick(w.r, "", "7", "9"),
			At:         pick(w.r, time.Time{}, w.now, w.now.Add(-time.Minute), w.now.Add(-time.Hour)),
		}
		self := pick(w.r, "", "9")
		others := snap.Assignee == APerson || snap.Assignee == SomeBot && self == "9" && snap.AssigneeID == "7"
		observed, late = true, !snap.At.IsZero() && snap.At.Before(before.StatusAt)
		acted = snap.Status == Open || snap.Status == Snoozed || others && snap.Status != Resolved || snap.Status == Resolved && !late
		c = w.s.Observe(snap, self)
		w.note("observe %+v self=%q: %+v", snap, self, c)
	case 3:
		acted = true
		c = w.s.TakeOver(pick(w.r, ByMessage, ByPhone), pick(w.r, time.Time{}, w.now.Add(time.Minute)))
		w.note("take over: %+v", c)
	case 4:
		if w.s.Holder != Bot {
			return ""
		}
		c = w.s.HandOver(pick(w.r, ByHandoff, ByFailure))
		w.note("hand over: %+v", c)
	case 5:
		c = w.s.CustomerWrote(w.now, pick(w.r, "", Pending, Open, Resolved))
		w.note("customer wrote: %+v", c)
	case 6:
		if w.s.Holder == Bot {
			w.note("bot decides in epoch %d", w.s.Epoch)
			w.decided = w.s.Epoch
		}
		return ""
	}
	return w.check(before, c, acted, observed, late)
}

func (w *walker) note(format string, args ...any) {
	w.trail = append(w.trail, fmt.Sprintf(format, args...))
}

func (w *walker) check(before State, c Change, acted, observed, late bool) string {
	s := w.s
	if acted {
		w.taken = true
	} else if c.To == Bot && c.From != Bot {
		w.taken = false
	}
	switch {
	case !slices.Contains([]Holder{Bot, Human, Closed}, s.Holder):
		return fmt.Sprintf("holder %q", s.Holder)
	case c.From != before.Holder || c.To != s.Holder:
		return fmt.Sprintf("change says %s → %s, state moved %s → %s", c.From, c.To, before.Holder, s.Holder)
	case s.Epoch < before.Epoch || s.Epoch > before.Epoch+1:
		return fmt.Sprintf("epoch went from %d to %d", before.Epoch, s.Epoch)
	case c.TakenOver != (s.Epoch > before.Epoch):
		return fmt.Sprintf("taken over = %v, but the epoch went from %d to %d", c.TakenOver, before.Epoch, s.Epoch)
	case acted && s.Holder == Bot:
		return "a person acted and the bot holds"
	case w.taken && s.Holder == Bot:
		return "the bot holds, and nobody has handed back since a person acted"
	case w.taken && w.decided == s.Epoch:
		return fmt.Sprintf("what was decided in epoch %d may still be said over a person", w.decided)
	case c.ShouldOpen && s.Holder != Human:
		return "opens what no person has"
	case s.Holder != Human && !s.HeldUntil.IsZero():
		return "a hold without a human"
	case s.StatusAt.Before(before.StatusAt):
		return fmt.Sprintf("status version went back from %v to %v", before.StatusAt, s.StatusAt)
	case observed && late && (s.Holder == Bot && before.Holder != Bot || s.Holder == Closed && before.Holder != Closed):
		return "an old snapshot gave the conversation away"
	case observed && late && s.Status != before.Status:
		return "an old snapshot changed the status"
	case c.Moved() && s.Reason != c.Reason:
		return fmt.Sprintf("reason is %q, the change says %q", s.Reason, c.Reason)
	case c.Moved() && c.Reason == "":
		return "moved without a reason"
	}
	return ""
}
