// Package tracing follows one message through the program and its processes: OpenTelemetry
// spans, sent by OTLP over HTTP where somebody has named a collector.
//
// It promises
//
//   - that a trace has the id by which the log knows a request: a correlation id that is a
//     UUID is the trace id, without its dashes;
//   - that processes agree without telling each other anything: where a span hangs under one of
//     another process, both derive its id from what both know, see Place;
//   - that nothing personal can leave: a span has a Name and attributes with a Key, both of
//     closed lists, and their values are numbers, ids, and words of closed lists; what could
//     still be somebody's is masked by package redact;
//   - that it never stands in anybody's way: what cannot be sent waits in a bounded queue, and
//     is dropped and counted when that is full;
//   - that it costs nothing where it is off: a nil *Tracer and a nil *Span do nothing, without
//     allocating.
package tracing

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"secretaria/internal/fault"
	"secretaria/internal/redact"
)

// Tracer begins the spans that do not hang under another one of the same process. Nil: tracing
// is off. It is safe for concurrent use.
type Tracer struct {
	sdk  trace.Tracer
	keep func(trace.TraceID) bool
	pipe *pipe
}

// Span is a piece of work. Nil, where tracing is off or the trace is not sampled, does nothing.
// A span that never ends is never sent.
type Span struct {
	sdk    trace.Span
	tracer *Tracer
	in     trace.SpanContext
}

type spanCtx struct{}

// From returns the span that ctx carries, nil where it carries none.
func From(ctx context.Context) *Span {
	s, _ := ctx.Value(spanCtx{}).(*Span)
	return s
}

// Start begins a span under the one that ctx carries, and carries it on.
func Start(ctx context.Context, name Name) (context.Context, *Span) {
	parent := From(ctx)
	if parent == nil {
		return ctx, nil
	}
	s := parent.tracer.begin(parent.in, name, Place{}, time.Time{})
	return context.WithValue(ctx, spanCtx{}, s), s
}

// Begin begins a span at a place, and carries it on. It is taken to have begun at since; zero:
// now. What has no correlation id is not followed: it would all be one trace.
func (t *Tracer) Begin(ctx context.Context, name Name, at Place, since time.Time) (context.Context, *Span) {
	if t == nil || at.correlation == "" {
		return ctx, nil
	}
	id := at.trace()
	if !t.keep(id) {
		return ctx, nil
	}
	s := t.begin(trace.NewSpanContext(trace.SpanContextConfig{TraceID: id, SpanID: at.span(), TraceFlags: trace.FlagsSampled, Remote: true}), name, Place{}, since)
	s.sdk.SetAttributes(attribute.String(string(CorrelationID), redact.Text(at.correlation)))
	return context.WithValue(ctx, spanCtx{}, s), s
}

// begin begins a span under a parent, which may have no span id: then it is a root. The zero
// Place as what it is leaves its id to chance.
func (t *Tracer) begin(parent trace.SpanContext, name Name, as Place, since time.Time) *Span {
	ids := wanted{trace: parent.TraceID()}
	if as != (Place{}) {
		ids.span = as.span()
	}
	// The library asks for nothing of the caller's context but the parent, and takes one without
	// a span id for none.
	ctx := context.WithValue(context.Background(), wantedCtx{}, ids)
	if parent.IsValid() {
		ctx = trace.ContextWithSpanContext(ctx, parent)
	}
	options := append(make([]trace.SpanStartOption, 0, 2), trace.WithSpanKind(name.kind()))
	if !since.IsZero() {
		options = append(options, trace.WithTimestamp(since))
	}
	_, sdk := t.sdk.Start(ctx, string(name), options...)
	return &Span{sdk: sdk, tracer: t, in: sdk.SpanContext()}
}

// Past begins a span beneath s that is taken to have begun at since, as the one that others
// find by a place; the zero Place: nobody looks for it.
func (s *Span) Past(name Name, as Place, since time.Time) *Span {
	if s == nil {
		return nil
	}
	return s.tracer.begin(s.in, name, as, since)
}

// End ends the span and hands it over to be sent. It returns at once.
func (s *Span) End() {
	if s != nil {
		s.sdk.End()
	}
}

// Str sets an attribute to a word of a closed list, or to an id; what looks like somebody's is
// masked. "" sets nothing.
func (s *Span) Str(k Key, v string) {
	if s != nil && v != "" {
		s.sdk.SetAttributes(attribute.String(string(k), redact.Text(v)))
	}
}

// Int sets an attribute to a number.
func (s *Span) Int(k Key, v int64) {
	if s != nil {
		s.sdk.SetAttributes(attribute.Int64(string(k), v))
	}
}

// Bool sets an attribute to true or false.
func (s *Span) Bool(k Key, v bool) {
	if s != nil {
		s.sdk.SetAttributes(attribute.Bool(string(k), v))
	}
}

// Fail says that the work has failed, by the kind and the code of an error and never by its
// text; nil says nothing.
func (s *Span) Fail(err error) {
	if s == nil || err == nil {
		return
	}
	s.Failed(fault.KindOf(err).String())
	s.Str(Cause, fault.Code(err))
}

// Failed is Fail for work that knows a word of a closed list for what happened.
func (s *Span) Failed(kind string) {
	if s == nil {
		return
	}
	s.sdk.SetStatus(codes.Error, kind)
	s.sdk.SetAttributes(attribute.String(string(ErrorType), kind))
}

// Link says that the span has to do with one of another trace.
func (s *Span) Link(to Place) {
	if s == nil {
		return
	}
	s.sdk.AddLink(trace.Link{SpanContext: trace.NewSpanContext(trace.SpanContextConfig{TraceID: to.trace(), SpanID: to.span(), TraceFlags: trace.FlagsSampled, Remote: true})})
}

// LinkSpan is Link for a span of this process.
func (s *Span) LinkSpan(to *Span) {
	if s != nil && to != nil {
		s.sdk.AddLink(trace.Link{SpanContext: to.in})
	}
}

// LinkCaller links to whoever called, by the traceparent header of the request; what is none
// is ignored. A caller is never a parent: somebody else's ids and sampling decide nothing here.
func (s *Span) LinkCaller(traceparent string) {
	if s == nil || traceparent == "" {
		return
	}
	ctx := propagation.TraceContext{}.Extract(context.Background(), propagation.MapCarrier{"traceparent": traceparent})
	if in := trace.SpanContextFromContext(ctx); in.IsValid() {
		s.sdk.AddLink(trace.Link{SpanContext: in})
	}
}
