package app_test

import (
	"net/http"
	"strconv"
	"strings"
	"testing"

	"secretaria/internal/app"
	"secretaria/internal/channel/chatwoot/chatwoottest"
	"secretaria/internal/llm/llmtest"
	"secretaria/internal/secret"
	"secretaria/internal/store/postgres/postgrestest"
	"secretaria/internal/turn"
)

// series reads the metrics: every series, labels included, with its value.
func (h *house) series() map[string]float64 {
	h.t.Helper()
	status, text := h.get("/metrics")
	if status != http.StatusOK {
		h.t.Fatalf("GET /metrics = %d", status)
	}
	out := map[string]float64{}
	for line := range strings.Lines(text) {
		name, value, ok := strings.Cut(strings.TrimSpace(line), "} ")
		if ok {
			name += "}"
		} else {
			name, value, _ = strings.Cut(strings.TrimSpace(line), " ")
		}
		if v, err := strconv.ParseFloat(value, 64); err == nil {
			out[name] = v
		}
	}
	return out
}

// expect compares some series.
func (h *house) expect(want map[string]float64) {
	h.t.Helper()
	got := h.series()
	for name, v := range want {
		if g, ok := got[name]; !ok || g != v {
			h.t.Errorf("%s = %v (there: %v), want %v", name, g, ok, v)
		}
	}
}

// TestMetricsTellOfTheWork: what a turn took, what its model cost, and how everybody stands, on
// both databases.
func TestMetricsTellOfTheWork(t *testing.T) {
	t.Parallel()
	for name, database := range map[string]func(*testing.T, *app.Options){
		"sqlite":   func(*testing.T, *app.Options) {},
		"postgres": func(t *testing.T, o *app.Options) { o.Database, o.Postgres = "", secret.New(postgrestest.URL(t)) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ended := make(chan turn.Done, 9)
			h := open(t, func(o *app.Options) {
				database(t, o)
				o.Observe.Turn = func(d turn.Done) { ended <- d } // it is counted before
			})
			h.model.Script(llmtest.Reply{Text: "Bom dia!"})
			h.whatsapp("5511988877766", "Olá")
			h.sent(1)
			id := h.chatwoot.Open(chatwoottest.Contact{})
			_, err := h.chatwoot.Human(t.Context(), id, 2, "Oi, aqui é o Carlos.")
			must(t, err)
			h.settled()
			<-ended
			const model = "openai"
			h.expect(map[string]float64{
				`secretaria_turn_phase_seconds_count{phase="waited"}`:                1,
				`secretaria_turn_phase_seconds_count{phase="model"}`:                 1,
				`secretaria_turn_phase_seconds_count{phase="decide"}`:                1,
				`secretaria_turn_phase_seconds_count{phase="commit"}`:                1,
				`secretaria_llm_calls_total{model="` + model + `",outcome="ok"}`:     1,
				`secretaria_llm_circuit_state{model="` + model + `",state="closed"}`: 1,
				`secretaria_llm_circuit_state{model="` + model + `",state="open"}`:   0,
				`secretaria_workers`:                        1,
				`secretaria_queue_size`:                     0,
				`secretaria_queue_waiting{lane="turn"}`:     0,
				`secretaria_conversations{holder="bot"}`:    1,
				`secretaria_conversations{holder="human"}`:  1,
				`secretaria_conversations{holder="closed"}`: 0,
				`secretaria_opted_out_contacts`:             0,
				`http_request_duration_seconds_count{method="POST",path="/webhook/whaticket",status="202"}`: 1,
				`http_request_duration_seconds_count{method="POST",path="/webhook/whaticket",status="500"}`: 0,
				`http_request_duration_seconds_count{method="GET",path="/api/v1/readiness",status="503"}`:   0,
			})
			got := h.series()
			if n := got[`secretaria_llm_tokens_total{direction="input",model="`+model+`"}`]; n <= 0 {
				t.Errorf("input tokens of %s = %v, want some", model, n)
			}
			// A lane whose last delivery was sent this moment may not be closed yet.
			if age, ok := got[`secretaria_queue_oldest_age_seconds{lane="delivery"}`]; !ok || age > 60 {
				t.Errorf("oldest delivery waits for %v s (there: %v)", age, ok)
			}
			// The time of a turn is in its phases: none is longer than the whole.
			whole := got[`secretaria_task_latency_seconds_sum{kind="turn"}`]
			for _, phase := range []string{"model", "decide", "commit"} {
				if took := got[`secretaria_turn_phase_seconds_sum{phase="`+phase+`"}`]; took <= 0 || took > whole {
					t.Errorf("phase %s took %v s of %v s", phase, took, whole)
				}
			}
		})
	}
}
