package tracing

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"secretaria/internal/fault"
	"secretaria/internal/httpclient"
	"secretaria/internal/redact"
)

const (
	// maxWaiting bounds the spans that wait to be sent, those under way included.
	maxWaiting = 2048
	maxBatch   = 512
	// patience bounds the sending of one batch with all its tries.
	patience = 30 * time.Second
	// stopWithin bounds how long Stop waits for the collector.
	stopWithin = 2 * time.Second
)

// What becomes of spans: words of a closed list.
const (
	Exported = "exported" // the collector has them
	Rejected = "rejected" // it has refused these, and taken others beside them
	Failed   = "failed"   // they could not be sent
	Dropped  = "dropped"  // too many waited
)

// FailureKinds lists what Deps.BatchFailed is told.
func FailureKinds() []string {
	kinds := []string{Rejected}
	for _, k := range []fault.Kind{fault.Transient, fault.RateLimited, fault.Uncertain, fault.Permanent, fault.Unauthorized, fault.Invalid, fault.NotFound, fault.Conflict} {
		kinds = append(kinds, k.String())
	}
	return kinds
}

// Deps is what a Tracer works with.
type Deps struct {
	Policy   httpclient.Policy // of the addresses that may be dialled
	Version  string            // of the program
	Instance string            // tells this process from others
	Role     string            // what it does: all, web or worker
	Logger   *slog.Logger      // may be nil
	// Spans is told what became of spans, and BatchFailed of every batch that could not be sent,
	// with the fault kind or, where only a part was refused, Rejected. They may be nil, and must
	// not wait.
	Spans       func(outcome string, n int)
	BatchFailed func(kind string)
}

// New begins to export; nil, and nothing of it runs, where the configuration names no collector.
// Whether the collector is there is found out later. Stop ends it.
func New(cfg Config, deps Deps) (*Tracer, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if !cfg.On() {
		return nil, nil // a Tracer that does nothing
	}
	share, err := cfg.sampled()
	if err != nil {
		return nil, err
	}
	if deps.Logger == nil {
		deps.Logger = slog.New(slog.DiscardHandler)
	}
	if deps.Spans == nil {
		deps.Spans = func(string, int) {}
	}
	if deps.BatchFailed == nil {
		deps.BatchFailed = func(string) {}
	}
	p := &pipe{deps: deps}
	p.life, p.giveUp = context.WithCancelCause(context.Background())
	p.client = httpclient.New(httpclient.Options{Timeout: cmp.Or(cfg.Timeout, 10*time.Second), MaxBody: 64 << 10, Policy: deps.Policy})
	if p.to, err = otlptracehttp.New(context.Background(), client(cfg, p.client)...); err != nil {
		return nil, fmt.Errorf("prepare the export of traces: %w", errors.Join(err, p.Shutdown(context.Background())))
	}
	p.batches = sdktrace.NewBatchSpanProcessor(p, sdktrace.WithMaxQueueSize(maxWaiting), sdktrace.WithMaxExportBatchSize(maxBatch),
		sdktrace.WithBatchTimeout(cmp.Or(cfg.Delay, 5*time.Second)), sdktrace.WithExportTimeout(max(patience, cfg.Timeout)))
	// Everything is said here that the library would otherwise look for in the environment.
	p.provider = sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(queue{p}), sdktrace.WithResource(about(cfg, deps)), sdktrace.WithIDGenerator(ids{}),
		sdktrace.WithSampler(sdktrace.AlwaysSample()), sdktrace.WithRawSpanLimits(sdktrace.SpanLimits{
			AttributeValueLengthLimit: 256, AttributeCountLimit: 64, LinkCountLimit: 8, AttributePerEventCountLimit: 1, AttributePerLinkCountLimit: 1}),
		sdktrace.WithoutPanicRecording()) // what was thrown may quote anything
	return &Tracer{sdk: p.provider.Tracer("secretaria"), keep: ratio(share), pipe: p}, nil
}

