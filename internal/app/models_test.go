package app_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"secretaria/internal/agent"
	"secretaria/internal/app"
	"secretaria/internal/budget"
	"secretaria/internal/channel/chatwoot/chatwoottest"
	"secretaria/internal/conversation"
	"secretaria/internal/fault"
	"secretaria/internal/invalid"
	"secretaria/internal/llm"
	"secretaria/internal/llm/gemini"
	"secretaria/internal/llm/llmtest"
	"secretaria/internal/llm/openai"
	"secretaria/internal/llm/resilient"
	"secretaria/internal/secret"
)

// second adds a model of its own server to a house, and makes it every desk's second.
func second(t *testing.T, o *app.Options) *llmtest.OpenAI {
	t.Helper()
	srv := &llmtest.OpenAI{Server: llmtest.Server{Respond: func(*llmtest.Request) llmtest.Reply { return llmtest.Reply{Text: "Aqui fala a outra."} }}}
	must(t, srv.Start())
	t.Cleanup(func() { srv.Close() })
	o.Models.Named = []app.NamedModel{{Name: "cheap", OpenAI: &openai.Config{APIKey: secret.New("sk-cheap"), Model: "cheap-test", BaseURL: srv.BaseURL()}}}
	for i := range o.Desks {
		o.Desks[i].Models = []string{"openai", "cheap"}
	}
	return srv
}

// TestNextModelAnswers: whatever the first one's trouble, the customer gets the second one's
// answer, and one that asked to be left alone is.
func TestNextModelAnswers(t *testing.T) {
	t.Parallel()
	quota := `{"error":{"message":"You exceeded your current quota","type":"insufficient_quota","param":null,"code":"insufficient_quota"}}`
	for name, c := range map[string]struct {
		reply llmtest.Reply
		asked int // how often the first is asked for two messages
	}{
		"rate limit": {llmtest.Reply{Status: 429, RetryAfter: "600"}, 1},
		"quota":      {llmtest.Reply{Status: 429, Body: quota}, 1},
		"outage":     {llmtest.Reply{Status: 503}, 2},
		"key":        {llmtest.Reply{Status: 401}, 2},
		"refused":    {llmtest.Reply{Fault: llmtest.Blocked}, 2},
		"timeout":    {llmtest.Reply{Fault: llmtest.Hang}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := open(t, func(o *app.Options) {
				second(t, o)
				o.Models.Resilience.Timeout = 300 * time.Millisecond
			})
			h.model.Respond = func(*llmtest.Request) llmtest.Reply { return c.reply }
			for i := range 2 {
				h.whatsapp(fmt.Sprintf("551198887771%d", i), "quanto custa a consulta?")
				if got := h.sent(i + 1)[i].Body; got != "Aqui fala a outra." {
					t.Errorf("customer %d got %q, want the second model's answer", i, got)
				}
			}
			if n := h.model.Count(); n != c.asked {
				t.Errorf("the first model was asked %d times, want %d", n, c.asked)
			}
		})
	}
}

// TestBudgets: when a contact has cost what it may, the next model is asked, which costs
// nothing; when nothing is left, a person gets the conversation and reads which line it was.
func TestBudgets(t *testing.T) {
	t.Parallel()
	h := open(t, func(o *app.Options) {
		second(t, o)
		free := budget.Price{}
		o.Models.Named[0].Price = &free
		o.Models.Prices = budget.Prices{"gpt-*": {Input: 1_000_000, Output: 1_000_000}} // a token a millionth
		o.Desks[1].Limits.Conversation = 200_000
		o.Desks[1].Models = []string{"openai"}
		o.Desks[0].Limits.Contact = 200_000
	})
	h.model.Respond = func(*llmtest.Request) llmtest.Reply {
		return llmtest.Reply{Text: "Aqui é a primeira.", Usage: llm.Usage{InputTokens: 190_000, OutputTokens: 10_000}}
	}
	for i, want := range []string{"Aqui é a primeira.", "Aqui fala a outra."} {
		h.whatsapp(customer, []string{"quanto custa a consulta?", "e o exame de sangue?"}[i])
		if got := h.sent(i + 1)[i].Body; got != want {
			t.Errorf("message %d was answered %q, want %q", i, got, want)
		}
	}
	id := h.chatwoot.Open(chatwoottest.Contact{})
	h.writes(id, "quanto custa o plano?")
	h.said(id, 1)
	h.writes(id, "e o plano maior?")
	h.status(id, "open")
	noted := func() bool {
		return slices.ContainsFunc(h.chatwoot.Conversation(id).Messages, func(m *chatwoottest.Message) bool {
			return m.Private && strings.Contains(m.Content, "openai: orçamento esgotado (da conversa)")
		})
	}
	h.until("the note names the line", noted)
	_, metrics := h.get("/metrics")
	for _, want := range []string{`secretaria_llm_cost_total{model="openai"} 0.4`, `secretaria_llm_errors_total{kind="budget"} `} {
		if !strings.Contains(metrics, want) {
			t.Errorf("metrics lack %s", want)
		}
	}
}

