package workflow

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"secretaria/internal/fault"
	"secretaria/internal/secret"
)

// The verifier accepts exactly what the signer signs: every id of the form that Verify names,
// at any second of the window and at none outside it, with any of the secrets.
func FuzzSigned(f *testing.F) {
	f.Add([]byte(`{"a":1}`), "id-1", "segredo", int64(0))
	f.Add([]byte(``), "a.b", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", int64(300))
	f.Add([]byte("x"), strings.Repeat("a", 128), "whsec_!", int64(-301))
	f.Add([]byte("x"), strings.Repeat("a", 129), " ", int64(1<<40))
	form := regexp.MustCompile(`\A[A-Za-z0-9_-]{1,128}\z`)
	f.Fuzz(func(t *testing.T, body []byte, id, key string, away int64) {
		now := time.Unix(1_800_000_000, 0)
		away %= 1_700_000_000
		keys := []secret.String{secret.New(key)}
		h := http.Header{}
		Sign(h, keys, id, now.Add(time.Duration(away)*time.Second), body)
		want := key != "" && form.MatchString(id) && max(away, -away) <= int64(Window/time.Second)
		got, err := Verify(h, append([]secret.String{secret.New("outro")}, keys...), now, body)
		if (err == nil) != want || err == nil && got != id {
			t.Errorf("Verify(%q, signed %d s away with %q) = %q, %v, want accepted %v", id, away, key, got, err, want)
		}
		if err != nil && (!fault.Is(err, fault.Unauthorized) || fault.Code(err) != "invalid signature") {
			t.Errorf("Verify(%q) = %v, want always the same refusal", id, err)
		}
		if _, err := Verify(h, []secret.String{secret.New(key + "x")}, now, body); err == nil && !strings.HasPrefix(key, "whsec_") {
			t.Errorf("Verify(%q, signed with %q) accepts another secret", id, key)
		}
	})
}

// A result that is accepted is an object of what the schema names, is accepted again as it was
// kept, and a refusal repeats nothing of it.
func FuzzAccept(f *testing.F) {
	for _, s := range []string{
		`{"link":"https://a.example","at":"2026-01-02T03:04:05Z"}`, `{"link":7}`, `{"SEKRIT SEKRIT":1}`, `{"link":"SEKRIT SEKRIT","n":12345678901234567890}`, `[]`, `null`, ``, `{} {}`,
		`{"deep":{"a":{"b":"SEKRIT SEKRIT"}}}`, `{"kind":"SEKRIT SEKRIT"}`,
	} {
		f.Add([]byte(s))
	}
	d := Declared{Name: "x", Result: json.RawMessage(`{"type":"object","properties":{"link":{"type":"string","maxLength":200},"at":{"type":"string","format":"date-time"},` +
		`"n":{"type":"integer"},"kind":{"enum":["a","b"]},"deep":{"type":"object","additionalProperties":{"type":"object","additionalProperties":{"type":"number"}}}},"required":["link"]}`)}
	f.Fuzz(func(t *testing.T, result []byte) {
		kept, err := d.Accept(result)
		if err != nil {
			if kept != nil || !fault.Is(err, fault.Invalid) || strings.Contains(fault.Code(err), "SEKRIT SEKRIT") || len(fault.Code(err)) > 500 {
				t.Errorf("Accept(%q) = %s, %v", result, kept, err)
			}
			return
		}
		var v map[string]any
		if err := json.Unmarshal(kept, &v); err != nil || len(kept) > MaxResult {
			t.Fatalf("Accept(%q) keeps %q", result, kept)
		}
		for key := range v {
			if !strings.Contains(" link at n kind deep ", " "+key+" ") {
				t.Errorf("Accept(%q) keeps %q", result, key)
			}
		}
		if again, err := d.Accept(kept); err != nil || string(again) != string(kept) {
			t.Errorf("Accept(%q) = %s, %v, want it as it is", kept, again, err)
		}
	})
}

// Equal arguments have one form, whatever blanks and order they were written with.
func FuzzCanonical(f *testing.F) {
	for _, s := range []string{`{"b":1,"a":[2,{"d":null,"c":"x"}]}`, `{"a":1e3}`, `{"a":1,"a":2}`, `[]`, `{`, `{"a":"<&>\u2028"}`, "{\"a\":\"\xff\"}"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, arguments []byte) {
		one, err := Canonical(arguments)
		if err != nil {
			if one != "" || !fault.Is(err, fault.Invalid) {
				t.Errorf("Canonical(%q) = %q, %v", arguments, one, err)
			}
			return
		}
		var wide strings.Builder
		e := json.NewEncoder(&wide)
		e.SetIndent(" ", "\t")
		if err := e.Encode(json.RawMessage(one)); err != nil {
			t.Fatalf("Canonical(%q) = %q: %v", arguments, one, err)
		}
		for _, written := range []string{one, wide.String()} {
			if again, err := Canonical(json.RawMessage(written)); err != nil || again != one {
				t.Errorf("Canonical(%q) = %q, %v, want %q", written, again, err, one)
			}
		}
	})
}
