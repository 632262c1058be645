package crash

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"secretaria/internal/channel/chatwoot/chatwoottest"
	"secretaria/internal/channel/whaticket/whatickettest"
)

// customers of the play, half of them on each channel.
const customers = 50

// TestKilledWithoutWarning plays rounds in which every customer writes and the program is
// killed, again and again, in each phase of the way of a message: between webhooks and
// their acknowledgements, while the model thinks, while decisions are written down, and
// while messages go out. The moments are drawn; CRASH_SEED repeats them, as far as the
// machine lets it.
func TestKilledWithoutWarning(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	if s := os.Getenv("CRASH_SEED"); s != "" {
		var err error
		seed, err = strconv.ParseUint(s, 10, 64)
		must(t, err)
	}
	t.Logf("CRASH_SEED=%d", seed)
	p, port := build(t), freePort(t)
	w := newTown(t, seed, port, customers)
	w.program = p
	p.env = environment("PATH", os.Getenv("PATH"), "HOME", p.dir,
		"APP_HOST", "127.0.0.1", "APP_PORT", itoa(port), "SHARED_SECRET", sharedSecret,
		"WHATSAPP_API_URL", w.whaticket.URL(), "WHATSAPP_BEARER_TOKEN", whatickettest.DefaultToken,
		"WHATICKET_JWT_EMAIL", whatickettest.DefaultEmail, "WHATICKET_JWT_PASSWORD", whatickettest.DefaultPassword,
		"CHATWOOT_BASE_URL", w.chatwoot.URL(), "CHATWOOT_ACCOUNT_ID", "1", "CHATWOOT_ACCESS_TOKEN", "bot-token", "CHATWOOT_WEBHOOK_SECRET", botSecret,
		"OPENAI_BASE_URL", w.model.BaseURL(), "OPENAI_API_KEY", modelKey, "OPENAI_MODEL", "gpt-test",
		"TURN_QUIET", "100ms", "DATABASE_URL", "sqlite:"+filepath.Join(p.dir, "secretaria.db"), "ALLOW_PRIVATE_ADDRESSES", "true")

	run := p.serve(t, port)
	kill := func(why string) {
		w.note(nil, "the program is killed: %s", why)
		t.Logf("killed: %s", why)
		run.kill()
		w.life.Add(1)
		w.asked.Store(0)
		w.answered.Store(0)
	}
	restart := func() {
		run = p.serve(t, port)
		w.note(nil, "the program is started")
	}
	for round := range 2 {
		w.handBack(t.Context(), w.customers)
		w.chatwoot.DropEchoes(round == 1) // then nothing but the question whether it arrived is left

		// Between webhook and acknowledgement.
		n := w.between(1, customers*3/4)
		acked, failed := make(chan struct{}, customers), make(chan []*customer, 1)
		go func() { failed <- w.writeAll(t.Context(), w.customers, acked) }()
		for range n {
			<-acked
		}
		kill(fmt.Sprintf("after %d acknowledgements", n))
		again := <-failed
		restart()
		// Whoever got no acknowledgement writes once more.
		w.handBack(t.Context(), again)
		if lost := w.writeAll(t.Context(), again, make(chan struct{}, customers)); len(lost) > 0 {
			t.Errorf("%d webhooks were not acknowledged although the program runs", len(lost))
		}

		n = w.between(1, customers/2)
		w.until("calls of the model", func() bool { return w.asked.Load() >= int64(n) || len(w.unanswered()) == 0 })
		kill(fmt.Sprintf("while the model thinks, after %d calls", n))
		restart()

		n = w.between(1, customers/2)
		w.until("answers of the model", func() bool { return w.answered.Load() >= int64(n) || len(w.unanswered()) == 0 })
		kill(fmt.Sprintf("while decisions are written, after %d answers", n))
		why, reached := w.sends()
		restart()
		w.until(why, reached)
		kill(why)
		w.chatwoot.Behave()
		w.whaticket.Misbehave(whatickettest.Healthy)
		restart()

		w.until("answers to all customers", func() bool { return len(w.unanswered()) == 0 })
		w.until("the end of all work", func() bool { return w.queued(port) == 0 })
	}
	w.check(p)
	checkDeliveries(t, p.run(t, "deliveries", "list", "--json", "--limit", "1000"))
	run.stop(t)
	p.checkLog(t, w.forbidden()...)
}

