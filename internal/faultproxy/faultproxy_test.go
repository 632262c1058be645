package faultproxy

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"secretaria/internal/agent"
	"secretaria/internal/app"
	"secretaria/internal/channel"
	"secretaria/internal/channel/chatwoot/chatwoottest"
	"secretaria/internal/llm/gemini"
	"secretaria/internal/redis/redistest"
	"secretaria/internal/secret"
	"secretaria/internal/store/postgres/postgrestest"
)

// The tests wait nearly all of their time, so that more of them run at once than there are
// processors; -parallel on the command line still decides.
func TestMain(m *testing.M) {
	towns := "12"
	if raced {
		towns = "3"
	}
	if err := flag.Set("test.parallel", towns); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// peer is somebody whom the program talks to.
type peer struct {
	name string
	pace int
	// put puts a proxy in front of it and returns that.
	put func(*town) *proxy
	// felt says whether the trouble has met us; nil: webhooks may have to wait for its end.
	felt func(*town) bool
	// healed says whether we have noticed the end of it; nil: there is nothing to see.
	healed func(*town) bool
	// lossless: every webhook is acknowledged meanwhile.
	lossless bool
	// only are the troubles that are tried; none: all.
	only []string
}

func attempts(kind channel.Kind) func(*town) bool {
	return func(w *town) bool { return w.failed[kind].Load() > 0 }
}

func modelFelt(w *town) bool { return w.metric("secretaria_llm_errors_total") > 0 }

func withPostgres(w *town) *proxy {
	p, at := through(w.t, postgrestest.URL(w.t))
	w.options.Postgres = secret.New(at + "&connect_timeout=2")
	// What a step that the trouble broke had claimed is free again after this.
	w.options.Queue.Lease = 2 * time.Second
	return p
}

func peers() []peer {
	return []peer{
		{name: "whaticket", pace: 10, felt: attempts(channel.Whaticket), lossless: true, put: func(w *town) *proxy {
			p, at := through(w.t, w.whaticket.URL())
			w.options.Inboxes[0].Whaticket.BaseURL = at
			return p
		}},
		{name: "chatwoot", pace: 10, felt: attempts(channel.Chatwoot), lossless: true, put: func(w *town) *proxy {
			p, at := through(w.t, w.chatwoot.URL())
			w.options.Inboxes[1].Chatwoot.BaseURL = at
			return p
		}},
		{name: "openai", pace: 10, felt: modelFelt, lossless: true, put: func(w *town) *proxy {
			p, at := through(w.t, w.openai.BaseURL())
			w.options.Models.OpenAI.BaseURL = at
			return p
		}},
		{name: "gemini", pace: 10, felt: modelFelt, lossless: true, put: func(w *town) *proxy {
			p, at := through(w.t, w.gemini.BaseURL())
			w.options.Models.OpenAI = nil
			w.options.Models.Gemini = &gemini.Config{APIKey: secret.New("key"), Model: "gemini-test", BaseURL: at}
			return p
		}},
		{name: "postgres", pace: 2, put: withPostgres, only: []string{"half open", "truncated", "refused"}},
		{name: "postgres with a spool", pace: 2, lossless: true, put: func(w *town) *proxy {
			w.options.Spool = app.Spool{Dir: w.t.TempDir(), MaxBytes: 16 << 20}
			return withPostgres(w)
		}, felt: func(w *town) bool { return w.metric("secretaria_spool_waiting") > 0 }},
		{name: "redis", pace: 2, lossless: true, put: func(w *town) *proxy {
			p, at := through(w.t, redistest.URL(w.t))
			w.options.Redis = secret.New(at)
			w.options.Limits = app.Limits{Failures: 60, Whaticket: 1000, Chatwoot: 1000}
			return p
		}, felt: func(w *town) bool { return w.metric("secretaria_redis_failures_total") > 0 },
			healed: func(w *town) bool { return w.metric("secretaria_redis_up") == 1 }},
	}
}

// Traffic of both channels, trouble with one peer in the middle of it, more traffic, and the
// network is well again.
func TestHeals(t *testing.T) {
	t.Parallel()
	for _, p := range peers() {
		for _, x := range troubles(p.pace) {
			if p.only != nil && !slices.Contains(p.only, x.name) {
				continue
			}
			t.Run(p.name+"/"+x.name, func(t *testing.T) {
				t.Parallel()
				heals(t, p, x)
			})
		}
	}
}

func heals(t *testing.T, p peer, x trouble) {
	var between *proxy
	w := open(t, func(w *town) { between = p.put(w) })
	answered := func() { w.until("every answer", func() bool { return len(w.unanswered()) == 0 }) }
	w.everybody()()
	answered()
	w.quiet()

	between.on(x)
	first := w.everybody()
	switch {
	case x.slow:
		first()
		answered()
		w.everybody()()
		between.heal(x)
	case p.felt != nil:
		first()
		w.until("the trouble to be felt", func() bool { return p.felt(w) })
		w.everybody()()
		between.heal(x)
	default:
		outage(w, first)
		between.heal(x)
		first()
	}
	if n := w.handBack(); n > 0 && w.refused() == 0 {
		t.Errorf("%d conversations are open, though every webhook was acknowledged", n)
	}
	if n := w.refused(); n > 0 && (p.lossless || x.slow) {
		t.Errorf("%d webhooks were not acknowledged", n)
	}
	if p.healed != nil {
		w.until("the end of the trouble to be noticed", func() bool { return p.healed(w) })
	}
	w.everybody()()
	answered()
	w.quiet()
	w.check()
}

// outage lasts until a webhook of those under way has been answered, or for three seconds:
// as long as the database says nothing, neither may we.
func outage(w *town, webhooks func()) {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		webhooks()
	}()
	select {
	case <-ended:
	case <-time.After(3 * time.Second):
	}
}

