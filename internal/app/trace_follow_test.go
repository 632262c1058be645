package app_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"secretaria/internal/channel/whaticket/whatickettest"
	"secretaria/internal/command"
	"secretaria/internal/store/postgres/postgrestest"
	"secretaria/internal/tracing/tracingtest"
)

// program is a serve command under way, with what it logs.
type program struct {
	log  *logbook
	stop context.CancelFunc
	code chan int
}

// serving runs serve in a folder and waits until it serves.
func serving(t *testing.T, dir string, args ...string) (*program, int) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	p := &program{log: &logbook{t: t}, stop: cancel, code: make(chan int, 1)}
	go func() {
		p.code <- command.Run(ctx, command.Env{Program: "secretaria", Dir: dir, Stdout: p.log, Stderr: p.log, Version: "test"}, append([]string{"serve", "--port", "0"}, args...))
	}()
	t.Cleanup(func() { p.ended(t) })
	port := 0
	until(t, "a program that serves", func() bool {
		if len(p.code) > 0 {
			t.Fatalf("serve ended:\n%s", p.log.text())
		}
		for _, line := range p.log.lines() {
			if n, ok := line["port"].(float64); ok && line["msg"] == "serving" {
				port = int(n)
			}
		}
		return port != 0
	})
	return p, port
}

// ended stops the program, once, and fails where it does not end well.
func (p *program) ended(t *testing.T) {
	t.Helper()
	p.stop()
	select {
	case code, more := <-p.code:
		if more && code != 0 {
			t.Errorf("serve ended with %d:\n%s", code, p.log.text())
		}
		if more {
			close(p.code)
		}
	case <-time.After(20 * time.Second):
		t.Errorf("serve does not end:\n%s", p.log.text())
	}
}

// line is the one of a msg with a correlation id.
func (p *program) line(t *testing.T, msg, correlation string) map[string]any {
	t.Helper()
	for _, line := range p.log.lines() {
		if line["msg"] == msg && line["correlation_id"] == correlation {
			return line
		}
	}
	t.Fatalf("there is no line %q of %s:\n%s", msg, correlation, p.log.text())
	return nil
}

