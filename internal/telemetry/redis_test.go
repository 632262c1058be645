package telemetry

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
)

func TestRedis(t *testing.T) {
	t.Parallel()
	reg := prometheus.NewRegistry()
	up := false
	m := NewRedis(reg, func() bool { return up }, []string{"limits", "events"})
	m.Failed("limits")
	m.Failed("limits")
	m.Failed("brewing")
	values := func() map[string]float64 {
		t.Helper()
		families, err := reg.Gather()
		if err != nil {
			t.Fatal(err)
		}
		out := map[string]float64{}
		for _, f := range families {
			for _, s := range f.GetMetric() {
				name := f.GetName()
				for _, l := range s.GetLabel() {
					name += " " + l.GetValue()
				}
				out[name] = s.GetCounter().GetValue() + s.GetGauge().GetValue()
			}
		}
		return out
	}
	want := map[string]float64{"secretaria_redis_up": 0, "secretaria_redis_failures_total limits": 2, "secretaria_redis_failures_total events": 0, "secretaria_redis_failures_total other": 1}
	if diff := cmp.Diff(want, values()); diff != "" {
		t.Errorf("metrics (-want +got):\n%s", diff)
	}
	up, want["secretaria_redis_up"] = true, 1
	if diff := cmp.Diff(want, values()); diff != "" {
		t.Errorf("metrics when it is up (-want +got):\n%s", diff)
	}
}
