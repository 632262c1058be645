// Package callback is where a workflow reports what came of a call that it answered before
// it was done: a signed request with the id of the call and a result.
//
// It follows the webhooks of the helpdesks: bound, verify, parse, check, store, acknowledge.
// Nothing is parsed before the signature is right, nothing remote is called, 2xx means that
// the report is on disk, and a repeat changes nothing. What a workflow says is checked
// against its declaration before a desk ever sees it.
package callback

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"math"
	"net/http"
	"runtime/debug"
	"strconv"
	"time"

	"secretaria/internal/channel"
	"secretaria/internal/conversation"
	"secretaria/internal/fault"
	"secretaria/internal/intake"
	"secretaria/internal/job"
	"secretaria/internal/secret"
	"secretaria/internal/store"
	"secretaria/internal/telemetry"
	"secretaria/internal/tracing"
	"secretaria/internal/workflow"
)

// storeTime bounds how long a request waits for the store.
const storeTime = 10 * time.Second

// Memory is what a callback needs of the store.
type Memory interface {
	Deliveries(context.Context, store.Filter) ([]store.Delivery, error)
	Reported(context.Context, store.Report) (store.Result, error)
}

// Config of a Callback.
type Config struct {
	// Secrets are those that a report may be signed with; without any, all are refused.
	Secrets []secret.String
	Memory  Memory
	// Declared finds what an inbox's desk declares, by name.
	Declared func(inbox, name string) (workflow.Declared, bool)
	// Notes says whether people can be left notes in an inbox's helpdesk. Nil: nowhere.
	Notes func(inbox string) bool
	// Failures limits refused requests by client address.
	Failures intake.Limiter
	ClientIP func(*http.Request) string
	// Wake and Stale are told what a report has left, as intake tells it. May be nil.
	Wake   func(job.Lane, time.Time)
	Stale  func(conversation.ID)
	Logger *slog.Logger
	Traces *tracing.Tracer // nil: nobody follows
}

// Callback is an http.Handler for POST. It is safe for concurrent use.
type Callback struct{ cfg Config }

// New returns a handler.
func New(cfg Config) *Callback {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Wake == nil {
		cfg.Wake = func(job.Lane, time.Time) {}
	}
	if cfg.Notes == nil {
		cfg.Notes = func(string) bool { return false }
	}
	if cfg.Stale == nil {
		cfg.Stale = func(conversation.ID) {}
	}
	return &Callback{cfg: cfg}
}

// done is what became of a request: one line of the log.
type done struct {
	status    int
	outcome   string // a bounded word
	detail    string
	retry     time.Duration
	delivery  store.Delivery
	result    store.Result
	duplicate bool
	err       error
	proven    bool // that the sender knows a secret
}

// ServeHTTP implements http.Handler.
func (c *Callback) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	started := time.Now()
	ctx, span := c.cfg.Traces.Begin(r.Context(), tracing.CallbackReceived, tracing.Root(telemetry.Correlation(r.Context())), started)
	if span != nil {
		r = r.WithContext(ctx)
	}
	d := c.accept(w, r)
	answer(w, d)
	c.report(r.Context(), d, time.Since(started))
	traced(span, r, d)
}

func (c *Callback) accept(w http.ResponseWriter, r *http.Request) (d done) {
	defer func() {
		if p := recover(); p != nil {
			c.cfg.Logger.ErrorContext(r.Context(), "callback panicked", "stack", string(debug.Stack()))
			d = done{status: http.StatusInternalServerError, outcome: "unavailable", err: fault.Panicked(p)}
		}
	}()
	received := time.Now()
	body, err := intake.ReadBody(w, r, workflow.MaxAnswer)
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return done{status: http.StatusRequestEntityTooLarge, outcome: "too_large"}
	case err != nil:
		return done{status: http.StatusBadRequest, outcome: "invalid_payload", detail: "body: incomplete"}
	}
	id, err := workflow.Verify(r.Header, c.cfg.Secrets, received, body)
	if err != nil {
		if ok, after := c.cfg.Failures.Allow(c.cfg.ClientIP(r)); !ok {
			return done{status: http.StatusTooManyRequests, outcome: "rate_limited_ip", retry: after}
		}
		return done{status: http.StatusUnauthorized, outcome: "unauthorized"}
	}
	if !intake.IsJSON(r.Header.Get("Content-Type")) {
		return done{proven: true, status: http.StatusUnsupportedMediaType, outcome: "unsupported_media_type"}
	}
	said, err := Parse(body)
	if err != nil {
		return done{proven: true, status: http.StatusBadRequest, outcome: "invalid_payload", detail: fault.Code(err)}
	}
	// What arrived whole is stored even if the sender has hung up meanwhile.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), storeTime)
	defer cancel()
	d = c.store(ctx, id, said, received)
	d.proven = true
	return d
}

