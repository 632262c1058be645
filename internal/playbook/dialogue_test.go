package playbook

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v4"
)

// update writes what the desk says into the cases: read the difference before it is kept.
var update = flag.Bool("update", false, "write what was said into testdata/dialogues")

// talk is a conversation, see testdata/dialogues/README.md.
type talk struct {
	About    string            `yaml:"about"`
	Playbook string            `yaml:"playbook"`
	Turns    []exchange        `yaml:"turns"`
	State    State             `yaml:"state"`
	Score    int               `yaml:"score"`
	Values   map[string]string `yaml:"values"`
	Refused  []string          `yaml:"refused,omitempty"`
	Skipped  []string          `yaml:"skipped,omitempty"`
	Actions  []string          `yaml:"actions,omitempty"`
}

type exchange struct {
	Says      []string    `yaml:"says"`
	Learned   []Extracted `yaml:"learned,omitempty"`
	Days      int         `yaml:"days,omitempty"` // that pass before it
	Episode   int64       `yaml:"episode,omitempty"`
	Person    bool        `yaml:"person,omitempty"`
	Elsewhere bool        `yaml:"elsewhere,omitempty"`
	Countered bool        `yaml:"countered,omitempty"`
	Bot       string      `yaml:"bot"`
}

func monday(t testing.TB) time.Time {
	t.Helper()
	zone, err := time.LoadLocation("America/Sao_Paulo")
	if err != nil {
		t.Fatal(err)
	}
	return time.Date(2026, 3, 9, 10, 0, 0, 0, zone)
}

func (c talk) book() *Playbook {
	if c.Playbook == "full" {
		return Full()
	}
	return Default()
}

// kept is a lead as it is read from a database.
func kept(t testing.TB, lead Lead) Lead {
	t.Helper()
	raw, err := json.Marshal(lead)
	if err != nil {
		t.Fatal(err)
	}
	var again Lead
	if err := json.Unmarshal(raw, &again); err != nil {
		t.Fatal(err)
	}
	return again
}

// play returns what the desk said and where the lead is in the end.
func (c talk) play(t testing.TB) (talk, Lead) {
	t.Helper()
	book := c.book()
	if err := book.Validate(); err != nil {
		t.Fatal(err)
	}
	lead, first, bot, now := book.Begin(), 0, "", monday(t)
	got := c
	got.Turns = slices.Clone(c.Turns)
	got.Actions = nil
	for i, turn := range c.Turns {
		now = now.AddDate(0, 0, turn.Days)
		step := book.Read(lead, Said{
			Texts: turn.Says, First: first, Bot: bot, Learned: turn.Learned, Now: now, Episode: turn.Episode, Person: turn.Person, Elsewhere: turn.Elsewhere,
		})
		got.Turns[i].Bot, got.Turns[i].Countered = step.Text, step.Countered
		for _, a := range step.Actions() {
			got.Actions = append(got.Actions, a.String())
		}
		bot, lead = step.Text, kept(t, step.Lead)
		first += len(turn.Says)
		now = now.Add(time.Minute)
	}
	got.State, got.Score = lead.State, book.Rate(lead).Points
	got.Values = map[string]string{}
	for _, key := range book.keys(lead) {
		if v, ok := lead.Value(key); ok {
			got.Values[key] = v.String()
		}
	}
	got.Refused, got.Skipped = nil, lead.Skipped
	for _, key := range book.keys(lead) {
		if lead.refused(key) {
			got.Refused = append(got.Refused, key)
		}
	}
	return got, lead
}

// The desk says word for word what the cases say.
func TestDialogues(t *testing.T) {
	t.Parallel()
	names, err := filepath.Glob("testdata/dialogues/*.yaml")
	if err != nil || len(names) == 0 {
		t.Fatalf("no dialogues: %v", err)
	}
	for _, name := range names {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".yaml"), func(t *testing.T) {
			t.Parallel()
			want := load(t, name)
			got, lead := want.play(t)
			checkQuotes(t, got.book().Rate(lead), got.messages())
			if *update {
				write(t, name, got)
				return
			}
			if diff := cmp.Diff(want, got, cmp.Transformer("empty", func(s []string) string { return strings.Join(s, "\n") })); diff != "" {
				t.Errorf("%s (-want +got):\n%s", want.About, diff)
			}
		})
	}
}

