package agent

import (
	"fmt"
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"secretaria/internal/conversation"
	"secretaria/internal/llm"
)

// maxText bounds one message in the prompt, in characters.
const maxText = 4000

// request builds the call: the prompt is ours alone; what people wrote is only ever in the
// dialogue.
func (a *Agent) request(in Input) *llm.Request {
	hours := ""
	if a.cfg.Hours != "" {
		hours = "\nHorário de atendimento da equipe: " + a.cfg.Hours + "."
	}
	system := strings.NewReplacer("{persona}", a.cfg.Persona, "{now}", clock(in.Now.In(a.cfg.Location)), "{hours}", hours).Replace(a.system)
	return &llm.Request{System: strings.TrimSpace(system), Messages: a.dialogue(in), Tools: tools(), MaxTokens: a.cfg.MaxTokens}
}

func clock(t time.Time) string {
	days := [...]string{"domingo", "segunda-feira", "terça-feira", "quarta-feira", "quinta-feira", "sexta-feira", "sábado"}
	return fmt.Sprintf("Hoje é %s, %s, %s (%s).", days[t.Weekday()], t.Format("02/01/2006"), t.Format("15:04"), t.Format("MST"))
}

// dialogue is what was said, newest last, within the budget: everything pending, and as
// much of the history as fits before it.
func (a *Agent) dialogue(in Input) []llm.Message {
	all := append(append([]conversation.Message(nil), in.History...), in.Pending...)
	budget, from := a.cfg.Budget, len(all)
	for from > 0 {
		m := all[from-1]
		cost := tokens(line(m))
		history := from <= len(in.History)
		if history && (cost > budget || len(all)-from >= a.cfg.MaxMessages+len(in.Pending) || a.cfg.MaxAge > 0 && in.Now.Sub(m.At) > a.cfg.MaxAge) {
			break
		}
		budget -= cost
		from--
	}
	var out []llm.Message
	for _, m := range all[from:] {
		role := llm.Assistant
		if m.Author == conversation.Customer {
			role = llm.User
		}
		if n := len(out); n > 0 && out[n-1].Role == role {
			out[n-1].Text += "\n" + line(m)
			continue
		}
		if len(out) == 0 && role == llm.Assistant {
			continue // a dialogue begins with the customer
		}
		out = append(out, llm.Message{Role: role, Text: line(m)})
	}
	return out
}

// line is a message in the dialogue. People of the house and automations speak as
// assistants too, and are marked, so that the model does not take their promises for its own.
func line(m conversation.Message) string {
	text := clip(strings.TrimSpace(m.Content.Text), maxText)
	if m.Content.Kind != conversation.Text {
		if text = strings.TrimSpace("[" + word(m.Content.Kind) + "] " + text); !m.Content.Readable() {
			text = "[" + word(m.Content.Kind) + " que você não pode ver nem ouvir]"
		}
	}
	switch m.Author {
	case conversation.Person:
		return "[atendente humano] " + text
	case conversation.System:
		return "[mensagem automática] " + text
	}
	return text
}

func word(k conversation.Kind) string {
	switch k {
	case conversation.Image:
		return "imagem"
	case conversation.Audio:
		return "áudio"
	case conversation.Video:
		return "vídeo"
	case conversation.Document:
		return "documento"
	case conversation.Sticker:
		return "figurinha"
	case conversation.Location:
		return "localização"
	case conversation.Contact:
		return "contato"
	case conversation.Order:
		return "pedido"
	case conversation.Poll:
		return "enquete"
	}
	return "mensagem"
}

// tokens estimates; Portuguese runs at about three and a half bytes a token.
func tokens(s string) int { return len(s)*2/7 + 4 }

// unreadable says whether there are no words at all among the pending messages, and which
// kind came last.
func unreadable(pending []conversation.Message) (conversation.Kind, bool) {
	var kind conversation.Kind
	for _, m := range pending {
		if m.Content.Readable() {
			return "", false
		}
		kind = m.Content.Kind
	}
	return kind, true
}

// askToWrite is never silence: what cannot be read yet is asked for in words.
func askToWrite(k conversation.Kind) string {
	switch k {
	case conversation.Audio:
		return "Ainda não consigo ouvir áudios por aqui. Pode me escrever a sua mensagem, por favor?"
	case conversation.Image, conversation.Video:
		return "Recebi, mas ainda não consigo ver imagens e vídeos por aqui. Pode me contar por escrito como posso ajudar?"
	case conversation.Document:
		return "Recebi o arquivo, mas ainda não consigo abri-lo por aqui. Pode me contar por escrito do que se trata?"
	case conversation.Sticker:
		return "Recebi a sua figurinha! 🙂 Como posso ajudar? Se puder, me escreva."
	}
	return "Recebi a sua mensagem, mas não consigo ler este formato por aqui. Pode me escrever, por favor?"
}

// keyword returns the first keyword that a pending message contains as whole words.
func (a *Agent) keyword(pending []conversation.Message) string {
	for _, m := range pending {
		text := " " + fold(m.Content.Text) + " "
		for _, k := range a.keywords {
			if strings.Contains(text, " "+k+" ") {
				return k
			}
		}
	}
	return ""
}

// fold lowers case and drops accents and punctuation, so that "Falar com HUMANO!" and
// "falar com humano" are the same words.
func fold(s string) string {
	var b strings.Builder
	space := true
	for _, r := range norm.NFKD.String(s) {
		switch {
		case unicode.Is(unicode.Mn, r):
		case unicode.IsLetter(r) || unicode.IsDigit(r):
			b.WriteRune(unicode.ToLower(r))
			space = false
		case !space:
			b.WriteByte(' ')
			space = true
		}
	}
	return strings.TrimSpace(b.String())
}
