package app_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"secretaria/internal/app"
	"secretaria/internal/channel/chatwoot/chatwoottest"
	"secretaria/internal/llm"
	"secretaria/internal/llm/llmtest"
	"secretaria/internal/store/postgres/postgrestest"
	"secretaria/internal/tracing"
	"secretaria/internal/tracing/tracingtest"
)

// collecting has a house send its traces to a collector.
func collecting(t *testing.T) (*tracingtest.Collector, func(*app.Options)) {
	t.Helper()
	c := (&tracingtest.Collector{}).Start()
	t.Cleanup(c.Close)
	return c, func(o *app.Options) {
		o.Traces = tracing.Config{Endpoint: c.URL(), Delay: 10 * time.Millisecond}
	}
}

// traced waits for so many spans of a name in the trace of a correlation id, and returns the
// trace.
func traced(t *testing.T, c *tracingtest.Collector, correlation, name string, n int) []tracingtest.Span {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	var out []tracingtest.Span
	_, err := c.Await(ctx, func(all []tracingtest.Span) bool {
		out = slices.DeleteFunc(slices.Clone(all), func(s tracingtest.Span) bool { return s.Trace != tracing.TraceID(correlation) })
		return count(out, name) >= n
	})
	if err != nil {
		t.Fatalf("%d of %q in the trace of %s: %v", n, name, correlation, err)
	}
	wellFormed(t, c)
	return out
}

func count(spans []tracingtest.Span, name string) (n int) {
	for _, s := range spans {
		if s.Name == name {
			n++
		}
	}
	return n
}

// wellFormed fails where spans have an id twice, a parent in another trace, or attributes that
// are not in the catalogue.
func wellFormed(t *testing.T, c *tracingtest.Collector) {
	t.Helper()
	known := map[string]tracing.Description{}
	for _, d := range tracing.Catalogue() {
		known[string(d.Name)] = d
	}
	ids := map[string]string{}
	for _, s := range c.Spans() {
		d, ok := known[s.Name]
		if !ok || s.Kind != d.Kind {
			t.Errorf("a span %q of kind %s, which the catalogue does not have", s.Name, s.Kind)
		}
		if was, twice := ids[s.Trace+s.ID]; twice {
			t.Errorf("%q and %q have one id", was, s.Name)
		}
		ids[s.Trace+s.ID] = s.Name
		for k := range s.Attributes {
			if !d.May(tracing.Key(k)) {
				t.Errorf("%q has an attribute %s, which the catalogue does not have", s.Name, k)
			}
		}
		if s.Events != 0 {
			t.Errorf("%q has events", s.Name)
		}
		if s.Failed != (s.Attributes["error.type"] != nil) {
			t.Errorf("%q: failed = %v, attributes %v", s.Name, s.Failed, s.Attributes)
		}
	}
}

// speaks sends a customer's words and returns the correlation id of the answer.
func (h *house) speaks(number, text string) string {
	h.t.Helper()
	body := says(number, text)
	a := h.ask(h.request(http.MethodPost, "/webhook/whaticket", signed(whaticketSecret, body), body))
	if a.status != http.StatusAccepted {
		h.t.Fatalf("webhook answered %d %s", a.status, a.body)
	}
	return a.header.Get("X-Correlation-ID")
}

// named is the first span of a name.
func named(t *testing.T, spans []tracingtest.Span, name string) tracingtest.Span {
	t.Helper()
	i := slices.IndexFunc(spans, func(s tracingtest.Span) bool { return s.Name == name })
	if i < 0 {
		t.Fatalf("there is no %q in\n%s", name, tracingtest.Tree(spans))
	}
	return spans[i]
}

// drawn fails where the spans are not this tree.
func drawn(t *testing.T, spans []tracingtest.Span, want string) {
	t.Helper()
	if diff := cmp.Diff(strings.TrimPrefix(want, "\n"), tracingtest.Tree(spans)); diff != "" {
		t.Errorf("trace (-want +got):\n%s", diff)
	}
}

