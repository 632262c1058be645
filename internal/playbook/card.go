package playbook

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"secretaria/internal/slot"
)

// Card is what people read of a lead, in Markdown: what is known and in whose words, what was
// refused, and every point of the score.
func (p *Playbook) Card(lead Lead) string {
	var b strings.Builder
	fmt.Fprintf(&b, "**Lead:** %s\n", stateText(lead.State))
	var missing []string
	for _, key := range p.keys(lead) {
		v, has := lead.Value(key)
		_, asked := p.slot(key)
		label := written(p.label(key))
		switch {
		case has:
			shown, said := p.shown(Fact{key, v}), quoted(v.Quotes)
			if len(v.Quotes) == 1 && v.Quotes[0].Text == shown {
				said = "" // his words as they stand
			}
			fmt.Fprintf(&b, "- **%s:** %s%s\n", label, clip(written(shown), 300), said)
		case lead.refused(key):
			fmt.Fprintf(&b, "- **%s:** não quis informar\n", label)
		case asked:
			missing = append(missing, label)
		}
	}
	if len(missing) > 0 {
		fmt.Fprintf(&b, "- **Não informado:** %s\n", strings.Join(missing, ", "))
	}
	scored := p.Rate(lead)
	fmt.Fprintf(&b, "\n**Pontuação:** %d de %d (%s)\n", scored.Points, scored.Max, scored.Version)
	for _, pt := range scored.Rules {
		label := pt.Label
		if label == "" {
			label = pt.Rule
		}
		fmt.Fprintf(&b, "- %+d %s%s\n", pt.Points, written(label), quoted(pt.Quotes))
	}
	return strings.TrimRight(b.String(), "\n")
}

func stateText(s State) string {
	switch s {
	case New, "":
		return "novo"
	case Qualifying:
		return "em qualificação"
	case Qualified:
		return "qualificado"
	case Disqualified:
		return "sem interesse"
	case Nurturing:
		return "para acompanhar"
	case Scheduled:
		return "horário oferecido"
	case HandedOver:
		return "com uma pessoa"
	}
	return written(string(s))
}

func quoted(quotes []slot.Quote) string {
	var list []string
	for _, q := range quotes {
		list = append(list, "“"+clip(written(q.Text), 120)+"”")
	}
	if len(list) == 0 {
		return ""
	}
	return " — " + strings.Join(list, ", ")
}

// written puts a customer's words on one line of Markdown, where they mean nothing else.
func written(s string) string {
	var b strings.Builder
	for _, w := range strings.Fields(s) {
		if b.Len() > 0 {
			b.WriteByte(' ')
		}
		for _, r := range w {
			switch {
			case unicode.IsControl(r):
				continue
			case strings.ContainsRune("\\`*[]<>|#~", r):
				b.WriteByte('\\')
			}
			b.WriteRune(r)
		}
	}
	return b.String()
}

// clip cuts at a rune, not behind an escape.
func clip(s string, runes int) string {
	if utf8.RuneCountInString(s) <= runes {
		return s
	}
	return strings.TrimRight(string([]rune(s)[:runes]), "\\") + "…"
}

// Attributes are what a helpdesk keeps of a lead: keys that begin with "lead_", plain values.
func (p *Playbook) Attributes(lead Lead) map[string]string {
	scored := p.Rate(lead)
	all := map[string]string{
		"lead_state":     string(p.adopt(lead).State),
		"lead_score":     strconv.Itoa(scored.Points),
		"lead_score_max": strconv.Itoa(scored.Max),
	}
	for _, key := range p.keys(lead) {
		if v, ok := lead.Value(key); ok {
			all["lead_"+key] = clip(strings.Join(strings.Fields(v.String()), " "), 300)
		}
	}
	return all
}

// Arguments are what a workflow gets of a lead: a JSON object whose keys stay. Every slot is
// under its key (team_size a number, tools and times lists, times in RFC 3339) when it has a
// value, slots of one's own under "other"; then state, score with its rules, what was refused
// and given up, and the quotes of each slot. The same lead gives the same bytes.
func (p *Playbook) Arguments(lead Lead, workflow string) json.RawMessage {
	lead = p.adopt(lead)
	out := map[string]any{
		"workflow": workflow,
		"playbook": map[string]string{"name": p.Name, "version": p.Version},
		"state":    lead.State,
		"score":    p.Rate(lead),
	}
	other := map[string]string{}
	quotes := map[string][]slot.Quote{}
	refused, skipped := []string{}, append([]string{}, lead.Skipped...)
	for _, key := range p.keys(lead) {
		if lead.refused(key) {
			refused = append(refused, key)
		}
		v, ok := lead.Value(key)
		if !ok {
			continue
		}
		if len(v.Quotes) > 0 {
			quotes[key] = v.Quotes
		}
		n, err := strconv.Atoi(v.Text)
		switch {
		case own(p.kind(key)) || p.kind(key) == "":
			other[key] = v.String()
		case v.Kind == slot.TeamSize && err == nil:
			out[key] = n
		case v.List != nil:
			out[key] = v.List
		default:
			out[key] = v.Text
		}
	}
	out["other"], out["quotes"], out["refused"], out["skipped"] = other, quotes, refused, skipped
	raw, err := json.Marshal(out)
	if err != nil { // strings, numbers and lists of them
		return json.RawMessage(`{}`)
	}
	return raw
}
