package house

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"unicode/utf8"
)

// The tool by which a model looks a fact up.
const (
	LookupTool        = "lookup"
	LookupDescription = "Procura fatos da casa (tabelas e páginas). Use antes de informar preço, horário, endereço, link, pessoa ou regra que não esteja no conhecimento acima. Se nada for encontrado, diga que não sabe e ofereça uma pessoa."
)

// pages is what the tool calls the pages, beside the tables.
const pages = "pages"

// The bounds of a result.
const (
	maxFound  = 12      // rows
	maxResult = 6 << 10 // bytes of rows
	maxCell   = 1500    // characters of a row's text
)

// LookupSchema is the JSON Schema of the tool's arguments: which table, and the words to look
// for. nil where there is nothing to look up: the tool is then not offered.
func (l *Library) LookupSchema() json.RawMessage {
	if l == nil {
		return nil
	}
	type property struct {
		Type        string   `json:"type"`
		Enum        []string `json:"enum,omitempty"`
		Description string   `json:"description"`
	}
	b, _ := json.Marshal(map[string]any{ // strings alone
		"type": "object",
		"properties": map[string]property{
			"table": {Type: "string", Enum: l.places(), Description: "Onde procurar."},
			"query": {Type: "string", Description: "Palavras que dizem o que se procura, como \"limpeza\" ou \"convênio Unimed\". Vazio lista tudo."},
		},
		"required": []string{"table", "query"},
	})
	return b
}

// places are where the tool can look.
func (l *Library) places() []string {
	var out []string
	for _, k := range l.tables {
		out = append(out, string(k))
	}
	if slices.ContainsFunc(l.corpus.passages, func(p Passage) bool { return p.Kind == "" }) {
		out = append(out, pages)
	}
	return out
}

// Found is what a look-up came to.
type Found struct {
	// Result is the tool's result: a JSON object of bounded size, each row with its source.
	Result string
	Hits   []Hit
}

// row is a hit as a model reads it.
type row struct {
	Source  string `json:"source"`
	Heading string `json:"heading,omitempty"`
	Text    string `json:"text"`
}

// result is what a model reads.
type result struct {
	Found int    `json:"found"`
	Rows  []row  `json:"rows,omitempty"`
	More  int    `json:"more,omitempty"`
	Note  string `json:"note,omitempty"`
	Error string `json:"error,omitempty"`
}

func (r result) found(hits []Hit) Found {
	b, _ := json.Marshal(r) // strings and numbers alone
	return Found{Result: string(b), Hits: hits}
}

const (
	noteNothing = "Nada encontrado. Diga ao cliente que não tem essa informação e ofereça falar com uma pessoa. Não invente."
	noteMore    = "Há mais linhas: procure com palavras mais precisas."
)

// Lookup answers a call of the tool. It never fails: arguments that cannot be read, and
// nothing found, are results that say what to do.
func (l *Library) Lookup(ctx context.Context, arguments json.RawMessage) Found {
	if l == nil {
		return result{Note: noteNothing}.found(nil)
	}
	var in struct {
		Table string `json:"table"`
		Query string `json:"query"`
	}
	if err := json.Unmarshal(arguments, &in); err != nil {
		return result{Error: "arguments must be an object with the strings table and query"}.found(nil)
	}
	place := strings.ToLower(strings.TrimSpace(in.Table))
	if k, ok := KindOf(place); ok {
		place = string(k)
	}
	if known := l.places(); !slices.Contains(known, place) {
		return result{Error: "unknown table; use one of: " + strings.Join(known, ", ")}.found(nil)
	}
	found := l.within(ctx, place, in.Query)
	var rows []row
	var hits []Hit
	size := 0
	for _, h := range found {
		r := row{Source: h.Source.String(), Heading: h.Source.Heading, Text: cut(h.Text, maxCell)}
		if size += len(r.Source) + len(r.Heading) + len(r.Text); len(rows) == maxFound || size > maxResult && len(rows) > 0 {
			break
		}
		rows, hits = append(rows, r), append(hits, h)
	}
	out := result{Found: len(found), Rows: rows, More: len(found) - len(rows)}
	switch {
	case len(found) == 0:
		out.Note = noteNothing
	case out.More > 0:
		out.Note = noteMore
	}
	return out.found(hits)
}

// within finds the passages of one table, best first; all of them in their order where nothing
// is asked for but the table itself.
func (l *Library) within(ctx context.Context, place, query string) []Hit {
	kind := TableKind(place)
	if place == pages {
		kind = ""
	}
	var here []int
	for i, p := range l.corpus.passages {
		if p.Kind == kind {
			here = append(here, i)
		}
	}
	var out []Hit
	var q []asked
	for _, a := range l.corpus.ask(slices.Concat(l.corpus.read(clip(query))...)) {
		if kind == "" || a.terms[schemas[kind].about] == 0 {
			q = append(q, a)
			continue
		}
		// The word stands for the table itself ("links"), or for one of its rows ("Instagram").
		if a.stem != "" && slices.ContainsFunc(here, func(at int) bool { return l.corpus.docs[at].terms[a.stem] >= titleWeight }) {
			q = append(q, asked{terms: map[string]float64{a.stem: 1}, weight: l.corpus.idf(a.stem)})
		}
	}
	if len(q) == 0 || ctx.Err() != nil {
		for _, at := range here {
			out = append(out, Hit{Passage: l.corpus.passages[at]})
		}
		return out
	}
	for _, s := range l.corpus.rank(here, q) {
		// What is asked of a thing is no answer without the thing.
		if s.things > 0 && s.covered >= enoughInTable {
			out = append(out, Hit{Passage: l.corpus.passages[s.at], Score: s.score})
		}
	}
	return out
}

// enoughInTable is what a row must have of what a model looks for, by weight.
const enoughInTable = 0.25

func cut(s string, runes int) string {
	if utf8.RuneCountInString(s) <= runes {
		return s
	}
	return string([]rune(s)[:runes]) + "…"
}
