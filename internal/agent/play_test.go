package agent_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"secretaria/internal/agent"
	"secretaria/internal/conversation"
	"secretaria/internal/fault"
	"secretaria/internal/hours"
	"secretaria/internal/house"
	"secretaria/internal/llm"
	"secretaria/internal/llm/llmtest"
	"secretaria/internal/llm/offline"
	"secretaria/internal/playbook"
	"secretaria/internal/workflow"
)

// played are the desks of the conversations in testdata/conversations. "offline" in a file's
// head takes the model away.
func played(t *testing.T, name string) agent.Config {
	t.Helper()
	open, err := hours.Parse(hours.Form{Zone: "America/Sao_Paulo", Week: "seg-sex 08:00-18:00"})
	if err != nil {
		t.Fatal(err)
	}
	flows := []workflow.Declared{workflow.CreateLead("https://n8n.example/webhook/lead"), workflow.ScheduleMeeting("https://n8n.example/webhook/agenda")}
	zone := open.Zone
	switch name {
	case "sdr":
		return agent.Config{Name: "sdr", Location: zone, Playbook: playbook.Default()}
	case "sales":
		return agent.Config{Name: "sales", Open: open, Playbook: playbook.Default()}
	case "full":
		return agent.Config{Name: "full", Location: zone, Playbook: playbook.Full(), Workflows: flows}
	case "clinic":
		flows[1].Tool = true
		return agent.Config{Name: "clinic", Open: open, Greeting: "Olá! Aqui é a clínica. Como posso ajudar?", Closed: "Agora não há ninguém por aqui.", Rules: "- Ficamos na Rua das Flores, 10.",
			Handoff: agent.HandoffRules{Topics: []agent.Topic{{Phrases: []string{"dor no peito"}, Reason: "urgência"}}, Team: "7", Labels: []string{"bot"}}, Workflows: flows[1:],
			House: &house.House{Pages: []house.Page{{Name: "precos.md", Text: "# Preços\n\nA consulta particular custa R$ 250,00.\n", Source: house.Source{File: "precos.md", Line: 1}}}}}
	case "only_open":
		return agent.Config{Name: "only", Open: open, OnlyOpen: true}
	case "plain":
		return agent.Config{Name: "plain", Location: zone, Rules: "- O corte custa R$ 50.\n- Não abrimos no domingo."}
	case "follow":
		book := playbook.Full()
		asking := []playbook.State{playbook.New, playbook.Qualifying}
		book.Moves = append([]playbook.Move{
			{From: asking, To: playbook.Nurturing, When: []playbook.Condition{{Guard: playbook.SilentDays, N: 2}}, Say: "{name}, ainda posso ajudar?", Actions: []playbook.Action{{Do: playbook.Label, Name: "sumiu"}}},
			{From: []playbook.State{playbook.Nurturing}, To: playbook.Qualified, When: []playbook.Condition{{Guard: playbook.SilentDays, N: 3}, {Guard: playbook.Known, Slot: "phone"}}, Actions: []playbook.Action{{Do: playbook.Handoff}}},
			{From: []playbook.State{playbook.Nurturing}, To: playbook.Disqualified, When: []playbook.Condition{{Guard: playbook.SilentDays, N: 5}}, Actions: []playbook.Action{{Do: playbook.Handoff}}},
		}, playbook.FullMoves()...)
		return agent.Config{Name: "follow", Open: open, OnlyOpen: true, Playbook: book}
	}
	t.Fatalf("no desk %q", name)
	return agent.Config{}
}

// player plays one conversation.
type player struct {
	*testing.T
	desk    *agent.Agent
	model   *llmtest.Scripted
	in      agent.Input
	last    agent.Decision
	lastID  conversation.MessageID
	told    []string // what the last turn did, line by line
	wakes   string   // when it wants to be woken
	history []conversation.Message
}

func (p *player) message(author conversation.Author, text string) conversation.Message {
	p.lastID++
	m := conversation.Message{ID: p.lastID, Author: author, At: p.in.Now, Key: fmt.Sprintf("k%d", p.lastID), Content: conversation.Content{Kind: conversation.Text, Text: strings.ReplaceAll(text, `\n`, "\n")}}
	if kind, ok := strings.CutPrefix(text, "["); ok && author == conversation.Customer {
		m.Content = conversation.Content{Kind: conversation.Kind(strings.TrimSuffix(kind, "]"))}
	}
	return m
}

// turn lets the desk decide about what is pending.
func (p *player) turn() {
	p.Helper()
	p.in.History = p.history[max(0, len(p.history)-p.desk.History()):]
	d, err := p.desk.Decide(p.Context(), p.in)
	if err != nil {
		p.Fatalf("Decide: %v", err)
	}
	p.history = append(p.history, p.in.Pending...)
	if p.wakes = "never"; !d.WakeAt.IsZero() {
		p.wakes = "after " + d.WakeAt.Sub(p.in.Now).String()
	}
	p.in.Now = p.in.Now.Add(5 * time.Second)
	p.in.Woken, p.told = false, nil
	for _, r := range d.Replies {
		quote := ""
		if r.Quote != "" {
			quote = "(" + r.Quote + ") "
		}
		p.told = append(p.told, "< "+quote+strings.ReplaceAll(r.Text, "\n", `\n`))
		p.history = append(p.history, p.message(conversation.Ours, r.Text))
	}
	for _, c := range d.Calls {
		p.told = append(p.told, "& "+c.Workflow)
		p.in.Fired = append(p.in.Fired, agent.Firing{Workflow: c.Workflow, Key: c.Key()})
	}
	end := "* " + string(d.Outcome) + " " + d.Reason
	if d.Handoff != nil {
		end += " → " + string(d.Handoff.Reason)
	}
	p.told = append(p.told, end)
	if d.Memory != nil {
		p.in.Memory = d.Memory
	}
	if d.Profile != nil {
		p.in.Profile = d.Profile
	}
	p.in.OptedOut = p.in.OptedOut || d.OptOut
	p.last, p.in.Pending = d, nil
}

