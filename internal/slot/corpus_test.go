package slot

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v4"
)

// misses prints what differs: -args -misses=all, even or odd.
var misses = flag.String("misses", "", "print the misses of all, even or odd dialogues")

// dialogue is a labelled conversation, see testdata/dialogues/README.md.
type dialogue struct {
	ID    string `yaml:"id"`
	Hard  bool   `yaml:"hard"`
	Now   string `yaml:"now"`
	Zone  string `yaml:"zone"`
	Turns []struct {
		Ask  Kind     `yaml:"ask"`
		Bot  string   `yaml:"bot"`
		Says []string `yaml:"says"`
	} `yaml:"turns"`
	Want    map[Kind]label `yaml:"want"`
	Refused []Kind         `yaml:"refused"`
	Note    string         `yaml:"note"`

	odd bool // its position in its file
	now time.Time
}

type label struct {
	Value texts `yaml:"value"`
	Quote texts `yaml:"quote"`
}

// texts is one string or a list of them.
type texts []string

func (s *texts) UnmarshalYAML(node *yaml.Node) error {
	if node.Kind == yaml.SequenceNode {
		return node.Decode((*[]string)(s))
	}
	*s = texts{node.Value}
	return nil
}

func corpus(t testing.TB, pattern string) []dialogue {
	t.Helper()
	names, err := filepath.Glob(pattern)
	if err != nil || len(names) == 0 {
		t.Fatalf("no dialogues: %v", err)
	}
	var all []dialogue
	for _, name := range names {
		src, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		decoder := yaml.NewDecoder(bytes.NewReader(src))
		for i := 0; ; i++ {
			var d dialogue
			err := decoder.Decode(&d)
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			zone, err := time.LoadLocation(d.Zone)
			if err != nil {
				t.Fatalf("%s: %v", d.ID, err)
			}
			at, err := time.Parse(time.RFC3339, d.Now)
			if err != nil {
				t.Fatalf("%s: %v", d.ID, err)
			}
			d.now, d.odd = at.In(zone), i%2 == 1
			all = append(all, d)
		}
	}
	return all
}

func (d dialogue) messages() []string {
	var all []string
	for _, turn := range d.Turns {
		all = append(all, turn.Says...)
	}
	return all
}

// play reads a dialogue to its end. Between turns the state is kept as JSON.
func (d dialogue) play(t *testing.T) State {
	t.Helper()
	var s State
	first := 0
	for _, turn := range d.Turns {
		s = Read(s, Turn{Ask: turn.Ask, Bot: turn.Bot, Says: turn.Says, First: first, Now: d.now}).State
		kept, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		s = State{}
		if err := json.Unmarshal(kept, &s); err != nil {
			t.Fatal(err)
		}
		first += len(turn.Says)
	}
	return s
}

// tally counts values: hit is right, miss is wanted and not found, extra is found and not
// wanted. A wrong value is a miss and an extra.
type tally struct{ hit, miss, extra int }

func (c *tally) add(d tally) { c.hit += d.hit; c.miss += d.miss; c.extra += d.extra }

func (c tally) f1() float64 {
	if c.hit == 0 {
		return 0
	}
	return 2 * float64(c.hit) / float64(2*c.hit+c.miss+c.extra)
}

func (c tally) String() string {
	p, r := 0.0, 0.0
	if c.hit > 0 {
		p, r = float64(c.hit)/float64(c.hit+c.extra), float64(c.hit)/float64(c.hit+c.miss)
	}
	return fmt.Sprintf("P %.3f  R %.3f  F1 %.3f  (%d right, %d missed, %d too many)", p, r, c.f1(), c.hit, c.miss, c.extra)
}

const dialogues = "testdata/dialogues/*.yaml"

func deterministic() []Kind { return []Kind{Name, TeamSize, Email, Phone, CNPJ, Times} }

func items(v Value) []string {
	if v.Kind == Times || v.Kind == Tools {
		return v.List
	}
	return []string{v.Text}
}

