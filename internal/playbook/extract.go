package playbook

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"secretaria/internal/fault"
	"secretaria/internal/portuguese"
	"secretaria/internal/slot"
)

// Model is how a value was found that a model extracted, after its quotes were found in the
// messages.
const Model slot.How = "model"

const maxExtracted = 32

// Schema is the JSON Schema of what a model is to extract; Extract reads its answer.
func (p *Playbook) Schema() json.RawMessage {
	keys := p.keys()
	about := make([]string, 0, len(keys))
	for _, key := range keys {
		text := key + ": " + p.label(key)
		if s, ok := p.slot(key); ok && own(s.Kind) {
			text += " (" + s.Question + ")"
		}
		about = append(about, text)
	}
	type object map[string]any
	schema, err := json.Marshal(object{
		"type": "object",
		"properties": object{"facts": object{
			"type":        "array",
			"description": "O que o cliente disse de si e da empresa nas mensagens novas. Nada que não esteja nelas.",
			"items": object{
				"type": "object",
				"properties": object{
					"slot":   object{"type": "string", "enum": keys, "description": strings.Join(about, "; ")},
					"value":  object{"type": "string", "description": "O valor. Listas com vírgula; horários em RFC 3339."},
					"quotes": object{"type": "array", "items": object{"type": "string"}, "description": "As palavras exatas do cliente, copiadas das mensagens."},
				},
				"required": []string{"slot", "value", "quotes"},
			},
		}},
		"required": []string{"facts"},
	})
	if err != nil { // strings alone
		return json.RawMessage(`{"type":"object"}`)
	}
	return schema
}

// Extract reads a model's answer to Schema. What is of the wrong type in it is left out; what
// is no object at all is an error of kind invalid. Nothing is believed yet: Read checks.
func Extract(answer json.RawMessage) ([]Extracted, error) {
	var v struct {
		Facts []json.RawMessage `json:"facts"`
	}
	if err := json.Unmarshal(answer, &v); err != nil {
		return nil, fault.Wrap(fault.Invalid, "extraction", fmt.Errorf("read extraction: %w", errors.New("not the object that was asked for")))
	}
	var all []Extracted
	for _, raw := range v.Facts {
		var e Extracted
		if json.Unmarshal(raw, &e) != nil || e.Slot == "" || strings.TrimSpace(e.Value) == "" {
			continue
		}
		if all = append(all, e); len(all) == maxExtracted {
			break
		}
	}
	return all, nil
}

// extracted merges what a model found with what was read.
func (r *reading) extracted() {
	for i, e := range r.said.Learned {
		if i == maxExtracted {
			return
		}
		r.merge(e)
	}
}

func (r *reading) merge(e Extracted) {
	kind := r.book.kind(e.Slot)
	if kind == "" {
		return
	}
	quotes, ok := r.locate(e.Quotes)
	if !ok {
		return
	}
	v, err := slot.Parse(kind, e.Value, r.said.Now)
	if err != nil || !borne(v, quotes) {
		return
	}
	v.Quotes, v.How = quotes, Model
	if r.lead.refused(e.Slot) && !r.before.refused(e.Slot) {
		return // refused in this very turn
	}
	known, had := r.lead.Value(e.Slot)
	switch {
	case had && known.Same(v):
		return
	case had && strong(kind) && known.How != Model:
		return
	case had && newest(v) <= newest(known):
		return
	}
	if own(kind) {
		r.setOwn(e.Slot, v)
	} else {
		r.lead.Slots.Values[kind] = v
		r.lead.Slots.Refused = slices.DeleteFunc(r.lead.Slots.Refused, func(k slot.Kind) bool { return k == kind })
		r.lead.Slots.Open = slices.DeleteFunc(r.lead.Slots.Open, func(k slot.Kind) bool { return k == kind })
	}
	if e.Slot == r.lead.Asked {
		r.outcome = slot.Filled
	}
}

// strong kinds have a form that code reads with certainty.
func strong(k slot.Kind) bool {
	return slices.Contains([]slot.Kind{slot.Email, slot.Phone, slot.CNPJ, slot.TeamSize, slot.Times}, k)
}

func newest(v slot.Value) int {
	n := -1
	for _, q := range v.Quotes {
		n = max(n, q.Message)
	}
	return n
}

// locate finds quotes in the texts, newest first, without regard to case, accents and blanks,
// and returns them as the customer wrote them. All of them must be there.
func (r *reading) locate(quotes []string) ([]slot.Quote, bool) {
	if len(quotes) == 0 || len(quotes) > 8 {
		return nil, false
	}
	var found []slot.Quote
	for _, quote := range quotes {
		wanted := portuguese.Split(quote)
		if !slices.ContainsFunc(wanted, func(t portuguese.Token) bool { return t.Kind == portuguese.Word || t.Kind == portuguese.Digits }) {
			return nil, false
		}
		at := -1
		for i := len(r.said.Texts) - 1; i >= 0 && at < 0; i-- {
			text := r.said.Texts[i]
			tokens := portuguese.Split(text)
			if from := indexTokens(tokens, wanted); from >= 0 {
				at = i
				found = append(found, slot.Quote{Message: r.said.First + i, Text: text[tokens[from].Start:tokens[from+len(wanted)-1].End]})
			}
		}
		if at < 0 {
			return nil, false
		}
	}
	return found, true
}

// indexTokens finds a run of tokens. Whole tokens only: "Ana" is not in "Mariana".
func indexTokens(tokens, wanted []portuguese.Token) int {
	if len(wanted) > 200 {
		return -1
	}
	for i := 0; i+len(wanted) <= len(tokens); i++ {
		if slices.EqualFunc(tokens[i:i+len(wanted)], wanted, func(a, b portuguese.Token) bool { return a.Fold == b.Fold }) {
			return i
		}
	}
	return -1
}

// borne says whether a value follows from its quotes as far as code can tell: the words of a
// name stand in them, an address or number can be read from them. What is said in other
// words (a role, a pain) is believed.
func borne(v slot.Value, quotes []slot.Quote) bool {
	var texts []string
	for _, q := range quotes {
		texts = append(texts, q.Text)
	}
	all := strings.Join(texts, " ")
	switch v.Kind {
	case slot.Name, slot.Company:
		in := words(all)
		for _, w := range words(v.Text) {
			if !slices.Contains(in, w) {
				return false
			}
		}
		return true
	case slot.Email, slot.Phone, slot.CNPJ:
		read := slot.Read(slot.State{}, slot.Turn{Ask: v.Kind, Says: texts})
		return read.State.Values[v.Kind].Text == v.Text || squeezed(all, squeeze(v.Text))
	}
	return true
}

// squeezed says whether a text holds letters and digits in this order without others between.
func squeezed(text, inner string) bool { return inner != "" && strings.Contains(squeeze(text), inner) }

func squeeze(text string) string {
	return strings.Map(func(r rune) rune {
		if isWord(r) {
			return r
		}
		return -1
	}, portuguese.Fold(text))
}
