package tracing

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"math"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/google/uuid"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// Place is where a span hangs, or what it is: the trace of a correlation id, and within it a
// span whose id follows from what every process knows.
type Place struct {
	correlation string
	of          string // what the span is of; "": the trace itself
	id          string
	number      int64
}

// Root is the trace of a correlation id.
func Root(correlation string) Place { return Place{correlation: correlation} }

// Webhook is the storing of the webhook, or of the report of a workflow, that has made a
// conversation due.
func Webhook(conversation int64, correlation string) Place {
	return Place{correlation: correlation, of: "webhook", number: conversation}
}

// Delivery is the decision that something is to be delivered.
func Delivery(id, correlation string) Place {
	return Place{correlation: correlation, of: "delivery", id: id}
}

// Spooled is the spooling of a webhook that arrived at a time.
func Spooled(correlation string, received time.Time) Place {
	return Place{correlation: correlation, of: "spool", number: received.UnixNano()}
}

// trace is the trace's id: the bytes of a UUID, else a hash.
func (p Place) trace() trace.TraceID {
	if id, err := uuid.Parse(p.correlation); err == nil && id != uuid.Nil {
		return trace.TraceID(id)
	}
	sum := sha256.Sum256([]byte("trace\x00" + p.correlation))
	return trace.TraceID(sum[:16])
}

// span is the span's id, zero where the place is a whole trace.
func (p Place) span() trace.SpanID {
	if p.of == "" {
		return trace.SpanID{}
	}
	sum := sha256.Sum256([]byte(p.of + "\x00" + p.id + "\x00" + strconv.FormatInt(p.number, 10) + "\x00" + p.correlation))
	return trace.SpanID(sum[:8])
}

// TraceID is the id under which the trace of a correlation id is found, in hexadecimal.
func TraceID(correlation string) string { return Root(correlation).trace().String() }

// wanted are the ids that a span is to have; a zero span id: any.
type wanted struct {
	trace trace.TraceID
	span  trace.SpanID
}

type wantedCtx struct{}

// ids gives spans the ids that they are to have.
type ids struct{}

var _ sdktrace.IDGenerator = ids{}

// NewIDs implements sdktrace.IDGenerator: for a root.
func (g ids) NewIDs(ctx context.Context) (trace.TraceID, trace.SpanID) {
	w, _ := ctx.Value(wantedCtx{}).(wanted)
	return w.trace, g.NewSpanID(ctx, w.trace)
}

// NewSpanID implements sdktrace.IDGenerator.
func (ids) NewSpanID(ctx context.Context, _ trace.TraceID) (id trace.SpanID) {
	if w, _ := ctx.Value(wantedCtx{}).(wanted); w.span.IsValid() {
		return w.span
	}
	for !id.IsValid() {
		binary.BigEndian.PutUint64(id[:], rand.Uint64())
	}
	return id
}

// ratio keeps about so many traces out of one. All processes with the same ratio keep the
// same ones, and one with a higher ratio those as well. The library's own looks at bits that
// in a UUID are the same for all, or a clock.
func ratio(of float64) func(trace.TraceID) bool {
	if of >= 1 {
		return func(trace.TraceID) bool { return true }
	}
	bound := uint64(of * math.MaxUint64)
	return func(id trace.TraceID) bool { return mixed(id) < bound }
}

// mixed spreads an id over all numbers: the end of SplitMix64.
func mixed(id trace.TraceID) uint64 {
	z := binary.BigEndian.Uint64(id[:8])*0x9e3779b97f4a7c15 ^ binary.BigEndian.Uint64(id[8:])
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}
