// Package agent decides one turn: reply, ask, hand over or stay silent.
//
// It is deterministic code around one uncertain call. Rules that need no model come first;
// then the request is built, the answer is checked, and a failure of the model for good
// becomes a decision too: an apology and a person, never silence.
package agent

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"secretaria/internal/conversation"
	"secretaria/internal/fault"
	"secretaria/internal/llm"
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
	Hours    string
	// MaxMessages and MaxAge bound the history that the model sees; MaxAge 0: any age.
	MaxMessages int
	MaxAge      time.Duration
	// Budget bounds history and pending messages together, in tokens by estimate.
	Budget int
	// MaxTokens bounds one answer.
	MaxTokens int
}

// Defaults of Config.
const (
	DefaultTransfer    = "Vou transferir você para um de nossos atendentes. Aguarde um momento, por favor."
	DefaultMaxMessages = 20
	DefaultBudget      = 3000
	DefaultMaxTokens   = 1024
)

// DefaultKeywords ask for a person.
func DefaultKeywords() []string {
	return []string{"falar com humano", "falar com um humano", "falar com uma pessoa", "atendente", "supervisor"}
}

// apology opens the answer when the model has failed; the published text.
const apology = "Estou com dificuldades técnicas. "

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
	keywords []string
	system   string
}

// New returns an agent.
func New(cfg Config, model llm.Model) (*Agent, error) {
	if cfg.Name == "" {
		return nil, errors.New("agent has no name")
	}
	if cfg.Persona == "" {
		cfg.Persona, _ = Persona("secretaria")
	}
	if cfg.Transfer == "" {
		cfg.Transfer = DefaultTransfer
	}
	if cfg.Keywords == nil {
		cfg.Keywords = DefaultKeywords()
	}
	if cfg.Location == nil {
		cfg.Location = time.UTC
	}
	if cfg.MaxMessages <= 0 {
		cfg.MaxMessages = DefaultMaxMessages
	}
	if cfg.Budget <= 0 {
		cfg.Budget = DefaultBudget
	}
	if cfg.MaxTokens <= 0 {
		cfg.MaxTokens = DefaultMaxTokens
	}
	system, err := files.ReadFile("prompt/system.pt.md")
	if err != nil {
		return nil, fmt.Errorf("read prompt: %w", err)
	}
	a := &Agent{cfg: cfg, model: model, system: string(system)}
	for _, k := range cfg.Keywords {
		if n := fold(k); n != "" {
			a.keywords = append(a.keywords, n)
		}
	}
	return a, nil
}

// Name is the desk's name: a bounded label.
func (a *Agent) Name() string { return a.cfg.Name }

// History is how many messages the agent wants to see.
func (a *Agent) History() int { return a.cfg.MaxMessages }

// Input is what a turn knows.
type Input struct {
	Pending []conversation.Message // to be answered, oldest first; never empty
	History []conversation.Message // before them, oldest first
	Now     time.Time
	// Broken says that this turn failed before for reasons of our own and is not to be
	// tried with the model again.
	Broken bool
}

// Outcome names what was decided: a bounded word.
type Outcome string

// The outcomes.
const (
	Replied      Outcome = "replied"
	AskedToWrite Outcome = "asked_to_write"
	HandedOver   Outcome = "handed_over"
	ModelFailed  Outcome = "model_failed"
)

// Decision is what the agent wants to happen.
type Decision struct {
	Outcome   Outcome
	Reason    string   // a short bounded word: why
	Replies   []string // CommonMark, in order
	Handoff   *Handoff // nil keeps the conversation with the bot
	Model     string
	Usage     llm.Usage
	ModelTime time.Duration
}

// Handoff gives the conversation to people.
type Handoff struct {
	Reason conversation.Reason
	Note   string // for people, CommonMark
}

// Decide decides one turn. The only error is that of ctx: everything else is a decision.
func (a *Agent) Decide(ctx context.Context, in Input) (Decision, error) {
	if in.Broken {
		return a.fallback("broken", "O atendimento automático falhou repetidas vezes nesta conversa."), nil
	}
	if k := a.keyword(in.Pending); k != "" {
		return Decision{Outcome: HandedOver, Reason: "keyword", Replies: []string{a.cfg.Transfer},
			Handoff: &Handoff{Reason: conversation.ByHandoff, Note: note("O cliente pediu para falar com uma pessoa.", in.Pending)}}, nil
	}
	if kind, ok := unreadable(in.Pending); ok {
		return Decision{Outcome: AskedToWrite, Reason: string(kind), Replies: []string{askToWrite(kind)}}, nil
	}
	return a.ask(ctx, in)
}

// rounds bounds the calls of one turn: an answer, and a second chance for an empty one or
// one that calls a tool which does not exist.
const rounds = 3