// sends chooses, while the program is down, a moment at which messages go out: when some of
// those that are left have gone out, or when some hang that the helpdesk has not answered,
// although it may have done what it was asked for.
func (w *town) sends() (why string, reached func() bool) {
	inChatwoot, onWhatsapp := 0, 0
	for _, said := range w.unanswered() {
		if w.by([]string{said}).thread != 0 {
			inChatwoot++
		} else {
			onWhatsapp++
		}
	}
	before := w.sent()
	switch w.between(0, 2) {
	case 0:
		if inChatwoot == 0 {
			break
		}
		n, done := w.between(1, min(4, inChatwoot)), w.between(0, 1) == 1
		w.chatwoot.Misbehave(chatwoottest.Misbehaviour{Ops: []chatwoottest.Op{chatwoottest.CreateMessage}, Times: n, Hang: true, After: done})
		hung := len(w.misbehaved())
		return fmt.Sprintf("while %d messages hang in Chatwoot (done: %v)", n, done), func() bool { return len(w.misbehaved())-hung >= n }
	case 1:
		if onWhatsapp == 0 {
			break
		}
		read := w.whaticket.Misbehave(whatickettest.Hang)
		return "while messages hang in Whaticket", func() bool {
			select {
			case <-read:
				return true
			default:
				return false
			}
		}
	}
	n := w.between(1, max(1, inChatwoot+onWhatsapp-1))
	return fmt.Sprintf("while messages go out, after %d", n), func() bool { return w.sent()-before >= n || len(w.unanswered()) == 0 }
}

// misbehaved are the calls on which Chatwoot hangs or hung.
func (w *town) misbehaved() []chatwoottest.Request {
	return slices.DeleteFunc(w.chatwoot.Requests(), func(r chatwoottest.Request) bool { return !r.Misbehaved })
}

// until waits for a condition that nothing announces.
func (w *town) until(what string, condition func() bool) {
	w.t.Helper()
	deadline := time.After(15 * time.Second)
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !condition() {
		select {
		case <-tick.C:
		case <-deadline:
			missing := w.unanswered()
			trace := ""
			if len(missing) > 0 {
				c := w.by(missing[:1])
				trace = w.timeline(c, w.answers()[c], w.program)
			}
			w.t.Fatalf("waited in vain for %s; unanswered: %v\n%s", what, missing, trace)
		}
	}
}

// queued is what the program itself says that it has left to do; -1 where it says nothing.
func (w *town) queued(port int) int {
	resp, err := w.client.Get(fmt.Sprintf("http://127.0.0.1:%d/metrics", port))
	if err != nil {
		return -1
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	for lines.Scan() {
		if v, ok := strings.CutPrefix(lines.Text(), "secretaria_queue_size "); ok {
			n, err := strconv.Atoi(v)
			if err != nil {
				return -1
			}
			return n
		}
	}
	return -1
}

// checkDeliveries reads what "deliveries list" says beside the running server.
func checkDeliveries(t *testing.T, out []byte) {
	t.Helper()
	var list []struct {
		ID, Status, Kind       string
		Attempts, Conversation int
	}
	if err := json.Unmarshal(out, &list); err != nil {
		t.Fatalf("deliveries list --json: %v\n%s", err, out)
	}
	said := 0
	for _, d := range list {
		if d.ID == "" || d.Conversation == 0 || d.Kind == "" {
			t.Errorf("incomplete delivery: %+v", d)
		}
		if d.Kind != "say" {
			continue
		}
		said++
		if d.Status != "SENT" && d.Status != "CANCELLED" {
			t.Errorf("delivery %s is %s after %d attempts, want it sent", d.ID, d.Status, d.Attempts)
		}
	}
	if said < customers {
		t.Errorf("%d deliveries are listed, want at least %d", said, customers)
	}
}
