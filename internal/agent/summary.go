package agent

import (
	"context"
	"strings"
	"time"

	"secretaria/internal/conversation"
	"secretaria/internal/gate"
	"secretaria/internal/llm"
)

const (
	// summarizeAfter is how many tokens of the dialogue, by estimate, may have fallen out of
	// what a model sees before they are summed up.
	summarizeAfter = 600
	// summaryTokens bounds a summary, in tokens; maxSummary what is kept of it, in characters.
	summaryTokens = 300
	maxSummary    = 1500
	// summaryTimeout is how long an answer may wait for it.
	summaryTimeout = 8 * time.Second
)

// summarize sums up what a model does not see any more, together with the summary before. It
// is done rarely and may fail: then the customer's last words stand in for it.
func (t *turn) summarize(ctx context.Context) {
	var old []conversation.Message
	for i, m := range t.in.History[:max(0, len(t.in.History)-t.shown)] {
		if m.ID > t.mem.Through && !t.hidden[i] {
			old = append(old, m)
		}
	}
	cost := 0
	for _, m := range old {
		cost += tokens(t.line(m))
	}
	if cost < summarizeAfter || t.d.Model == "" || t.d.Outcome == ModelFailed {
		return
	}
	t.mem.Through, t.mem.SummaryAt = old[len(old)-1].ID, t.in.Now
	text := ""
	if !t.offline() {
		text = t.summed(ctx, old)
	}
	if text == "" {
		text = digest(t.mem.Summary, old)
	}
	t.mem.Summary = clip(text, maxSummary)
}

// summed asks the model, "" where it does not say.
func (t *turn) summed(ctx context.Context, old []conversation.Message) string {
	fence := llm.Fence(t.a.mark())
	var b strings.Builder
	if t.mem.Summary != "" {
		b.WriteString("[resumo até aqui] " + t.mem.Summary + "\n\n")
	}
	for _, m := range old {
		who := "[assistente] "
		switch m.Author {
		case conversation.Customer:
			who = "[cliente] "
		case conversation.Person, conversation.System:
			who = "" // line says who
		}
		b.WriteString(who + t.line(m) + "\n")
	}
	ctx, cancel := context.WithTimeout(ctx, summaryTimeout)
	defer cancel()
	resp, err := t.generate(ctx, &llm.Request{System: strings.ReplaceAll(t.a.summary, "{fence}", fence.Open()), Fence: fence,
		Messages: []llm.Message{{Role: llm.User, Text: fence.Wrap(strings.TrimSpace(b.String()))}}, MaxTokens: summaryTokens, Subject: t.subject()})
	if err != nil {
		return ""
	}
	t.d.Usage = t.d.Usage.Add(resp.Usage)
	text := visible(fence.Unwrap(resp.Text))
	if resp.Finish == llm.Length {
		text = whole(text)
	}
	if !t.sayable(text) {
		return ""
	}
	// It was told things of its own in confidence.
	answered := t.secrets
	t.secrets = gate.NewSecrets(t.a.summary, []string{string(fence)})
	defer func() { t.secrets = answered }()
	if !t.sayable(text) {
		return ""
	}
	return text
}

// digest is a summary without a model: what the customer said last of the old.
func digest(before string, old []conversation.Message) string {
	var said []string
	room := maxSummary / 2
	for i := len(old) - 1; i >= 0 && room > 0; i-- {
		text := clip(strings.Join(strings.Fields(old[i].Content.Text), " "), 160)
		if old[i].Author != conversation.Customer || text == "" {
			continue
		}
		said = append([]string{"«" + text + "»"}, said...)
		room -= len(text)
	}
	text := "O cliente disse: " + strings.Join(said, " ")
	if before == "" {
		return text
	}
	return clip(before, maxSummary/2) + "\n" + text
}
