// Package telemetry is what the program tells about itself: its logger, the correlation id
// that ties lines together, its metrics, the HTTP middleware that measures requests, and
// its health.
//
// It promises that nothing here gives away a customer or a secret: log values that look
// like a phone number, an e-mail address or a credential are redacted even where somebody
// forgot, labels of metrics come from closed lists, and a health report names causes
// without hosts.
package telemetry

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"regexp"
	"strings"
	"time"
)

// NewLogger returns a logger that writes one JSON object a line, or slog's text when format
// is "text", with time (UTC), level and msg. A record logged with a context that carries a
// correlation id carries it too, unless it names one itself. Values are redacted; see
// Redact. It is safe for concurrent use if w's Write is called by nobody else.
func NewLogger(w io.Writer, level slog.Leveler, format string) *slog.Logger {
	options := &slog.HandlerOptions{Level: level, ReplaceAttr: replace}
	var h slog.Handler = slog.NewJSONHandler(w, options)
	if format == "text" {
		h = slog.NewTextHandler(w, options)
	}
	return slog.New(correlated{h, false})
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

// replace redacts the values that are words, and puts times in UTC.
func replace(groups []string, a slog.Attr) slog.Attr {
	if known(a.Key) || len(groups) == 0 && (a.Key == slog.LevelKey || a.Key == slog.SourceKey) {
		return a
	}
	switch a.Value.Kind() {
	case slog.KindString:
		if s := a.Value.String(); len(s) > 0 {
			a.Value = slog.StringValue(Redact(s))
		}
	case slog.KindTime:
		a.Value = slog.TimeValue(a.Value.Time().UTC())
	case slog.KindAny:
		a.Value = redactAny(a.Value)
	}
	return a
}

func redactAny(v slog.Value) slog.Value {
	switch x := v.Any().(type) {
	case nil:
		return v
	case error:
		return slog.StringValue(Redact(x.Error()))
	case []byte:
		return slog.StringValue(fmt.Sprintf("[%d bytes]", len(x))) // a body, as likely as not
	case time.Time, *time.Time:
		return v
	case json.Marshaler, fmt.Stringer:
		return slog.StringValue(Redact(fmt.Sprint(x)))
	default:
		// What would be written is looked at whole; it stays an object if nothing is found.
		b, err := json.Marshal(x)
		if err != nil {
			return slog.StringValue(Redact(fmt.Sprintf("%+v", x)))
		}
		if clean := Redact(string(b)); clean != string(b) {
			return slog.StringValue(clean)
		}
		return v
	}
}

// known are the keys whose values are ours and bounded. They may look like a number of ten
// digits and are needed whole.
func known(key string) bool {
	switch key {
	case correlationKey, "delivery", "turn", "conversation", "message", "job", "job_id", "inbox", "channel", "kind", "outcome", "reason",
		"desk", "model", "path", "method", "status", "addr", "port", "component", "version", "revision", "queue", "since", "until":
		return true
	}
	return false
}

const redacted = "[redacted]"

// Redact replaces what looks like an e-mail address or a WhatsApp id, a phone number (ten
// digits or more, or "+" and seven or more), or a credential. UUIDs, dates with their times
// and IPv4 addresses stay. It is a net beneath the rule that none of these is logged in the
// first place.
func Redact(s string) string {
	if !suspicious(s) {
		return s
	}
	matches := sensitive.FindAllStringSubmatchIndex(s, -1)
	if matches == nil {
		return s
	}
	var out []byte
	from := 0
	for _, m := range matches {
		if m[2] >= 0 { // the group of what may stay
			continue
		}
		out = append(out, s[from:m[0]]...)
		out = append(out, redacted...)
		from = m[1]
	}
	return string(append(out, s[from:]...))
}

// suspicious is a cheap look that spares most values the expression: it needs digits, one of
// the signs of an address or an assignment, a long word, or the name of a scheme.
func suspicious(s string) bool {
	digits, word := 0, 0
	for i := range len(s) {
		word++
		switch c := s[i]; {
		case c >= '0' && c <= '9':
			digits++
		case c == '@', c == '=', c == ':':
			return true
		case c == ' ':
			word = 0
		}
		if digits >= 7 || word >= 16 {
			return true
		}
	}
	lower := strings.ToLower(s)
	return strings.Contains(lower, "bearer") || strings.Contains(lower, "basic")
}

// sensitive finds, in this order: what may stay although it is full of digits (the only
// group), e-mail addresses and WhatsApp ids, credentials by their form, credentials by
// their name, phone numbers.
var sensitive = regexp.MustCompile(`(?i)` +
	`(\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b` +
	`|\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:?\d\d)?)?\b` +
	`|\b\d{1,3}(?:\.\d{1,3}){3}\b)` +
	`|[\pL\d._%+'-]+@[\pL\d-]+(?:\.[\pL\d-]+)*` +
	`|\b(?:bearer|basic)[ +][\w.~+/=-]{6,}` +
	`|\beyJ[\w-]{8,}(?:\.[\w-]+){1,2}` +
	`|\b(?:sk|pk|rk)-[\w-]{16,}|\bAIza[\w-]{20,}` +
	`|[\w-]*(?:token|secret|passw(?:or)?d|senha|signature|api[_-]?key|[?&]key)["']?(?:\s*=\s*|["']\s*:\s*)["']?[^\s"'&,;}\]]+` +
	`|://[^\s/@]+:[^\s/@]+@` +
	`|\+\d(?:[ ()-]{0,2}\d){6,}` +
	`|\(?\d(?:[ ()-]{0,2}\d){9,}`)