// TestModelWithoutAPrice: with a budget, a model whose price nobody knows is not asked.
func TestModelWithoutAPrice(t *testing.T) {
	t.Parallel()
	h := open(t, func(o *app.Options) { o.Models.Limits.Day = 1_000_000 })
	h.whatsapp(customer, "quanto custa a consulta?")
	if got := h.sent(1)[0].Body; !strings.Contains(got, agent.DefaultTransfer) {
		t.Errorf("whaticket got %q, want the fallback", got)
	}
	if n := h.model.Count(); n != 0 {
		t.Errorf("the model was asked %d times, want 0", n)
	}
}

// TestEveryTroubleEndsWell: a desk with a chain in which every model has a trouble, the first
// alone or all of them, ends each turn in an answer or a person within a minute.
func TestEveryTroubleEndsWell(t *testing.T) {
	t.Parallel()
	type trouble = func(context.Context, *llm.Request) (*llm.Response, error)
	fails := func(err error) trouble {
		return func(context.Context, *llm.Request) (*llm.Response, error) { return nil, err }
	}
	says := func(context.Context, *llm.Request) (*llm.Response, error) {
		return &llm.Response{Text: "A consulta custa R$ 200.", Finish: llm.Stop}, nil
	}
	for name, bad := range map[string]trouble{
		"quota":      fails(fault.New(fault.RateLimited, llm.CodeQuota)),
		"rate limit": fails(&fault.Error{Kind: fault.RateLimited, Code: llm.CodeRateLimited, RetryAfter: 15 * time.Second}),
		"outage":     fails(fault.New(fault.Transient, llm.CodeFailed)),
		"bad key":    fails(fault.New(fault.Unauthorized, llm.CodeKey)),
		"refused":    fails(fault.New(fault.Permanent, llm.CodeBlocked)),
		"too long":   fails(fault.New(fault.Invalid, llm.CodeTooLong)),
		"no model":   fails(fault.New(fault.Invalid, llm.CodeModel)),
		"empty":      fails(fault.New(fault.Permanent, llm.CodeEmpty)),
		"budget":     fails(fault.Wrap(fault.Permanent, llm.CodeBudget, &budget.Exhausted{Key: "day/x"})),
		"odd":        fails(errors.New("odd")),
		"hangs": func(ctx context.Context, _ *llm.Request) (*llm.Response, error) {
			<-ctx.Done()
			return nil, fault.Wrap(fault.Transient, llm.CodeTimeout, ctx.Err())
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				for healthy := range 3 { // which of two answers; 2: none
					entries := make([]resilient.Entry, 2)
					for i := range entries {
						m := &llmtest.Scripted{ModelName: fmt.Sprint("m/", i), Answer: bad}
						if i == healthy {
							m.Answer = says
						}
						entries[i] = resilient.Entry{Name: fmt.Sprint("m", i), Model: resilient.New(m, resilient.Config{}, resilient.Observer{})}
					}
					desk, err := agent.New(agent.Config{Name: "secretaria", Rules: "A consulta custa R$ 200."}, agent.Deps{Model: resilient.NewChain(resilient.ChainConfig{}, entries...)})
					must(t, err)
					start := time.Now()
					d, err := desk.Decide(t.Context(), agent.Input{Now: start, Conversation: 1, Contact: 1, Pending: []conversation.Message{
						{ID: 1, Author: conversation.Customer, Content: conversation.Content{Kind: conversation.Text, Text: "Quanto custa a consulta com a doutora?"}, At: start}}})
					took := time.Since(start)
					if err != nil || len(d.Replies) == 0 {
						t.Fatalf("healthy %d: Decide() = %+v, %v, want an answer", healthy, d, err)
					}
					answered := strings.Contains(d.Replies[0].Text, "R$ 200")
					switch {
					case healthy < 2 && (!answered || d.Handoff != nil):
						t.Errorf("healthy %d: Decide() = %+v, want the model's answer", healthy, d)
					case healthy < 2 && took > 2*time.Second && name != "hangs":
						t.Errorf("healthy %d: the answer took %v, want at most two seconds more", healthy, took)
					case healthy == 2 && (answered || d.Handoff == nil):
						t.Errorf("Decide() = %+v, want a person", d)
					case took > time.Minute:
						t.Errorf("healthy %d: Decide() took %v", healthy, took)
					}
				}
			})
		})
	}
}