// has fails where attributes of a span are not these.
func has(t *testing.T, s tracingtest.Span, want map[string]any) {
	t.Helper()
	for k, v := range want {
		if s.Attributes[k] != v {
			t.Errorf("%q has %s = %v, want %v", s.Name, k, s.Attributes[k], v)
		}
	}
}

func TestTraceOfOneMessage(t *testing.T) {
	t.Parallel()
	c, traces := collecting(t)
	h := open(t, traces)
	h.model.Script(llmtest.Reply{Text: "Bom dia! Como posso ajudar?"})
	id := h.speaks("5511988877766", "Olá, bom dia! Quanto custa?")
	h.sent(1)
	spans := traced(t, c, id, "deliver", 1)
	drawn(t, spans, `
webhook
  store webhook
    turn
      load
      guard
      model
        chat
      gate
      commit
      delivery
        deliver
`)
	if got := strings.ReplaceAll(id, "-", ""); spans[0].Trace != got {
		t.Errorf("trace id = %s, want %s", spans[0].Trace, got)
	}
	has(t, named(t, spans, "webhook"), map[string]any{"correlation_id": id, "inbox": "whaticket", "channel": "whaticket", "outcome": "accepted",
		"http.request.method": "POST", "http.route": "/webhook/whaticket", "http.response.status_code": int64(202)})
	has(t, named(t, spans, "turn"), map[string]any{"correlation_id": id, "conversation": int64(1), "desk": "secretaria", "outcome": "replied", "reason": "model", "model": "openai/gpt-test", "guard": "allow"})
	has(t, named(t, spans, "chat"), map[string]any{"gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-test", "outcome": "ok"})
	has(t, named(t, spans, "deliver"), map[string]any{"correlation_id": id, "kind": "say", "attempt": int64(1), "outcome": "sent", "http.response.status_code": int64(200)})
	for _, s := range spans {
		if s.Failed || len(s.Links) != 0 {
			t.Errorf("%q failed (%v) or has links (%v)", s.Name, s.Failed, s.Links)
		}
		if s.Resource["service.name"] != "secretaria" || s.Resource["service.version"] != "test" || s.Resource["secretaria.role"] != "all" {
			t.Errorf("%q is of %v", s.Name, s.Resource)
		}
	}
}

