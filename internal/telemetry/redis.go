package telemetry

import "github.com/prometheus/client_golang/prometheus"

// Redis are the metrics of a Redis that is configured. Without one there are none, so that
// secretaria_redis_up at 0 is news.
type Redis struct{ failures map[string]prometheus.Counter }

// NewRedis registers the metrics; uses are the words for what Redis is used for. It panics
// when they are registered already.
func NewRedis(reg prometheus.Registerer, up func() bool, uses []string) *Redis {
	reg.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "secretaria_redis_up", Help: "1 while Redis is taken to be there, 0 while everything goes on without it."}, func() float64 {
		if up() {
			return 1
		}
		return 0
	}))
	v := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "secretaria_redis_failures_total", Help: "Uses of Redis that went without it, by use."}, []string{"use"})
	reg.MustRegister(v)
	r := &Redis{failures: make(map[string]prometheus.Counter)}
	for _, use := range append([]string{other}, uses...) {
		r.failures[use] = v.WithLabelValues(use)
	}
	return r
}

// Failed counts a use that went without Redis.
func (r *Redis) Failed(use string) { count(r.failures, use) }
