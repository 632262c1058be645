package telemetry

import (
	"maps"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"
)

func newMetrics(t testing.TB) (*Metrics, *prometheus.Registry) {
	t.Helper()
	reg := prometheus.NewPedanticRegistry()
	return NewMetrics(reg, Build{Version: "1.2.3", Revision: "abc"}), reg
}

func families(t testing.TB, reg *prometheus.Registry) map[string]*dto.MetricFamily {
	t.Helper()
	all, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	byName := make(map[string]*dto.MetricFamily)
	for _, f := range all {
		byName[f.GetName()] = f
	}
	return byName
}

// value returns the value of a series, given as "name{a=b,c=d}": of a counter or a gauge, or
// the number of observations. It is -1 when there is no such series.
func value(t testing.TB, reg *prometheus.Registry, series string) float64 {
	t.Helper()
	name, labels, _ := strings.Cut(strings.TrimSuffix(series, "}"), "{")
	for _, m := range families(t, reg)[name].GetMetric() {
		var pairs []string
		for _, l := range m.GetLabel() {
			pairs = append(pairs, l.GetName()+"="+l.GetValue())
		}
		if strings.Join(pairs, ",") != labels {
			continue
		}
		switch {
		case m.Counter != nil:
			return m.GetCounter().GetValue()
		case m.Gauge != nil:
			return m.GetGauge().GetValue()
		default:
			return float64(m.GetHistogram().GetSampleCount())
		}
	}
	return -1
}

// published are the names that people's dashboards use. New ones are added, none goes.
var published = []string{
	"http_request_duration_seconds",
	"http_response_size_bytes",
	"secretaria_build_info",
	"secretaria_chatwoot_errors_total",
	"secretaria_chatwoot_latency_seconds",
	"secretaria_chatwoot_send_retry_total",
	"secretaria_chatwoot_send_success_total",
	"secretaria_config_reload_total",
	"secretaria_conversations",
	"secretaria_deliveries_total",
	"secretaria_gate_findings_total",
	"secretaria_guard_total",
	"secretaria_healthcheck_failures_total",
	"secretaria_llm_calls_total",
	"secretaria_llm_circuit_state",
	"secretaria_llm_cost_total",
	"secretaria_llm_errors_total",
	"secretaria_llm_latency_seconds",
	"secretaria_llm_prompt_injection_blocked_total",
	"secretaria_llm_tokens_total",
	"secretaria_opted_out_contacts",
	"secretaria_queue_oldest_age_seconds",
	"secretaria_queue_size",
	"secretaria_queue_waiting",
	"secretaria_spool_dead",
	"secretaria_spool_forwarded_total",
	"secretaria_spool_oldest_age_seconds",
	"secretaria_spool_waiting",
	"secretaria_takeovers_total",
	"secretaria_task_latency_seconds",
	"secretaria_turn_phase_seconds",
	"secretaria_turns_total",
	"secretaria_webhook_received_total",
	"secretaria_whaticket_errors_total",
	"secretaria_whaticket_latency_seconds",
	"secretaria_whaticket_send_retry_total",
	"secretaria_whaticket_send_success_total",
	"secretaria_workers",
}

func TestMetricsAreThereFromTheStart(t *testing.T) {
	t.Parallel()
	m, reg := newMetrics(t)
	for _, series := range []string{
		"secretaria_webhook_received_total{reason=accepted,status=accepted}",
		"secretaria_webhook_received_total{reason=unauthorized,status=rejected}",
		"secretaria_webhook_received_total{reason=other,status=rejected}",
		"secretaria_task_latency_seconds{kind=turn}",
		"secretaria_task_latency_seconds{kind=delivery}",
		"secretaria_queue_size",
		"secretaria_whaticket_latency_seconds",
		"secretaria_chatwoot_send_retry_total",
		"secretaria_llm_errors_total{kind=rate_limited}",
		"secretaria_llm_tokens_total{direction=input,model=gemini}",
		"secretaria_llm_calls_total{model=openai,outcome=circuit_open}",
		"secretaria_turn_phase_seconds{phase=model}",
		"secretaria_queue_waiting{lane=delivery}",
		"secretaria_queue_oldest_age_seconds{lane=turn}",
		"secretaria_conversations{holder=closed}",
		"secretaria_opted_out_contacts",
		"secretaria_workers",
		"secretaria_guard_total{action=deflect}",
		"secretaria_gate_findings_total{kind=link}",
		"secretaria_healthcheck_failures_total{component=redis}",
		"secretaria_healthcheck_failures_total{component=postgres}",
		"secretaria_healthcheck_failures_total{component=sqlite}",
		"secretaria_healthcheck_failures_total{component=rq_worker}",
		"secretaria_turns_total{outcome=replied}",
		"secretaria_deliveries_total{channel=chatwoot,kind=note,outcome=sent}",
		"secretaria_takeovers_total{reason=phone_reply}",
	} {
		if got := value(t, reg, series); got != 0 {
			t.Errorf("%s = %v at the start, want 0", series, got)
		}
	}
	m.request("GET", "/x", 200, time.Millisecond, 1)
	m.LLM("gemini").Circuit("closed")
	all := families(t, reg)
	if diff := cmp.Diff(published, slices.Sorted(maps.Keys(all))); diff != "" {
		t.Errorf("metrics (-want +got):\n%s", diff)
	}
	for name, f := range all {
		if f.GetHelp() == "" {
			t.Errorf("%s has no help", name)
		}
	}
	found := false
	for _, b := range all["http_request_duration_seconds"].GetMetric()[0].GetHistogram().GetBucket() {
		found = found || b.GetUpperBound() == 0.3
	}
	if !found {
		t.Error("http_request_duration_seconds has no bucket of 0.3 s")
	}
}

