package tracing_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"secretaria/internal/fault"
	"secretaria/internal/httpclient"
	"secretaria/internal/secret"
	"secretaria/internal/tracing"
	"secretaria/internal/tracing/tracingtest"
)

// bench is a tracer with its collector and with what it tells.
type bench struct {
	*tracing.Tracer
	c   *tracingtest.Collector
	log syncBuffer

	mu     sync.Mutex
	spans  map[string]int
	failed map[string]int
	news   chan struct{} // something was told
}

type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// collected starts a tracer that sends to a collector; change may alter its configuration.
func collected(t testing.TB, c *tracingtest.Collector, change func(*tracing.Config)) *bench {
	t.Helper()
	c.Start()
	t.Cleanup(c.Close)
	cfg := tracing.Config{Endpoint: c.URL(), Delay: time.Millisecond}
	if change != nil {
		change(&cfg)
	}
	b := &bench{c: c, spans: map[string]int{}, failed: map[string]int{}, news: make(chan struct{}, 1)}
	told := func(in map[string]int) func(string, int) {
		return func(word string, n int) {
			b.mu.Lock()
			in[word] += n
			b.mu.Unlock()
			select {
			case b.news <- struct{}{}:
			default:
			}
		}
	}
	failed := told(b.failed)
	var err error
	b.Tracer, err = tracing.New(cfg, tracing.Deps{Policy: httpclient.Local(), Version: "1.2.3", Instance: "i-1", Role: "all",
		Logger: slog.New(slog.NewTextHandler(&b.log, nil)), Spans: told(b.spans), BatchFailed: func(kind string) { failed(kind, 1) }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.stop(t) })
	return b
}

func (b *bench) stop(t testing.TB) {
	t.Helper()
	if err := b.Stop(context.Background()); err != nil {
		t.Errorf("Stop = %v", err)
	}
}

// told waits until so many spans have come to an end, or batches failed.
func (b *bench) told(t *testing.T, in map[string]int, word string, n int) {
	t.Helper()
	deadline := time.After(30 * time.Second)
	for {
		b.mu.Lock()
		got := in[word]
		b.mu.Unlock()
		if got >= n {
			return
		}
		select {
		case <-b.news:
		case <-deadline:
			t.Fatalf("%d %s, want %d; spans %v, failures %v", got, word, n, b.spans, b.failed)
		}
	}
}

// some ends so many spans.
func (b *bench) some(n int) {
	for range n {
		_, s := b.Begin(context.Background(), tracing.Turn, tracing.Root(uuid.NewString()), time.Time{})
		s.End()
	}
}

