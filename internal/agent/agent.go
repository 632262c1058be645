// Package agent decides one turn: reply, ask, hand over or stay silent.
//
// It is deterministic code around one uncertain call. Rules that need no model come first;
// then the request is built, the answer is checked, and a failure of the model for good
// becomes a decision too: an apology and a person, never silence.
package agent

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"secretaria/internal/budget"
	"secretaria/internal/conversation"
	"secretaria/internal/gate"
	"secretaria/internal/guard"
	"secretaria/internal/hours"
	"secretaria/internal/house"
	"secretaria/internal/llm"
	"secretaria/internal/playbook"
	"secretaria/internal/sanitise"
	"secretaria/internal/tracing"
	"secretaria/internal/workflow"
)

//go:embed prompt/*.md persona/*.md
var files embed.FS

// Config describes a desk. Zero fields take the defaults, except Name.
type Config struct {
	Name    string
	Persona string // who the assistant is, Markdown; default: the built-in secretária
	// Transfer is what the customer reads when the conversation goes to a person.
	Transfer string
	// Keywords hand over without asking the model: words or phrases, compared without
	// case, accents and punctuation.
	Keywords []string
	// Location and Hours go into the prompt.
	Location *time.Location
	Hours    string // in words, where Open is not set
	// MaxMessages and MaxAge bound the history that the model sees; MaxAge 0: any age.
	MaxMessages int
	MaxAge      time.Duration
	// Budget bounds history and pending messages together, in tokens by estimate.
	Budget int
	// MaxTokens bounds one answer.
	MaxTokens int

	// Language is what the desk speaks unless the customer speaks another: "pt-BR" (default), "en", "es".
	Language string
	// Rules of the house, Markdown, beside the built-in ones.
	Rules string
	// Open says when people are there.
	Open hours.Hours
	// Greeting answers a bare greeting at the start; where it is empty, or there is a playbook,
	// the desk greets in its own words. Closed is said out of hours when a person is needed, or
	// instead of any answer where OnlyOpen is set; empty: built-in words. The next opening is
	// added where it names no hour.
	Greeting, Closed string
	OnlyOpen         bool
	// Handoff says when people get the conversation besides Keywords.
	Handoff HandoffRules
	// Models are the names of the models to ask, in order; none: the default chain.
	Models []string
	// Limits bound what the desk may spend on models.
	Limits budget.Limits
	// Playbook makes the desk qualify; nil: it only answers.
	Playbook *playbook.Playbook
	// Workflows are what the desk may start.
	Workflows []workflow.Declared
	// House is what the desk knows; may be nil.
	House *house.House
	// Loops bounds exchanges with what looks like a machine.
	Loops Loops
	// Safety is what a desk decides about what comes in and goes out.
	Safety Safety
}

// Safety is what a desk decides about what comes in and goes out. The zero value is as strict
// as it gets.
type Safety struct {
	// MessageLimit is how much of one message a model sees, in characters; 0:
	// sanitise.MessageLimit.
	MessageLimit int
	// Links are hosts that answers may link to with any path, beside the addresses that stand
	// in what the house says of itself.
	Links []string
	// Deflection is what whoever tries to take the assistant over reads; "": built-in words.
	Deflection string
	// SecondLook has a model look again at what the guard restricts. It may lift the
	// restriction and do nothing else.
	SecondLook bool
	// Disclosure ends the first answer of a conversation: that an assistant writes, and how to
	// get a person. "": built-in words where the answer says no such thing itself;
	// NoDisclosure: nothing.
	Disclosure string
	// Pseudonyms has documents, phones, e-mail addresses and the like replaced by tokens before
	// a model sees them, and put back into what it answers.
	Pseudonyms bool
}

// NoDisclosure as Safety.Disclosure says nothing in the first answer.
const NoDisclosure = "none"

// HandoffRules say when people get a conversation. Zero fields take the defaults.
type HandoffRules struct {
	// Failures is how many answers in a row may fail to help before a person gets it: default 3.
	Failures int
	// Angry hands over what sounds angry; on unless Patient.
	Patient bool
	// Topics hand over when the customer brings them up: words or phrases like Keywords, each
	// with the reason that the note gives.
	Topics []Topic
	// Team, Person and Labels take the place of the inbox's.
	Team, Person string
	Labels       []string
}

// Topic is a subject that is for people.
type Topic struct {
	Phrases []string
	Reason  string
}

// Loops bounds exchanges with a robot on the other side. Zero fields take the defaults, a
// negative one sets no bound.
type Loops struct {
	// Exchanges that look automatic, in a row, before the bot stops and tells a person: default 3.
	Exchanges int
	// Turns of a conversation within an hour, whatever it looks like, before a person has to
	// look: default 60.
	Turns int
}

// Defaults of Config.
const (
	DefaultTransfer    = "Vou transferir você para um de nossos atendentes. Aguarde um momento, por favor."
	DefaultMaxMessages = 20
	DefaultBudget      = 3000
	DefaultMaxTokens   = 1024
	DefaultFailures    = 3
	DefaultExchanges   = 3
	DefaultTurns       = 60
)

