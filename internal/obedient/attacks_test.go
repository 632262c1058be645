package obedient

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// attack is something that a customer writes in order to take the assistant over. Half of it
// is enough where there are many like it: each attempt then takes another channel.
type attack struct {
	ID, Text string
	half     bool
}

// ofTrained is how many rows of each file are taken of those that the guard was trained on.
const ofTrained = 40

// development is the guard's development data, which lies beside the checkout and is no part
// of it.
var development = filepath.Join("..", "..", "..", "shared", "data", "guard", "dev.jsonl")

// attacks are all that can be found: those of this repository, and the development data
// where it is there.
func attacks(t *testing.T) []attack {
	t.Helper()
	var out []attack
	for _, pattern := range []string{filepath.Join("testdata", "*.jsonl"), filepath.Join("..", "guard", "testdata", "*.jsonl")} {
		names, err := filepath.Glob(pattern)
		must(t, err)
		for _, name := range names {
			rows, trained := attacksOf(t, name), strings.Contains(pattern, "guard")
			step := 1
			if trained { // the guard knows them; a part shows that it does
				step = len(rows)/ofTrained + 1
			}
			for i := 0; i < len(rows); i += step {
				rows[i].half = trained
				out = append(out, rows[i])
			}
		}
	}
	if len(out) == 0 {
		t.Fatal("no attacks in this repository")
	}
	rows := attacksOf(t, development)
	if len(rows) == 0 {
		t.Logf("there is no %s: its attacks are left out", development)
	}
	out = append(out, rows...)
	seen := map[string]bool{}
	kept := out[:0]
	for _, a := range out {
		if !seen[a.Text] {
			seen[a.Text] = true
			kept = append(kept, a)
		}
	}
	return kept
}

// attacksOf reads the rows of a file that are labelled as attacks; none where there is no file.
func attacksOf(t *testing.T, name string) []attack {
	t.Helper()
	b, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	must(t, err)
	var out []attack
	lines := bufio.NewScanner(bytes.NewReader(b))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var row struct{ ID, Text, Label string }
		if json.Unmarshal(lines.Bytes(), &row) == nil && row.Label == "attack" && strings.TrimSpace(row.Text) != "" {
			out = append(out, attack{ID: row.ID, Text: row.Text})
		}
	}
	must(t, lines.Err())
	return out
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