func TestSpans(t *testing.T) {
	t.Parallel()
	b := collected(t, &tracingtest.Collector{}, nil)
	const id = "0190A5C6-7B1E-7C3D-8E4F-A1B2C3D4E5F6"
	began := time.Now().Add(-time.Second)
	ctx, web := b.Begin(t.Context(), tracing.WebhookReceived, tracing.Root(id), began)
	stored := web.Past(tracing.WebhookStored, tracing.Webhook(7, id), began)
	stored.Link(tracing.Webhook(7, "before"))
	stored.End()
	web.Str(tracing.Inbox, "loja")
	web.Str(tracing.Reason, "")
	web.Str(tracing.Outcome, "do 11 98765-4321")
	web.Int(tracing.HTTPStatus, 202)
	web.Bool(tracing.Duplicate, true)
	web.LinkCaller("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	web.LinkCaller("00-zz-b7ad6b7169203331-01")
	if _, nobody := b.Begin(t.Context(), tracing.Turn, tracing.Webhook(7, ""), time.Time{}); nobody != nil {
		t.Error("what has no correlation id is followed")
	}
	_, never := tracing.Start(ctx, tracing.Guarded)
	never.Str(tracing.Guard, "allow") // and never ended
	web.End()
	// Another process.
	ctx, turn := b.Begin(t.Context(), tracing.Turn, tracing.Webhook(7, id), time.Time{})
	_, gate := tracing.Start(ctx, tracing.Gated)
	gate.Fail(fmt.Errorf("ask: %w", &fault.Error{Kind: fault.RateLimited, Code: "quota exhausted", Err: errors.New("what Maria wrote")}))
	gate.End()
	turn.LinkSpan(web)
	turn.Fail(nil)
	turn.End()

	spans, err := b.c.Await(t.Context(), func(s []tracingtest.Span) bool { return len(s) == 4 })
	if err != nil {
		t.Fatal(err)
	}
	if got, want := tracingtest.Tree(spans), "webhook\n  store webhook\n    turn\n      gate\n"; got != want {
		t.Errorf("tree:\n%s\nwant:\n%s", got, want)
	}
	by := map[string]tracingtest.Span{}
	for _, s := range spans {
		by[s.Name] = s
		if s.Trace != "0190a5c67b1e7c3d8e4fa1b2c3d4e5f6" {
			t.Errorf("%q is in trace %s", s.Name, s.Trace)
		}
	}
	w := by["webhook"]
	if diff := cmp.Diff(map[string]any{"correlation_id": id, "inbox": "loja", "outcome": w.Attributes["outcome"], "http.response.status_code": int64(202), "duplicate": true}, w.Attributes); diff != "" {
		t.Errorf("attributes (-want +got):\n%s", diff)
	}
	if got := fmt.Sprint(w.Attributes["outcome"]); strings.Contains(got, "98765") {
		t.Errorf("a phone number is told: %q", got)
	}
	if want := []tracingtest.Link{{Trace: "0af7651916cd43dd8448eb211c80319c", ID: "b7ad6b7169203331"}}; !slices.Equal(w.Links, want) || w.Kind != "server" || w.Start.After(began.Add(time.Millisecond)) {
		t.Errorf("webhook has links %v, kind %s, start %v, want %v, server, %v", w.Links, w.Kind, w.Start, want, began)
	}
	if g := by["gate"]; !g.Failed || g.Status != "rate_limited" || g.Attributes["cause"] != "quota exhausted" || g.Attributes["error.type"] != "rate_limited" {
		t.Errorf("gate: failed %v (%s) with %v", g.Failed, g.Status, g.Attributes)
	}
	if tt := by["turn"]; tt.Failed || len(tt.Links) != 1 || tt.Links[0].ID != w.ID {
		t.Errorf("turn: failed %v, links %v", tt.Failed, tt.Links)
	}
	if bytes.Contains(b.c.Raw(), []byte("Maria")) {
		t.Error("the text of an error is told")
	}
	if diff := cmp.Diff(map[string]any{"service.name": "secretaria", "service.version": "1.2.3", "service.instance.id": "i-1", "secretaria.role": "all"}, w.Resource); diff != "" {
		t.Errorf("resource (-want +got):\n%s", diff)
	}
}

// A panic that passes a span tells nothing: what was thrown may quote anything.
func TestPanicsAreNotTold(t *testing.T) {
	t.Parallel()
	b := collected(t, &tracingtest.Collector{}, nil)
	func() {
		defer func() { _ = recover() }()
		_, s := b.Begin(t.Context(), tracing.Turn, tracing.Root("a"), time.Time{})
		defer s.End()
		panic("what Maria wrote")
	}()
	spans, err := b.c.Await(t.Context(), func(s []tracingtest.Span) bool { return len(s) == 1 })
	if err != nil {
		t.Fatal(err)
	}
	if spans[0].Events != 0 || bytes.Contains(b.c.Raw(), []byte("Maria")) {
		t.Errorf("the span tells of the panic: %d events", spans[0].Events)
	}
}

func TestHeadersCompressionAndResource(t *testing.T) {
	t.Parallel()
	b := collected(t, &tracingtest.Collector{}, func(c *tracing.Config) {
		c.Endpoint += "/base/"
		c.Headers = secret.New("authorization=Bearer%20t%2C1,X-Scope-OrgID = loja")
		c.Compression, c.Protocol = "gzip", "http/protobuf"
		c.Service, c.Resource = "recepção", "deployment.environment.name=staging,team=a%20b,service.name=other"
	})
	b.some(1)
	spans, err := b.c.Await(t.Context(), func(s []tracingtest.Span) bool { return len(s) == 1 })
	if err != nil {
		t.Fatal(err)
	}
	headers, paths := b.c.Requests()
	if paths[0] != "/base/v1/traces" || headers[0].Get("Authorization") != "Bearer t,1" || headers[0].Get("X-Scope-OrgID") != "loja" || headers[0].Get("Content-Encoding") != "gzip" {
		t.Errorf("request to %s with %v", paths[0], headers[0])
	}
	want := map[string]any{"service.name": "recepção", "service.version": "1.2.3", "service.instance.id": "i-1", "secretaria.role": "all", "deployment.environment.name": "staging", "team": "a b"}
	if diff := cmp.Diff(want, spans[0].Resource); diff != "" {
		t.Errorf("resource (-want +got):\n%s", diff)
	}
}

// Whatever the collector does, it is said once, counted each time, and without what it says or
// where it is.
func TestCollectorsThatMisbehave(t *testing.T) {
	t.Parallel()
	const said = "the collector quotes Maria"
	answer := func(status int, header ...string) func(http.ResponseWriter) {
		return func(w http.ResponseWriter) {
			for i := 0; i+1 < len(header); i += 2 {
				w.Header().Set(header[i], header[i+1])
			}
			w.WriteHeader(status)
			_, _ = w.Write([]byte(said))
		}
	}
	large := func(w http.ResponseWriter) {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write([]byte(strings.Repeat(said, 1<<18)))
	}
	for name, c := range map[string]struct {
		complain func(http.ResponseWriter)
		kind     string
		status   string
	}{
		"500":               {answer(500), "transient", "500"},
		"400":               {answer(400), "invalid", "400"},
		"401":               {answer(401), "unauthorized", "401"},
		"404":               {answer(404), "not_found", "404"},
		"a redirect":        {answer(307, "Location", "http://127.0.0.1:1/elsewhere"), "permanent", "307"},
		"429 for long":      {answer(429, "Retry-After", "3600"), "rate_limited", "429"},
		"429 for ever":      {answer(429, "Retry-After", "999999999"), "rate_limited", "429"},
		"a large complaint": {large, "invalid", "400"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var well atomic.Bool
			b := collected(t, &tracingtest.Collector{Misbehave: func(w http.ResponseWriter, _ *http.Request, _ int) bool {
				if well.Load() {
					return false
				}
				c.complain(w)
				return true
			}}, func(cfg *tracing.Config) { cfg.Headers = secret.New("api-key=hush-hush") })
			b.some(3)
			b.told(t, b.spans, tracing.Failed, 3)
			b.some(2)
			b.told(t, b.spans, tracing.Failed, 5) // in how many batches is a matter of time
			if b.failed[c.kind] == 0 {
				t.Errorf("failures %v, want %s", b.failed, c.kind)
			}
			well.Store(true)
			b.some(1)
			b.told(t, b.spans, tracing.Exported, 1)
			log := b.log.String()
			if n := strings.Count(log, `"traces are not exported"`); n != 1 || !strings.Contains(log, "http_status="+c.status) || !strings.Contains(log, "kind="+c.kind) {
				t.Errorf("the failure is told %d times: %s", n, log)
			}
			if !strings.Contains(log, `"traces are exported again"`) {
				t.Errorf("the end of the failure is not told: %s", log)
			}
			for _, word := range []string{"Maria", "127.0.0.1", "hush"} {
				if strings.Contains(log, word) {
					t.Errorf("the log holds %q: %s", word, log)
				}
			}
		})
	}
}