// Patience bounds the model calls of one turn together: answers, tools, what is written anew
// and the summary. It leaves a chain all of its own patience for the first call, and with the
// quiet window before it a conversation is with a person within a minute.
const Patience = 50 * time.Second

// DefaultKeywords ask for a person.
func DefaultKeywords() []string {
	return []string{"falar com humano", "falar com um humano", "falar com uma pessoa", "atendente", "supervisor"}
}

// Persona returns a built-in persona: "secretaria" or "sdr".
func Persona(name string) (string, bool) {
	b, err := files.ReadFile("persona/" + name + ".md")
	return strings.TrimSpace(string(b)), err == nil
}

// Agent is a desk with its model. It keeps nothing between turns and is safe for
// concurrent use.
type Agent struct {
	cfg      Config
	model    llm.Model
	library  *house.Library
	words    words
	keywords []string
	topics   []topic
	system   string
	summary  string
	look     string
	guard    *guard.Guard
	mark     func() string
}

// Deps is what a desk works with.
type Deps struct {
	// Model answers; required. One whose name begins with "offline/" is rules alone: a
	// playbook then speaks in its own words and asks it only what it does not know itself.
	Model llm.Model
	// Library is what the desk knows; nil: Config.House, kept in memory.
	Library *house.Library
	// Guard judges what customers write; nil: guard.New. Desks share one.
	Guard *guard.Guard
	// Mark returns a random mark that nobody can guess; nil: llm.NewMark.
	Mark func() string
}

// New returns an agent.
func New(cfg Config, deps Deps) (*Agent, error) {
	if cfg.Name == "" {
		return nil, errors.New("agent has no name")
	}
	if deps.Model == nil {
		return nil, fmt.Errorf("agent %s has no model", cfg.Name)
	}
	if deps.Library == nil {
		deps.Library = house.NewLibrary(cfg.House, nil, cfg.Name)
	}
	system, err := files.ReadFile("prompt/system.pt.md")
	if err != nil {
		return nil, fmt.Errorf("read prompt: %w", err)
	}
	summary, err := files.ReadFile("prompt/summary.pt.md")
	if err != nil {
		return nil, fmt.Errorf("read prompt: %w", err)
	}
	look, err := files.ReadFile("prompt/look.pt.md")
	if err != nil {
		return nil, fmt.Errorf("read prompt: %w", err)
	}
	a := &Agent{cfg: cfg.withDefaults(), model: deps.Model, library: deps.Library, guard: deps.Guard, mark: deps.Mark,
		system: string(system), summary: strings.TrimSpace(string(summary)), look: strings.TrimSpace(string(look))}
	if a.guard == nil {
		a.guard = guard.New()
	}
	if a.mark == nil {
		a.mark = llm.NewMark
	}
	a.words = wordsOf(a.cfg.Language)
	a.keywords = folded(a.cfg.Keywords)
	for _, t := range a.cfg.Handoff.Topics {
		a.topics = append(a.topics, topic{folded(t.Phrases), t.Reason})
	}
	return a, nil
}

func (cfg Config) withDefaults() Config {
	if cfg.Persona == "" {
		cfg.Persona, _ = Persona("secretaria")
	}
	if cfg.Transfer == "" {
		cfg.Transfer = wordsOf(cfg.Language).transfer
	}
	if cfg.Keywords == nil {
		cfg.Keywords = DefaultKeywords()
	}
	if cfg.Location == nil {
		cfg.Location = cfg.Open.Zone
	}
	if cfg.Location == nil {
		cfg.Location = time.UTC
	}
	positive(&cfg.MaxMessages, DefaultMaxMessages)
	positive(&cfg.Budget, DefaultBudget)
	positive(&cfg.MaxTokens, DefaultMaxTokens)
	positive(&cfg.Handoff.Failures, DefaultFailures)
	positive(&cfg.Safety.MessageLimit, sanitise.MessageLimit)
	if cfg.Loops.Exchanges == 0 {
		cfg.Loops.Exchanges = DefaultExchanges
	}
	if cfg.Loops.Turns == 0 {
		cfg.Loops.Turns = DefaultTurns
	}
	return cfg
}

func positive(n *int, otherwise int) {
	if *n <= 0 {
		*n = otherwise
	}
}

// Name is the desk's name: a bounded label.
func (a *Agent) Name() string { return a.cfg.Name }

// History is how many messages the agent wants to see: those that a model is shown, and as
// many before them, which the summary is made of.
func (a *Agent) History() int { return 2 * a.cfg.MaxMessages }

// Input is what a turn knows.
type Input struct {
	Pending []conversation.Message // to be answered, oldest first; empty where Woken
	History []conversation.Message // before them, oldest first
	Now     time.Time
	// Broken says that this turn failed before for reasons of our own and is not to be
	// tried with the model again.
	Broken bool

	// Conversation and Contact are what tools act upon, never what a model names.
	Conversation conversation.ID
	Contact      conversation.ContactID
	ContactName  string
	Phone        string // by which the channel knows the contact, digits with country code; "" for none
	Episode      int64  // of the conversation's state
	// Memory and Profile are what earlier decisions left, nil for nothing.
	Memory, Profile []byte
	// Fired are the workflows that this conversation has started.
	Fired []Firing
	// OptedOut: the contact wants no more messages.
	OptedOut bool
	// Woken: nobody has written; it is the WakeAt of the decision before.
	Woken bool
}

