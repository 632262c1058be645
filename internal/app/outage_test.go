package app_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"secretaria/internal/app"
	"secretaria/internal/channel/chatwoot/chatwoottest"
	"secretaria/internal/conversation"
	"secretaria/internal/llm/llmtest"
	"secretaria/internal/secret"
	"secretaria/internal/store"
	"secretaria/internal/store/postgres/postgrestest"
)

// onServer opens a house on a PostgreSQL that the test may disturb, with a spool.
func onServer(t *testing.T, db *postgrestest.Server, change func(*app.Options)) *house {
	t.Helper()
	return open(t, func(o *app.Options) {
		o.Postgres = secret.New(db.URL)
		o.Spool = app.Spool{Dir: t.TempDir(), MaxBytes: 16 << 20}
		o.Queue.Lease = 2 * time.Second
		if change != nil {
			change(o)
		}
	})
}

// spool is the spool's part of /healthz.
type spoolHealth struct {
	Status  string  `json:"status"`
	Error   string  `json:"error"`
	Waiting int     `json:"waiting"`
	Dead    int     `json:"dead"`
	Oldest  float64 `json:"oldest_age_seconds"`
	Holding bool    `json:"holding"`
}

func (h *house) spool() (status int, s spoolHealth) {
	h.t.Helper()
	status, body := h.get("/healthz")
	var report struct {
		Dependencies struct {
			Spool spoolHealth `json:"spool"`
		} `json:"dependencies"`
	}
	must(h.t, json.Unmarshal([]byte(body), &report))
	return status, report.Dependencies.Spool
}

// until waits for a condition that the program brings about.
func (h *house) until(what string, ok func() bool) {
	h.t.Helper()
	deadline, tick := time.After(40*time.Second), time.NewTicker(10*time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-deadline:
			h.t.Fatalf("%s: not within 40 s", what)
		case <-tick.C:
		}
	}
}

// drained waits until the spool is empty and everything is well.
func (h *house) drained() {
	h.t.Helper()
	h.until("the spool runs empty and all is well", func() bool {
		status, s := h.spool()
		return status == http.StatusOK && s.Waiting == 0 && !s.Holding
	})
}

// heard is what the customers of each conversation said, in the order in which it was
// stored, with a mark where it was not answered.
func (h *house) heard() map[conversation.ID][]string {
	h.t.Helper()
	out := map[conversation.ID][]string{}
	for id := range conversation.ID(200) { // ids have gaps
		said, err := h.app.Store().Transcript(h.t.Context(), id, 1000)
		must(h.t, err)
		for _, m := range said {
			if m.Author != conversation.Customer {
				continue
			}
			text := m.Content.Text
			if m.Turn == 0 {
				text += " (not answered)"
			}
			out[id] = append(out[id], text)
		}
	}
	return out
}

// outage sends messages of both channels while the database is away, and checks what
// becomes of them once mend has brought it back.
func outage(t *testing.T, h *house, mend func()) {
	t.Helper()
	const customers, messages = 4, 6
	client := &http.Client{Timeout: 5 * time.Second} // what Chatwoot waits
	defer client.CloseIdleConnections()
	chats := make([]int64, customers)
	for i := range chats {
		chats[i] = h.chatwoot.Open(chatwoottest.Contact{Name: fmt.Sprint("c", i)})
	}
	want := map[string][]string{}
	for m := range messages {
		for i := range customers {
			text := fmt.Sprintf("w%d diz %d", i, m)
			if status, body := h.whatsapp(fmt.Sprintf("551198880000%d", i), text); status != http.StatusAccepted || body != `{"queued":true}` {
				t.Errorf("whaticket webhook during the outage answered %d %s, want 202 queued", status, body)
			}
			want[fmt.Sprint("w", i)] = append(want[fmt.Sprint("w", i)], text)
			text = fmt.Sprintf("c%d diz %d", i, m)
			h.writes(chats[i], text)
			want[fmt.Sprint("c", i)] = append(want[fmt.Sprint("c", i)], text)
		}
	}
	if status, _ := h.get("/api/v1/health"); status != http.StatusOK {
		t.Errorf("/api/v1/health during the outage answered %d, want 200", status)
	}
	if status, s := h.spool(); status != http.StatusServiceUnavailable || s.Status != "ok" || s.Waiting < 2*customers*messages || !s.Holding || s.Oldest <= 0 {
		t.Errorf("/healthz during the outage answered %d with %+v, want 503 with a healthy spool of %d", status, s, 2*customers*messages)
	}
	if _, body := h.get("/metrics"); !strings.Contains(body, "\nsecretaria_spool_waiting "+fmt.Sprint(2*customers*messages)) {
		t.Error("/metrics does not show what waits")
	}
	mend()
	h.drained()
	h.settled()
	got := map[string][]string{}
	for _, texts := range h.heard() {
		who, _, _ := strings.Cut(texts[0], " ")
		got[who] = texts
	}
	delete(got, "antes")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("what was said (-said +stored and answered):\n%s", diff)
	}
	// Every turn has one answer, and it was sent once.
	answers := map[string]int{}
	for _, m := range h.whaticket.Sent() {
		answers[m.Number+m.Body]++
	}
	for i, id := range chats {
		said := h.chatwoot.Conversation(id).Said()
		if len(said) == 0 {
			t.Errorf("chatwoot customer %d got no answer", i)
		}
		for _, m := range said {
			answers[fmt.Sprint(id, m.Content)]++
		}
	}
	for answer, n := range answers {
		if n > 1 {
			t.Errorf("%q was sent %d times", answer, n)
		}
	}
	if _, body := h.get("/metrics"); !strings.Contains(body, "\nsecretaria_spool_waiting 0\n") || strings.Contains(body, "\nsecretaria_spool_forwarded_total 0\n") {
		t.Error("/metrics after the outage does not show what was forwarded")
	}
	// And it goes on as before.
	n := len(h.whaticket.Sent())
	if status, _ := h.whatsapp("5511988800009", "e agora?"); status != http.StatusAccepted {
		t.Errorf("webhook after the outage answered %d", status)
	}
	h.sent(n + 1)
	if _, s := h.spool(); s.Waiting != 0 || s.Dead != 0 || s.Holding {
		t.Errorf("spool after the outage: %+v, want it unused", s)
	}
}

