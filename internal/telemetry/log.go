// Package telemetry is what the program tells about itself: its logger, the correlation id
// that ties lines together, its metrics, the HTTP middleware that measures requests, and
// its health.
//
// It promises that nothing here gives away a customer or a secret: every line passes
// package redact on its way out, so that what looks like somebody's number, address or
// credential is masked even where somebody forgot, labels of metrics come from closed
// lists, and a health report names causes without hosts. What a customer wrote cannot be
// told from other words: it is never handed to a logger at all.
package telemetry

import (
	"context"
	"io"
	"log/slog"

	"secretaria/internal/redact"
)

// NewLogger returns a logger that writes one JSON object a line, or slog's text when format
// is "text", with time (UTC), level and msg. A record logged with a context that carries a
// correlation id carries it too, unless it names one itself. Messages and values are masked
// by redact.Handler. It is safe for concurrent use if w's Write is called by nobody else.
func NewLogger(w io.Writer, level slog.Leveler, format string) *slog.Logger {
	options := &slog.HandlerOptions{Level: level, ReplaceAttr: inUTC}
	var h slog.Handler = slog.NewJSONHandler(w, options)
	if format == "text" {
		h = slog.NewTextHandler(w, options)
	}
	return slog.New(correlated{redact.Handler(h), false})
}

func inUTC(_ []string, a slog.Attr) slog.Attr {
	if a.Value.Kind() == slog.KindTime {
		a.Value = slog.TimeValue(a.Value.Time().UTC())
	}
	return a
}

// correlationKey is the key of the correlation id on every line.
const correlationKey = "correlation_id"

// correlated adds the correlation id of the context.
type correlated struct {
	slog.Handler
	named bool // With named one already
}

// Handle implements slog.Handler.
func (h correlated) Handle(ctx context.Context, r slog.Record) error {
	if id := Correlation(ctx); id != "" && !h.named {
		named := false
		r.Attrs(func(a slog.Attr) bool {
			named = a.Key == correlationKey
			return !named
		})
		if !named {
			r = r.Clone()
			r.AddAttrs(slog.String(correlationKey, id))
		}
	}
	return h.Handler.Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (h correlated) WithAttrs(attrs []slog.Attr) slog.Handler {
	named := h.named
	for _, a := range attrs {
		named = named || a.Key == correlationKey
	}
	return correlated{h.Handler.WithAttrs(attrs), named}
}

// WithGroup implements slog.Handler.
func (h correlated) WithGroup(name string) slog.Handler {
	return correlated{h.Handler.WithGroup(name), h.named}
}
