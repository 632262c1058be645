package telemetry

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"math"
	"net/http"
	"sync"
	"time"

	"secretaria/internal/fault"
	"secretaria/internal/redact"
)

// Check looks whether a component works. It honours ctx, which ends after the component's
// timeout. The fields it returns are shown beside status and latency, also with an error.
type Check func(ctx context.Context) (fields map[string]any, err error)

// Component is a part that has to work.
type Component struct {
	Name    string // "sqlite", "postgres", "redis", "rq_worker" or "spool": as in metrics and report
	Timeout time.Duration
	Check   Check
}

// Health checks components on request. It is safe for concurrent use: requests that come
// while a check runs share its result, so asking often costs a component nothing, and a
// check that does not honour its context is never started a second time beside itself.
type Health struct {
	failed     func(component string)
	components []*component
}

type component struct {
	Component
	mu  sync.Mutex
	run *run // the check that is under way
}

// run is one execution of a check. Its results may be read once done is closed.
type run struct {
	done    chan struct{}
	fields  map[string]any
	err     error
	latency time.Duration
}

// NewHealth returns the health of components. failed is told the name of each that fails,
// once per report; it may be nil. A timeout of 0 is two seconds.
func NewHealth(failed func(component string), components ...Component) *Health {
	h := &Health{failed: failed}
	for _, c := range components {
		if c.Timeout <= 0 {
			c.Timeout = 2 * time.Second
		}
		h.components = append(h.components, &component{Component: c})
	}
	return h
}

// Report is what the components said.
type Report struct {
	Status       string                    `json:"status"`    // "ok" or "degraded"
	Timestamp    string                    `json:"timestamp"` // UTC, RFC 3339
	Dependencies map[string]map[string]any `json:"dependencies"`
}

// OK says whether every component works.
func (r Report) OK() bool { return r.Status == "ok" }

// Report asks all components at once and waits for each no longer than its timeout. A
// failing one has the status "error" and its cause: the fault's code, or "timeout".
func (h *Health) Report(ctx context.Context) Report {
	report := Report{Status: "ok", Dependencies: make(map[string]map[string]any)}
	results := make([]map[string]any, len(h.components))
	var wg sync.WaitGroup
	for i, c := range h.components {
		wg.Go(func() { results[i] = c.result(ctx) })
	}
	wg.Wait()
	report.Timestamp = time.Now().UTC().Format(time.RFC3339)
	for i, c := range h.components {
		report.Dependencies[c.Name] = results[i]
		if results[i]["status"] != "ok" {
			report.Status = "degraded"
			if h.failed != nil {
				h.failed(c.Name)
			}
		}
	}
	return report
}

// ServeHTTP answers with the report: 200 when every component works, else 503.
func (h *Health) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	// Checks are short, and a failure that is only the caller's going away would be counted.
	report := h.Report(context.WithoutCancel(r.Context()))
	body, err := json.Marshal(report)
	if err != nil {
		report.Dependencies = nil // a field that is no JSON; the status is true all the same
		body, _ = json.Marshal(report)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	if !report.OK() {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	_, _ = w.Write(append(body, '\n'))
}

var errTimeout = fault.New(fault.Transient, "timeout")

func (c *component) result(ctx context.Context) map[string]any {
	started := time.Now()
	timer := time.NewTimer(c.Timeout)
	defer timer.Stop()
	r := c.join()
	var fields map[string]any
	var err error
	var latency time.Duration
	select {
	case <-r.done:
		fields, err, latency = r.fields, r.err, r.latency
	case <-timer.C:
		err, latency = errTimeout, time.Since(started)
	case <-ctx.Done(): // nobody waits for the answer any more
		err, latency = fault.New(fault.Transient, "cancelled"), time.Since(started)
	}
	out := make(map[string]any)
	maps.Copy(out, fields)
	out["status"] = "ok"
	out["latency_ms"] = math.Round(float64(latency)/float64(time.Millisecond)*100) / 100
	delete(out, "error")
	if err != nil {
		out["status"], out["error"] = "error", cause(err)
	}
	return out
}

func cause(err error) string {
	if code := fault.Code(err); code != "internal" {
		return redact.Text(code)
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return "timeout"
	}
	return "internal"
}

// join returns the run that is under way, or starts one. A run does not end with the
// request that started it, since others may wait for it too; it ends with its timeout.
func (c *component) join() *run {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.run != nil {
		return c.run
	}
	r := &run{done: make(chan struct{})}
	c.run = r
	go func() {
		ctx, cancel := context.WithTimeoutCause(context.Background(), c.Timeout, errTimeout)
		defer cancel()
		started := time.Now()
		defer func() {
			if p := recover(); p != nil {
				r.err = fault.Panicked(p)
			}
			r.latency = time.Since(started)
			c.mu.Lock()
			c.run = nil
			c.mu.Unlock()
			close(r.done)
		}()
		r.fields, r.err = c.Check(ctx)
	}()
	return r
}
