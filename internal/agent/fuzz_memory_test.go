package agent

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What is kept of a conversation and of a contact may be of any version, or damaged: it is read
// as something of today's version, and then stays what it is.
func FuzzKept(f *testing.F) {
	for _, s := range []string{
		``, `null`, `{}`, `{"v":1,"failures":3}`, `{"v":99,"episode":7,"barred":[1,2]}`, `{"v":1,"facts":[{"kind":"preference","text":"x","quote":"y","at":"2026-01-02T03:04:05Z"}],"name":"Ana"}`,
		`{"v":"x"}`, `[1]`, `{"facts":[null,{}]}`, `{"v":1,"deflected":-1}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		m := loadMemory(raw)
		if m.V != memoryVersion {
			t.Errorf("loadMemory(%q) is of version %d, want %d", raw, m.V, memoryVersion)
		}
		if diff := cmp.Diff(string(encode(m)), string(encode(loadMemory(encode(m))))); diff != "" {
			t.Errorf("loadMemory(%q) the second time:\n%s", raw, diff)
		}
		p := loadProfile(raw)
		if diff := cmp.Diff(string(encode(p)), string(encode(loadProfile(encode(p))))); diff != "" {
			t.Errorf("loadProfile(%q) the second time:\n%s", raw, diff)
		}
		if !json.Valid(encode(m)) || !json.Valid(encode(p)) {
			t.Errorf("what is kept of %q is no JSON", raw)
		}
	})
}
