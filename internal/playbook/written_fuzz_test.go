package playbook

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"secretaria/internal/fault"
)

// What is read of a condition or an action is written so that it is read again as the same.
func FuzzWritten(f *testing.F) {
	for _, s := range []string{"", "score 50", "known email", "complete", "score -1", "score 007", "workflow create_lead", "handoff", " a  b ", "known 5 b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if strings.ContainsAny(text, "\t\n\v\f\r\u0085\u00a0") {
			return // in no word of a move; they would be trimmed
		}
		c := ParseCondition(text)
		// A nought behind the guard stands for no number at all.
		if again := ParseCondition(c.String()); again != c {
			t.Errorf("ParseCondition(%q) = %+v, written %q and read as %+v", text, c, c, again)
		}
		a := ParseAction(text)
		if again := ParseAction(a.String()); again != a {
			t.Errorf("ParseAction(%q) = %+v, written %q and read as %+v", text, a, a, again)
		}
	})
}

// What a model extracted is bounded, names a slot and a value each, and is read the same when it
// is written again; what is no object is refused without a word of it.
func FuzzExtract(f *testing.F) {
	for _, s := range []string{
		`{"facts":[{"slot":"name","value":"Ana","quotes":["sou a Ana"]}]}`, `{"facts":[{"slot":"","value":"x"},{"slot":"a","value":" "},7,null,{"slot":"a","value":"b","quotes":"c"}]}`,
		`{"facts":null}`, `{}`, `[]`, `null`, `"x"`, ``, `{"facts":[` + strings.Repeat(`{"slot":"a","value":"b"},`, 40) + `{}]}`, `{"facts":{}}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, answer []byte) {
		found, err := Extract(answer)
		if err != nil {
			if len(found) > 0 || !fault.Is(err, fault.Invalid) || len(err.Error()) > 120 {
				t.Errorf("Extract(%q) = %v, %v, want a short refusal alone", answer, found, err)
			}
			return
		}
		if len(found) > maxExtracted {
			t.Errorf("Extract(%q) found %d, want at most %d", answer, len(found), maxExtracted)
		}
		for _, e := range found {
			if e.Slot == "" || strings.TrimSpace(e.Value) == "" {
				t.Errorf("Extract(%q) found %+v", answer, e)
			}
		}
		b, err := json.Marshal(map[string]any{"facts": found})
		if err != nil {
			t.Fatalf("write %+v again: %v", found, err)
		}
		again, err := Extract(b)
		if diff := cmp.Diff(found, again); err != nil || diff != "" {
			t.Errorf("Extract(%q) the second time: %v\n%s", answer, err, diff)
		}
	})
}
