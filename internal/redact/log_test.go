package redact

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"secretaria/internal/fault"
	"secretaria/internal/secret"
)

const number, uuid = "5511912345678", "0198c5a2-7b1c-7def-8000-123456789012"

type body struct {
	Number string
	N      int
	hidden string
}

type word string

type count int64

type broken struct{}

func (*broken) Error() string { panic("nobody home") }

type lazy string

func (l lazy) LogValue() slog.Value { return slog.StringValue("lazy " + string(l)) }

func line(t *testing.T, f func(*slog.Logger)) map[string]any {
	t.Helper()
	var b bytes.Buffer
	f(slog.New(Handler(slog.NewJSONHandler(&b, nil))))
	var m map[string]any
	if err := json.Unmarshal(b.Bytes(), &m); err != nil {
		t.Fatalf("line %q: %v", b.String(), err)
	}
	delete(m, "time")
	return m
}

func TestHandler(t *testing.T) {
	t.Parallel()
	got := line(t, func(l *slog.Logger) {
		l.With("with", number).WithGroup("g").Info("sent to "+number,
			"string", number, "error", fmt.Errorf("dial %s", number), "struct", body{number, 1, ""}, "hidden", body{"x", 1, number}, "clean", body{"x", 1, ""},
			"list", []string{"a", number}, "bytes", []byte(number), "header", http.Header{"Authorization": {"Bearer abcdefgh"}}, "nothing", nil, "raw", json.RawMessage(`{"a":"`+number+`"}`),
			slog.Group("group", "inner", number, "id", number), "secret", secret.New("s3cr3t"), "count", 5511912345678, "named", word(number), "typed", count(5511912345678),
			"conversation", number, "correlation_id", uuid, "delivery", word(uuid), "duration", time.Second, "api_token", "short", "tokens", "800", "broken", (*broken)(nil), "lazy", lazy(number),
			"url", &url.URL{Scheme: "https", User: url.UserPassword("ana", "abc"), Host: "x.com"}, "id", "ana@exemplo.com", "plain", uuid)
	})
	want := map[string]any{"level": "INFO", "msg": "sent to [telefone]", "with": "[telefone]", "g": map[string]any{
		"string": "[telefone]", "error": "dial [telefone]", "struct": `{"Number":"[telefone]","N":1}`, "hidden": `{"Number":"x","N":1}`, "clean": map[string]any{"Number": "x", "N": 1.0},
		"list": `["a","[telefone]"]`, "bytes": "[13 bytes]", "header": `{"Authorization":["Bearer [token]"]}`, "nothing": nil, "raw": `{"a":"[telefone]"}`,
		"group": map[string]any{"inner": "[telefone]", "id": number}, "secret": "[redacted]", "count": 5511912345678.0, "named": "[telefone]", "typed": 5511912345678.0,
		"conversation": number, "correlation_id": uuid, "delivery": uuid, "duration": 1e9, "api_token": "[token]", "tokens": "800", "broken": "[unprintable]", "lazy": "lazy [telefone]",
		"url": "https://[senha]@x.com", "id": "[email]", "plain": uuid,
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("line (-want +got):\n%s", diff)
	}
}

func TestHandlerAsksTheNext(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	l := slog.New(Handler(slog.NewTextHandler(&b, &slog.HandlerOptions{Level: slog.LevelWarn})))
	if l.Enabled(context.Background(), slog.LevelInfo) || !l.Enabled(context.Background(), slog.LevelWarn) {
		t.Error("Enabled does not follow the next handler")
	}
	l.Warn("x", "hidden", body{"x", 1, number})
	if strings.Contains(b.String(), number) {
		t.Errorf("text = %q, which holds the number", b.String())
	}
}

func TestError(t *testing.T) {
	t.Parallel()
	if err := Error(nil); err != nil {
		t.Errorf("Error(nil) = %v, want nil", err)
	}
	plain := errors.New("connection refused")
	if got := Error(plain); got != plain { //nolint:errorlint // the very same value is promised
		t.Errorf("Error(%v) = %v, want it as it is", plain, got)
	}
	err := fmt.Errorf("send to %s: %w", number, &fault.Error{Kind: fault.RateLimited, Code: "slow down", Status: 429, RetryAfter: time.Minute, Err: errors.Join(fs.ErrNotExist, &fs.PathError{Op: "open", Path: "/x", Err: fs.ErrClosed})})
	got := Error(err)
	if fault.KindOf(got) != fault.RateLimited || fault.Code(got) != "slow down" || fault.StatusOf(got) != 429 || fault.RetryAfter(got) != time.Minute {
		t.Errorf("Error lost the kind: %v, %q", fault.KindOf(got), fault.Code(got))
	}
	var path *fs.PathError
	if !errors.Is(got, fs.ErrNotExist) || !errors.Is(got, fs.ErrClosed) || !errors.As(got, &path) || errors.Is(got, fs.ErrExist) {
		t.Error("Is and As do not find what is in the chain")
	}
	wrapped := fmt.Errorf("turn: %w", got)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		for _, e := range []error{got, wrapped} {
			if text := fmt.Sprintf(verb, e); strings.Contains(text, number) || strings.Contains(text, fmt.Sprintf("%x", number)) {
				t.Errorf("%s = %q, which holds the number", verb, text)
			}
		}
	}
	if want := "turn: send to [telefone]: slow down (status 429): file does not exist\nopen /x: file already closed"; wrapped.Error() != want {
		t.Errorf("Error() = %q, want %q", wrapped, want)
	}
	if got := Error((*broken)(nil)); got == nil {
		t.Error("Error of an error that panics = nil")
	}
}

func BenchmarkHandler(b *testing.B) {
	l := slog.New(Handler(slog.NewJSONHandler(io.Discard, nil)))
	b.ReportAllocs()
	for b.Loop() {
		l.LogAttrs(context.Background(), slog.LevelInfo, "delivery sent", slog.String("delivery", uuid), slog.Int64("conversation", 12),
			slog.String("inbox", "whaticket"), slog.String("outcome", "sent"), slog.String("cause", ""), slog.Int64("duration_ms", 12))
	}
}