// client configures the library's client so that nothing of the environment is left.
func client(cfg Config, hc *httpclient.Client) []otlptracehttp.Option {
	headers := map[string]string{}
	all, _ := pairs(cfg.Headers.Reveal()) // checked by Validate
	for _, p := range all {
		headers[p.key] = p.value
	}
	compression := otlptracehttp.NoCompression
	if cfg.Compression == "gzip" {
		compression = otlptracehttp.GzipCompression
	}
	return []otlptracehttp.Option{
		otlptracehttp.WithEndpointURL(cfg.URL()), otlptracehttp.WithHeaders(headers), otlptracehttp.WithCompression(compression),
		otlptracehttp.WithEncoding(otlptracehttp.EncodingProtobuf), otlptracehttp.WithTLSClientConfig(nil),
		otlptracehttp.WithTimeout(cmp.Or(cfg.Timeout, 10*time.Second)), otlptracehttp.WithMaxRequestSize(8 << 20), otlptracehttp.WithMaxResponseSize(64 << 10),
		otlptracehttp.WithRetry(otlptracehttp.RetryConfig{Enabled: true, InitialInterval: time.Second, MaxInterval: 10 * time.Second, MaxElapsedTime: patience}),
		otlptracehttp.WithHTTPClient(&http.Client{
			Transport: transport{hc},
			// A redirect is an answer to report, never a second place for the headers.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}),
	}
}

// about says whose spans they are.
func about(cfg Config, deps Deps) *resource.Resource {
	attrs := []attribute.KeyValue{attribute.String("service.name", "secretaria")}
	all, _ := pairs(cfg.Resource) // checked by Validate
	for _, p := range all {
		attrs = append(attrs, attribute.String(p.key, p.value)) // the last of a key counts
	}
	if cfg.Service != "" {
		attrs = append(attrs, attribute.String("service.name", cfg.Service))
	}
	attrs = append(attrs, attribute.String("service.version", deps.Version), attribute.String("service.instance.id", deps.Instance), attribute.String("secretaria.role", deps.Role))
	return resource.NewSchemaless(slices.DeleteFunc(attrs, func(a attribute.KeyValue) bool { return a.Value.AsString() == "" })...)
}

// Flush sends what waits, within ctx.
func (t *Tracer) Flush(ctx context.Context) error {
	if t == nil {
		return nil
	}
	return t.pipe.batches.ForceFlush(ctx)
}

// Stop sends what waits, for two seconds at most and within ctx, and ends. What the collector
// does not take by then is lost, which is no error.
func (t *Tracer) Stop(ctx context.Context) error {
	if t == nil {
		return nil
	}
	bounded, cancel := context.WithTimeout(ctx, stopWithin)
	defer cancel()
	defer context.AfterFunc(bounded, func() { t.pipe.giveUp(errStopped) })()
	// Not bounded: once the pipe has given up nothing waits any more.
	return t.pipe.provider.Shutdown(context.WithoutCancel(ctx))
}

var errStopped = fault.New(fault.Transient, "stopped")

// pipe brings ended spans to the collector: the library batches and sends, and here is counted
// what waits and told what fails.
type pipe struct {
	deps     Deps
	client   *httpclient.Client
	to       sdktrace.SpanExporter
	batches  sdktrace.SpanProcessor
	provider *sdktrace.TracerProvider
	life     context.Context
	giveUp   context.CancelCauseFunc

	waiting atomic.Int64 // ended and neither sent nor given up
	lost    atomic.Int64 // since the collector was last known to work
	failing atomic.Bool
}

// queue is the way in. The library drops silently what its queue has no room for, so that it
// never gets more than it has room for.
type queue struct{ *pipe }

var _ sdktrace.SpanProcessor = queue{}

// OnStart implements sdktrace.SpanProcessor.
func (queue) OnStart(context.Context, sdktrace.ReadWriteSpan) {}

// OnEnd implements sdktrace.SpanProcessor.
func (q queue) OnEnd(s sdktrace.ReadOnlySpan) {
	if q.waiting.Add(1) > maxWaiting {
		q.waiting.Add(-1)
		q.lost.Add(1)
		q.deps.Spans(Dropped, 1)
		return
	}
	q.batches.OnEnd(s)
}

// Shutdown implements sdktrace.SpanProcessor.
func (q queue) Shutdown(ctx context.Context) error { return q.batches.Shutdown(ctx) }

// ForceFlush implements sdktrace.SpanProcessor.
func (q queue) ForceFlush(ctx context.Context) error { return q.batches.ForceFlush(ctx) }

var _ sdktrace.SpanExporter = (*pipe)(nil)

// ExportSpans implements sdktrace.SpanExporter. It never fails: what it has to say of a failure
// it has said.
func (p *pipe) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	n := len(spans)
	defer p.waiting.Add(int64(-n))
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(p.life, cancel)()
	seen := &exchange{}
	err := p.to.ExportSpans(context.WithValue(ctx, exchangeCtx{}, seen), spans)
	switch {
	case p.life.Err() != nil && err != nil:
		err = errStopped
	case err != nil && seen.err != nil:
		err = seen.err
	case err != nil:
		err = fault.Wrap(fault.Transient, "timeout", err)
	}
	switch rejected := min(seen.rejected, n); {
	case err != nil:
		p.failed(fault.KindOf(err).String(), fault.Code(err), fault.StatusOf(err), n)
		p.deps.Spans(Failed, n)
	case rejected > 0:
		p.failed(Rejected, "spans refused", http.StatusOK, rejected)
		p.deps.Spans(Rejected, rejected)
		p.deps.Spans(Exported, n-rejected)
	default:
		if p.failing.CompareAndSwap(true, false) {
			p.deps.Logger.Info("traces are exported again", "lost", p.lost.Swap(0))
		}
		p.deps.Spans(Exported, n)
	}
	return nil
}

// failed counts a batch, and says so once until one arrives whole.
func (p *pipe) failed(kind, cause string, status, lost int) {
	p.deps.BatchFailed(kind)
	p.lost.Add(int64(lost))
	if p.failing.CompareAndSwap(false, true) {
		p.deps.Logger.Warn("traces are not exported", "kind", kind, "cause", redact.Text(cause), "http_status", status)
	}
}

// Shutdown implements sdktrace.SpanExporter.
func (p *pipe) Shutdown(ctx context.Context) error {
	p.giveUp(errStopped)
	p.client.Close()
	if p.to == nil {
		return nil
	}
	return p.to.Shutdown(ctx)
}

// SetDefault has the library, which writes to standard error by itself, complain in a log. What
// it says of the environment is dropped: it is read here, and the library quotes it.
func SetDefault(log *slog.Logger) {
	otel.SetLogger(logr.Discard())
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) {
		log.Warn("tracing library failed", "error", redact.Error(err).Error())
	}))
}