// echo makes the model repeat what it was asked, so that no two answers are alike.
func (h *house) echo() {
	var mu sync.Mutex
	n := 0
	h.model.Respond = func(*llmtest.Request) llmtest.Reply {
		mu.Lock()
		defer mu.Unlock()
		n++
		return llmtest.Reply{Text: fmt.Sprint("Resposta ", n, ".")}
	}
}

func TestOutage(t *testing.T) {
	t.Parallel()
	db := postgrestest.Start(t)
	h := onServer(t, db, nil)
	h.echo()
	h.whatsapp("5511988877766", "antes")
	h.sent(1)
	db.Kill()
	outage(t, h, func() { db.Restart(t) })
}

// A database that takes requests and does not answer them is noticed before the helpdesk
// gives up, and costs only the first webhooks that long.
func TestDatabaseHangs(t *testing.T) {
	t.Parallel()
	db := postgrestest.Start(t)
	h := onServer(t, db, nil)
	h.echo()
	h.whatsapp("5511988877766", "antes")
	h.sent(1)
	db.Freeze(t)
	outage(t, h, func() { db.Thaw(t) })
}

// A full spool refuses, and what it refused is nowhere; what it has taken is not lost.
func TestSpoolFull(t *testing.T) {
	t.Parallel()
	db := postgrestest.Start(t)
	h := onServer(t, db, func(o *app.Options) { o.Spool.MaxBytes = 1 << 20; o.Role = app.Web })
	db.Kill()
	taken, refused := 0, 0
	for i := range 60 {
		status, body := h.whatsapp(fmt.Sprintf("55119888000%02d", i), strings.Repeat("olá ", 8000))
		switch {
		case status == http.StatusAccepted:
			taken++
		case status == http.StatusInternalServerError && body == `{"error":"temporarily unavailable"}`:
			refused++
		default:
			t.Errorf("webhook answered %d %s, want 202, or 500 when full", status, body)
		}
	}
	if taken < 10 || refused < 10 {
		t.Errorf("%d webhooks taken and %d refused, want some of each", taken, refused)
	}
	if _, s := h.spool(); s.Status != "error" || s.Error != "spool full" {
		t.Errorf("/healthz says of a full spool %+v", s)
	}
	db.Restart(t)
	h.until("the spool runs empty", func() bool { _, s := h.spool(); return s.Waiting == 0 && s.Status == "ok" })
	if got := len(h.heard()); got != taken {
		t.Errorf("%d conversations are stored, want the %d that were acknowledged", got, taken)
	}
}

// A process that is started during an outage takes webhooks, and finds the database when it
// comes back; those of the process before it come first.
func TestStartedDuringAnOutage(t *testing.T) {
	t.Parallel()
	db := postgrestest.Start(t)
	for i, role := range []app.Role{app.Web, app.All} {
		number := fmt.Sprint("551198880000", i)
		h := onServer(t, db, func(o *app.Options) { o.Role = role })
		db.Kill()
		if status, _ := h.whatsapp(number, fmt.Sprint(i, " um")); status != http.StatusAccepted {
			t.Errorf("webhook answered %d, want 202", status)
		}
		h.stop()
		h.start()
		if status, _ := h.whatsapp(number, fmt.Sprint(i, " dois")); status != http.StatusAccepted {
			t.Errorf("webhook of the second process answered %d, want 202", status)
		}
		if status, s := h.spool(); status != http.StatusServiceUnavailable || s.Waiting != 2 {
			t.Errorf("/healthz answered %d with %+v, want two waiting", status, s)
		}
		if status, _ := h.get("/api/v1/health"); status != http.StatusOK {
			t.Errorf("/api/v1/health answered %d, want 200", status)
		}
		db.Restart(t)
		h.until("the spool runs empty", func() bool { _, s := h.spool(); return s.Waiting == 0 && !s.Holding })
		if role == app.All {
			h.sent(2) // the web process's customer too
			h.drained()
			h.settled()
		}
		found := false
		for _, texts := range h.heard() {
			found = found || len(texts) == 2 && strings.HasPrefix(texts[0], fmt.Sprint(i, " um")) && strings.HasPrefix(texts[1], fmt.Sprint(i, " dois"))
		}
		if !found {
			t.Errorf("role %q: stored %v, want um, dois of customer %d", role, h.heard(), i)
		}
	}
}

