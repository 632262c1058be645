package telemetry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"secretaria/internal/fault"
)

func fine(context.Context) (map[string]any, error) { return nil, nil }

func get(t *testing.T, h http.Handler) (int, map[string]any) {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), "GET", "/healthz", nil))
	if got := w.Header().Get("Content-Type"); got != "application/json" {
		t.Errorf("Content-Type = %q, want application/json", got)
	}
	var body map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil {
		t.Fatalf("body %q: %v", w.Body, err)
	}
	return w.Code, body
}

func TestHealthReport(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := NewHealth(nil,
			Component{Name: "sqlite", Check: func(context.Context) (map[string]any, error) {
				time.Sleep(1234 * time.Microsecond)
				return nil, nil
			}},
			Component{Name: "rq_worker", Check: func(context.Context) (map[string]any, error) {
				return map[string]any{"workers": 2, "freshest_heartbeat_age_seconds": 0.5, "status": "mine", "error": "mine"}, nil
			}},
		)
		code, body := get(t, h)
		want := map[string]any{
			"status": "ok", "timestamp": time.Now().UTC().Format(time.RFC3339),
			"dependencies": map[string]any{
				"sqlite":    map[string]any{"status": "ok", "latency_ms": 1.23},
				"rq_worker": map[string]any{"status": "ok", "latency_ms": 0.0, "workers": 2.0, "freshest_heartbeat_age_seconds": 0.5},
			},
		}
		if diff := cmp.Diff(want, body); code != 200 || diff != "" {
			t.Errorf("answer %d, want 200; body (-want +got):\n%s", code, diff)
		}
	})
}

func TestHealthFailures(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var failed []string
		h := NewHealth(func(name string) { failed = append(failed, name) },
			Component{Name: "sqlite", Check: fine},
			Component{Name: "redis", Check: func(context.Context) (map[string]any, error) {
				return map[string]any{"n": 1}, fmt.Errorf("ping db.internal: %w", fault.New(fault.Transient, "connection refused"))
			}},
			Component{Name: "postgres", Check: func(context.Context) (map[string]any, error) {
				return nil, errors.New("dial tcp db.internal:5432 as user:pass")
			}},
			Component{Name: "slow", Timeout: time.Second, Check: func(ctx context.Context) (map[string]any, error) {
				<-ctx.Done()
				return nil, fmt.Errorf("query: %w", ctx.Err())
			}},
			Component{Name: "rq_worker", Check: func(context.Context) (map[string]any, error) { panic("x") }},
		)
		started := time.Now()
		code, body := get(t, h)
		if took := time.Since(started); took != time.Second {
			t.Errorf("report took %v, want the longest timeout, 1s", took)
		}
		causes := map[string]any{}
		for name, d := range body["dependencies"].(map[string]any) {
			d := d.(map[string]any)
			causes[name] = d["error"]
			if want := map[bool]string{true: "ok", false: "error"}[d["error"] == nil]; d["status"] != want {
				t.Errorf("%s = %v, want status %q", name, d, want)
			}
		}
		want := map[string]any{"sqlite": nil, "redis": "connection refused", "postgres": "internal", "slow": "timeout", "rq_worker": "panicked"}
		if diff := cmp.Diff(want, causes); code != 503 || body["status"] != "degraded" || diff != "" {
			t.Errorf("answer %d %v, want 503 degraded; causes (-want +got):\n%s", code, body["status"], diff)
		}
		if diff := cmp.Diff([]string{"redis", "postgres", "slow", "rq_worker"}, failed); diff != "" {
			t.Errorf("counted failures (-want +got):\n%s", diff)
		}
		synctest.Wait()
	})
}

func TestHealthSharesAHangingCheck(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		var runs atomic.Int64
		h := NewHealth(nil, Component{Name: "redis", Timeout: time.Second, Check: func(context.Context) (map[string]any, error) {
			runs.Add(1)
			<-release // does not honour its context
			return nil, nil
		}})
		var wg sync.WaitGroup
		for range 10 {
			wg.Go(func() {
				if r := h.Report(t.Context()); r.OK() || r.Dependencies["redis"]["error"] != "timeout" {
					t.Errorf("Report of a hanging check = %v, want timeout", r)
				}
			})
		}
		wg.Wait()
		if runs.Load() != 1 {
			t.Errorf("the check ran %d times beside itself, want once", runs.Load())
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if r := h.Report(ctx); r.OK() || r.Dependencies["redis"]["error"] != "cancelled" {
			t.Errorf("Report for nobody = %v, want cancelled", r)
		}
		close(release)
		synctest.Wait()
		if r := h.Report(t.Context()); !r.OK() || runs.Load() != 2 {
			t.Errorf("Report after recovery = %v after %d runs, want ok after a second", r, runs.Load())
		}
	})
}

func TestHealthSurvivesAFieldThatIsNoJSON(t *testing.T) {
	t.Parallel()
	h := NewHealth(nil, Component{Name: "sqlite", Check: func(context.Context) (map[string]any, error) {
		return map[string]any{"f": func() {}}, nil
	}})
	if code, body := get(t, h); code != 200 || body["status"] != "ok" {
		t.Errorf("answer = %d %v, want 200 ok", code, body)
	}
}
