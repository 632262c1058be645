package house

import (
	"slices"
	"strings"
)

// Prompt is the hits as a prompt shows them, "" for none: between tags, each fact beneath a
// heading that says what it is about, with its source. What the house's files say cannot end
// the tags, begin a heading or look like one of ours.
func Prompt(hits []Hit) string {
	if len(hits) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString("<conhecimento>\n")
	for _, h := range hits {
		b.WriteString("<fact source=\"" + attribute(h.Source.String()) + "\">\n")
		if title := strings.Join(strings.Fields(harmless(h.Title)), " "); title != "" {
			b.WriteString("# " + title + "\n")
		}
		b.WriteString(harmless(h.Text) + "\n</fact>\n")
	}
	b.WriteString("</conhecimento>")
	return b.String()
}

// harmless is a text without what has a meaning in our prompts.
func harmless(text string) string {
	text = strings.NewReplacer("<", "‹", ">", "›", "\r", "").Replace(text)
	lines := strings.Split(strings.TrimSpace(text), "\n")
	for i, l := range lines {
		if t := strings.TrimSpace(l); strings.HasPrefix(t, "#") || strings.HasPrefix(t, "```") {
			l = strings.TrimLeft(t, "#` ")
		}
		lines[i] = strings.TrimRight(l, " \t")
	}
	return strings.Join(slices.DeleteFunc(lines, func(l string) bool { return l == "" }), "\n")
}

func attribute(s string) string {
	return strings.NewReplacer("\"", "'", "<", "‹", ">", "›", "\n", " ").Replace(s)
}

// Cite names the places of the hits, each once, in order: "precos.yaml:12".
func Cite(hits []Hit) []string {
	var out []string
	for _, h := range hits {
		if s := h.Source.String(); !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}
