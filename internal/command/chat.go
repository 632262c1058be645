package command

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"secretaria/internal/agent"
	"secretaria/internal/app"
	"secretaria/internal/config"
	"secretaria/internal/conversation"
	"secretaria/internal/fault"
	"secretaria/internal/playbook"
	"secretaria/internal/slot"
	"secretaria/internal/workflow"
)

type chatCmd struct {
	configFlag
	Desk string `help:"The desk to talk to; without it the only one of the file, else secretaria." placeholder:"NAME"`
	As   string `help:"Your name, as the helpdesk would tell it." placeholder:"NAME"`
	At   string `help:"The time that the desk believes it is, in its zone, instead of now." placeholder:"\"2026-03-10 14:00\""`
	Act  bool   `help:"Really start workflows, instead of only saying what would be started."`
}

// Help implements kong.HelpProvider.
func (chatCmd) Help() string {
	return `A line is a message. A line that ends in \ is followed at once by the next one, and both get one answer. What the desk does beside answering is told in lines that begin with "·". Lines that begin with "/" are for the program: /lead, /memory, /new, /as NAME, /hand-back, /quit.

Variables of the file that are not set are taken for values that are not there; without a key of a model the offline model answers. Works in scripts too, with the messages on standard input.

Example:

	secretaria chat --config examples/b2b-software/secretaria.yaml --desk vendas`
}

// chat is a conversation in the terminal.
type chat struct {
	env  *Env
	desk *app.Alone
	act  bool
	name string
	now  func() time.Time
	// passed is how much later than now it is: messages that come from a script are as far
	// apart as a person's.
	passed time.Duration

	id              conversation.MessageID
	said            []conversation.Message
	memory, profile []byte
	lead            *agent.Lead
	fired           []agent.Firing
	holder          conversation.Holder
	episode         int64
	optedOut        bool
	// reports are results of workflows that the desk has not answered yet.
	reports []conversation.Message
}

// Run talks.
func (c chatCmd) Run(ctx context.Context, env *Env) error {
	cfg, err := config.Load(config.Source{Environ: env.Environ, Dir: env.Dir, File: c.Config, DesksAlone: true})
	if err != nil {
		return err
	}
	desk, err := app.NewAlone(cfg.Options, cmp.Or(c.Desk, onlyDesk(cfg.Options.Desks)))
	if err != nil {
		return fmt.Errorf("--desk: %w", err)
	}
	now := time.Now
	if c.At != "" {
		at, err := time.ParseInLocation("2006-01-02 15:04", c.At, desk.Config.Location)
		if err != nil {
			return errors.New(`--at: want a date and an hour such as "2026-03-10 14:00"`)
		}
		now = func() time.Time { return at }
	}
	t := &chat{env: env, desk: desk, act: c.Act, name: c.As, now: now, holder: conversation.Bot}
	t.tell("desk %s, models: %s. /help tells what can be typed", desk.Name(), strings.Join(cfg.Options.Models.Chain(desk.Config), ", "))
	return t.run(ctx)
}

// onlyDesk is the one that the file adds, or the secretária.
func onlyDesk(desks []agent.Config) string {
	own := slices.DeleteFunc(slices.Clone(desks), func(d agent.Config) bool { return d.Name == "secretaria" || d.Name == "sdr" })
	if len(own) == 1 {
		return own[0].Name
	}
	return "secretaria"
}

// pause is how long a person takes to read an answer and write the next message.
const pause = 20 * time.Second

// time is when something is said.
func (t *chat) time() time.Time { return t.now().Add(t.passed) }

// maxLine bounds a message, in bytes.
const maxLine = 64 << 10

