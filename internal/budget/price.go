package budget

import (
	"maps"
	"math"
	"math/bits"
	"slices"
	"strings"

	"secretaria/internal/invalid"
	"secretaria/internal/llm"
)

// Price is what a model costs for a million tokens, in the unit of the table.
type Price struct {
	Input, Output Micros
	// Cached is the price of input that the provider had cached; 0: that of Input.
	Cached Micros
}

// Validate names the prices that are below 0 or beyond all reason.
func (p Price) Validate() error {
	var v invalids
	for _, part := range []struct {
		path  string
		price Micros
	}{{"input", p.Input}, {"output", p.Output}, {"cached", p.Cached}} {
		if part.price < 0 || part.price > maxAmount*1_000_000 {
			v.add(invalid.At(part.path, "%v is no price for a million tokens: write it as in 0.15", part.price))
		}
	}
	return v.err()
}

// Prices is a price table: a model's name, or a pattern in which * stands for anything, to
// its price. Names are those of llm.Model ("gemini/gemini-2.5-flash") or their second part
// alone ("gemini-2.5-*").
type Prices map[string]Price

// Validate names the entries that cannot be used.
func (p Prices) Validate() error {
	var v invalids
	for _, pattern := range slices.Sorted(maps.Keys(p)) {
		path := "[" + pattern + "]"
		if strings.TrimSpace(pattern) == "" {
			v.add(invalid.At(path, "a price needs the name of a model, as in gemini-2.5-*"))
		}
		if err := p[pattern].Validate(); err != nil {
			v.add(invalid.Under(path, err))
		}
	}
	return v.err()
}

// Find returns a model's price. Of several patterns that match, the one with most letters of
// its own is the one that is meant, and of those the first in the order of the alphabet.
func (p Prices) Find(model string) (Price, bool) {
	_, short, _ := strings.Cut(model, "/")
	best, found := "", false
	letters := func(s string) int { return len(s) - strings.Count(s, "*") }
	for _, pattern := range slices.Sorted(maps.Keys(p)) {
		if !matches(pattern, model) && (short == "" || !matches(pattern, short)) {
			continue
		}
		if !found || letters(pattern) > letters(best) {
			best, found = pattern, true
		}
	}
	return p[best], found
}

// matches compares without case; * stands for any letters, none included.
func matches(pattern, name string) bool {
	parts := strings.Split(strings.ToLower(pattern), "*")
	name = strings.ToLower(name)
	if len(parts) == 1 {
		return parts[0] == name
	}
	name, ok := strings.CutPrefix(name, parts[0])
	if !ok {
		return false
	}
	last := parts[len(parts)-1]
	for _, part := range parts[1 : len(parts)-1] {
		_, after, ok := strings.Cut(name, part)
		if !ok {
			return false
		}
		name = after
	}
	return strings.HasSuffix(name, last)
}

// Cost is what counted tokens cost, rounded up.
func (p Price) Cost(u llm.Usage) Micros {
	in, cached, out := max(0, u.InputTokens), max(0, u.CachedTokens), max(0, u.OutputTokens)
	cached = min(cached, in)
	price := p.Cached
	if price == 0 {
		price = p.Input
	}
	return times(in-cached, p.Input).plus(times(cached, price)).plus(times(out, p.Output))
}

// times is tokens at a price for a million of them, rounded up; far beyond all money it is
// the greatest amount there is.
func times(tokens int, price Micros) Micros {
	high, low := bits.Mul64(uint64(tokens), uint64(price))
	if high >= 1_000_000 {
		return math.MaxInt64
	}
	cost, rest := bits.Div64(high, low, 1_000_000)
	if cost >= math.MaxInt64 {
		return math.MaxInt64
	}
	if rest > 0 {
		cost++
	}
	return Micros(cost)
}

// Tokens that providers put around what we send: marks of a message's beginning, end and
// role (OpenAI counts 3 or 4: https://github.com/openai/openai-cookbook, "How to count
// tokens with tiktoken"), the frame of a tool's declaration, and the words by which tools
// are explained to a model at all.
const (
	aroundMessage = 16
	aroundTool    = 64
	aroundTools   = 512
)

// MostTokens bounds the input tokens of a request from above. Tokenizers of today fall back
// on single bytes for what they do not know, so that a text never has more tokens than bytes.
// Portuguese has about four bytes to a token, so that the bound is about four times what
// will be counted: a reservation, which lasts as long as the call, and no estimate.
func MostTokens(req *llm.Request) int {
	n := aroundMessage + len(req.System)
	for _, m := range req.Messages {
		n += aroundMessage + len(m.Text) + len(m.ToolCallID) + len(m.ToolName)
		for _, c := range m.ToolCalls {
			n += aroundMessage + len(c.ID) + len(c.Name) + len(c.Arguments) + len(c.Opaque)
		}
	}
	if len(req.Tools) > 0 {
		n += aroundTools
	}
	for _, t := range req.Tools {
		n += aroundTool + len(t.Name) + len(t.Description) + len(t.Schema)
	}
	return n
}

// Worst is what a request may cost at most: all of its input uncached, and all of the answer
// that it allows.
func (p Price) Worst(req *llm.Request) Micros {
	in := max(p.Input, p.Cached) // odd tables, too
	worst := times(MostTokens(req), in).plus(times(max(0, req.MaxTokens), p.Output))
	if worst > 0 {
		worst = worst.plus(1) // Cost rounds one part more
	}
	return worst
}