func abort() bool { panic(http.ErrAbortHandler) }

// What passes by itself is tried again, and nothing is said of it.
func TestTriedAgain(t *testing.T) {
	t.Parallel()
	for name, misbehave := range map[string]func(http.ResponseWriter, *http.Request, int) bool{
		"503": func(w http.ResponseWriter, _ *http.Request, try int) bool {
			if try == 1 {
				w.Header().Set("Retry-After", "0")
				w.WriteHeader(503)
			}
			return try == 1
		},
		"a reset": func(_ http.ResponseWriter, _ *http.Request, try int) bool { return try == 1 && abort() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := collected(t, &tracingtest.Collector{Misbehave: misbehave}, nil)
			b.some(1)
			b.told(t, b.spans, tracing.Exported, 1)
			if log := b.log.String(); log != "" || len(b.failed) != 0 {
				t.Errorf("it is told of: %s %v", log, b.failed)
			}
		})
	}
}

func TestPartlyRefused(t *testing.T) {
	t.Parallel()
	b := collected(t, &tracingtest.Collector{Refuse: 1}, func(c *tracing.Config) { c.Delay = time.Hour })
	b.some(3)
	b.stop(t)
	if b.spans[tracing.Rejected] != 1 || b.spans[tracing.Exported] != 2 || b.failed[tracing.Rejected] != 1 {
		t.Errorf("spans %v, failures %v, want one of three rejected", b.spans, b.failed)
	}
	if log := b.log.String(); !strings.Contains(log, "kind=rejected") {
		t.Errorf("log: %s", log)
	}
}

// A collector that hangs costs a bounded queue and two seconds at the end.
func TestCollectorThatHangs(t *testing.T) {
	t.Parallel()
	arrived := make(chan struct{}, 10)
	b := collected(t, &tracingtest.Collector{Misbehave: func(_ http.ResponseWriter, r *http.Request, _ int) bool {
		arrived <- struct{}{}
		<-r.Context().Done()
		return true
	}}, func(c *tracing.Config) { c.Timeout = time.Hour }) // so that only Stop ends it
	b.some(1)
	<-arrived
	const many = 5000
	b.some(many)
	const room = 2047 // beside the one under way
	if b.spans[tracing.Dropped] != many-room {
		t.Errorf("%d of %d spans were dropped, want %d", b.spans[tracing.Dropped], many, many-room)
	}
	b.stop(t)
	b.some(1) // whoever comes too late harms nobody
	b.stop(t)
	if b.spans[tracing.Failed] != room+1 {
		t.Errorf("%d spans failed, want %d", b.spans[tracing.Failed], room+1)
	}
}

