package telemetry

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"secretaria/internal/secret"
)

// line logs with f and returns what was written.
func line(t *testing.T, f func(*slog.Logger)) map[string]any {
	t.Helper()
	var b bytes.Buffer
	f(NewLogger(&b, slog.LevelInfo, "json"))
	var m map[string]any
	if err := json.Unmarshal(b.Bytes(), &m); err != nil {
		t.Fatalf("line %q: %v", b.String(), err)
	}
	return m
}

type body struct {
	Number string
	N      int
}

func TestLoggerRedactsEveryKindOfValue(t *testing.T) {
	t.Parallel()
	const number = "5511912345678"
	got := line(t, func(l *slog.Logger) {
		l.With("with", number).Info("sent to "+number,
			"string", number, "error", errors.New("dial "+number), "struct", body{number, 1}, "clean", body{"x", 1}, "list", []string{"a", number},
			"bytes", []byte(number), "header", http.Header{"Authorization": {"Bearer abcdefgh"}}, "nothing", nil,
			slog.Group("group", "inner", number), "secret", secret.New("s3cr3t"), "count", 5511912345678,
			"conversation", "5511912345678", "delivery", "0198c5a2-7b1c-7def-8000-123456789012", "duration", time.Second)
	})
	delete(got, "time")
	want := map[string]any{
		"level": "INFO", "msg": "sent to [telefone]", "with": "[telefone]", "string": "[telefone]", "error": "dial [telefone]",
		"struct": `{"Number":"[telefone]","N":1}`, "clean": map[string]any{"Number": "x", "N": 1.0}, "list": `["a","[telefone]"]`,
		"bytes": "[13 bytes]", "header": `{"Authorization":["Bearer [token]"]}`, "nothing": nil,
		"group": map[string]any{"inner": "[telefone]"}, "secret": "[redacted]", "count": 5511912345678.0,
		"conversation": "5511912345678", "delivery": "0198c5a2-7b1c-7def-8000-123456789012", "duration": 1e9,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("line (-want +got):\n%s", diff)
	}
}

func TestLoggerAddsCorrelationOnce(t *testing.T) {
	t.Parallel()
	ctx := WithCorrelation(context.Background(), "abc")
	for name, c := range map[string]struct {
		log  func(*slog.Logger)
		want any
	}{
		"from context":    {func(l *slog.Logger) { l.InfoContext(ctx, "x") }, "abc"},
		"none":            {func(l *slog.Logger) { l.Info("x") }, nil},
		"record names it": {func(l *slog.Logger) { l.InfoContext(ctx, "x", "correlation_id", "own") }, "own"},
		"With names it":   {func(l *slog.Logger) { l.With("correlation_id", "own").InfoContext(ctx, "x") }, "own"},
		"With and others": {func(l *slog.Logger) { l.With("a", 1).InfoContext(ctx, "x", "b", 2) }, "abc"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var b bytes.Buffer
			c.log(NewLogger(&b, slog.LevelInfo, "json"))
			var m map[string]any
			if err := json.Unmarshal(b.Bytes(), &m); err != nil {
				t.Fatal(err)
			}
			if m["correlation_id"] != c.want {
				t.Errorf("correlation_id = %v, want %v", m["correlation_id"], c.want)
			}
			if n := strings.Count(b.String(), "correlation_id"); n > 1 {
				t.Errorf("line %s names correlation_id %d times", b.String(), n)
			}
		})
	}
}

func TestLoggerFormatsAndLevels(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	level := new(slog.LevelVar)
	l := NewLogger(&b, level, "text")
	l.Debug("hidden")
	l.Info("shown", "port", 8080)
	if got := b.String(); !strings.Contains(got, "level=INFO msg=shown port=8080") || strings.Contains(got, "hidden") {
		t.Errorf("text = %q, want the second line only", got)
	}
	got := line(t, func(l *slog.Logger) { l.Warn("x", "port", 8080) })
	stamp, err := time.Parse(time.RFC3339Nano, got["time"].(string))
	if err != nil || stamp.Location() != time.UTC {
		t.Errorf("time = %v (%v), want UTC in RFC 3339", got["time"], err)
	}
	if got["level"] != "WARN" {
		t.Errorf("level = %v, want WARN", got["level"])
	}
}

func TestValidCorrelation(t *testing.T) {
	t.Parallel()
	for id, want := range map[string]bool{
		NewCorrelation():                       true,
		"0198C5A2-7B1C-7DEF-8000-123456789012": true,
		"abc.DEF_1-2":                          true,
		strings.Repeat("a", 64):                true,
		strings.Repeat("a", 65):                false,
		"":                                     false,
		"a b":                                  false,
		`a"b`:                                  false,
		"<b>":                                  false,
		"a\nb":                                 false,
		"é":                                    false,
		"a;b":                                  false,
	} {
		if got := ValidCorrelation(id); got != want {
			t.Errorf("ValidCorrelation(%q) = %v, want %v", id, got, want)
		}
	}
	for id, want := range map[string]bool{
		"0198C5A2-7B1C-7DEF-8000-123456789012": true,
		"4bf92f3577b34da6a3ce929d0e0e4736":     true,
		"01ARZ3NDEKTSV4RRFFQ69G5FAV":           true,
		"req-20261122-0031":                    true,
		"5511912345678":                        false,
		"529.982.247-25":                       false,
		"contato-5511912345678":                false,
		"order-5511912345678":                  false,
		"req-20261122063501":                   true,
		"sk-proj-abcdefghijklmnop":             false,
		"Zx8Kp2LmQ9vT4nRb7WcYd3Hs":             false,
	} {
		if got := kept(id); got != want {
			t.Errorf("kept(%q) = %v, want %v", id, got, want)
		}
	}
	if a, b := NewCorrelation(), NewCorrelation(); a == b || len(a) != 36 {
		t.Errorf("NewCorrelation() = %q, then %q, want two UUIDs", a, b)
	}
	if got := Correlation(context.Background()); got != "" {
		t.Errorf("Correlation of a fresh context = %q, want none", got)
	}
}

func BenchmarkLog(b *testing.B) {
	l := NewLogger(discard{}, slog.LevelInfo, "json")
	ctx := WithCorrelation(context.Background(), NewCorrelation())
	for b.Loop() {
		l.LogAttrs(ctx, slog.LevelInfo, "delivery sent", slog.String("delivery", "0198c5a2-7b1c-7def-8000-123456789012"), slog.Int64("conversation", 12),
			slog.String("inbox", "whaticket"), slog.String("outcome", "sent"), slog.String("cause", ""), slog.Int64("duration_ms", 12))
	}
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }
