package config

import (
	"cmp"
	"slices"

	"go.yaml.in/yaml/v4"

	"secretaria/internal/agent"
	"secretaria/internal/playbook"
	"secretaria/internal/slot"
	"secretaria/internal/workflow"
)

// The playbooks that are built in.
const (
	sdrPlaybook     = "sdr"
	sdrFullPlaybook = "sdr_full"
	noPlaybook      = "none"
)

// playbookNamed returns a built-in playbook.
func playbookNamed(name string) (*playbook.Playbook, bool) {
	switch name {
	case sdrPlaybook:
		return playbook.Default(), true
	case sdrFullPlaybook:
		return playbook.Full(), true
	}
	return nil, false
}

// playbook reads how the desk qualifies.
func (x *decoder) playbook(desk *agent.Config, f *deskFile) {
	if f.Playbook.node == nil {
		return
	}
	p := f.Playbook.Value
	if p.node == nil && p.Like == noPlaybook {
		desk.Playbook = nil
		return
	}
	var made playbook.Playbook
	if p.Like != "" || p.node == nil {
		base, ok := playbookNamed(p.Like)
		if !ok {
			n := f.Playbook.node
			if p.node != nil {
				n = cmp.Or(child(p.node, "like"), n)
			}
			x.problem(f.Playbook.path, n, "%q is neither %s, the name of a YAML file, nor keys", p.Like, quoted([]string{sdrPlaybook, sdrFullPlaybook}))
			return
		}
		made = *base
	}
	if p.node == nil {
		desk.Playbook = &made
		return
	}
	p.change(&made)
	path := f.Playbook.path
	if p.from != x {
		path = "" // a file of its own
	}
	p.from.complain(path, p.node, made.Validate())
	desk.Playbook = &made
}

// change lays what is written over a playbook.
func (p playbookFile) change(made *playbook.Playbook) {
	made.Name, made.Version = cmp.Or(p.Name, made.Name), cmp.Or(p.Version, made.Version)
	if p.Greeting != nil {
		made.Greeting = *p.Greeting
	}
	made.Asks = cmp.Or(p.Asks, made.Asks)
	if p.Slots != nil {
		made.Slots = nil
	}
	for _, s := range p.Slots {
		made.Slots = append(made.Slots, playbook.Slot{Key: s.Key, Kind: kindOf(s), Question: s.Question, Again: s.Again, Thanks: s.Thanks, Label: s.Label, Optional: s.Optional})
	}
	if p.Moves != nil {
		made.Moves = nil
	}
	for _, m := range p.Moves {
		move := playbook.Move{From: m.From, To: m.To, Say: m.Say}
		for _, c := range m.When {
			move.When = append(move.When, playbook.Condition(c))
		}
		for _, a := range m.Actions {
			move.Actions = append(move.Actions, playbook.Action(a))
		}
		made.Moves = append(made.Moves, move)
	}
	made.Score.Name, made.Score.Version = cmp.Or(p.Score.Name, made.Score.Name), cmp.Or(p.Score.Version, made.Score.Version)
	if p.Score.Rules != nil {
		made.Score.Rules = nil
	}
	for _, r := range p.Score.Rules {
		made.Score.Rules = append(made.Score.Rules, playbook.Rule{ID: r.ID, Group: r.Group, Slot: r.Slot, Test: r.Test, Words: r.Words, From: r.From, To: r.To, Points: int(r.Points), Label: r.Label})
	}
	w := &made.Words
	w.Corrected, w.Refused, w.Again = cmp.Or(p.Words.Corrected, w.Corrected), cmp.Or(p.Words.Refused, w.Refused), cmp.Or(p.Words.Again, w.Again)
}

// kindOf is the kind of a slot, which its key mostly says.
func kindOf(s slotFile) slot.Kind {
	switch {
	case s.Kind != "":
		return s.Kind
	case slices.Contains(slot.Kinds(), slot.Kind(s.Key)):
		return slot.Kind(s.Key)
	}
	return slot.Free
}

// workflows reads what the desk may start. A desk that qualifies and declares none has those
// that the environment makes.
func (x *decoder) workflows(desk *agent.Config, f *deskFile, path string, n *yaml.Node) {
	if f.Workflows == nil {
		return
	}
	desk.Workflows = nil
	for _, w := range f.Workflows {
		at := join(join(path, "workflows"), w.Name)
		node := cmp.Or(follow(child(locate(n, "workflows"), w.Name)), w.Node)
		made := w.Value.declared(w.Name)
		if made.URL == "" && x.d.src.DesksAlone {
			made.URL = "https://not-set.invalid/webhook/" + w.Name
		}
		x.complain(at, node, made.Validate())
		desk.Workflows = append(desk.Workflows, made)
	}
}

func (f workflowFile) declared(name string) workflow.Declared {
	made := workflow.Declared{Name: name}
	switch name {
	case workflow.NameCreateLead:
		made = workflow.CreateLead("")
	case workflow.NameScheduleMeeting:
		made = workflow.ScheduleMeeting("")
	}
	made.URL, made.Tool, made.Repeatable, made.Timeout = f.URL.Value.Reveal(), f.Tool, f.Repeatable, f.Timeout
	made.Description, made.Reply = cmp.Or(f.Description, made.Description), cmp.Or(f.Reply, made.Reply)
	if f.On != nil {
		made.On = f.On
	}
	if f.Arguments != nil {
		made.Arguments = []byte(f.Arguments)
	}
	if f.Result != nil {
		made.Result = []byte(f.Result)
	}
	if f.Auth != nil {
		made.Auth = workflow.Auth{Mode: f.Auth.Mode, Name: f.Auth.Name, Secret: f.Auth.Secret}
	}
	return made
}