// Nothing of the environment is used: everything was said by the configuration.
func TestEnvironmentMeansNothing(t *testing.T) {
	other := (&tracingtest.Collector{}).Start()
	t.Cleanup(other.Close)
	for k, v := range map[string]string{
		"OTEL_EXPORTER_OTLP_ENDPOINT": other.URL(), "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": other.URL() + "/x", "OTEL_EXPORTER_OTLP_HEADERS": "x-other=1",
		"OTEL_EXPORTER_OTLP_TRACES_HEADERS": "x-other=2,broken", "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip", "OTEL_EXPORTER_OTLP_PROTOCOL": "http/json", "OTEL_EXPORTER_OTLP_INSECURE": "false",
		"OTEL_EXPORTER_OTLP_CERTIFICATE": "/nowhere.pem", "OTEL_TRACES_SAMPLER": "always_off", "OTEL_SERVICE_NAME": "other", "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": "0",
		"OTEL_BSP_MAX_QUEUE_SIZE": "1", "OTEL_BSP_SCHEDULE_DELAY": "3600000", "OTEL_SDK_DISABLED": "true",
	} {
		t.Setenv(k, v)
	}
	var complaints syncBuffer
	tracing.SetDefault(slog.New(slog.NewTextHandler(&complaints, nil)))
	b := collected(t, &tracingtest.Collector{}, nil)
	b.some(20)
	b.told(t, b.spans, tracing.Exported, 20)
	headers, paths := b.c.Requests()
	if paths[0] != "/v1/traces" || headers[0].Get("X-Other") != "" || headers[0].Get("Content-Encoding") != "" || headers[0].Get("Content-Type") != "application/x-protobuf" {
		t.Errorf("request to %s with %v", paths[0], headers[0])
	}
	s := b.c.Spans()[0]
	if s.Resource["service.name"] != "secretaria" || len(s.Attributes) == 0 || len(other.Spans()) != 0 {
		t.Errorf("span of %v with %v", s.Resource, s.Attributes)
	}
	if said := complaints.String(); said != "" {
		t.Errorf("the library complains: %s", said)
	}
}

// Where tracing is off nothing runs, and nothing is allocated on the way.
func TestOff(t *testing.T) {
	for name, cfg := range map[string]tracing.Config{
		"no endpoint": {Protocol: "grpc", Sampler: "nonsense", Headers: secret.New("nonsense")},
		"disabled":    {Endpoint: "nonsense", Disabled: true},
	} {
		tr, err := tracing.New(cfg, tracing.Deps{})
		if tr != nil || err != nil {
			t.Fatalf("%s: New = %v, %v, want nil, nil", name, tr, err)
		}
	}
	var off *tracing.Tracer
	if n := testing.AllocsPerRun(100, func() { work(off) }); n != 0 {
		t.Errorf("off allocates %v times", n)
	}
	if err := errors.Join(off.Flush(t.Context()), off.Stop(t.Context())); err != nil {
		t.Error(err)
	}
}

// work is what follows a message does at its busiest.
func work(tr *tracing.Tracer) {
	ctx, span := tr.Begin(context.Background(), tracing.Turn, tracing.Webhook(7, "0190a5c6-7b1e-7c3d-8e4f-a1b2c3d4e5f6"), time.Time{})
	_, child := tracing.Start(ctx, tracing.ModelTried)
	child.Str(tracing.RequestModel, "gpt-test")
	child.Int(tracing.InputTokens, 700)
	child.Bool(tracing.Pending, true)
	child.Fail(errNothing)
	child.Failed("nothing")
	child.End()
	past := span.Past(tracing.Ordered, tracing.Delivery("0190a5c6", "0190a5c6-7b1e-7c3d-8e4f-a1b2c3d4e5f6"), time.Time{})
	past.Link(tracing.Root("x"))
	past.LinkSpan(child)
	past.LinkCaller("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	past.End()
	span.End()
}

var errNothing = errors.New("nothing")

func BenchmarkWork(b *testing.B) {
	b.Run("off", func(b *testing.B) {
		b.ReportAllocs()
		for range b.N {
			work(nil)
		}
	})
	for name, sampler := range map[string]string{"sampled out": "always_off", "on": "always_on"} {
		b.Run(name, func(b *testing.B) {
			k := collected(b, &tracingtest.Collector{}, func(c *tracing.Config) { c.Sampler, c.Delay = sampler, 100*time.Millisecond })
			b.ReportAllocs()
			for range b.N {
				work(k.Tracer)
			}
		})
	}
}