func (a *Agent) ask(ctx context.Context, in Input) (Decision, error) {
	d := Decision{Outcome: Replied, Model: a.model.Name()}
	req := a.request(in)
	started := time.Now()
	for range rounds {
		resp, err := a.model.Generate(ctx, req)
		if ctx.Err() != nil {
			return Decision{}, context.Cause(ctx)
		}
		if err != nil && fault.Code(err) == llm.CodeEmpty {
			continue // a second chance: the same question often gets words the next time
		}
		if err != nil {
			f := a.fallback(fault.Code(err), "O modelo de linguagem não respondeu ("+fault.Code(err)+").")
			f.Model, f.Usage, f.ModelTime = d.Model, d.Usage, time.Since(started)
			return f, nil
		}
		d.Usage = d.Usage.Add(resp.Usage)
		text := visible(resp.Text)
		if resp.Finish == llm.Length {
			text = whole(text)
		}
		for _, call := range resp.ToolCalls {
			if call.Name == handoffTool {
				d.Outcome, d.Reason = HandedOver, "model"
				d.Replies = []string{a.cfg.Transfer}
				if text != "" {
					d.Replies = []string{text}
				}
				d.Handoff = &Handoff{Reason: conversation.ByHandoff, Note: note(handoffNote(call.Arguments), in.Pending)}
				d.ModelTime = time.Since(started)
				return d, nil
			}
		}
		if text != "" {
			d.Reason, d.Replies, d.ModelTime = "model", []string{text}, time.Since(started)
			return d, nil
		}
		req = retryRequest(req, resp)
	}
	f := a.fallback(llm.CodeEmpty, "O modelo de linguagem não deu uma resposta utilizável.")
	f.Model, f.Usage, f.ModelTime = d.Model, d.Usage, time.Since(started)
	return f, nil
}

// fallback is the decision when nothing else can be decided: the published apology and a
// person who takes over.
func (a *Agent) fallback(reason, why string) Decision {
	return Decision{Outcome: ModelFailed, Reason: reason, Replies: []string{apology + a.cfg.Transfer},
		Handoff: &Handoff{Reason: conversation.ByFailure, Note: why + " A conversa precisa de uma pessoa."}}
}

const handoffTool = "handoff"

func tools() []llm.Tool {
	return []llm.Tool{{
		Name:        handoffTool,
		Description: "Passa a conversa para uma pessoa da equipe. Use quando o cliente pedir, estiver irritado ou quando você não puder ajudar.",
		Schema: json.RawMessage(`{"type":"object","properties":{` +
			`"reason":{"type":"string","description":"Por que uma pessoa é necessária, em poucas palavras."},` +
			`"summary":{"type":"string","description":"Resumo da conversa para a pessoa que vai atender, em até três frases."}},` +
			`"required":["reason","summary"]}`),
	}}
}

func handoffNote(args json.RawMessage) string {
	var v struct{ Reason, Summary string }
	// The arguments are the model's: what cannot be read is left out, the handoff stands.
	_ = json.Unmarshal(args, &v)
	parts := []string{"O assistente passou a conversa para uma pessoa."}
	if s := clip(strings.TrimSpace(v.Reason), 300); s != "" {
		parts = append(parts, "**Motivo:** "+s)
	}
	if s := clip(strings.TrimSpace(v.Summary), 1500); s != "" {
		parts = append(parts, "**Resumo:** "+s)
	}
	return strings.Join(parts, "\n\n")
}

// note adds the words that led to it.
func note(head string, pending []conversation.Message) string {
	for i := len(pending) - 1; i >= 0; i-- {
		if t := strings.TrimSpace(pending[i].Content.Text); t != "" {
			return head + "\n\n**Última mensagem:** " + clip(t, 500)
		}
	}
	return head
}

// retryRequest gives the model one more chance, telling it what was wrong.
func retryRequest(req *llm.Request, resp *llm.Response) *llm.Request {
	next := *req
	next.Messages = append([]llm.Message(nil), req.Messages...)
	if len(resp.ToolCalls) > 0 {
		next.Messages = append(next.Messages, llm.Message{Role: llm.Assistant, ToolCalls: resp.ToolCalls})
		for _, c := range resp.ToolCalls {
			next.Messages = append(next.Messages, llm.Message{Role: llm.ToolRole, ToolCallID: c.ID, ToolName: c.Name, Text: `{"error":"unknown tool"}`})
		}
	}
	return &next
}

// visible returns a text without white space around it, "" when there is nothing in it that
// can be seen: a bubble with a zero-width space alone is silence.
func visible(text string) string {
	seen := func(r rune) bool { return unicode.IsGraphic(r) && !unicode.IsSpace(r) && !unicode.IsMark(r) }
	if !strings.ContainsFunc(text, seen) {
		return ""
	}
	return strings.TrimSpace(text)
}

// whole cuts an answer that ran into its limit back to its last whole sentence or line. A
// point within a number, an address or before a list item ends none: half a price is a
// wrong price.
func whole(text string) string {
	end, line := 0, 0
	for i, r := range text {
		switch r {
		case '\n':
			end, line = i, i+1
		case '.', '!', '?', '…':
			rest := strings.TrimLeft(text[i+utf8.RuneLen(r):], ".!?…\"'”’»)*_~")
			next, _ := utf8.DecodeRuneInString(rest)
			number := r == '.' && (strings.Trim(text[line:i], " \t0123456789") == "" || rest == "" && i > 0 && text[i-1] >= '0' && text[i-1] <= '9')
			if !number && (rest == "" || unicode.IsSpace(next)) {
				end = len(text) - len(rest)
			}
		}
	}
	if end > len(text)/3 {
		return strings.TrimSpace(text[:end])
	}
	return text
}

func clip(s string, runes int) string {
	if utf8.RuneCountInString(s) <= runes {
		return s
	}
	n := 0
	for i := range s {
		if n == runes {
			return s[:i] + "…"
		}
		n++
	}
	return s
}
