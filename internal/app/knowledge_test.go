package app_test

import (
	"strings"
	"testing"

	"secretaria/internal/agent"
	"secretaria/internal/app"
	facts "secretaria/internal/house"
	"secretaria/internal/llm/llmtest"
	"secretaria/internal/store/sqlite"
)

// What the house says is in the database once the program has started, and in the prompt when
// it is asked for.
func TestModelKnowsTheHouse(t *testing.T) {
	t.Parallel()
	prices := &facts.House{Tables: []facts.Table{{Kind: facts.Prices, Rows: []facts.Row{
		{Columns: map[string]string{"item": "Limpeza de pele", "preço": "R$ 210"}, Source: facts.Source{File: "precos.yaml", Line: 12}},
		{Columns: map[string]string{"item": "Peeling", "preço": "sob consulta"}, Source: facts.Source{File: "precos.yaml", Line: 14}},
	}}}}
	h := open(t, func(o *app.Options) { o.Desks = []agent.Config{{Name: "secretaria", House: prices}, {Name: "sdr"}} })
	h.model.Respond = func(*llmtest.Request) llmtest.Reply { return llmtest.Reply{Text: "Custa R$ 210."} }
	h.whatsapp(customer, "quanto custa a limpeza de pele?")
	h.sent(1)
	asked := h.model.Requests()[0].LLM
	if asked == nil || !strings.Contains(asked.System, "<fact source=\"precos.yaml:12\">\n# Limpeza de pele\nLimpeza de pele: R$ 210.\n</fact>") || strings.Contains(asked.System, "Peeling") {
		t.Errorf("the model was asked with %+v, want the fact with its source, and no other", asked)
	}
	h.stop()
	db, err := sqlite.Open(t.Context(), h.options.Database, true)
	must(t, err)
	defer db.Close()
	s, err := sqlite.New(t.Context(), db, nil)
	must(t, err)
	defer s.Close()
	hits, err := s.Knowledge().Search(t.Context(), "secretaria", prices.Version(), []string{"limpez"}, 5)
	if err != nil || len(hits) != 1 || hits[0].Source.String() != "precos.yaml:12" {
		t.Errorf("Search = %v, %v, want the fact in the database", hits, err)
	}
}