func TestMetricNamesAreGood(t *testing.T) {
	t.Parallel()
	m, reg := newMetrics(t)
	m.request("GET", "/x", 200, time.Millisecond, 1)
	all, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	problems, err := promlint.NewWithMetricFamilies(all).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

func TestMetricsCount(t *testing.T) {
	t.Parallel()
	m, reg := newMetrics(t)
	m.WebhookReceived("duplicate")
	m.WebhookReceived("unauthorized")
	m.WebhookReceived("made up")
	m.TaskLatency(Turn, time.Second)
	m.TaskLatency("made up", time.Second)
	m.Peer("whaticket").Errors.Inc()
	m.Peer("chatwoot").Latency.Observe(1)
	m.LLMError("circuit_open")
	m.LLMError("made up")
	l := m.LLM("cheap")
	l.Tokens(Output, 12)
	l.Tokens(Output, -1)
	l.Tokens("made up", 1)
	l.Called("ok")
	l.Called("made up")
	l.Circuit("closed")
	l.Circuit("open")
	m.TurnPhase(Commit, time.Second)
	m.TurnPhase("made up", time.Second)
	m.Standing.OldestAge["turn"].Set(3)
	m.Standing.Holders["human"].Set(2)
	m.HealthFailure("redis")
	m.TurnEnded("made up")
	m.TakenOver("assigned")
	m.DeliveryAttempted("whaticket", "say", "sent")
	m.DeliveryAttempted("5511912345678", "say", "made up")
	for series, want := range map[string]float64{
		"secretaria_webhook_received_total{reason=duplicate,status=accepted}":                   1,
		"secretaria_webhook_received_total{reason=unauthorized,status=rejected}":                1,
		"secretaria_webhook_received_total{reason=other,status=rejected}":                       1,
		"secretaria_task_latency_seconds{kind=turn}":                                            1,
		"secretaria_whaticket_errors_total":                                                     1,
		"secretaria_chatwoot_latency_seconds":                                                   1,
		"secretaria_llm_errors_total{kind=circuit_open}":                                        1,
		"secretaria_llm_errors_total{kind=other}":                                               1,
		"secretaria_llm_tokens_total{direction=output,model=cheap}":                             12,
		"secretaria_llm_calls_total{model=cheap,outcome=ok}":                                    1,
		"secretaria_llm_calls_total{model=cheap,outcome=other}":                                 1,
		"secretaria_llm_circuit_state{model=cheap,state=closed}":                                0,
		"secretaria_llm_circuit_state{model=cheap,state=open}":                                  1,
		"secretaria_llm_circuit_state{model=gemini,state=closed}":                               -1, // nobody asks it
		"secretaria_turn_phase_seconds{phase=commit}":                                           1,
		"secretaria_queue_oldest_age_seconds{lane=turn}":                                        3,
		"secretaria_conversations{holder=human}":                                                2,
		"secretaria_healthcheck_failures_total{component=redis}":                                1,
		"secretaria_turns_total{outcome=other}":                                                 1,
		"secretaria_takeovers_total{reason=assigned}":                                           1,
		"secretaria_deliveries_total{channel=whaticket,kind=say,outcome=sent}":                  1,
		"secretaria_deliveries_total{channel=other,kind=say,outcome=other}":                     1,
		"secretaria_build_info{goversion=" + runtime.Version() + ",revision=abc,version=1.2.3}": 1,
	} {
		if got := value(t, reg, series); got != want {
			t.Errorf("%s = %v, want %v", series, got, want)
		}
	}
	if p := m.Peer("simulator"); p != nil {
		t.Errorf("Peer(simulator) = %v, want nil", p)
	}
}

// TestCost: a model's cost begins at zero once it is named, and only grows.
func TestCost(t *testing.T) {
	t.Parallel()
	m, reg := newMetrics(t)
	m.LLMModels("cheap")
	m.LLMCost("cheap", 0.25)
	m.LLMCost("cheap", 0.5)
	m.LLMCost("cheap", -1)
	for series, want := range map[string]float64{"secretaria_llm_cost_total{model=gemini}": 0, "secretaria_llm_cost_total{model=cheap}": 0.75} {
		if got := value(t, reg, series); got != want {
			t.Errorf("%s = %v, want %v", series, got, want)
		}
	}
}

// TestRoute: what a route may answer is there before anybody asks.
func TestRoute(t *testing.T) {
	t.Parallel()
	m, reg := newMetrics(t)
	m.Route("POST", "/webhook/whaticket", 202, 500)
	m.request("POST", "/webhook/whaticket", 202, time.Millisecond, 15)
	for series, want := range map[string]float64{
		"http_request_duration_seconds{method=POST,path=/webhook/whaticket,status=202}": 1,
		"http_request_duration_seconds{method=POST,path=/webhook/whaticket,status=500}": 0,
		"http_response_size_bytes{method=POST,path=/webhook/whaticket,status=500}":      0,
	} {
		if got := value(t, reg, series); got != want {
			t.Errorf("%s = %v, want %v", series, got, want)
		}
	}
}

func BenchmarkMetrics(b *testing.B) {
	m, _ := newMetrics(b)
	b.Run("webhook", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			m.WebhookReceived("accepted")
		}
	})
	b.Run("delivery", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			m.DeliveryAttempted("whaticket", "say", "sent")
		}
	})
	b.Run("request", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			m.request("POST", "/webhook/whaticket", 202, time.Millisecond, 15)
		}
	})
}
