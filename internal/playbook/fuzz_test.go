package playbook

import (
	"bufio"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// phrases are what the fuzzer composes conversations of.
func phrases(t testing.TB) []string {
	t.Helper()
	all := []string{
		"", "oi", "Ana Souza", "Padaria Sol", "sou dona", "RD Station e planilha", "demoramos a responder", "somos 12", "na verdade é 13 pessoas", "ana@sol.com.br", "ana@gmail.com",
		"11 98765-4321", "não tenho", "não quero informar", "prefiro não dizer", "quanto custa?", "quarta às 10h ou quinta às 15h", "sim", "não", "?", "depois te passo", "não tenho interesse", "kkkk", "{name}", "**", "\x00", "11.222.333/0001-81",
	}
	names, err := filepath.Glob("../slot/testdata/dialogues/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names[:min(4, len(names))] {
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		for s := bufio.NewScanner(f); s.Scan(); {
			if _, text, ok := strings.Cut(s.Text(), "says: [\""); ok {
				text, _, _ = strings.Cut(text, "\"")
				all = append(all, text)
			}
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// Whatever customers write: nothing known, refused or given up is asked again, no slot is
// asked without end, no sentence is said twice in a row, every action is asked for once in an
// episode and workflows once for ever, every point has its quote, and reading does not change
// what it was given.
func FuzzTranscripts(f *testing.F) {
	all := phrases(f)
	f.Add([]byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16})
	f.Add([]byte{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0})
	f.Add([]byte{15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 22, 22, 22, 22, 22, 22, 22, 22, 22, 22, 22, 22, 22})
	f.Add([]byte{255, 2, 254, 3, 253, 4, 252, 5, 251, 6, 250, 7, 249, 8, 248, 9, 247})
	f.Fuzz(func(t *testing.T, script []byte) {
		transcript(t, all, script)
	})
}

func TestRandomTranscripts(t *testing.T) {
	t.Parallel()
	all := phrases(t)
	for seed := range uint64(30) {
		rng := rand.New(rand.NewPCG(seed, 4))
		script := make([]byte, 10+rng.IntN(50))
		for i := range script {
			script[i] = byte(rng.UintN(256))
		}
		transcript(t, all, script)
	}
}

// transcript plays a conversation that the bytes of a script choose, with both playbooks.
func transcript(t *testing.T, all []string, script []byte) {
	t.Helper()
	if len(script) > 60 {
		script = script[:60]
	}
	for _, book := range []*Playbook{Default(), Full()} {
		lead, first, episode, now, last := book.Begin(), 0, int64(0), monday(t), ""
		var messages []string
		asked, done := map[string]int{}, map[string]int64{}
		for i := 0; i < len(script); i++ {
			b := int(script[i])
			texts := []string{all[b%len(all)]}
			switch {
			case b >= 252 && i+2 < len(script):
				texts = []string{all[int(script[i+1])%len(all)], all[int(script[i+2])%len(all)]}
			case b >= 248:
				texts, now = nil, now.AddDate(0, 0, b%20)
			case b >= 244:
				episode++
			}
			before := kept(t, lead)
			said := Said{Texts: texts, First: first, Bot: last, Now: now, Episode: episode, Person: b == 243, Learned: []Extracted{{Slot: "company", Value: "Padaria Sol", Quotes: texts}}}
			step := book.Read(lead, said)
			if again := book.Read(before, said); again.Text != step.Text || again.Score.Points != step.Score.Points || again.Lead.State != step.Lead.State {
				t.Fatalf("reading %q twice differs: %q and %q", texts, step.Text, again.Text)
			}
			messages, first = append(messages, texts...), first+len(texts)
			lead = kept(t, step.Lead)
			checkQuotes(t, step.Score, messages)
			if step.Ask != "" && len(texts) > 0 {
				if lead.settled(step.Ask) && lead.Times[step.Ask+"+"] == 0 {
					t.Fatalf("asks %s, which is known, refused or given up", step.Ask)
				}
				if asked[step.Ask]++; asked[step.Ask] > defaultAsks+patience {
					t.Fatalf("asks %s for the %dth time", step.Ask, asked[step.Ask])
				}
				if step.Question == "" || step.Question == before.Last {
					t.Fatalf("says %q after %q", step.Question, before.Last)
				}
			}
			if strings.ContainsAny(step.Text, "{}*") {
				t.Fatalf("says %q", step.Text)
			}
			for _, a := range step.Actions() {
				at, ok := done[a.String()]
				if ok && (at == episode || a.Do != Handoff && a.Do != Note) {
					t.Fatalf("%s is asked for again in episode %d", a, episode)
				}
				done[a.String()] = episode
			}
			if !slices.Contains(States(), lead.State) {
				t.Fatalf("state = %q", lead.State)
			}
			last, now = step.Text, now.Add(time.Minute)
		}
		book.Card(lead)
		book.Arguments(lead, "create_lead")
	}
}