// Web and worker are two programs on one database: what the one begins goes on in the other,
// and failures have spans of their own.
func TestTraceAcrossProcesses(t *testing.T) {
	t.Parallel()
	c, traces := collecting(t)
	h := onPostgres(t, func(o *app.Options) {
		traces(o)
		o.Role = app.Web
		o.Models.Resilience.Attempts = 2
	})
	h.join(app.Worker)
	h.model.Script(llmtest.Reply{Status: http.StatusInternalServerError},
		llmtest.Reply{ToolCalls: []llm.ToolCall{{ID: "t1", Name: "remember", Arguments: json.RawMessage(`{"kind":"preference","text":"prefere manhã","quote":"de manhã"}`)}}},
		llmtest.Reply{Text: "Anotado!"})
	h.whaticket.FailNext("proxy-bad-gateway")
	id := h.speaks("5511988877766", "Prefiro ser atendida de manhã.")
	h.sent(1)
	spans := traced(t, c, id, "deliver", 2)
	drawn(t, spans, `
webhook
  store webhook
    turn
      load
      guard
      model
        chat
        chat
      tool
      model
        chat
      gate
      commit
      delivery
        deliver
        deliver
`)
	for _, s := range spans {
		want := "worker"
		if s.Name == "webhook" || s.Name == "store webhook" {
			want = "web"
		}
		if got := s.Resource["secretaria.role"]; got != want {
			t.Errorf("%q is of %v, want %s", s.Name, got, want)
		}
	}
	failed := named(t, spans, "chat")
	if has(t, failed, map[string]any{"outcome": "transient", "error.type": "transient", "http.response.status_code": int64(500)}); !failed.Failed {
		t.Error("the try that failed has not failed")
	}
	has(t, named(t, spans, "tool"), map[string]any{"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "remember"})
	first := named(t, spans, "deliver")
	if has(t, first, map[string]any{"attempt": int64(1), "outcome": "retry"}); !first.Failed {
		t.Error("the first attempt has not failed")
	}
}

// The webhooks of a burst have a trace each. The last has the turn, and leads to those before.
func TestTracesOfABurst(t *testing.T) {
	t.Parallel()
	c, traces := collecting(t)
	h := open(t, func(o *app.Options) { traces(o); o.Quiet.Window = 300 * time.Millisecond })
	var ids []string
	for _, text := range []string{"oi", "queria saber", "se vocês abrem amanhã"} {
		ids = append(ids, h.speaks("5511988877766", text))
	}
	h.sent(1)
	stored := named(t, traced(t, c, ids[2], "deliver", 1), "store webhook")
	for i := 1; i >= 0; i-- {
		before := traced(t, c, ids[i], "webhook", 1)
		drawn(t, before, "webhook\n  store webhook\n")
		one := named(t, before, "store webhook")
		if want := []tracingtest.Link{{Trace: one.Trace, ID: one.ID}}; !slices.Equal(stored.Links, want) {
			t.Errorf("message %d links to %v, want %v", i+2, stored.Links, want)
		}
		stored = one
	}
	if len(stored.Links) != 0 {
		t.Errorf("the first message links to %v", stored.Links)
	}
}

// A draft that became stale is a turn of its own, in the trace of what it was to answer.
func TestTraceOfAStaleDraft(t *testing.T) {
	t.Parallel()
	c, traces := collecting(t)
	h := open(t, traces)
	h.model.Script(llmtest.Reply{Text: "rascunho", Delay: time.Minute}, llmtest.Reply{Text: "resposta"})
	first := h.speaks("5511988877766", "quanto custa")
	h.waitModel(1)
	second := h.speaks("5511988877766", "a consulta?")
	h.sent(1)
	has(t, named(t, traced(t, c, first, "turn", 1), "turn"), map[string]any{"outcome": "stale"})
	spans := traced(t, c, second, "deliver", 1)
	has(t, named(t, spans, "turn"), map[string]any{"outcome": "replied"})
	if links := named(t, spans, "store webhook").Links; len(links) != 1 || links[0].Trace != tracing.TraceID(first) {
		t.Errorf("the second message links to %v, want the first", links)
	}
}

// Whoever sends the same correlation id again puts everything into one trace, where every span
// still has an id of its own.
func TestTraceOfARepeatedCorrelation(t *testing.T) {
	t.Parallel()
	const id = "0190a5c6-7b1e-7c3d-8e4f-a1b2c3d4e5f6"
	c, traces := collecting(t)
	h := open(t, traces)
	for i := range 3 {
		body := says("5511988877766", fmt.Sprint("Pergunta ", i, "?"))
		h.ask(h.request(http.MethodPost, "/webhook/whaticket", with(signed(whaticketSecret, body), "X-Correlation-ID", id), body))
		h.sent(i + 1)
	}
	traced(t, c, id, "deliver", 3)
}

// What is done because an answer cannot be delivered hangs under the last attempt.
func TestTraceOfAnAnswerThatFails(t *testing.T) {
	t.Parallel()
	c, traces := collecting(t)
	h := open(t, func(o *app.Options) { traces(o); o.Schedule = []time.Duration{time.Millisecond} })
	h.whaticket.FailNext("proxy-bad-gateway", "proxy-bad-gateway")
	id := h.speaks("5511988877766", "Olá")
	h.settled()
	spans := traced(t, c, id, "deliver", 3)
	last := slices.DeleteFunc(slices.Clone(spans), func(s tracingtest.Span) bool { return s.Name != "deliver" || s.Attributes["attempt"] != int64(2) })
	if len(last) != 1 || last[0].Attributes["outcome"] != "failed" || !last[0].Failed {
		t.Fatalf("the last attempt is %v", last)
	}
	var ordered []tracingtest.Span
	for _, s := range spans {
		if s.Name == "delivery" && s.Parent == last[0].ID {
			ordered = append(ordered, s)
		}
	}
	if len(ordered) == 0 || strings.Contains(tracingtest.Tree(spans), "?") {
		t.Errorf("trace:\n%s", tracingtest.Tree(spans))
	}
}

// A person who takes over leaves what nobody has decided: it hangs under what they did.
func TestTraceOfATakeover(t *testing.T) {
	t.Parallel()
	c, traces := collecting(t)
	h := open(t, traces)
	h.model.Script(llmtest.Reply{Text: "tarde demais", Delay: time.Minute})
	id := h.chatwoot.Open(chatwoottest.Contact{})
	h.writes(id, "Preciso de ajuda")
	h.waitModel(1)
	_, err := h.chatwoot.Human(t.Context(), id, 2, "Oi, aqui é o Carlos.")
	must(t, err)
	h.status(id, chatwoottest.Open)
	h.settled()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	all, err := c.Await(ctx, func(all []tracingtest.Span) bool { return count(all, "deliver") >= 1 && count(all, "turn") >= 1 })
	must(t, err)
	wellFormed(t, c)
	opened := named(t, all, "deliver")
	i := slices.IndexFunc(all, func(s tracingtest.Span) bool { return s.ID == opened.Parent })
	if i < 0 || all[i].Name != "store webhook" || all[i].Trace != opened.Trace {
		t.Errorf("the opening hangs under %q:\n%s", opened.Parent, tracingtest.Tree(all))
	}
}

// A workflow that reports later does so in a request of its own, with a trace of its own: what
// it reports stands in the trace of the call as well, and each leads to the other.
func TestTraceOfAWorkflow(t *testing.T) {
	t.Parallel()
	c, traces := collecting(t)
	meeting := meetings()["by a callback"]
	h, s, id, call := meeting.wished(t, traces)
	meeting.report(t, h, s, call)
	h.said(id, 2)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	all, err := c.Await(ctx, func(all []tracingtest.Span) bool { return count(all, "callback") >= 2 && count(all, "deliver") >= 2 })
	must(t, err)
	wellFormed(t, c)
	byTrace := map[string][]tracingtest.Span{}
	for _, one := range all {
		byTrace[one.Trace] = append(byTrace[one.Trace], one)
	}
	called := byTrace[named(t, all, "call workflow").Trace]
	drawn(t, called, `
webhook
  store webhook
    turn
      load
      guard
      model
        chat
      tool
      model
        chat
      gate
      commit
      delivery
        deliver
      delivery
        call workflow
        workflow reports
        workflow reports
`)
	reports := named(t, called, "workflow reports")
	has(t, reports, map[string]any{"delivery": call, "outcome": "accepted"})
	if len(reports.Links) != 1 {
		t.Fatalf("the report has links %v, want one", reports.Links)
	}
	reported := byTrace[reports.Links[0].Trace]
	request := named(t, reported, "callback")
	has(t, request, map[string]any{"outcome": "accepted", "http.response.status_code": int64(202)})
	if want := (tracingtest.Link{Trace: reports.Trace, ID: reports.Parent}); reports.Links[0].ID != request.ID || len(request.Links) != 1 || request.Links[0] != want {
		t.Errorf("the report links to %v, and its request %s to %v; want each other", reports.Links, request.ID, request.Links)
	}
	if turn := named(t, reported, "turn"); turn.Parent != named(t, reported, "store webhook").ID {
		t.Errorf("the answer to the report is\n%s", tracingtest.Tree(reported))
	}
}

// What waits on the disk for the database hangs under its webhook all the same.
func TestTraceThroughTheSpool(t *testing.T) {
	t.Parallel()
	db := postgrestest.Start(t)
	c, traces := collecting(t)
	h := onServer(t, db, traces)
	h.speaks("5511988877765", "Olá")
	h.sent(1)
	db.Kill()
	id := h.speaks("5511988877766", "Quanto custa?")
	db.Restart(t)
	h.drained()
	h.sent(2)
	spans := traced(t, c, id, "deliver", 1)
	if named(t, spans, "webhook").ID != named(t, spans, "spool webhook").Parent || named(t, spans, "spool webhook").ID != named(t, spans, "forward webhook").Parent ||
		named(t, spans, "forward webhook").ID != named(t, slices.DeleteFunc(slices.Clone(spans), func(s tracingtest.Span) bool { return s.Name == "store webhook" && s.Failed }), "store webhook").Parent {
		t.Errorf("trace:\n%s", tracingtest.Tree(spans))
	}
}

// Strangers leave no trace, and whoever is let in does not become our parent.
func TestTracesOfStrangers(t *testing.T) {
	t.Parallel()
	const theirs = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"
	c, traces := collecting(t)
	h := open(t, traces)
	body := says("5511988877766", "Olá")
	for _, header := range []http.Header{signed("a wrong secret", body), {"Content-Type": {"application/json"}}} {
		if a := h.ask(h.request(http.MethodPost, "/webhook/whaticket", with(header, "Traceparent", theirs), body)); a.status != http.StatusUnauthorized {
			t.Fatalf("a stranger got %d", a.status)
		}
	}
	a := h.ask(h.request(http.MethodPost, "/webhook/whaticket", with(signed(whaticketSecret, body), "Traceparent", theirs), body))
	id := a.header.Get("X-Correlation-ID")
	request := named(t, traced(t, c, id, "deliver", 1), "webhook")
	if want := []tracingtest.Link{{Trace: "0af7651916cd43dd8448eb211c80319c", ID: "b7ad6b7169203331"}}; request.Parent != "" || !slices.Equal(request.Links, want) {
		t.Errorf("the webhook has parent %q and links %v, want none and %v", request.Parent, request.Links, want)
	}
	for _, s := range c.Spans() {
		if s.Trace != tracing.TraceID(id) {
			t.Errorf("a stranger left %q in %s", s.Name, s.Trace)
		}
	}
}

// A share of the traces is kept: those whole, the others not at all, in both processes.
func TestShareOfTraces(t *testing.T) {
	t.Parallel()
	const people = 24
	c, traces := collecting(t)
	h := onPostgres(t, func(o *app.Options) {
		traces(o)
		o.Traces.Sampler, o.Traces.SamplerArg = "parentbased_traceidratio", "0.5"
		o.Role = app.Web
	})
	h.join(app.Worker)
	for i := range people {
		h.speaks(fmt.Sprintf("55119888%05d", i), "Olá, quanto custa?")
	}
	h.sent(people)
	h.settled()
	h.stop() // what is left is sent
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	all, err := c.Await(ctx, func(all []tracingtest.Span) bool { return count(all, "deliver") == count(all, "webhook") })
	must(t, err)
	wellFormed(t, c)
	kept := map[string]int{}
	for _, s := range all {
		kept[s.Trace]++
	}
	if len(kept) == 0 || len(kept) == people {
		t.Errorf("%d of %d traces are kept, want about half", len(kept), people)
	}
	for id, n := range kept {
		if n != 11 {
			t.Errorf("%d spans of trace %s are kept, want all 11", n, id)
		}
	}
}

// A collector that hangs holds up neither answers nor the end.
func TestCollectorThatHangs(t *testing.T) {
	t.Parallel()
	c := &tracingtest.Collector{Misbehave: func(_ http.ResponseWriter, r *http.Request, _ int) bool { <-r.Context().Done(); return true }}
	c.Start()
	t.Cleanup(c.Close)
	// The collector has an hour, so that only the end of the program ends it.
	h := open(t, func(o *app.Options) {
		o.Traces = tracing.Config{Endpoint: c.URL(), Delay: time.Millisecond, Timeout: time.Hour}
	})
	h.speaks("5511988877766", "Olá")
	h.sent(1)
	h.settled()
	if err := h.app.Stop(context.Background()); err != nil {
		t.Errorf("Stop = %v", err)
	}
}