// do carries out a line of the script. See README.md beside the conversations.
func (p *player) do(l string) {
	p.Helper()
	sign, rest, _ := strings.Cut(l, " ")
	switch sign {
	case ">":
		p.in.Pending = append(p.in.Pending, p.message(conversation.Customer, rest))
		p.in.Now = p.in.Now.Add(time.Second)
	case "=":
		p.model.Say(strings.ReplaceAll(rest, `\n`, "\n"))
	case "=call":
		tool, arguments, _ := strings.Cut(rest, " ")
		p.model.Call(tool, arguments)
	case "=fail":
		p.model.Fail(fault.New(fault.Permanent, rest))
	case "@":
		p.event(rest)
	case "?":
		if !strings.Contains(p.evidence(), rest) {
			p.Errorf("%q is not in\n%s", rest, p.evidence())
		}
	case "!":
		if strings.Contains(p.evidence(), rest) {
			p.Errorf("%q is in\n%s", rest, p.evidence())
		}
	default:
		p.Fatalf("line %q", l)
	}
}

func (p *player) event(l string) {
	p.Helper()
	what, rest, _ := strings.Cut(l, " ")
	switch what {
	case "after":
		d, err := time.ParseDuration(rest)
		if err != nil {
			p.Fatal(err)
		}
		p.in.Now = p.in.Now.Add(d)
	case "woken":
		p.in.Woken = true
		if rest == "" {
			p.in.Now = p.last.WakeAt
			break
		}
		d, err := time.ParseDuration(rest)
		if err != nil {
			p.Fatal(err)
		}
		p.in.Now = p.in.Now.Add(d)
	case "person":
		p.history = append(p.history, p.message(conversation.Person, rest))
	case "back":
		p.in.Episode++
	case "done", "failed":
		name, result, _ := strings.Cut(rest, " ")
		m := p.message(conversation.System, "")
		m.Content = workflow.News{Workflow: name, Delivery: "d", Failed: what == "failed", Result: json.RawMessage(result)}.Content()
		p.in.Pending = append(p.in.Pending, m)
	default:
		p.Fatalf("event %q", l)
	}
}

// evidence is everything of the last turn that no customer reads, and the last request.
func (p *player) evidence() string {
	var b strings.Builder
	if h := p.last.Handoff; h != nil {
		fmt.Fprintf(&b, "note: %s\nattributes: %v\nlabels: %v team: %s\n", h.Note, h.Attributes, h.Labels, h.Team)
	}
	fmt.Fprintf(&b, "note beside: %s\nattributes beside: %v\ncalls: %v\nmemory: %s\nprofile: %s\n", p.last.Note, p.last.Attributes, p.last.Calls, p.in.Memory, p.in.Profile)
	fmt.Fprintf(&b, "labels beside: %v\nwakes %s\n", p.last.Labels, p.wakes)
	if p.last.Lead != nil {
		fmt.Fprintf(&b, "lead: %s %d/%d %s\n", p.last.Lead.State, p.last.Lead.Score, p.last.Lead.MaxScore, p.last.Lead.Body)
	}
	if reqs := p.model.Requests(); len(reqs) > 0 {
		fmt.Fprintf(&b, "requests: %d\n%s", len(reqs), show(unfenced(reqs[len(reqs)-1])))
	}
	return b.String()
}

// The conversations are files: what the customer writes, what the model would say, and what
// comes of it word for word.
func TestConversations(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/conversations/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no conversations: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			t.Parallel()
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			play(t, file, string(b))
		})
	}
}

func play(t *testing.T, file, script string) {
	lines := strings.Split(strings.TrimSpace(script), "\n")
	head := strings.Fields(lines[0])
	p := &player{T: t, model: &llmtest.Scripted{}}
	p.in.Now = time.Date(2026, 3, 2, 14, 0, 0, 0, time.UTC) // Monday, 11:00 in São Paulo
	var model llm.Model = p.model
	if slices.Contains(head, "offline") {
		model = offline.Model{}
	}
	var err error
	cfg := played(t, head[1])
	if !slices.Contains(head, "discloses") {
		cfg.Safety.Disclosure = agent.NoDisclosure
	}
	if p.desk, err = agent.New(cfg, agent.Deps{Model: model, Mark: marks()}); err != nil {
		t.Fatal(err)
	}
	var written, got []string
	written, got = append(written, lines[0]), append(got, lines[0])
	var want []string
	flush := func() {
		if len(p.in.Pending) == 0 && !p.in.Woken {
			return
		}
		p.turn()
		if diff := cmp.Diff(want, p.told); diff != "" && !*update {
			t.Errorf("turn at %q differs (-want +got):\n%s", written[len(written)-1], diff)
		}
		got = append(got, p.told...)
		want = nil
	}
	for _, l := range lines[1:] {
		written = append(written, l)
		switch {
		case strings.HasPrefix(l, "< "), strings.HasPrefix(l, "& "), strings.HasPrefix(l, "* "):
			want = append(want, l)
			continue
		case strings.HasPrefix(l, "? "), strings.HasPrefix(l, "! "), l == "":
			flush()
		case strings.HasPrefix(l, "#"):
			got = append(got, l)
			continue
		}
		got = append(got, l)
		if l != "" {
			p.do(l)
		}
	}
	flush()
	if *update {
		if err := os.WriteFile(file, []byte(strings.Join(got, "\n")+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