func (c talk) messages() []string {
	var all []string
	for _, turn := range c.Turns {
		all = append(all, turn.Says...)
	}
	return all
}

// checkQuotes says when a point has no quote, or one that nobody said.
func checkQuotes(t *testing.T, s Scored, messages []string) {
	t.Helper()
	sum := 0
	for _, pt := range s.Rules {
		sum += pt.Points
		if len(pt.Quotes) == 0 {
			t.Errorf("rule %s gives %d points without a quote", pt.Rule, pt.Points)
		}
		for _, q := range pt.Quotes {
			if q.Message < 0 || q.Message >= len(messages) || strings.TrimSpace(q.Text) == "" || !strings.Contains(messages[q.Message], q.Text) {
				t.Errorf("rule %s quotes %q, which is not in message %d", pt.Rule, q.Text, q.Message)
			}
		}
	}
	if sum != s.Points {
		t.Errorf("score = %d, its rules add up to %d", s.Points, sum)
	}
}

func load(t *testing.T, name string) talk {
	t.Helper()
	src, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var c talk
	decoder := yaml.NewDecoder(bytes.NewReader(src))
	decoder.KnownFields(true)
	if err := decoder.Decode(&c); err != nil && !errors.Is(err, io.EOF) {
		t.Fatalf("%s: %v", name, err)
	}
	return c
}

func write(t *testing.T, name string, c talk) {
	t.Helper()
	out, err := yaml.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, out, 0o600); err != nil {
		t.Fatal(err)
	}
}

// Every point of every score has its quote, and the quote is in the transcript; the same
// transcript gives the same score, whether it is read once or twice.
func TestEveryPointHasItsQuote(t *testing.T) {
	t.Parallel()
	names, err := filepath.Glob("../slot/testdata/dialogues/*.yaml")
	if err != nil || len(names) == 0 {
		t.Fatalf("no dialogues: %v", err)
	}
	type dialogue struct {
		ID    string `yaml:"id"`
		Now   string `yaml:"now"`
		Zone  string `yaml:"zone"`
		Turns []struct {
			Ask  string   `yaml:"ask"`
			Bot  string   `yaml:"bot"`
			Says []string `yaml:"says"`
		} `yaml:"turns"`
	}
	played, points := 0, 0
	for _, name := range names {
		src, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		decoder := yaml.NewDecoder(bytes.NewReader(src))
		for {
			var d dialogue
			if err := decoder.Decode(&d); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			zone, err := time.LoadLocation(d.Zone)
			if err != nil {
				t.Fatal(err)
			}
			now, err := time.Parse(time.RFC3339, d.Now)
			if err != nil {
				t.Fatal(err)
			}
			book := Full()
			run := func() (Scored, []string) {
				lead, first, messages := book.Begin(), 0, []string(nil)
				for _, turn := range d.Turns {
					lead.Asked = turn.Ask // the question that was put
					step := book.Read(lead, Said{Texts: turn.Says, First: first, Bot: turn.Bot, Now: now.In(zone)})
					checkQuotes(t, step.Score, append(messages, turn.Says...))
					lead, first, messages = kept(t, step.Lead), first+len(turn.Says), append(messages, turn.Says...)
				}
				return book.Rate(lead), messages
			}
			scored, messages := run()
			again, _ := run()
			if diff := cmp.Diff(scored, again); diff != "" {
				t.Errorf("%s: the same transcript scores differently:\n%s", d.ID, diff)
			}
			for _, pt := range scored.Rules {
				points++
				if len(messages) == 0 || len(pt.Quotes) == 0 {
					t.Errorf("%s: %s has no quote", d.ID, pt.Rule)
				}
			}
			played++
		}
	}
	if played < 120 || points < 100 {
		t.Errorf("played %d dialogues with %d points, want 120 and 100 or more", played, points)
	}
	t.Logf("%d dialogues, %d points, each with its quote", played, points)
}
