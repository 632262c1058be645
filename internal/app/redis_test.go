package app_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"secretaria/internal/app"
	"secretaria/internal/llm/llmtest"
	"secretaria/internal/redis/redistest"
	"secretaria/internal/secret"
)

// patient is a server's URL for tests that count: on a busy machine it may take its time.
func patient(server *redistest.Server) secret.String {
	return secret.New(server.URL + "?read_timeout=20s&dial_timeout=20s")
}

// shared opens a house in a role, on a PostgreSQL and a Redis that other processes may join.
func shared(t *testing.T, role app.Role, change func(*app.Options)) (*house, *redistest.Server) {
	t.Helper()
	server := redistest.Start(t, "")
	return onPostgres(t, func(o *app.Options) {
		o.Role, o.Redis = role, patient(server)
		if change != nil {
			change(o)
		}
	}), server
}

// join starts another process beside the house and returns its URL.
func (h *house) join(role app.Role) string {
	h.t.Helper()
	o := h.options
	o.Role = role
	a, err := app.New(h.t.Context(), o)
	must(h.t, err)
	h.t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 15*time.Second)
		defer cancel()
		if err := a.Stop(ctx); err != nil {
			h.t.Errorf("stop: %v", err)
		}
	})
	must(h.t, a.Start(h.t.Context()))
	return "http://" + a.Addr()
}

// listening waits until a number of processes hear each other's events.
func listening(t *testing.T, server *redistest.Server, want int64) {
	t.Helper()
	c := redistest.Client(t, server.URL)
	until(t, "processes that listen", func() bool {
		n, err := c.PubSubNumSub(t.Context(), "secretaria:events:0").Result()
		return err == nil && n["secretaria:events:0"] >= want
	})
}

// at makes the house's requests go to another process.
func (h *house) at(url string, f func()) {
	own := h.url
	h.url = url
	defer func() { h.url = own }()
	f()
}

// part is what /healthz says of a part.
func (h *house) part(name string) (status int, said map[string]any) {
	h.t.Helper()
	status, body := h.get("/healthz")
	var o struct {
		Dependencies map[string]map[string]any
	}
	must(h.t, json.Unmarshal([]byte(body), &o))
	return status, o.Dependencies[name]
}

func TestProcessesShareLimits(t *testing.T) {
	t.Parallel()
	h, _ := shared(t, app.Web, func(o *app.Options) { still(o); o.Limits.Whaticket, o.Limits.Failures = 3, 2 })
	other := h.join(app.Web)
	var got []int
	for i := range 5 {
		post := func() { status, _ := h.whatsapp(customer, fmt.Sprint(i)); got = append(got, status) }
		if i%2 == 0 {
			post()
		} else {
			h.at(other, post)
		}
	}
	for range 2 {
		h.at(other, func() { got = append(got, h.ask(h.request("POST", whaticketPath, nil, []byte("{}"))).status) })
	}
	got = append(got, h.ask(h.request("POST", whaticketPath, nil, []byte("{}"))).status)
	if want := "[202 202 202 429 429 401 401 429]"; fmt.Sprint(got) != want {
		t.Errorf("answered %v, want %v", got, want)
	}
}

func TestProcessesShareOneLogin(t *testing.T) {
	t.Parallel()
	h, _ := shared(t, app.All, func(o *app.Options) { o.Inboxes[0].Whaticket.Token = secret.String{} })
	other := h.join(app.All)
	var wg sync.WaitGroup
	for _, url := range []string{h.url, other} {
		wg.Go(func() {
			resp, err := http.Get(url + "/api/v1/readiness")
			if err != nil {
				t.Error(err)
				return
			}
			resp.Body.Close()
		})
	}
	wg.Wait()
	for i := range 10 {
		number := fmt.Sprintf("55119888%05d", i)
		if i%2 == 0 {
			h.whatsapp(number, "oi")
		} else {
			h.at(other, func() { h.whatsapp(number, "oi") })
		}
	}
	h.sent(10)
	if got := h.whaticket.Logins(); got != 1 {
		t.Errorf("two processes logged in %d times, want once", got)
	}
	h.whaticket.ExpireSessions()
	for i := range 10 {
		h.whatsapp(fmt.Sprintf("55119888%05d", i), "e agora?")
	}
	h.sent(20)
	if got := h.whaticket.Logins(); got != 2 {
		t.Errorf("%d logins after the session died, want 2", got)
	}
}

// The dispatcher of the other process looks by itself once in an hour: it is told.
func TestWebProcessWakesTheWorkers(t *testing.T) {
	t.Parallel()
	h, server := shared(t, app.Web, func(o *app.Options) { o.Queue.Sweep, o.Queue.Poll = time.Hour, time.Hour })
	h.join(app.Worker)
	listening(t, server, 2)
	h.whatsapp(customer, "oi")
	h.sent(1)
}

// A message accepted by one process makes the draft of another one stale at once.
func TestStaleReachesOtherProcesses(t *testing.T) {
	t.Parallel()
	h, server := shared(t, app.Web, nil)
	h.join(app.Worker)
	listening(t, server, 2)
	h.model.Script(llmtest.Reply{Text: "rascunho", Delay: time.Minute}, llmtest.Reply{Text: "resposta de uma vez"})
	h.whatsapp(customer, "Quanto custa?")
	h.waitModel(1)
	h.whatsapp(customer, "O plano básico")
	if got := h.sent(1)[0].Body; got != "resposta de uma vez" {
		t.Errorf("customer got %q", got)
	}
}

