package jsontree

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
)

// standard is what encoding/json makes of a body.
func standard(body []byte) (any, bool) {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var v any
	if d.Decode(&v) != nil {
		return nil, false
	}
	_, err := d.Token()
	return v, errors.Is(err, io.EOF)
}

// prune takes out of a value what keep does not want.
func prune(v any, keep func(string) bool) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for key, member := range v {
			if keep(key) {
				out[key] = prune(member, keep)
			}
		}
		return out
	case []any:
		out := []any{}
		for _, item := range v {
			out = append(out, prune(item, keep))
		}
		return out
	}
	return v
}

func cases() []string {
	return []string{
		`{"a":1,"b":[true,false,null,"x",-0.5e+3],"a":{"c":"d"}}`, ` [ ] `, `{}`, "\t{ \"a\" : \"\" , \"b\" : [ { } ] }\r\n", `"só"`, `0`, `-0`, `1E9`, `123456789012345678901234567890`,
		`"\u00e1\ud83d\ude00\"\\\/\b\f\n\r\t"`, `"\ud83d"`, "\"\xff\"", "{\"\xff\":1}", `{"\u0061":1}`, `{"ação":1}`, `null`,
		``, ` `, `{`, `}`, `{"a"}`, `{"a":}`, `{"a":1,}`, `{a:1}`, `[1,]`, `[,1]`, `[1 2]`, `01`, `-`, `1.`, `.5`, `1e`, `1e+`, `+1`, `tru`, `nul`, `truex`, `"`, `"\"`, `"\x"`, `"\u12"`, `"\u12g4"`,
		"\"\n\"", "\"\x00\"", `1 2`, `{} {}`, `[1]]`, "\xef\xbb\xbf{}", `'a'`, `NaN`, `{"a":{"b":[1,{"c":`, "\u00a01",
		strings.Repeat("[", 50) + strings.Repeat("]", 50), strings.Repeat(`{"a":`, 200) + "1" + strings.Repeat("}", 200),
	}
}

func check(t *testing.T, body []byte) {
	t.Helper()
	want, valid := standard(body)
	got, ok := Decode(body, nil)
	if ok && !valid {
		t.Fatalf("Decode(%q) = %v, want what is no JSON to be refused", body, got)
	}
	if ok && !reflect.DeepEqual(got, want) {
		t.Fatalf("Decode(%q) = %v, want %v", body, got, want)
	}
	keep := func(key string) bool { return len(key)%2 == 1 }
	some, also := Decode(body, keep)
	if also != ok {
		t.Fatalf("Decode(%q) with a filter = %v, want %v", body, also, ok)
	}
	if pruned := prune(want, keep); ok && !reflect.DeepEqual(some, pruned) {
		t.Fatalf("Decode(%q) with a filter = %v, want %v", body, some, pruned)
	}
}

func TestDecode(t *testing.T) {
	t.Parallel()
	for _, c := range cases() {
		check(t, []byte(c))
	}
}

// What senders really write must not take the long way.
func TestDecodeKnowsWhatIsUsual(t *testing.T) {
	t.Parallel()
	for _, c := range cases()[:10] {
		if _, ok := Decode([]byte(c), nil); !ok {
			t.Errorf("Decode(%q) left it to encoding/json", c)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, c := range cases() {
		f.Add([]byte(c))
	}
	f.Fuzz(func(t *testing.T, body []byte) { check(t, body) })
}