// compare counts the items of a slot.
func compare(kind Kind, got Value, has bool, want label, wanted bool, messages []string) (c tally, said string) {
	var g, w []string
	if has {
		g = slices.Clone(items(got))
		for _, q := range got.Quotes {
			if q.Message < 0 || q.Message >= len(messages) || q.Text == "" || !strings.Contains(messages[q.Message], q.Text) {
				return tally{miss: len(want.Value), extra: len(g)}, fmt.Sprintf("quote %q is not in message %d", q.Text, q.Message)
			}
		}
		if len(got.Quotes) == 0 {
			return tally{miss: len(want.Value), extra: len(g)}, "no quote"
		}
	}
	if wanted {
		w = slices.Clone(want.Value)
	}
	if kind == Times {
		for _, list := range [][]string{g, w} {
			for i := range list {
				if at, err := time.Parse(time.RFC3339, list[i]); err == nil {
					list[i] = at.UTC().Format(time.RFC3339)
				}
			}
		}
	}
	for _, v := range g {
		if slices.Contains(w, v) {
			c.hit++
		} else {
			c.extra++
		}
	}
	c.miss = len(w) - c.hit
	if c.miss+c.extra > 0 {
		said = fmt.Sprintf("= %q, want %q", g, w)
	}
	return c, said
}

// The corpus is a measure: the floor may rise and must not fall.
func TestCorpus(t *testing.T) {
	t.Parallel()
	per := map[string]*tally{}
	count := func(key string, c tally) {
		if per[key] == nil {
			per[key] = &tally{}
		}
		per[key].add(c)
	}
	played, difficult := 0, 0
	for _, d := range corpus(t, dialogues) {
		played++
		if d.Hard {
			difficult++
		}
		state := d.play(t)
		messages := d.messages()
		half, hard := "even", "easy"
		if d.odd {
			half = "odd"
		}
		if d.Hard {
			hard = "hard"
		}
		for _, kind := range []Kind{Name, TeamSize, Email, Phone, CNPJ, Times, Company, Role, Tools, Pain} {
			got, has := state.Values[kind]
			want, wanted := d.Want[kind]
			c, said := compare(kind, got, has, want, wanted, messages)
			count(string(kind), c)
			if slices.Contains(deterministic(), kind) {
				for _, key := range []string{"all", half, hard, half + " " + hard, half + " " + string(kind)} {
					count(key, c)
				}
			}
			if said != "" && (*misses == "all" || *misses == half) {
				t.Logf("%s %s %s", d.ID, kind, said)
			}
		}
		var c tally
		for _, k := range state.Refused {
			if slices.Contains(d.Refused, k) {
				c.hit++
			} else {
				c.extra++
			}
		}
		c.miss = len(d.Refused) - c.hit
		count("refused", c)
		if c.miss+c.extra > 0 && (*misses == "all" || *misses == half) {
			t.Logf("%s refused = %q, want %q", d.ID, state.Refused, d.Refused)
		}
	}
	keys := make([]string, 0, len(per))
	for key := range per {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	for _, key := range keys {
		t.Logf("%-16s %v", key, per[key])
	}
	t.Logf("%d dialogues, %d of them hard", played, difficult)
	if played < 120 || difficult < 40 {
		t.Errorf("the corpus has %d dialogues, %d of them hard; want 120 and 40 or more", played, difficult)
	}
	if got, want := per["all"].f1(), 0.95; got < want {
		t.Errorf("F1 of what needs no model = %.4f, want %.2f or more", got, want)
	}
}

// Turns are rules in one message each: unlike the corpus they must all be right.
func TestTurns(t *testing.T) {
	t.Parallel()
	for _, d := range corpus(t, "testdata/turns/*.yaml") {
		state := d.play(t)
		for _, kind := range Kinds() {
			got, has := state.Values[kind]
			want, wanted := d.Want[kind]
			if _, said := compare(kind, got, has, want, wanted, d.messages()); said != "" {
				t.Errorf("%s %q: %s %s", d.ID, d.messages(), kind, said)
			}
		}
		if !slices.Equal(state.Refused, d.Refused) {
			t.Errorf("%s %q: refused = %q, want %q", d.ID, d.messages(), state.Refused, d.Refused)
		}
	}
}

// Most of what customers write fills no slot.
func TestChatter(t *testing.T) {
	t.Parallel()
	src, err := os.ReadFile("testdata/chatter.txt")
	if err != nil {
		t.Fatal(err)
	}
	for text := range strings.Lines(string(src)) {
		text = strings.TrimSpace(text)
		got := Read(State{}, Turn{Bot: "Olá! Como posso ajudar?", Says: []string{text}, Now: noon()})
		if len(got.State.Values) > 0 || len(got.Refused) > 0 {
			t.Errorf("Read(%q) = %v, refused %v, want nothing", text, got.State.Values, got.Refused)
		}
	}
}
