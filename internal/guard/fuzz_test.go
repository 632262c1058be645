package guard

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Rows that were read have a label, and are read the same when they are written again; what
// is wrong with a file names a line and quotes nothing.
func FuzzReadRows(f *testing.F) {
	for _, s := range []string{
		`{"id":"1","text":"oi","label":"benign","lang":"pt"}` + "\n\n" + `{"text":"x","label":"attack"}`, `{"text":"SEKRIT","label":"other"}`, `[]`, `{"text":7}`, "", "\n", "{}\r\n", `{"label":"attack"`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		rows, err := ReadRows(strings.NewReader(s))
		if err != nil {
			if rows != nil || len(err.Error()) > 200 || strings.Contains(err.Error(), "SEKRIT") {
				t.Errorf("ReadRows(%q) = %d rows, %v", s, len(rows), err)
			}
			return
		}
		var b bytes.Buffer
		for i := range rows {
			if rows[i].Attack() != (rows[i].Label == "attack") || rows[i].Label != "attack" && rows[i].Label != "benign" {
				t.Errorf("ReadRows(%q): row %d has the label %q", s, i, rows[i].Label)
			}
			line, err := json.Marshal(rows[i])
			if err != nil {
				t.Fatal(err)
			}
			b.Write(append(line, '\n'))
		}
		again, err := ReadRows(&b)
		if diff := cmp.Diff(rows, again); err != nil || diff != "" {
			t.Errorf("ReadRows(%q) the second time: %v\n%s", s, err, diff)
		}
	})
}

// A model with a changed byte is refused or is another model: it is written as it was read.
func FuzzModel(f *testing.F) {
	m := New().model
	whole, err := m.MarshalBinary()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(uint32(0), byte(1), uint32(0))
	f.Add(uint32(9), byte(0x80), uint32(0))
	f.Add(uint32(40), byte('x'), uint32(3))
	f.Add(uint32(len(whole)-1), byte(0xff), uint32(len(whole)))
	f.Fuzz(func(t *testing.T, at uint32, change byte, cut uint32) {
		data := bytes.Clone(whole)
		data[int(at)%len(data)] ^= change
		data = data[:len(data)-int(cut)%(len(data)+1)]
		var read Model
		if err := read.UnmarshalBinary(data); err != nil {
			if len(read.weights) != 0 {
				t.Errorf("a model that was refused (%v) is there all the same", err)
			}
			return
		}
		if len(data) != len(whole) {
			t.Fatalf("a model of %d bytes is taken, want %d", len(data), len(whole))
		}
		written, err := read.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		var again Model
		if err := again.UnmarshalBinary(written); err != nil {
			t.Fatalf("a model is not read again: %v", err)
		}
		if again.bias != read.bias || again.scale != read.scale || !bytes.Equal(raw(again.weights), raw(read.weights)) || cmp.Diff(again.Card, read.Card) != "" {
			t.Error("a model is not what it was after it was written and read again")
		}
	})
}

func raw(weights []int8) []byte {
	b := make([]byte, len(weights))
	for i, w := range weights {
		b[i] = byte(w)
	}
	return b
}