// store finds the call that a report answers, checks the result and stores it.
func (c *Callback) store(ctx context.Context, id string, said Report, received time.Time) done {
	unavailable := func(err error) done {
		return done{status: http.StatusInternalServerError, outcome: "unavailable", err: err}
	}
	found, err := c.cfg.Memory.Deliveries(ctx, store.Filter{ID: said.ID, Limit: 1})
	if err != nil {
		return unavailable(err)
	}
	if len(found) == 0 || found[0].ID != said.ID || found[0].Order.Kind != channel.Call {
		return done{status: http.StatusNotFound, outcome: "unknown_call"}
	}
	d := done{status: http.StatusAccepted, outcome: "accepted", delivery: found[0]}
	news := workflow.News{Workflow: d.delivery.Order.Workflow, Delivery: string(said.ID), Failed: said.Failed}
	switch declared, ok := c.cfg.Declared(d.delivery.Inbox, news.Workflow); {
	case said.Failed:
		news.Result = workflow.Failure(cmp.Or(said.Error, "workflow failed"))
	case !ok:
		// Taken out of the configuration since: nobody knows any more what it may say.
		return done{status: http.StatusNotFound, outcome: "unknown_call", delivery: d.delivery}
	default:
		if news.Result, err = declared.Accept(said.Result); err != nil {
			return done{status: http.StatusBadRequest, outcome: "invalid_payload", detail: "result: " + fault.Code(err), delivery: d.delivery}
		}
	}
	report := store.Report{Delivery: said.ID, ID: id, Content: news.Content(), Now: received, Correlation: telemetry.Correlation(ctx)}
	if c.cfg.Notes(d.delivery.Inbox) {
		report.Note = news.Note()
	}
	began := time.Now()
	d.result, err = c.cfg.Memory.Reported(ctx, report)
	c.trace(ctx, d, err, received, began)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return done{status: http.StatusNotFound, outcome: "unknown_call"}
	case err != nil:
		return unavailable(err)
	}
	d.duplicate = d.result.Duplicate
	if d.duplicate {
		d.outcome = "duplicate"
	}
	if d.result.Stale {
		c.cfg.Stale(d.result.Conversation)
	}
	if d.result.Pending {
		c.cfg.Wake(job.Turns, d.result.DueAt)
	}
	if d.result.Deliver {
		c.cfg.Wake(job.Deliveries, received)
	}
	return d
}

// answer writes the documented body of a status.
func answer(w http.ResponseWriter, d done) {
	var body any
	switch d.status {
	case http.StatusAccepted:
		body = struct {
			Queued    bool `json:"queued"`
			Duplicate bool `json:"duplicate,omitempty"`
		}{true, d.duplicate}
	case http.StatusBadRequest:
		body = struct {
			Error   string `json:"error"`
			Details string `json:"details"`
		}{"invalid payload", d.detail}
	case http.StatusUnauthorized:
		body = map[string]string{"error": "invalid signature"}
	case http.StatusNotFound:
		body = map[string]string{"error": "not found"}
	case http.StatusRequestEntityTooLarge:
		body = map[string]string{"error": "payload too large"}
	case http.StatusUnsupportedMediaType:
		body = map[string]string{"error": "unsupported media type"}
	case http.StatusTooManyRequests:
		body = map[string]string{"error": "too_many_requests_ip"}
	default:
		body = map[string]string{"error": "temporarily unavailable"}
	}
	h := w.Header()
	h.Set("Content-Type", "application/json; charset=utf-8")
	if d.retry > 0 {
		h.Set("Retry-After", strconv.Itoa(int(math.Ceil(d.retry.Seconds()))))
	}
	b, err := json.Marshal(body)
	if err != nil {
		b, d.status = []byte("{}"), http.StatusInternalServerError
	}
	w.WriteHeader(d.status)
	_, _ = w.Write(b) // the sender is gone; what it sent is stored
}

func (c *Callback) report(ctx context.Context, d done, took time.Duration) {
	level := slog.LevelInfo
	attrs := []slog.Attr{slog.String("correlation_id", telemetry.Correlation(ctx)), slog.String("outcome", d.outcome), slog.String("detail", d.detail),
		slog.String("delivery", string(d.delivery.ID)), slog.String("inbox", d.delivery.Inbox), slog.Int64("conversation", int64(d.delivery.Conversation)),
		slog.Bool("pending", d.result.Pending), slog.Float64("duration_ms", float64(took.Microseconds())/1000)}
	switch {
	case d.err != nil:
		level = slog.LevelError
		attrs = append(attrs, slog.String("error", d.err.Error()))
	case d.status != http.StatusAccepted:
		level = slog.LevelWarn
	}
	c.cfg.Logger.LogAttrs(ctx, level, "callback received", attrs...)
}