// Without look-ups nobody can say whether a message whose answer was cut off has arrived. It
// is repeated once and no more.
func TestWhaticketWithoutLookUps(t *testing.T) {
	t.Parallel()
	for _, x := range troubles(10) {
		if !x.reached {
			continue
		}
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			var between *proxy
			w := open(t, func(w *town) {
				between = peers()[0].put(w)
				c := w.options.Inboxes[0].Whaticket
				c.Email, c.Password = "", secret.String{}
			})
			c := w.customers[0]
			w.write(c)
			w.until("the first answer", func() bool { return len(w.answers()[c]) == 1 })
			between.on(x)
			w.write(c)
			w.until("the trouble to be felt", func() bool { return w.failed[channel.Whaticket].Load() > 0 })
			between.heal(x)
			w.quiet()
			if n := strings.Count(strings.Join(w.answers()[c], "\n"), c.said[1]); n < 1 || n > 2 {
				t.Errorf("%s was said %d times, want once or twice", c.said[1], n)
			}
		})
	}
}

// A model that stays away is answered for: each customer is told once, and a person has the
// conversation, also when the network is well again.
func TestModelGoneForGood(t *testing.T) {
	t.Parallel()
	for _, x := range troubles(10) {
		if x.slow {
			continue
		}
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			var between *proxy
			w := open(t, func(w *town) {
				between = peers()[2].put(w)
				w.options.Models.Resilience.Attempts, w.options.Models.Resilience.Timeout = 2, 200*time.Millisecond
			})
			between.on(x)
			w.everybody()()
			told := func() bool {
				for _, c := range w.customers {
					if len(w.answers()[c]) == 0 || c.thread != 0 && w.chatwoot.Conversation(c.thread).Status != chatwoottest.Open {
						return false
					}
				}
				return true
			}
			w.until("everybody to be told", told)
			between.heal(x)
			w.everybody()()
			w.quiet()
			for _, c := range w.customers {
				if got := w.answers()[c]; len(got) != 1 || !strings.Contains(got[0], agent.DefaultTransfer) {
					t.Errorf("customer %s got %q, want to be told once that a person takes over", c.prefix, got)
				}
			}
			if w.refused() != 0 {
				t.Errorf("%d webhooks were not acknowledged", w.refused())
			}
		})
	}
}

// A helpdesk that stays away longer than all tries: the answer is dead and kept, and said
// once when somebody replays it.
func TestHelpdeskGoneForGood(t *testing.T) {
	t.Parallel()
	var between *proxy
	w := open(t, func(w *town) {
		between = peers()[1].put(w)
		w.options.Schedule = []time.Duration{10 * time.Millisecond}
	})
	refused := trouble{name: "refused"}
	between.on(refused)
	c := w.customers[1]
	w.write(c)
	w.until("a dead delivery", func() bool { return len(w.dead()) > 0 })
	w.quiet()
	between.heal(refused)
	must(t, w.replay())
	w.until("the answer", func() bool { return len(w.unanswered()) == 0 })
	w.quiet()
	w.check()
}
