package agent

import (
	"encoding/json"
	"errors"
	"strings"
	"unicode/utf8"

	"secretaria/internal/conversation"
	"secretaria/internal/fault"
	"secretaria/internal/llm"
)

// finishNote puts together what people read when they get the conversation: why, what
// happened so far, the lead, and the words that led to it.
func (t *turn) finishNote(why string) string {
	parts := []string{why}
	if t.remembers() && !strings.Contains(why, "**Resumo:**") {
		parts = append(parts, "**Resumo:** "+clip(t.mem.Summary, maxSummary))
	}
	if t.a.cfg.Playbook != nil && t.mem.Lead != nil {
		if card := t.a.cfg.Playbook.Card(*t.mem.Lead); card != "" {
			parts = append(parts, card)
		}
	}
	return t.unlinked(t.note(strings.Join(parts, "\n\n")))
}

// note adds the words that led to it, as far as they are not blocked.
func (t *turn) note(head string) string {
	texts := t.readable()
	for i := len(texts) - 1; i >= 0; i-- {
		if text := strings.TrimSpace(texts[i]); text != "" && t.asked[i].Author == conversation.Customer {
			return head + "\n\n**Última mensagem:** " + clip(text, 500)
		}
	}
	return head
}

// handoffNote is why a model gave the conversation away, in its own words.
func (t *turn) handoffNote(args json.RawMessage) string {
	var v struct{ Reason, Summary string }
	// The arguments are the model's: what cannot be read is left out, the handoff stands.
	_ = json.Unmarshal(args, &v)
	parts := []string{"O assistente passou a conversa para uma pessoa."}
	if s := clip(strings.TrimSpace(t.written(v.Reason)), 300); s != "" {
		parts = append(parts, "**Motivo:** "+s)
	}
	if s := clip(strings.TrimSpace(t.written(v.Summary)), 1500); s != "" {
		parts = append(parts, "**Resumo:** "+s)
	}
	return strings.Join(parts, "\n\n")
}

// failureNote says why no model answered: each one's cause, where several were asked.
func failureNote(err error) string {
	var all *llm.Exhausted
	if errors.As(err, &all) && len(all.Failures) > 0 {
		return "O modelo de linguagem não respondeu (" + all.Portuguese() + ")."
	}
	return "O modelo de linguagem não respondeu (" + fault.Code(err) + ")."
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