// One id is all that is needed: the answer's X-Correlation-ID leads through the logs of web
// and worker, the trace, the timeline of the conversation and the record of the delivery.
func TestFollowingOneMessage(t *testing.T) {
	t.Parallel()
	helpdesk := &whatickettest.Server{}
	must(t, helpdesk.Start())
	t.Cleanup(helpdesk.Close)
	collector := (&tracingtest.Collector{}).Start()
	t.Cleanup(collector.Close)
	dir := t.TempDir()
	env := strings.NewReplacer("<database>", postgrestest.URL(t), "<helpdesk>", helpdesk.URL(), "<token>", whatickettest.DefaultToken, "<secret>", whaticketSecret, "<collector>", collector.URL()).Replace(`
APP_HOST=127.0.0.1
DATABASE_URL=<database>
SHARED_SECRET=<secret>
WHATSAPP_API_URL=<helpdesk>
WHATSAPP_BEARER_TOKEN=<token>
TURN_QUIET=20ms
OTEL_EXPORTER_OTLP_ENDPOINT=<collector>
OTEL_EXPORTER_OTLP_HEADERS=authorization=Bearer%20hush-hush
OTEL_SERVICE_NAME=recepcao
`)
	must(t, os.WriteFile(filepath.Join(dir, ".env"), []byte(env), 0o600))
	migrate := command.Run(t.Context(), command.Env{Program: "secretaria", Dir: dir, Stdout: &bytes.Buffer{}, Stderr: &bytes.Buffer{}}, []string{"migrate"})
	if migrate != 0 {
		t.Fatalf("migrate = %d", migrate)
	}
	web, port := serving(t, dir, "--role", "web")
	worker, _ := serving(t, dir, "--role", "worker")

	body := says("5511988877766", "Quero falar com um atendente")
	h := &house{t: t, url: fmt.Sprintf("http://127.0.0.1:%d", port)}
	a := h.ask(h.request(http.MethodPost, "/webhook/whaticket", signed(whaticketSecret, body), body))
	id := a.header.Get("X-Correlation-ID")
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if _, err := helpdesk.Wait(ctx, 1); err != nil {
		t.Fatalf("nothing was sent: %v\n%s", err, worker.log.text())
	}
	until(t, "the line of the delivery", func() bool { return strings.Contains(worker.log.text(), `"msg":"delivery sent"`) })

	received := web.line(t, "webhook received", id)
	decided := worker.line(t, "turn decided", id)
	sent := worker.line(t, "delivery sent", id)
	conversation, delivery := fmt.Sprint(received["conversation"]), fmt.Sprint(sent["delivery"])
	if fmt.Sprint(decided["conversation"]) != conversation || fmt.Sprint(sent["conversation"]) != conversation {
		t.Errorf("conversations: received %v, decided %v, sent %v", received["conversation"], decided["conversation"], sent["conversation"])
	}

	run := func(v any, args ...string) string {
		t.Helper()
		var out bytes.Buffer
		if code := command.Run(t.Context(), command.Env{Program: "secretaria", Dir: dir, Stdout: &out, Stderr: &out}, args); code != 0 {
			t.Fatalf("%v = %d: %s", args, code, out.String())
		}
		if v != nil {
			must(t, json.Unmarshal(out.Bytes(), v))
		}
		return out.String()
	}
	var listed []map[string]any
	run(&listed, "deliveries", "list", "--json")
	if !slices.ContainsFunc(listed, func(d map[string]any) bool { return d["correlation_id"] == id && d["id"] == delivery }) {
		t.Errorf("deliveries list has no delivery %s of %s: %v", delivery, id, listed)
	}
	var shown []map[string]any
	run(&shown, "deliveries", "show", "--json", delivery)
	if len(shown) != 1 || shown[0]["correlation_id"] != id || shown[0]["status"] != "SENT" {
		t.Errorf("deliveries show = %v, want it SENT, of %s", shown, id)
	}
	var timeline struct {
		CorrelationID string `json:"correlation_id"`
		Turns         []struct {
			Outcome       string `json:"outcome"`
			CorrelationID string `json:"correlation_id"`
		} `json:"turns"`
		Deliveries []struct {
			ID            string `json:"id"`
			CorrelationID string `json:"correlation_id"`
		} `json:"deliveries"`
	}
	run(&timeline, "conversations", "show", "--json", conversation)
	if timeline.CorrelationID != id || len(timeline.Turns) != 1 || timeline.Turns[0].CorrelationID != id || timeline.Turns[0].Outcome != "handed_over" ||
		!slices.ContainsFunc(timeline.Deliveries, func(d struct {
			ID            string `json:"id"`
			CorrelationID string `json:"correlation_id"`
		}) bool {
			return d.ID == delivery && d.CorrelationID == id
		}) {
		t.Errorf("conversations show = %+v, want a turn and delivery %s of %s", timeline, delivery, id)
	}
	words := run(nil, "conversations", "show", conversation)
	for _, want := range []string{"Quero falar com um atendente", "turn: handed_over", "delivery " + delivery, "correlation " + id} {
		if !strings.Contains(words, want) {
			t.Errorf("conversations show does not say %q:\n%s", want, words)
		}
	}

	web.ended(t)
	worker.ended(t) // what waited is sent
	trace := traced(t, collector, id, "deliver", 1)
	if trace[0].Trace != strings.ReplaceAll(id, "-", "") || trace[0].Resource["service.name"] != "recepcao" {
		t.Errorf("trace %s of %v, want the id %s of the log", trace[0].Trace, trace[0].Resource, id)
	}
	turn := named(t, trace, "turn")
	if turn.Parent != named(t, trace, "store webhook").ID || turn.Resource["secretaria.role"] != "worker" || fmt.Sprint(turn.Attributes["conversation"]) != conversation {
		t.Errorf("the turn of the trace has parent %s, attributes %v, of %v", turn.Parent, turn.Attributes, turn.Resource)
	}
	if !slices.ContainsFunc(trace, func(s tracingtest.Span) bool { return s.Name == "deliver" && s.Attributes["delivery"] == delivery }) {
		t.Errorf("the trace does not have delivery %s:\n%s", delivery, tracingtest.Tree(trace))
	}
	headers, _ := collector.Requests()
	if got := headers[0].Get("Authorization"); got != "Bearer hush-hush" {
		t.Errorf("the collector got Authorization %q", got)
	}
	for _, p := range []*program{web, worker} {
		p.log.silent("hush")
	}
	var checked bytes.Buffer
	command.Run(t.Context(), command.Env{Program: "secretaria", Dir: dir, Stdout: &checked, Stderr: &checked}, []string{"check", "--json"}) // it finds what it likes
	if strings.Contains(checked.String(), "hush") {
		t.Errorf("check shows what opens the collector:\n%s", checked.String())
	}
}