func TestProcessesShareTheCircuit(t *testing.T) {
	t.Parallel()
	h, _ := shared(t, app.All, func(o *app.Options) {
		o.Models.Resilience.Attempts, o.Models.Resilience.BreakerThreshold = 1, 1
	})
	h.model.Script(llmtest.Reply{Status: 500})
	h.whatsapp(customer, "oi")
	h.sent(1)
	h.stop()
	h.start()
	h.whatsapp("5511988877767", "oi")
	h.sent(2)
	if got := h.model.Count(); got != 1 {
		t.Errorf("the model was called %d times, want once: its circuit is open for the new process too", got)
	}
}

// Redis goes while customers write, and comes back.
func TestRedisGoesAndComesBack(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t, "")
	var log *logbook
	h := open(t, func(o *app.Options) {
		o.Redis, o.Limits.Whaticket = patient(server), 3
		log = logTo(t, o)
	})
	if status, said := h.part("redis"); status != http.StatusOK || said["status"] != "ok" {
		t.Fatalf("/healthz = %d %v, want a healthy redis", status, said)
	}
	services := func() string {
		t.Helper()
		got := h.ask(h.request(http.MethodGet, "/api/v1/readiness", nil, nil))
		var o struct{ Services map[string]string }
		must(t, json.Unmarshal([]byte(got.body), &o))
		return fmt.Sprint(got.status, " ", o.Services["redis"])
	}
	if got := services(); got != "200 connected" {
		t.Errorf("readiness says %q, want 200 connected", got)
	}
	limited := func() bool { status, _ := h.whatsapp(customer, "oi"); return status == http.StatusTooManyRequests }
	until(t, "the limit", limited)
	var posted atomic.Int64
	stopped := make(chan struct{})
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 30 {
				if g == 0 && i == 5 {
					server.Stop()
					close(stopped)
				}
				number := fmt.Sprintf("551198%02d%05d", g, i)
				if status, body := h.whatsapp(number, "oi"); status != http.StatusAccepted {
					t.Errorf("webhook answered %d %s", status, body)
				}
				posted.Add(1)
			}
		})
	}
	<-stopped
	wg.Wait()
	if limited() {
		t.Error("a limit holds without Redis, want it open")
	}
	status, said := h.part("redis")
	if status != http.StatusServiceUnavailable || said["status"] != "error" || said["error"] != "connection refused" {
		t.Errorf("/healthz = %d %v, want 503 and the cause", status, said)
	}
	if got := services(); got != "200 error" {
		t.Errorf("readiness says %q, want 200 error", got)
	}
	if status, _ := h.get("/api/v1/health"); status != http.StatusOK {
		t.Errorf("liveness = %d, want 200", status)
	}
	if n := len(h.sent(int(posted.Load()))); n < int(posted.Load()) {
		t.Errorf("%d answers to %d customers", n, posted.Load())
	}
	until(t, "the breaker", func() bool { _, body := h.get("/metrics"); return strings.Contains(body, "\nsecretaria_redis_up 0\n") })
	_, body := h.get("/metrics")
	if !strings.Contains(body, `secretaria_healthcheck_failures_total{component="redis"} 1`) || strings.Contains(body, `secretaria_redis_failures_total{use="limits"} 0`) {
		t.Error("metrics do not show the failures of redis")
	}
	server.Restart(t)
	until(t, "redis to be back", func() bool { _, body := h.get("/metrics"); return strings.Contains(body, "\nsecretaria_redis_up 1\n") })
	if status, said := h.part("redis"); status != http.StatusOK || said["status"] != "ok" {
		t.Errorf("/healthz = %d %v, want a healthy redis", status, said)
	}
	until(t, "the limit", limited)
	lines := map[string]int{}
	for _, l := range log.lines() {
		lines[fmt.Sprint(l["msg"])]++
	}
	if lines["redis is away"] != 1 || lines["redis is back"] != 1 {
		t.Errorf("%d lines that redis is away and %d that it is back, want one each", lines["redis is away"], lines["redis is back"])
	}
}

// Whatever is wrong with Redis, customers are answered.
func TestRedisIsNotNeeded(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp4", "127.0.0.1:0") // accepts, and never answers
	must(t, err)
	t.Cleanup(func() { l.Close() })
	protected := redistest.Start(t, redistest.Password())
	for name, c := range map[string]struct{ url, cause string }{
		"silent":         {"redis://" + l.Addr().String(), "timeout"},
		"wrong password": {"redis://:hunter2@" + protected.Addr, "password refused"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var log *logbook
			h := open(t, func(o *app.Options) {
				o.Redis, o.Limits.Whaticket = secret.New(c.url), 1
				o.Inboxes[0].Whaticket.Token = secret.String{}
				log = logTo(t, o)
			})
			for range 3 {
				if status, body := h.whatsapp(customer, "oi"); status != http.StatusAccepted {
					t.Errorf("webhook answered %d %s", status, body)
				}
			}
			h.sent(1)
			if status, said := h.part("redis"); status != http.StatusServiceUnavailable || said["error"] != c.cause {
				t.Errorf("/healthz = %d %v, want 503 and %q", status, said, c.cause)
			}
			log.silent("hunter2", "127.0.0.1:"+strings.Split(c.url, ":")[len(strings.Split(c.url, ":"))-1])
		})
	}
}

func TestRedisURLIsChecked(t *testing.T) {
	t.Parallel()
	_, err := app.New(t.Context(), app.Options{Database: t.TempDir() + "/s.db", Redis: secret.New("http://:hunter2@h")})
	if err == nil || !strings.Contains(err.Error(), "REDIS_URL: ") || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("New() = %v, want an error that names REDIS_URL and not the password", err)
	}
}