// Outcome names what was decided: a bounded word.
type Outcome string

// The outcomes.
const (
	Replied      Outcome = "replied"
	AskedToWrite Outcome = "asked_to_write"
	HandedOver   Outcome = "handed_over"
	ModelFailed  Outcome = "model_failed"
	OptedOut     Outcome = "opted_out" // the customer wants no more messages
	Silent       Outcome = "silent"    // nothing is to be said
)

// Decided says whether it is one of the above, and not what became of a turn without a decision.
func (o Outcome) Decided() bool {
	switch o {
	case Replied, AskedToWrite, HandedOver, ModelFailed, OptedOut, Silent:
		return true
	}
	return false
}

// Decision is what the agent wants to happen.
type Decision struct {
	Outcome Outcome
	Reason  string   // a short bounded word: why
	Replies []Reply  // in order
	Handoff *Handoff // nil keeps the conversation with the bot
	// Note is for people although the conversation stays with the bot; "" for none.
	Note string
	// Calls are workflows to be started.
	Calls []Call
	// Attributes and Labels are set at the helpdesk although the conversation stays with the bot.
	Attributes map[string]string
	Labels     []string
	// Memory and Profile are to be kept; nil keeps what was there. Lead likewise.
	Memory, Profile []byte
	Lead            *Lead
	// OptOut: the customer wants no more messages, and Replies are the last.
	OptOut bool
	// WakeAt is when the desk wants to look again although nobody writes; zero: never. Where
	// something is pending by then it is forgotten, for the next decision says it anew.
	WakeAt time.Time
	// Sources counts the facts of the house that the answer had before it.
	Sources   int
	Model     string
	Usage     llm.Usage
	ModelTime time.Duration
	// Guarded is what the guard made of the pending messages, and Blocked how many of them it
	// kept from the model.
	Guarded guard.Action
	Blocked int
	// Stopped are the kinds of what the gate found in what a model wanted to say, each once.
	Stopped []gate.Kind
}

// Reply is something to be said.
type Reply struct {
	Text string // CommonMark
	// Quote is the Key of the message that it answers, where the channel can show that; "" for none.
	Quote string
}

// Call starts a workflow.
type Call struct {
	Workflow  string
	Arguments string // canonical JSON
}

// Key is the same for the same arguments: what Firing.Key is compared with.
func (c Call) Key() string {
	sum := sha256.Sum256([]byte(c.Arguments))
	return hex.EncodeToString(sum[:16])
}

// Firing is a workflow that was started. The same arguments start it once.
type Firing struct {
	Workflow string
	Key      string // of the arguments, see Call.Key
	Failed   bool   // for good
}

// Lead is what a playbook has learned, as it is listed.
type Lead struct {
	State           string // of the playbook: a bounded word
	Score, MaxScore int
	ScoreTable      string // version of the table
	Body            []byte // JSON of playbook.Lead
}

// Handoff gives the conversation to people.
type Handoff struct {
	Reason conversation.Reason
	Note   string // for people, CommonMark
	// Attributes are merged into the helpdesk's; Labels are added to the inbox's. Team and
	// Person take the place of the inbox's where they are set.
	Attributes   map[string]string
	Labels       []string
	Team, Person string
}

// Decide decides one turn. The only error is that of ctx: everything else is a decision.
//
// Rules that need no model come first, in the order of what matters most: that nobody is
// written to against his wish, that people who are wanted are called, that a machine is not
// talked to for ever. Only then is the model asked, and what it says is checked. All that a
// turn asks of models takes no longer than Patience; without an answer by then a person gets
// the conversation.
func (a *Agent) Decide(ctx context.Context, in Input) (Decision, error) {
	_, judging := tracing.Start(ctx, tracing.Guarded)
	t := a.begin(in)
	judging.Str(tracing.Guard, t.d.Guarded.String())
	judging.Int(tracing.Blocked, int64(t.d.Blocked))
	judging.End()
	if in.Woken {
		t.wake()
		return t.end(), nil
	}
	for _, rule := range []func(*turn) bool{
		(*turn).optedOut,
		(*turn).optsOut,
		(*turn).broken,
		(*turn).results,
		(*turn).keyword,
		(*turn).topic,
		(*turn).angry,
		(*turn).loop,
		(*turn).closed,
		(*turn).deflects,
		(*turn).repeats,
		(*turn).greets,
		(*turn).asksHours,
		(*turn).unreadable,
	} {
		if rule(t) {
			return t.end(), nil
		}
	}
	// What may reach the model was decided by (*turn).deflects, what may leave it is by (*turn).checked.
	t.lookAgain(ctx)
	if err := t.think(ctx); err != nil {
		return Decision{}, err
	}
	t.summarize(ctx)
	if ctx.Err() != nil {
		return Decision{}, context.Cause(ctx)
	}
	return t.end(), nil
}