func (t *chat) run(ctx context.Context) error {
	if t.env.Stdin == nil {
		return errors.New("chat needs standard input")
	}
	lines, failed := make(chan string), make(chan error, 1)
	go func() { // ends with the input, or with the process: a read of a terminal cannot be called off
		defer close(lines)
		in := bufio.NewScanner(t.env.Stdin)
		in.Buffer(nil, maxLine)
		for in.Scan() {
			select {
			case lines <- in.Text():
			case <-ctx.Done():
				return
			}
		}
		failed <- in.Err()
	}()
	var pending []conversation.Message
	for {
		if t.env.Terminal {
			t.env.printf("> ")
		}
		var line string
		var more bool
		select {
		case <-ctx.Done():
			return nil
		case line, more = <-lines:
		}
		line = strings.TrimSpace(line)
		text, burst := strings.CutSuffix(line, `\`)
		switch {
		case !more:
			if err := t.turn(ctx, pending); err != nil {
				return err
			}
			if err := <-failed; err != nil && !errors.Is(err, io.EOF) {
				return fmt.Errorf("read what is typed: %w", err)
			}
			return nil
		case strings.HasPrefix(line, "/"):
			if t.command(line) {
				return nil
			}
			continue
		case text == "":
		default:
			if !t.env.Terminal && len(pending) == 0 {
				t.passed += pause
			}
			pending = append(pending, t.message(conversation.Customer, conversation.Content{Kind: conversation.Text, Text: strings.TrimSpace(text)}))
		}
		if burst || len(pending) == 0 {
			continue
		}
		if err := t.turn(ctx, pending); err != nil {
			return err
		}
		pending = nil
	}
}

func (t *chat) message(by conversation.Author, content conversation.Content) conversation.Message {
	t.id++
	now := t.time()
	return conversation.Message{ID: t.id, Conversation: 1, Author: by, Content: content, Key: fmt.Sprintf("m%d", t.id), SaidAt: now, At: now}
}

// tell says what is not an answer.
func (t *chat) tell(format string, args ...any) {
	for line := range strings.SplitSeq(strings.TrimSpace(fmt.Sprintf(format, args...)), "\n") {
		if t.env.Terminal {
			t.env.printf("\x1b[2m· %s\x1b[0m\n", line)
			continue
		}
		t.env.printf("· %s\n", line)
	}
}

// command does what a line that begins with / asks for; true ends the chat.
func (t *chat) command(line string) (quit bool) {
	word, rest, _ := strings.Cut(line, " ")
	switch word {
	case "/quit", "/exit":
		return true
	case "/new":
		*t = chat{env: t.env, desk: t.desk, act: t.act, name: t.name, now: t.now, holder: conversation.Bot}
		t.tell("a new conversation")
	case "/as":
		t.name = strings.TrimSpace(rest)
		t.tell("you are %s", cmp.Or(t.name, "nobody in particular"))
	case "/hand-back":
		t.holder, t.episode = conversation.Bot, t.episode+1
		t.tell("the conversation is the bot's")
	case "/lead":
		if t.lead == nil || t.desk.Config.Playbook == nil {
			t.tell("there is no lead")
			break
		}
		t.tell("state %s, score %d of %d, table %s\n%s", t.lead.State, t.lead.Score, t.lead.MaxScore, t.lead.ScoreTable, card([]agent.Config{t.desk.Config}, t.desk.Name(), t.lead.Body))
	case "/memory":
		t.tell("of the conversation: %s\nof the contact: %s", indented(t.memory), indented(t.profile))
	default:
		t.tell("/lead shows what is known and every point of the score, /memory what is remembered\n" +
			"/new begins again, /as NAME says who you are, /hand-back gives the conversation to the bot, /quit ends\n" +
			"a line that ends in \\ is followed at once by the next one")
	}
	return false
}

func indented(text []byte) string {
	var b bytes.Buffer
	if len(text) == 0 || json.Indent(&b, text, "", "  ") != nil {
		return "nothing"
	}
	return b.String()
}

// maxReports bounds how often results of workflows may lead to the next turn.
const maxReports = 5

// turn answers what is pending, and then what workflows have reported.
func (t *chat) turn(ctx context.Context, pending []conversation.Message) error {
	for range maxReports {
		if len(pending) == 0 {
			return nil
		}
		if t.holder != conversation.Bot {
			t.said = append(t.said, pending...)
			t.tell("a person has the conversation: the bot is silent (/hand-back)")
			return nil
		}
		if err := t.decide(ctx, pending); err != nil {
			return err
		}
		pending, t.reports = t.reports, nil
	}
	return nil
}

func (t *chat) decide(ctx context.Context, pending []conversation.Message) error {
	history := t.said[max(0, len(t.said)-t.desk.History()):]
	d, err := t.desk.Decide(ctx, agent.Input{
		Pending: pending, History: history, Now: t.time(), Conversation: 1, Contact: 1, ContactName: t.name, Episode: t.episode,
		Memory: t.memory, Profile: t.profile, Fired: t.fired, OptedOut: t.optedOut,
	})
	if ctx.Err() != nil {
		return nil
	}
	if err != nil {
		return err
	}
	t.said = append(t.said, pending...)
	for _, r := range d.Replies {
		t.env.printf("%s\n", r.Text)
		t.said = append(t.said, t.message(conversation.Ours, conversation.Content{Kind: conversation.Text, Text: r.Text}))
	}
	if d.Memory != nil {
		t.memory = d.Memory
	}
	if d.Profile != nil {
		t.profile = d.Profile
	}
	t.learned(d.Lead)
	t.done(d)
	for _, call := range d.Calls {
		t.call(ctx, call)
	}
	return nil
}

// learned tells what the lead has that it had not before, in the customer's words.
func (t *chat) learned(lead *agent.Lead) {
	if lead == nil {
		return
	}
	before, after := values(t.lead), values(lead)
	for _, key := range sorted(after) {
		v := after[key]
		if old, ok := before[key]; ok && old.Same(v) {
			continue
		}
		var quotes []string
		for _, q := range v.Quotes {
			quotes = append(quotes, fmt.Sprintf("%q", q.Text))
		}
		t.tell("%s = %s ← %s", key, v, strings.Join(quotes, ", "))
	}
	if t.lead == nil && lead.State != string(playbook.New) || t.lead != nil && t.lead.State != lead.State {
		t.tell("the lead is %s, score %d of %d", lead.State, lead.Score, lead.MaxScore)
	}
	t.lead = lead
}

// values are what a lead knows, by key.
func values(l *agent.Lead) map[string]slot.Value {
	out := map[string]slot.Value{}
	var lead playbook.Lead
	if l == nil || json.Unmarshal(l.Body, &lead) != nil {
		return out
	}
	for k, v := range lead.Slots.Values {
		out[string(k)] = v
	}
	for k, v := range lead.Own {
		out[k] = v
	}
	return out
}

func sorted(m map[string]slot.Value) []string {
	var keys []string
	for _, k := range slot.Kinds() {
		if _, ok := m[string(k)]; ok {
			keys = append(keys, string(k))
		}
	}
	known := len(keys)
	for k := range m {
		if !slices.Contains(keys, k) {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys[known:])
	return keys
}

// done tells what is done beside answering.
func (t *chat) done(d agent.Decision) {
	if len(d.Replies) == 0 {
		t.tell("says nothing (%s)", cmp.Or(d.Reason, string(d.Outcome)))
	}
	if d.Sources > 0 {
		t.tell("facts of the house before it: %d", d.Sources)
	}
	if d.Note != "" {
		t.tell("note for people:\n%s", d.Note)
	}
	if d.OptOut {
		t.optedOut = true
		t.tell("opted out: no more messages, ever")
	}
	h := d.Handoff
	if h == nil {
		return
	}
	t.holder = conversation.Human
	to := ""
	if h.Team+h.Person != "" {
		to = fmt.Sprintf(", to team %q person %q", h.Team, h.Person)
	}
	t.tell("handed over to people (%s)%s; the note:\n%s", d.Reason, to, h.Note)
}

// call starts a workflow, or says that it would.
func (t *chat) call(ctx context.Context, call agent.Call) {
	t.fired = append(t.fired, agent.Firing{Workflow: call.Workflow, Key: call.Key()})
	if !t.act {
		t.tell("would start %s with %s", call.Workflow, brief(call.Arguments))
		return
	}
	t.tell("starts %s with %s", call.Workflow, brief(call.Arguments))
	key, err := uuid.NewV7()
	if err != nil {
		t.tell("it cannot be started: %v", err)
		return
	}
	w, answer, err := t.desk.Start(ctx, call.Workflow, key.String(), call.Arguments)
	news := workflow.News{Workflow: call.Workflow, Delivery: key.String(), Result: answer.Result}
	switch {
	case err != nil:
		t.tell("it failed: %s", fault.Code(err))
		t.fired[len(t.fired)-1].Failed = true
		news.Failed, news.Result = true, workflow.Failure(fault.Code(err))
	case answer.Result == nil && len(w.Result) > 0:
		t.tell("it was started; its result comes later")
		return
	default:
		t.tell("it answered %s", cmp.Or(string(answer.Result), "nothing"))
	}
	t.reports = append(t.reports, t.message(conversation.System, news.Content()))
}

// brief cuts what is too long for a line or two.
func brief(text string) string {
	const most = 240
	if runes := []rune(text); len(runes) > most {
		return fmt.Sprintf("%s… (%d bytes)", string(runes[:most]), len(text))
	}
	return text
}
