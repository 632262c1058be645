package secret

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"
)

const value = "s3cr3t-value"

// holder has a secret in every place where a printer may find it.
type holder struct {
	Field   String
	Pointer *String
	List    []String
	Map     map[string]String
	hidden  String
}

func newHolder() holder {
	s := New(value)
	return holder{s, &s, []String{s}, map[string]String{"k": s}, s}
}

func TestNeverPrints(t *testing.T) {
	t.Parallel()
	s := New(value)
	printed := map[string]string{"String()": s.String(), "error": fmt.Errorf("with %v: %w", s, errors.New("x")).Error()}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "% x", "%d", "%t", "%T", "%10s", "%.3s", "%!"} {
		printed[verb] = fmt.Sprintf(verb, s)
		printed[verb+" pointer"] = fmt.Sprintf(verb, &s)
		printed[verb+" holder"] = fmt.Sprintf(verb, newHolder())
		printed[verb+" hidden in a pointer"] = fmt.Sprintf(verb, &struct{ a any }{newHolder()})
	}
	for name, marshal := range map[string]func(any) ([]byte, error){"json": json.Marshal, "yaml": func(v any) ([]byte, error) { return yaml.Marshal(v) }} {
		b, err := marshal(newHolder())
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		printed[name] = string(b)
		if n := strings.Count(string(b), redacted); n != 4 {
			t.Errorf("%s = %s, want %s in 4 places, got %d", name, b, redacted, n)
		}
	}
	b, err := xml.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	printed["xml"] = string(b)
	var log bytes.Buffer
	for _, h := range []slog.Handler{slog.NewJSONHandler(&log, nil), slog.NewTextHandler(&log, nil)} {
		slog.New(h).With("with", s).Info("x", "secret", s, "pointer", &s, "holder", newHolder(), slog.Group("g", "s", s))
	}
	printed["slog"] = log.String()
	if n := strings.Count(log.String(), "secret="+redacted); n != 1 {
		t.Errorf("the text log = %s, want secret=%s in it once, got %d", log.String(), redacted, n)
	}
	for how, got := range printed {
		for _, leak := range []string{value, value[:3], fmt.Sprintf("%x", value), fmt.Sprintf("%X", value), fmt.Sprintf("% x", value)} {
			if strings.Contains(got, leak) {
				t.Errorf("printed by %s: %q, which holds the secret", how, got)
			}
		}
	}
}

func TestString(t *testing.T) {
	t.Parallel()
	var zero String
	if !zero.IsZero() || zero.Reveal() != "" || zero.String() != "" || fmt.Sprint(zero) != "" || zero != New("") {
		t.Errorf("the zero secret = %q, zero %v, want empty", zero.Reveal(), zero.IsZero())
	}
	s := New(value)
	if s.IsZero() || s.Reveal() != value || s.String() != redacted {
		t.Errorf("New(v) = %q, shown as %q, want v, shown as %q", s.Reveal(), s, redacted)
	}
	if s != New(value) || s == New("other") {
		t.Error("== does not compare the values")
	}
}

func TestUnmarshal(t *testing.T) {
	t.Parallel()
	var fromJSON, fromYAML struct{ S, Empty String }
	if err := json.Unmarshal([]byte(`{"S":"s3cr3t-value","Empty":""}`), &fromJSON); err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal([]byte("s: s3cr3t-value\nempty: ''\n"), &fromYAML); err != nil {
		t.Fatal(err)
	}
	if got := fromJSON.S.Reveal(); got != value || !fromJSON.Empty.IsZero() {
		t.Errorf("from JSON = %q, want %q", got, value)
	}
	if got := fromYAML.S.Reveal(); got != value || !fromYAML.Empty.IsZero() {
		t.Errorf("from YAML = %q, want %q", got, value)
	}
}
