package agent

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"secretaria/internal/conversation"
	"secretaria/internal/gate"
	"secretaria/internal/guard"
	"secretaria/internal/house"
	"secretaria/internal/llm"
	"secretaria/internal/playbook"
	"secretaria/internal/redact"
	"secretaria/internal/workflow"
)

// turn is a decision while it is made.
type turn struct {
	a       *Agent
	in      Input
	mem     memory
	profile profile
	d       Decision
	// texts are the customer's pending messages, "" for one without words.
	texts []string
	// asked are the pending messages of the customer; the others are results of workflows.
	asked []conversation.Message
	// before is to be said before anything else: results that came meanwhile.
	before []string
	// returned: people have just given the conversation back.
	returned bool

	// Of the playbook: what was read, and what it leads to.
	said playbook.Said
	step *playbook.Step
	// hits are the facts that the model was shown.
	hits []house.Hit
	// shown is how many messages of the history the model was shown.
	shown int
	// actions are what the guard made of asked; hidden are the messages of the history, by
	// their places in it, that no model is to see.
	actions []guard.Action
	hidden  map[int]bool
	// secrets are what the model was told in confidence; toolResults what its tools answered.
	secrets *gate.Secrets
	// prepared is what the house says, read once for as many hits.
	prepared     *gate.House
	preparedHits int
	fence        llm.Fence
	toolResults  []string
	// vault keeps what a model sees as tokens.
	vault redact.Vault
	// offered are the tools that the model was given.
	offered        []llm.Tool
	profileChanged bool
	// until is when models must have answered, see Patience.
	until time.Time
	// later is when silence is looked at again, zero for when the playbook says.
	later time.Time
}

func (a *Agent) begin(in Input) *turn {
	in.Pending, in.History = cleaned(in.Pending), cleaned(in.History)
	t := &turn{a: a, in: in, mem: loadMemory(in.Memory), profile: loadProfile(in.Profile), until: time.Now().Add(Patience)}
	for _, m := range in.Pending {
		if m.Content.Kind == conversation.Result {
			continue
		}
		t.asked = append(t.asked, m)
		t.texts = append(t.texts, m.Content.Text)
	}
	if len(in.Pending) > 0 && (t.mem.Since == 0 || in.Episode > t.mem.Episode) {
		t.returned = in.Episode > t.mem.Episode
		t.mem.Episode, t.mem.Since = in.Episode, in.Pending[0].ID
		t.mem.Failures, t.mem.Faults, t.mem.Repeats, t.mem.Deflected, t.mem.Awaits, t.mem.Expects = 0, 0, 0, 0, "", ""
	}
	t.judge()
	if in.Now.Sub(t.mem.Hour) >= time.Hour || in.Now.Before(t.mem.Hour) {
		t.mem.Hour, t.mem.Turns = in.Now, 0
	}
	if !in.Woken {
		t.mem.Turns++
	}
	return t
}

// end puts down what is to be remembered.
func (t *turn) end() Decision {
	if len(t.before) > 0 && t.d.Outcome != OptedOut {
		var first []Reply
		for _, text := range t.before {
			first = append(first, Reply{Text: text})
		}
		t.d.Replies = append(first, t.d.Replies...)
	}
	t.carryOut()
	t.disclose()
	t.barJudged()
	t.mem.Heard += len(t.asked)
	t.mem.Outcome = t.d.Outcome
	if t.d.Handoff != nil {
		t.mem.Awaits, t.mem.Expects = "", ""
	}
	t.d.WakeAt = t.wakeAt()
	t.d.Sources = len(t.hits)
	if len(t.hits) > 0 {
		cited := house.Cite(t.hits)
		t.mem.Sources = cited[:min(len(cited), maxSources)]
	}
	t.d.Memory = encode(t.mem)
	if t.profileChanged {
		t.d.Profile = encode(t.profile)
	}
	return t.d
}

// decided sets what was decided and why.
func (t *turn) decided(o Outcome, reason string, texts ...string) {
	t.d.Outcome, t.d.Reason, t.d.Replies = o, reason, nil
	for _, text := range texts {
		if text != "" {
			t.d.Replies = append(t.d.Replies, Reply{Text: text})
		}
	}
}

