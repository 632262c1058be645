package workflow

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

// maxFields bounds what a note lists of a result.
const maxFields = 12

// Note tells people what came of a call, in their helpdesk: CommonMark in Portuguese, at most
// some 13,000 characters. Like in a reply every value is one line whose signs format nothing,
// and an address that is not plainly http or https is left out.
func (n News) Note() string {
	values, err := object(n.Result)
	if err != nil {
		values = nil // none, or none that can be shown
	}
	var b strings.Builder
	b.WriteString("**" + escape(n.Workflow) + "**: ")
	if n.Failed {
		b.WriteString("não deu certo")
		if cause, ok := values[failureCause].(string); ok {
			b.WriteString(" (" + shown(cause) + ")")
		}
		b.WriteString(". Verifique no fluxo o que chegou a ser feito antes de repetir.")
		return b.String()
	}
	b.WriteString("concluído.")
	keys := slices.Sorted(maps.Keys(values))
	for i, key := range keys {
		if b.WriteString("\n"); i == 0 {
			b.WriteString("\n")
		}
		if i == maxFields {
			fmt.Fprintf(&b, "- … e mais %d", len(keys)-i)
			break
		}
		b.WriteString("- " + escape(word(key)) + ": " + shown(values[key]))
	}
	return b.String()
}

// shown is a value of a result as people read it.
func shown(v any) string {
	var s string
	switch v := v.(type) {
	case nil:
		return "—"
	case string:
		s = v
	case json.Number:
		s = v.String()
	case bool:
		if v {
			return "sim"
		}
		return "não"
	default:
		raw, err := encode(v)
		if err != nil {
			return "(omitido)"
		}
		s = string(raw)
	}
	if utf8.RuneCountInString(s) > maxValue {
		s = string([]rune(s)[:maxValue-1]) + "…"
	}
	text, err := plain(s)
	if err != nil {
		return "(omitido)"
	}
	return text
}
