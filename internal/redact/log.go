package redact

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// Handler returns a handler that masks what it passes on: messages, strings, errors, and
// every value that would be rendered, in groups too. Numbers, times, durations and booleans
// stay as they are.
//
// Ids stay whole, since lines could not be tied together without: a value under one of the
// keys correlation_id, trace_id, span_id, request_id, id, delivery, delivery_id,
// conversation, conversation_id, message, message_id, turn, job and job_id is left alone when
// it has the form of an id (64 letters, digits and . _ : + - at most), and so is what the
// configuration and the build name: inbox, desk, model, version, revision. A string under the name
// of a secret (token, password, api_key, authorization) is masked whatever it is. Bytes are
// not shown at all. A value that panics when it is rendered does not take the line with it.
func Handler(next slog.Handler) slog.Handler { return handler{next} }

type handler struct{ next slog.Handler }

// Enabled implements slog.Handler.
func (h handler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.next.Enabled(ctx, level)
}

// Handle implements slog.Handler.
func (h handler) Handle(ctx context.Context, r slog.Record) error {
	clean := slog.NewRecord(r.Time, r.Level, Text(r.Message), r.PC)
	r.Attrs(func(a slog.Attr) bool {
		clean.AddAttrs(cleaned(a))
		return true
	})
	return h.next.Handle(ctx, clean)
}

// WithAttrs implements slog.Handler.
func (h handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return handler{h.next.WithAttrs(all(attrs))}
}

// WithGroup implements slog.Handler.
func (h handler) WithGroup(name string) slog.Handler { return handler{h.next.WithGroup(name)} }

func all(attrs []slog.Attr) []slog.Attr {
	out := make([]slog.Attr, len(attrs))
	for i, a := range attrs {
		out[i] = cleaned(a)
	}
	return out
}

func cleaned(a slog.Attr) slog.Attr {
	a.Value = a.Value.Resolve()
	switch a.Value.Kind() {
	case slog.KindString:
		a.Value = slog.StringValue(text(a.Key, a.Value.String()))
	case slog.KindGroup:
		a.Value = slog.GroupValue(all(a.Value.Group())...)
	case slog.KindAny:
		a.Value = rendered(a.Key, a.Value)
	}
	return a
}

// text masks the string under a key.
func text(key, value string) string {
	if value == "" || id(key) && idForm(value) {
		return value
	}
	if class, _ := keyClass(key); class != "" {
		if n, _ := maskAt(value); n == len(value) || value == "[redacted]" { // package secret's word
			return value
		}
		return class.Mask()
	}
	return Text(value)
}

func id(key string) bool {
	switch key {
	case "correlation_id", "trace_id", "span_id", "request_id", "id", "delivery", "delivery_id", "conversation", "conversation_id", "message", "message_id", "turn", "job", "job_id",
		"inbox", "desk", "model", "version", "revision":
		return true
	}
	return false
}

func idForm(value string) bool {
	if len(value) > 64 {
		return false
	}
	for i := range len(value) {
		if c := value[i]; !alnum(c) && strings.IndexByte("._:+-", c) < 0 {
			return false
		}
	}
	return true
}

// rendered masks a value of any type as it would be written. It stays what it is when there
// is nothing to mask, so that a handler of JSON still writes objects as objects.
func rendered(key string, v slog.Value) (out slog.Value) {
	defer func() {
		if r := recover(); r != nil {
			out = slog.StringValue("[unprintable]")
		}
	}()
	switch x := v.Any().(type) {
	case nil:
		return v
	case []byte:
		return slog.StringValue("[" + strconv.Itoa(len(x)) + " bytes]") // a body, as likely as not
	case time.Time, *time.Time, *slog.Source:
		return v
	case error:
		return slog.StringValue(text(key, x.Error()))
	case json.Marshaler:
		return slog.StringValue(text(key, marshalled(x)))
	case fmt.Stringer:
		return slog.StringValue(text(key, x.String()))
	}
	switch x := reflect.ValueOf(v.Any()); x.Kind() {
	case reflect.String:
		return slog.StringValue(text(key, x.String()))
	case reflect.Bool, reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64, reflect.Float32, reflect.Float64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return v
	}
	// A handler of text shows fields that JSON leaves out.
	plain, shown := fmt.Sprintf("%+v", v.Any()), marshalled(v.Any())
	if clean := text(key, shown); clean != shown || text(key, plain) != plain {
		return slog.StringValue(clean)
	}
	return v
}

func marshalled(x any) string {
	b, err := json.Marshal(x)
	if err != nil {
		return fmt.Sprintf("%+v", x)
	}
	return string(b)
}
