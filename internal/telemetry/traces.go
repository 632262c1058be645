package telemetry

import "github.com/prometheus/client_golang/prometheus"

// Traces are the metrics of the export of traces. Where nobody collects them there are none.
type Traces struct {
	spans    map[string]prometheus.Counter
	failures map[string]prometheus.Counter
}

// NewTraces registers the metrics; outcomes and kinds are the words that their labels may
// have. It panics when they are registered already.
func NewTraces(reg prometheus.Registerer, outcomes, kinds []string) *Traces {
	one := func(name, help, label string, values []string) map[string]prometheus.Counter {
		v := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, []string{label})
		reg.MustRegister(v)
		all := make(map[string]prometheus.Counter)
		for _, value := range append([]string{other}, values...) {
			all[value] = v.WithLabelValues(value)
		}
		return all
	}
	return &Traces{
		spans:    one("secretaria_trace_spans_total", "Spans that ended, by what became of them: exported, rejected by the collector, failed to be sent, or dropped because too many waited.", "outcome", outcomes),
		failures: one("secretaria_trace_export_failures_total", "Batches of spans that the collector did not take, by kind of failure.", "kind", kinds),
	}
}

// Spans counts spans.
func (t *Traces) Spans(outcome string, n int) {
	c, ok := t.spans[outcome]
	if !ok {
		c = t.spans[other]
	}
	c.Add(float64(n))
}

// BatchFailed counts a batch.
func (t *Traces) BatchFailed(kind string) { count(t.failures, kind) }
