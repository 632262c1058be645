package jsontree

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func isToken(key string) bool { return strings.HasSuffix(key, "token") }

func TestBlank(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		`{"pubsub_token":"abc","id":1}`:                         `{"pubsub_token":null,"id":1}`,
		`{"a": [ {"token" : {"x":[1,2]} , "b":"ção"}, 1.50 ] }`: `{"a": [ {"token" : null , "b":"ção"}, 1.50 ] }`,
		`{"token":12345678901234567890,"token":"b"}`:            `{"token":null,"token":null}`,
		`{"tokens":"kept"}`:                                     `{"tokens":"kept"}`,
		`"token"`:                                               `"token"`,
		`{"token":"cut`:                                         `{"token":"cut`,
		``:                                                      ``,
	} {
		if got := string(Blank([]byte(in), isToken)); got != want {
			t.Errorf("Blank(%s) = %s, want %s", in, got, want)
		}
	}
}

func TestTexts(t *testing.T) {
	t.Parallel()
	got := Texts([]byte(`{"key":{"remoteJid":"5511@s"},"n":[5511,true,null]}`), func(s string) bool { return strings.HasPrefix(s, "5511") })
	if want := []string{"5511@s", "5511"}; !slices.Equal(got, want) {
		t.Errorf("Texts = %q, want %q", got, want)
	}
}

// What is blanked is null and everything else as before.
func FuzzBlank(f *testing.F) {
	f.Add(`{"pubsub_token":"abc","a":[{"token":1}],"é":" "}`)
	f.Add(`[{"x":{"token":{"token":null}}}]`)
	f.Fuzz(func(t *testing.T, in string) {
		out := Blank([]byte(in), isToken)
		var before, after any
		if json.Unmarshal([]byte(in), &before) != nil {
			return
		}
		if err := json.Unmarshal(out, &after); err != nil {
			t.Fatalf("Blank(%s) = %s: %v", in, out, err)
		}
		if diff := cmp.Diff(blanked(before), after); diff != "" {
			t.Fatalf("Blank(%s) (-want +got):\n%s", in, diff)
		}
		if again := Blank(out, isToken); string(again) != string(out) {
			t.Fatalf("Blank twice = %s, once %s", again, out)
		}
	})
}

func blanked(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for key := range v {
			if v[key] = blanked(v[key]); isToken(key) {
				v[key] = nil
			}
		}
	case []any:
		for i := range v {
			v[i] = blanked(v[i])
		}
	}
	return v
}