func TestChains(t *testing.T) {
	t.Parallel()
	g, o := &gemini.Config{APIKey: secret.New("g")}, &openai.Config{APIKey: secret.New("o")}
	cheap := app.NamedModel{Name: "cheap", OpenAI: &openai.Config{BaseURL: "http://x.test/v1"}}
	for name, c := range map[string]struct {
		models app.Models
		desk   agent.Config
		want   []string
	}{
		"nothing":             {app.Models{}, agent.Config{Name: "sdr"}, []string{"offline"}},
		"both, secretaria":    {app.Models{Gemini: g, OpenAI: o}, agent.Config{Name: "secretaria"}, []string{"gemini", "openai"}},
		"both, sdr":           {app.Models{Gemini: g, OpenAI: o}, agent.Config{Name: "sdr"}, []string{"openai", "gemini"}},
		"one":                 {app.Models{OpenAI: o}, agent.Config{Name: "secretaria"}, []string{"openai"}},
		"named are for lists": {app.Models{Gemini: g, Named: []app.NamedModel{cheap}}, agent.Config{}, []string{"gemini"}},
		"named alone":         {app.Models{Named: []app.NamedModel{cheap}}, agent.Config{}, []string{"cheap"}},
		"a list":              {app.Models{Gemini: g, Named: []app.NamedModel{cheap}}, agent.Config{Models: []string{"cheap", "offline"}}, []string{"cheap", "offline"}},
	} {
		if diff := cmp.Diff(c.want, c.models.Chain(c.desk)); diff != "" {
			t.Errorf("%s: Chain() (-want +got):\n%s", name, diff)
		}
	}
	m := app.Models{Gemini: g, Named: []app.NamedModel{cheap, {Name: "rules", Offline: true}}, Prices: budget.Prices{"gemini-*": {Input: 1}}, Limits: budget.Limits{Day: 5}}
	got := m.Unpriced([]agent.Config{{Name: "a"}, {Name: "b", Models: []string{"cheap", "gemini", "rules", "offline"}}})
	if diff := cmp.Diff([]app.Unpriced{{Desk: "b", Model: "cheap", Blocked: true}}, got); diff != "" {
		t.Errorf("Unpriced() (-want +got):\n%s", diff)
	}
}

func TestModelsValidate(t *testing.T) {
	t.Parallel()
	o := app.Options{Database: "x", Desks: []agent.Config{
		{Name: "a", Models: []string{"openai", "fast", "fast"}, Limits: budget.Limits{Contact: -1}},
	}, Models: app.Models{
		Gemini: &gemini.Config{APIKey: secret.New("g")},
		Named: []app.NamedModel{
			{Name: "gemini", Offline: true}, {Name: "Bad Name", Offline: true}, {Name: "none"}, {Name: "two", Offline: true, Gemini: &gemini.Config{APIKey: secret.New("g")}},
			{Name: "fast", OpenAI: &openai.Config{BaseURL: "http://x.test"}, Timeout: -1, Price: &budget.Price{Input: -1}},
			{Name: "keyless", Gemini: &gemini.Config{Model: "a b"}},
		},
		Patience: -1, Prices: budget.Prices{"x": {Output: -1}}, Limits: budget.Limits{Day: -1},
	}}
	var paths []string
	for _, f := range invalid.Fields(o.Validate()) {
		paths = append(paths, f.Path)
	}
	want := []string{"models.gemini", "models.Bad Name", "models.none.provider", "models.two.provider", "models.fast.base_url", "models.fast.price.input", "models.fast.timeout",
		"models.keyless.key", "patience", "prices[x].output", "budget.day", "desks.a.models[0]", "desks.a.models[2]", "desks.a.budget.contact"}
	if diff := cmp.Diff(want, paths); diff != "" {
		t.Errorf("Validate() names (-want +got):\n%s", diff)
	}
}
