package budget_test

import (
	"encoding/json"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"secretaria/internal/budget"
	"secretaria/internal/invalid"
	"secretaria/internal/llm"
)

var mini = budget.Price{Input: 150_000, Cached: 75_000, Output: 600_000} // 0.15, 0.075 and 0.60 for a million

func TestCost(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		price budget.Price
		usage llm.Usage
		want  budget.Micros
	}{
		{mini, llm.Usage{}, 0},
		{mini, llm.Usage{InputTokens: 1_000_000}, 150_000},
		{mini, llm.Usage{InputTokens: 1_000_000, CachedTokens: 1_000_000}, 75_000},
		{mini, llm.Usage{InputTokens: 1000, CachedTokens: 400, OutputTokens: 100}, 90 + 30 + 60},
		{mini, llm.Usage{InputTokens: 1}, 1}, // rounded up
		{budget.Price{Input: 150_000}, llm.Usage{InputTokens: 1000, CachedTokens: 1000}, 150},
		{mini, llm.Usage{InputTokens: 10, CachedTokens: 1 << 40}, 1}, // more cached than read is nonsense
		{mini, llm.Usage{InputTokens: -5, CachedTokens: -5, OutputTokens: -5}, 0},
		{budget.Price{}, llm.Usage{InputTokens: 1 << 40, OutputTokens: 1 << 40}, 0},
		{budget.Price{Input: 1e15, Output: 1e15}, llm.Usage{InputTokens: math.MaxInt, OutputTokens: math.MaxInt}, math.MaxInt64},
	} {
		if got := c.price.Cost(c.usage); got != c.want {
			t.Errorf("%+v.Cost(%+v) = %d, want %d", c.price, c.usage, got, c.want)
		}
	}
}

func TestFind(t *testing.T) {
	t.Parallel()
	price := func(n budget.Micros) budget.Price { return budget.Price{Input: n} }
	table := budget.Prices{"gpt-4.1": price(1), "gpt-4.1-*": price(2), "gpt-4.1-mini*": price(3), "openai/gpt-4.1-mini-eu": price(4), "gemini/*": price(5), "Gemini-2.5-*-lite": price(6), "*-mini": price(7)}
	for model, want := range map[string]budget.Micros{
		"openai/gpt-4.1": 1, "openai/gpt-4.1-nano": 2, "openai/gpt-4.1-mini": 3, "openai/gpt-4.1-mini-2025-04-14": 3, "openai/gpt-4.1-mini-eu": 4,
		"gemini/gemini-2.5-flash": 5, "gemini/gemini-2.5-flash-lite": 6, "openai/o4-mini": 7, "GPT-4.1": 1,
		"openai/meta/llama": 0, "openai/o3": 0, "": 0, "openai/": 0,
	} {
		got, ok := table.Find(model)
		if got.Input != want || ok != (want > 0) {
			t.Errorf("Find(%q) = %v, %v, want %d", model, got.Input, ok, want)
		}
	}
	if _, ok := (budget.Prices{"a*a": price(1)}).Find("a"); ok {
		t.Error(`Find("a") by a*a: one letter was used twice`)
	}
}

func TestValidate(t *testing.T) {
	t.Parallel()
	table := budget.Prices{"": {}, "a": {Input: -1}, "b": {Output: math.MaxInt64, Cached: -2}, "ok": mini}
	var paths []string
	for _, f := range invalid.Fields(table.Validate()) {
		paths = append(paths, f.Path)
	}
	if diff := cmp.Diff([]string{"[]", "[a].input", "[b].output", "[b].cached"}, paths); diff != "" {
		t.Errorf("Validate() names (-want +got):\n%s", diff)
	}
	limits := budget.Limits{Day: -1, Contact: -1}
	if got := invalid.Fields(limits.Validate()); len(got) != 2 || got[0].Path != "day" || got[1].Path != "contact" {
		t.Errorf("Validate() of limits = %v", got)
	}
	if err := (budget.Limits{Day: 1}).Validate(); err != nil {
		t.Errorf("Validate() = %v", err)
	}
}

func TestLines(t *testing.T) {
	t.Parallel()
	zone := time.FixedZone("BRT", -3*60*60)
	now := time.Date(2026, 11, 22, 1, 30, 0, 0, time.UTC) // still yesterday in São Paulo
	all := budget.Limits{Day: 1, Desk: 2, Contact: 3, Conversation: 4}
	got := budget.Keys(budget.Lines(all, budget.Who{Desk: "sdr", Contact: 7, Conversation: 9}, now, zone))
	if diff := cmp.Diff([]string{"day/2026-11-21", "desk/2026-11-21/sdr", "contact/2026-11-21/7", "conversation/9"}, got); diff != "" {
		t.Errorf("Lines() (-want +got):\n%s", diff)
	}
	if got := budget.Keys(budget.Lines(all, budget.Who{}, now, nil)); len(got) != 1 || got[0] != "day/2026-11-22" {
		t.Errorf("Lines() for nobody = %v, want the day in UTC", got)
	}
	if got := budget.Lines(budget.Limits{}, budget.Who{Desk: "sdr", Contact: 7, Conversation: 9}, now, zone); len(got) != 0 {
		t.Errorf("Lines() without limits = %v", got)
	}
	for _, l := range budget.Lines(all, budget.Who{Conversation: 9}, now, zone) {
		if ever := l.Key == "conversation/9"; l.Expires.IsZero() != ever {
			t.Errorf("%s expires at %v", l.Key, l.Expires)
		}
	}
	if got := (budget.Limits{Contact: 5}).Or(budget.Limits{Day: 1, Contact: 9}); got != (budget.Limits{Day: 1, Contact: 5}) {
		t.Errorf("Or() = %+v", got)
	}
}

// Whatever a provider may count of a request, the worst case is not less: it never counts
// more tokens of input than there are bytes, nor more of the answer than was allowed.
func FuzzWorst(f *testing.F) {
	f.Add("Você é a recepção.", "Quanto custa?", `{"type":"object"}`, 1024, uint32(4000), uint32(100), uint32(1024))
	f.Fuzz(func(t *testing.T, system, text, schema string, most int, in, cached, out uint32) {
		req := &llm.Request{System: system, MaxTokens: most, Messages: []llm.Message{{Text: text}, {ToolCalls: []llm.ToolCall{{Name: text, Arguments: json.RawMessage(schema)}}}},
			Tools: []llm.Tool{{Name: "t", Description: text, Schema: json.RawMessage(schema)}}}
		bytes := len(system) + 3*len(text) + 2*len(schema)
		if n := budget.MostTokens(req); n < bytes {
			t.Fatalf("MostTokens() = %d for %d bytes", n, bytes)
		}
		usage := llm.Usage{InputTokens: min(int(in), bytes), CachedTokens: int(cached), OutputTokens: min(int(out), max(0, most))}
		if worst, cost := mini.Worst(req), mini.Cost(usage); cost > worst {
			t.Errorf("Cost(%+v) = %d, Worst() = %d", usage, cost, worst)
		}
	})
}