// handOver gives the conversation to people: reason is a bounded word, why the first line of
// the note, and texts are what the customer reads.
func (t *turn) handOver(reason, why string, texts ...string) {
	t.decided(HandedOver, reason, texts...)
	t.read(true)
	t.d.Handoff = t.handoff(conversation.ByHandoff, why)
}

// fallback is the decision when nothing else can be decided: the published apology and a
// person who takes over.
func (t *turn) fallback(reason, why string) {
	t.decided(ModelFailed, reason, t.a.words.apology+t.farewell())
	t.read(false)
	t.d.Handoff = t.handoff(conversation.ByFailure, why+" A conversa precisa de uma pessoa.")
}

func (t *turn) handoff(reason conversation.Reason, why string) *Handoff {
	rules := t.a.cfg.Handoff
	return &Handoff{Reason: reason, Note: why, Labels: slices.Clone(rules.Labels), Team: rules.Team, Person: rules.Person}
}

// call adds a workflow to be started, unless the same was started before. It says whether it
// was added.
func (t *turn) call(d workflow.Declared, arguments []byte) (added bool, err error) {
	arguments = []byte(t.unlinked(string(arguments)))
	if err := d.CheckArguments(arguments); err != nil {
		return false, err
	}
	canonical, err := workflow.Canonical(arguments)
	if err != nil {
		return false, err
	}
	c := Call{Workflow: d.Name, Arguments: canonical}
	fired := slices.ContainsFunc(t.in.Fired, func(f Firing) bool { return f.Workflow == d.Name && f.Key == c.Key() })
	if fired || slices.Contains(t.d.Calls, c) {
		return false, nil
	}
	t.d.Calls = append(t.d.Calls, c)
	return true, nil
}

func (t *turn) declared(name string) (workflow.Declared, bool) {
	i := slices.IndexFunc(t.a.cfg.Workflows, func(d workflow.Declared) bool { return d.Name == name })
	if i < 0 {
		return workflow.Declared{}, false
	}
	return t.a.cfg.Workflows[i], true
}

// attribute sets attributes at the helpdesk, with the handoff or without one.
func (t *turn) attribute(attributes map[string]string, labels ...string) {
	into, tags := &t.d.Attributes, &t.d.Labels
	if t.d.Handoff != nil {
		into, tags = &t.d.Handoff.Attributes, &t.d.Handoff.Labels
	}
	if *into == nil && len(attributes) > 0 {
		*into = map[string]string{}
	}
	for k, v := range attributes {
		(*into)[k] = t.unlinked(v)
	}
	for _, l := range labels {
		if !slices.Contains(*tags, l) {
			*tags = append(*tags, l)
		}
	}
}

// now is the moment in the zone of the house.
func (t *turn) now() time.Time { return t.in.Now.In(t.a.cfg.Location) }

// subject is what model calls of the turn are made for.
func (t *turn) subject() llm.Subject {
	return llm.Subject{Desk: t.a.cfg.Name, Contact: int64(t.in.Contact), Conversation: int64(t.in.Conversation)}
}

// episode are the messages of the history that belong to the running episode, as far as
// that is known.
func (t *turn) episode() []conversation.Message {
	h := t.in.History
	if t.mem.Episode == 0 {
		return h
	}
	i := slices.IndexFunc(h, func(m conversation.Message) bool { return cmp.Compare(m.ID, t.mem.Since) >= 0 })
	if i < 0 {
		return nil
	}
	return h[i:]
}

// lastSaid are the words that stand directly before the pending messages, and whether they
// are all the assistant's.
func (t *turn) lastSaid() (text string, ours bool) {
	h := t.in.History
	from := len(h)
	for from > 0 && h[from-1].Author != conversation.Customer {
		from--
	}
	ours = from < len(h)
	var said []string
	for _, m := range h[from:] {
		if m.Author == conversation.Ours {
			said = append(said, m.Content.Text)
			continue
		}
		ours = ours && m.Content.Kind == conversation.Result
	}
	return strings.Join(said, "\n\n"), ours
}
