package tracing_test

import (
	"fmt"
	"net/http"
	"testing"

	"secretaria/internal/fault"
	"secretaria/internal/httpclient"
	"secretaria/internal/secret"
	"secretaria/internal/tracing"
	"secretaria/internal/tracing/tracingtest"
)

func TestProbe(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		status int // what the collector says; 0: it behaves
		want   fault.Kind
	}{
		{0, fault.Unknown},
		{http.StatusBadRequest, fault.Unknown}, // an empty batch alone is not to its liking
		{http.StatusUnauthorized, fault.Unauthorized},
		{http.StatusForbidden, fault.Unauthorized},
		{http.StatusNotFound, fault.NotFound},
		{http.StatusMethodNotAllowed, fault.Invalid},
		{http.StatusMovedPermanently, fault.Permanent},
		{http.StatusTooManyRequests, fault.RateLimited},
		{http.StatusServiceUnavailable, fault.Transient},
	} {
		t.Run(fmt.Sprint(c.status), func(t *testing.T) {
			t.Parallel()
			collector := &tracingtest.Collector{Misbehave: func(w http.ResponseWriter, _ *http.Request, _ int) bool {
				if c.status != 0 {
					w.WriteHeader(c.status)
				}
				return c.status != 0
			}}
			collector.Start()
			t.Cleanup(collector.Close)
			err := tracing.Probe(t.Context(), tracing.Config{Endpoint: collector.URL() + "/otlp", Headers: secret.New("authorization=Bearer%20hunter2,x-tenant=loja")}, httpclient.Local())
			if (err == nil) != (c.want == fault.Unknown) || err != nil && fault.KindOf(err) != c.want {
				t.Errorf("Probe of a collector that says %d = %v, want kind %v", c.status, err, c.want)
			}
			headers, paths := collector.Requests()
			if len(paths) != 1 || paths[0] != "/otlp/v1/traces" || headers[0].Get("Authorization") != "Bearer hunter2" || headers[0].Get("X-Tenant") != "loja" {
				t.Errorf("Probe sent %v to %v, want the door's key to /otlp/v1/traces, once", headers, paths)
			}
			if got := collector.Spans(); len(got) > 0 {
				t.Errorf("Probe left %+v", got)
			}
		})
	}
}

func TestProbeWhereNothingListens(t *testing.T) {
	t.Parallel()
	gone := (&tracingtest.Collector{}).Start()
	gone.Close()
	cfg := tracing.Config{Endpoint: gone.URL()}
	if err := tracing.Probe(t.Context(), cfg, httpclient.Local()); fault.Code(err) != "connection refused" {
		t.Errorf("Probe where nobody listens = %v, want connection refused", err)
	}
	if err := tracing.Probe(t.Context(), cfg, httpclient.Policy{}); fault.Code(err) != httpclient.CodeRefused {
		t.Errorf("Probe of an address that may not be called = %v, want %s", err, httpclient.CodeRefused)
	}
	cfg.Disabled = true
	if err := tracing.Probe(t.Context(), cfg, httpclient.Local()); err != nil {
		t.Errorf("Probe of no collector = %v, want nil", err)
	}
}
