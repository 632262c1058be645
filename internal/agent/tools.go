package agent

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"secretaria/internal/conversation"
	"secretaria/internal/fault"
	"secretaria/internal/house"
	"secretaria/internal/llm"
	"secretaria/internal/phrase"
	"secretaria/internal/playbook"
)

// The tools that a model has, beside house.LookupTool and those of the workflows.
const (
	handoffTool  = "handoff"
	rememberTool = "remember"
	learnTool    = "learn"
	// startTool is put before the name of a workflow.
	startTool = "start_"
)

// The kinds of a fact.
const (
	preference = "preference"
	agreement  = "agreement"
)

func (t *turn) tools() []llm.Tool {
	if t.restricted() {
		return nil
	}
	tools := []llm.Tool{{
		Name:        handoffTool,
		Description: "Passa a conversa para uma pessoa da equipe. Use quando o cliente pedir, estiver irritado ou quando você não puder ajudar.",
		Schema: json.RawMessage(`{"type":"object","properties":{` +
			`"reason":{"type":"string","description":"Por que uma pessoa é necessária, em poucas palavras."},` +
			`"summary":{"type":"string","description":"Resumo da conversa para a pessoa que vai atender, em até três frases."}},` +
			`"required":["reason","summary"]}`),
	}, {
		Name:        rememberTool,
		Description: "Guarda uma preferência do cliente ou algo que foi combinado com ele, para as próximas conversas.",
		Schema: json.RawMessage(`{"type":"object","properties":{` +
			`"kind":{"type":"string","enum":["preference","agreement"]},` +
			`"text":{"type":"string","description":"O que guardar, em uma frase curta."},` +
			`"quote":{"type":"string","description":"As palavras exatas do cliente, copiadas da conversa."}},` +
			`"required":["kind","text","quote"]}`),
	}}
	if schema := t.a.library.LookupSchema(); schema != nil {
		tools = append(tools, llm.Tool{Name: house.LookupTool, Description: house.LookupDescription, Schema: schema})
	}
	if t.step != nil && t.step.Question != "" {
		tools = append(tools, llm.Tool{Name: learnTool, Schema: t.a.cfg.Playbook.Schema(),
			Description: "Anota o que o cliente disse de si nas mensagens novas. O resultado diz o que foi aceito e qual é a próxima pergunta."})
	}
	for _, w := range t.a.cfg.Workflows {
		if w.Tool {
			tools = append(tools, llm.Tool{Name: startTool + w.Name, Description: w.Description, Schema: w.Arguments})
		}
	}
	return tools
}

// use carries one call out and returns its result. ok is false for a tool that does not
// exist; more says that the words beside the call were written without knowing the result.
func (t *turn) use(ctx context.Context, call llm.ToolCall) (result string, ok, more bool) {
	if !t.offers(call.Name) {
		return unknownTool, false, false
	}
	switch name, starts := strings.CutPrefix(call.Name, startTool); {
	case call.Name == rememberTool:
		return t.remember(call.Arguments), true, false
	case call.Name == house.LookupTool && t.a.library.LookupSchema() != nil:
		found := t.a.library.Lookup(ctx, call.Arguments)
		t.hits = append(t.hits, found.Hits...)
		return found.Result, true, true
	case call.Name == learnTool && t.step != nil:
		return t.learn(call.Arguments), true, false
	case starts:
		if w, declared := t.declared(name); declared && w.Tool {
			arguments := t.session(w, call.Arguments)
			if why := t.unfounded(arguments); why != "" {
				return object("error", why), true, true
			}
			added, err := t.call(w, arguments)
			return t.startResult(name, added, err), true, err != nil
		}
	}
	return unknownTool, false, false
}

// unknownTool is the result of a tool that was not offered, be there one of that name or not.
const unknownTool = `{"error":"unknown tool"}`

// offers says whether the model was given a tool: what it was not given it cannot use.
func (t *turn) offers(name string) bool {
	return slices.ContainsFunc(t.offered, func(tool llm.Tool) bool { return tool.Name == name })
}

func (t *turn) startResult(name string, added bool, err error) string {
	switch {
	case err != nil:
		return object("error", fault.Code(err))
	case added:
		return object("status", "started", "note", "O resultado ainda não chegou. Não diga que já está feito, marcado ou enviado; diga que pediu e que avisa.")
	}
	failed := slices.ContainsFunc(t.in.Fired, func(f Firing) bool { return f.Workflow == name && f.Failed })
	if failed {
		return object("status", "failed before", "note", "Isto já foi tentado e não deu certo. Ofereça uma pessoa.")
	}
	return object("status", "already started", "note", "Isto já foi pedido antes; nada foi feito de novo.")
}

// learn takes what a model found in the customer's words. The playbook checks it.
func (t *turn) learn(arguments json.RawMessage) string {
	found, err := playbook.Extract(arguments)
	if err != nil {
		return object("error", fault.Code(err))
	}
	found = slices.DeleteFunc(found, func(e playbook.Extracted) bool { return !t.sayable(e.Value) })
	t.said.Learned = append(t.said.Learned, found...)
	t.read(false)
	accepted := []map[string]string{}
	for _, f := range slices.Concat(t.step.Learned, t.step.Corrected) {
		accepted = append(accepted, map[string]string{"slot": f.Key, "value": f.String()})
	}
	out := map[string]any{"known": accepted, "next_question": t.step.Question}
	if t.step.Question == "" {
		out["note"] = "Não há mais perguntas. Não pergunte nada."
	}
	return string(encode(out))
}

// remember keeps a fact for which the customer's own words are shown.
func (t *turn) remember(arguments json.RawMessage) string {
	var v struct{ Kind, Text, Quote string }
	if json.Unmarshal(arguments, &v) != nil {
		return object("error", "arguments are not the object that was asked for")
	}
	text, quote := visible(v.Text), visible(v.Quote)
	switch {
	case v.Kind != preference && v.Kind != agreement:
		return object("error", "kind: preference or agreement")
	case text == "" || quote == "":
		return object("error", "text and quote are needed")
	case !t.customerSaid(quote):
		return object("error", "the quote is not in the customer's words")
	case !t.sayable(text):
		return object("error", "text: say it in your own words, without links, and without anybody else's data")
	}
	t.profile.keep(fact{Kind: v.Kind, Text: clip(text, maxFactText), Quote: clip(quote, maxFactText), At: t.in.Now})
	t.profileChanged = true
	return object("status", "kept")
}

// customerSaid says whether words stand in what the customer wrote, here or before.
func (t *turn) customerSaid(quote string) bool {
	words := phrase.Words(quote)
	said := slices.Clone(t.asked)
	for i, m := range t.in.History {
		if !t.hidden[i] {
			said = append(said, m)
		}
	}
	return words != "" && slices.ContainsFunc(said, func(m conversation.Message) bool {
		return m.Author == conversation.Customer && strings.Contains(" "+phrase.Words(m.Content.Text)+" ", " "+words+" ")
	})
}

// object encodes pairs of keys and values.
func object(pairs ...string) string {
	m := map[string]string{}
	for i := 0; i+1 < len(pairs); i += 2 {
		m[pairs[i]] = pairs[i+1]
	}
	return string(encode(m))
}