// Where there has never been a spool, a database that is not there is more likely a mistake
// of whoever configured it, and so is one that does not let us in.
func TestStartWithoutDatabase(t *testing.T) {
	t.Parallel()
	db := postgrestest.Start(t)
	h := onServer(t, db, nil)
	h.stop()
	wrong := h.options
	wrong.Postgres = secret.New(strings.Replace(db.URL, "tester:", "tester:no", 1))
	if a, err := app.New(t.Context(), wrong); err == nil {
		a.Stop(t.Context())
		t.Error("New with a wrong password = nil, want an error")
	}
	db.Kill()
	fresh := h.options
	fresh.Spool.Dir = t.TempDir()
	if a, err := app.New(t.Context(), fresh); err == nil {
		a.Stop(t.Context())
		t.Error("New without a database and without a spool of before = nil, want an error")
	}
	worker := h.options
	worker.Role = app.Worker
	if a, err := app.New(t.Context(), worker); err == nil {
		a.Stop(t.Context())
		t.Error("New of a worker without a database = nil, want an error")
	}
}

// A turn and a send that are under way when the database goes are not done twice.
func TestUnderWayAtTheOutage(t *testing.T) {
	t.Parallel()
	db := postgrestest.Start(t)
	const sendTimeout = 2 * time.Second
	h := onServer(t, db, func(o *app.Options) { o.SendTimeout = sendTimeout })
	thinking, think := make(chan struct{}, 10), make(chan struct{})
	h.model.Respond = func(r *llmtest.Request) llmtest.Reply {
		thinking <- struct{}{}
		<-think
		return llmtest.Reply{Text: "Bom dia!"}
	}
	h.whatsapp("5511988800001", "olá")
	<-thinking
	db.Kill()
	close(think) // the decision cannot be stored
	db.Restart(t)
	h.sent(1)
	h.settled()
	if got := h.whaticket.Sent(); len(got) != 1 {
		t.Errorf("whaticket has %d messages of ours, want 1", len(got))
	}
	// Now it is sent, and cannot be written down.
	h.chatwoot.Misbehave(chatwoottest.Misbehaviour{Ops: []chatwoottest.Op{chatwoottest.CreateMessage}, After: true, Hang: true})
	id := h.chatwoot.Open(chatwoottest.Contact{})
	h.writes(id, "Olá")
	h.said(id, 1)
	db.Kill()
	hung := time.Now()
	h.until("the send has ended, and could not be written down", func() bool { return time.Since(hung) > sendTimeout+time.Second })
	db.Restart(t)
	h.drained()
	h.settled()
	if got := h.chatwoot.Conversation(id).Said(); len(got) != 1 {
		t.Errorf("chatwoot has %d messages of ours, want 1", len(got))
	}
	list, err := h.app.Store().Deliveries(t.Context(), store.Filter{Status: store.Sent})
	must(t, err)
	if len(list) != 2 {
		t.Errorf("%d deliveries are sent, want 2", len(list))
	}
}

// Stopping while the database is away or hangs takes no longer than it may.
func TestStopDuringAnOutage(t *testing.T) {
	t.Parallel()
	type disturbance struct{ begin, end func(*postgrestest.Server) }
	for name, d := range map[string]disturbance{
		"away":  {func(db *postgrestest.Server) { db.Kill() }, func(db *postgrestest.Server) { db.Restart(t) }},
		"hangs": {func(db *postgrestest.Server) { db.Freeze(t) }, func(db *postgrestest.Server) { db.Thaw(t) }},
	} {
		db := postgrestest.Start(t)
		houses := map[app.Role]*house{}
		for _, role := range []app.Role{app.Web, app.Worker, app.All} {
			houses[role] = onServer(t, db, func(o *app.Options) {
				o.Role = role
				o.Logger = nil // what does not end in time may have something to say later
			})
		}
		d.begin(db)
		var all sync.WaitGroup
		for role, h := range houses {
			all.Go(func() {
				if role != app.Worker {
					h.whatsapp("5511988800001", "olá")
				}
				// What a service manager waits, less what the rest of the program needs.
				ctx, cancel := context.WithTimeout(context.Background(), 9*time.Second)
				defer cancel()
				if err := h.app.Stop(ctx); err != nil || ctx.Err() != nil {
					t.Errorf("%s: Stop of %q = %v (%v), want it to end in time", name, role, err, ctx.Err())
				}
			})
		}
		all.Wait()
		d.end(db)
		for _, h := range houses {
			h.app.Ended()
		}
	}
}
