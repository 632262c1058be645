package agent

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"secretaria/internal/gate"
	"secretaria/internal/phrase"
	"secretaria/internal/workflow"
)

// What a workflow that a model starts is about is the session's to say: the customer of this
// conversation. And what it is told of amounts and times is checked here, where it takes effect.

// Names under which workflows take who it is about, as plainKey writes them. None is changed.
var (
	phoneKeys        = []string{"phone", "phonenumber", "telefone", "fone", "celular", "whatsapp", "numero"}
	nameKeys         = []string{"name", "nome", "contactname", "nomedocliente"}
	conversationKeys = []string{"conversation", "conversationid", "conversa", "conversaid", "idconversa"}
	contactKeys      = []string{"contact", "contactid", "contatoid", "clienteid", "customerid", "idcliente"}
)

// plainKey is a name of an argument in lower case without signs: contactId is contact_id.
func plainKey(key string) string {
	return strings.Map(func(r rune) rune {
		if r == '_' || r == '-' || r == ' ' || r == '.' {
			return -1
		}
		return unicode.ToLower(r)
	}, key)
}

// session puts the subject of the session into the arguments of a model: what it names there
// itself is not asked for.
func (t *turn) session(w workflow.Declared, arguments json.RawMessage) json.RawMessage {
	args, ok := objectOf(arguments)
	if !ok {
		return arguments // refused by the schema
	}
	known := map[string]any{}
	if t.a.cfg.Playbook != nil && t.mem.Lead != nil {
		lead := *t.mem.Lead
		if t.step != nil {
			lead = t.step.Lead
		}
		known, _ = objectOf(t.a.cfg.Playbook.Arguments(lead, w.Name))
	}
	// What the workflow does not ask for is not the model's to add.
	if declared := properties(w.Arguments); declared != nil {
		maps.DeleteFunc(args, func(key string, _ any) bool { return !declared[key] })
	}
	t.subjectOf(args, known)
	b, err := json.Marshal(args)
	if err != nil {
		return arguments
	}
	return b
}

// properties are the names that a schema of an object has, nil where it has none or takes any.
func properties(schema json.RawMessage) map[string]bool {
	var s struct {
		Properties map[string]json.RawMessage
		Additional any `json:"additionalProperties"`
	}
	if json.Unmarshal(schema, &s) != nil || len(s.Properties) == 0 || s.Additional != nil && s.Additional != false {
		return nil
	}
	out := map[string]bool{}
	for name := range s.Properties {
		out[name] = true
	}
	return out
}

// subjectOf sets whom it is about, wherever in the arguments that stands.
func (t *turn) subjectOf(v any, known map[string]any) {
	id := func(was any, id int64) any {
		if _, number := was.(json.Number); number {
			return id
		}
		return strconv.FormatInt(id, 10)
	}
	switch v := v.(type) {
	case []any:
		for _, inner := range v {
			t.subjectOf(inner, known)
		}
	case map[string]any:
		for key, was := range v {
			switch plain := plainKey(key); {
			case slices.Contains(conversationKeys, plain):
				v[key] = id(was, int64(t.in.Conversation))
			case slices.Contains(contactKeys, plain):
				v[key] = id(was, int64(t.in.Contact))
			case known[key] != nil && (slices.Contains(phoneKeys, plain) || slices.Contains(nameKeys, plain) || key == "email" || key == "cnpj" || key == "company"):
				v[key] = known[key]
			case slices.Contains(phoneKeys, plain) && t.in.Phone != "":
				v[key] = t.in.Phone
			case slices.Contains(nameKeys, plain) && t.profile.Name != "":
				v[key] = t.profile.Name
			default:
				t.subjectOf(was, known)
			}
		}
	}
}

// unfounded says what is wrong with the arguments that a model wants to start a workflow with,
// "" for nothing, in words for the model. What they name must have been said, nobody else's
// data is in them, an amount is the house's and not only the customer's, a name is in the
// customer's own words, and a time lies ahead and within the opening hours.
func (t *turn) unfounded(arguments json.RawMessage) string {
	args, ok := objectOf(arguments)
	if !ok {
		return ""
	}
	for _, key := range slices.Sorted(maps.Keys(args)) {
		if name, ok := args[key].(string); ok && slices.Contains(nameKeys, plainKey(key)) && name != t.profile.Name && !t.customerSaid(name) && !strings.Contains(" "+phrase.Words(t.in.ContactName)+" ", " "+phrase.Words(name)+" ") {
			return key + ": not in the customer's words"
		}
	}
	if why := t.untimely(args); why != "" {
		return why
	}
	text := flat("", args)
	c := t.grounds()
	v := gate.Check(text, &c)
	v.Findings = slices.DeleteFunc(v.Findings, func(f gate.Finding) bool {
		switch f.Kind {
		case gate.Day, gate.Hour:
			return true // a time of the customer's choice; untimely has looked at it
		case gate.Phone:
			return t.in.Phone != "" && strings.Contains(digits(text[f.From:f.To]), digits(t.in.Phone))
		}
		return f.Kind == gate.Claim || f.Why == gate.CustomerOnly
	})
	// What only the customer says is no price, no discount and no address to go to.
	c.Grounds.Customer = nil
	for _, f := range gate.Check(text, &c).Findings {
		switch f.Kind {
		case gate.Money, gate.Percent, gate.Link, gate.Image:
			v.Findings = append(v.Findings, f)
		}
	}
	return v.Reason(text, "en")
}

// untimely says which point in time lies behind us or outside the opening hours.
func (t *turn) untimely(args map[string]any) string {
	for _, key := range slices.Sorted(maps.Keys(args)) {
		if why := t.pointsInTime(args[key]); why != "" {
			return key + ": " + why
		}
	}
	return ""
}

// pointsInTime says what is wrong with the points in time in a value, "" for nothing.
func (t *turn) pointsInTime(v any) string {
	why := ""
	switch v := v.(type) {
	case []any:
		for _, inner := range v {
			why = cmp.Or(why, t.pointsInTime(inner))
		}
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			why = cmp.Or(why, t.pointsInTime(v[key]))
		}
	case string:
		at, err := time.Parse(time.RFC3339, strings.TrimSpace(v))
		switch open := t.a.cfg.Open; {
		case err != nil:
		case at.Before(t.in.Now):
			return "lies in the past"
		case open.Zone != nil && !open.Open(at.In(open.Zone)):
			return "outside the opening hours"
		}
	}
	return why
}

func digits(s string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, s)
}

// objectOf reads an object; false for anything else.
func objectOf(raw json.RawMessage) (map[string]any, bool) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v map[string]any
	if d.Decode(&v) != nil || v == nil {
		return nil, false
	}
	return v, true
}

// flat writes values as lines with their keys, for whoever reads texts.
func flat(key string, v any) string {
	switch v := v.(type) {
	case map[string]any:
		var b strings.Builder
		for _, k := range slices.Sorted(maps.Keys(v)) {
			b.WriteString(flat(k, v[k]))
		}
		return b.String()
	case []any:
		var b strings.Builder
		for _, inner := range v {
			b.WriteString(flat(key, inner))
		}
		return b.String()
	case nil:
		return ""
	}
	return fmt.Sprintf("%s: %v\n", strings.ReplaceAll(key, "_", " "), v)
}
