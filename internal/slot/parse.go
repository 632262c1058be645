package slot

import (
	"strconv"
	"strings"
	"time"

	"secretaria/internal/portuguese"
)

// Parse checks a candidate for a slot, for instance what a model extracted, and puts it into
// the kind's one form. now, in the zone of the house, is what days and hours are relative
// to. Its own results come back unchanged. The value has no quotes: whoever calls knows where
// the candidate came from. Errors are of type *Refusal.
func Parse(kind Kind, text string, now time.Time) (Value, error) {
	v := Value{Kind: kind}
	var code Code
	if len(text) > maxMessage {
		return Value{}, &Refusal{kind, TooLong}
	}
	switch kind {
	case Name:
		v.Text, code = parseName(text)
	case Company, Role, Pain, Free:
		v.Text, code = parseText(text)
	case Tools:
		v.List, code = parseTools(text)
	case TeamSize:
		v.Text, code = parseTeam(text)
	case Email:
		v.Text, code = parseEmail(text)
		if code != "" {
			if found := emails(newLine(0, text)); len(found) == 1 {
				v.Text, code = found[0].value.Text, ""
			}
		}
	case Phone:
		v.Text, code = parsePhoneText(text)
	case CNPJ:
		v.Text, code = parseCNPJ(text)
	case Times:
		v.List, code = parseTimes(text, now)
	case YesNo:
		v.Text, code = parseYesNo(text)
	default:
		code = Unknown
	}
	if code != "" {
		return Value{}, &Refusal{kind, code}
	}
	return v, nil
}

func parsePhoneText(text string) (string, Code) {
	if strings.Trim(text, "0123456789+-.() \u00a0") == "" {
		return parsePhone(text)
	}
	found, local := phones(newLine(0, text), true)
	switch {
	case len(found) == 1:
		return found[0].value.Text, ""
	case len(found) == 0 && len(local) == 1:
		return "", NoAreaCode
	}
	return "", Malformed
}

func parseTools(text string) ([]string, Code) {
	var list []string
	for item := range strings.SplitSeq(text, ",") {
		if item, code := parseText(item); code == "" {
			list = append(list, item)
		}
	}
	switch {
	case len(list) == 0:
		return nil, Empty
	case len(list) > 12:
		return nil, TooLong
	}
	return list, ""
}

// parseTeam reads a number of people: "12", "doze pessoas", "eu e mais três".
func parseTeam(text string) (string, Code) {
	l := newLine(0, text)
	if len(l.tokens) == 0 {
		return "", Empty
	}
	n := -1
	if g := groups(l, make([]bool, len(l.tokens)+1)); len(g) == 1 && g[0].score >= 0 {
		n = g[0].n
	} else if _, _, ok := alone(l, true); ok && len(g) == 0 {
		n = 1
	}
	switch {
	case n < 0:
		return "", Malformed
	case n == 0 || n > maxTeam:
		return "", OutOfRange
	}
	return strconv.Itoa(n), ""
}

// parseTimes reads instants in RFC 3339 with ", " between, or words.
func parseTimes(text string, now time.Time) ([]string, Code) {
	if strings.TrimSpace(text) == "" {
		return nil, Empty
	}
	var list []string
	for item := range strings.SplitSeq(text, ",") {
		at, err := time.Parse(time.RFC3339, strings.TrimSpace(item))
		if err != nil {
			list = nil
			break
		}
		list = append(list, at.In(now.Location()).Format(time.RFC3339))
	}
	if list == nil {
		t := &turn{ask: Times, bot: newLine(-1, ""), now: now, learned: map[Kind]Value{}, lines: []*line{newLine(0, text)}, state: State{Values: map[Kind]Value{}}}
		if len(portuguese.Items(t.lines[0].tokens, now, true)) == 0 {
			return nil, Malformed
		}
		t.timesOf()
		list = t.learned[Times].List
	}
	switch {
	case len(list) == 0:
		return nil, NoHour
	case len(list) > maxTimes:
		return nil, TooLong
	}
	return list, ""
}
