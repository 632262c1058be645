package telemetry

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
)

func TestTraces(t *testing.T) {
	t.Parallel()
	reg := prometheus.NewRegistry()
	m := NewTraces(reg, []string{"exported", "dropped"}, []string{"transient"})
	m.Spans("exported", 7)
	m.Spans("eaten", 2)
	m.BatchFailed("transient")
	m.BatchFailed("boredom")
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, f := range families {
		if f.GetHelp() == "" {
			t.Errorf("%s has no help", f.GetName())
		}
		for _, s := range f.GetMetric() {
			got[f.GetName()+" "+s.GetLabel()[0].GetValue()] = s.GetCounter().GetValue()
		}
	}
	want := map[string]float64{"secretaria_trace_spans_total exported": 7, "secretaria_trace_spans_total dropped": 0, "secretaria_trace_spans_total other": 2,
		"secretaria_trace_export_failures_total transient": 1, "secretaria_trace_export_failures_total other": 1}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("metrics (-want +got):\n%s", diff)
	}
}
