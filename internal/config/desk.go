package config

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"secretaria/internal/agent"
	"secretaria/internal/budget"
	"secretaria/internal/hours"
	"secretaria/internal/invalid"
	"secretaria/internal/playbook"
)

// The desks that are built in.
const (
	secretariaDesk = "secretaria"
	sdrDesk        = "sdr"
)

func builtIn() []string { return []string{secretariaDesk, sdrDesk} }

// deskInFolder is the file of a desk that is a folder.
const deskInFolder = "desk.yaml"

// desks are the two that are built in, as the file changes them, and those it adds.
func (d *draft) desks() {
	var file *section
	if d.root != nil {
		file = d.root.section("desks")
	}
	x := &decoder{d: d, file: d.file}
	for _, name := range builtIn() {
		desk := d.single.desk
		desk.Name = name
		desk.Persona, _ = agent.Persona(name)
		if name == sdrDesk {
			desk.Playbook = playbook.Default()
		}
		if n := file.get(name); !isNull(n) {
			desk = x.desk(desk, file.join(name), n, true)
		}
		d.o.Desks = append(d.o.Desks, desk)
	}
	for _, k := range file.keys() {
		if slices.Contains(builtIn(), k.Value) {
			continue
		}
		path := file.join(k.Value)
		if !nameForm.MatchString(k.Value) {
			d.problem(path, place(d.file, k.Line), "a name has lower-case letters, digits, '.', '_' and '-', at most 63")
			continue
		}
		n := file.get(k.Value)
		if isNull(n) {
			d.problem(path, place(d.file, k.Line), "needs persona, or like with one of %s", quoted(builtIn()))
			continue
		}
		desk := d.single.desk
		desk.Name = k.Value
		d.o.Desks = append(d.o.Desks, x.desk(desk, path, n, false))
	}
	for i := range d.o.Desks {
		desk := &d.o.Desks[i]
		if desk.Playbook != nil && desk.Workflows == nil {
			desk.Workflows = d.single.workflows
		}
		if desk.Open.Zone == nil && desk.Hours != "" && desk.Hours == d.single.desk.Hours {
			d.openByWords(desk, desk.Hours, d.found["BUSINESS_HOURS"].name("BUSINESS_HOURS"))
		}
	}
}

// desk reads a desk that stands at a node, or in the file that the node names.
func (x *decoder) desk(desk agent.Config, path string, n *yaml.Node, known bool) agent.Config {
	var f deskFile
	before := len(x.d.problems)
	switch {
	case n.Kind == yaml.ScalarNode:
		x.decodeInto(path, n, &f.File)
	default:
		x.decodeInto(path, n, &f)
	}
	if f.File.node != nil {
		if n.Kind == yaml.MappingNode && len(n.Content) > 2 {
			x.problem(f.File.path, f.File.node, "stands alone: the other keys belong into that file")
		}
		inner, root := x.include(f.File.path, f.File.node, x.deskIn(f.File.Value))
		if root == nil {
			return desk
		}
		f, path, n, x = deskFile{}, "", root, inner
		x.decodeInto(path, n, &f)
		if f.File.node != nil {
			x.problem(f.File.path, f.File.node, "the file of a desk names no other")
		}
	}
	x.who(&desk, &f, path, n, known, len(x.d.problems) > before)
	x.when(&desk, &f)
	x.people(&desk, &f, path)
	x.remember(&desk, &f)
	x.money(&desk, &f)
	x.playbook(&desk, &f)
	x.workflows(&desk, &f, path, n)
	x.house(&desk, &f)
	x.safety(&desk, &f)
	return desk
}

// safety is what may come in and go out.
func (x *decoder) safety(desk *agent.Config, f *deskFile) {
	s := f.Safety
	desk.Safety = agent.Safety{Deflection: strings.TrimSpace(s.Deflection), SecondLook: s.SecondLook, Disclosure: strings.TrimSpace(s.Disclosure), Pseudonyms: s.Pseudonyms}
	if v := s.Message; v.node != nil {
		if v.Value < 100 || v.Value > 20_000 {
			x.problem(v.path, v.node, "%d is not between 100 and 20000", v.Value)
		}
		desk.Safety.MessageLimit = v.Value
	}
	for _, host := range s.Links.Value {
		if !hostForm.MatchString(host) {
			x.problem(s.Links.path, s.Links.node, "%q is no host: write exemplo.com.br, without https:// and without a path", host)
			continue
		}
		desk.Safety.Links = append(desk.Safety.Links, strings.ToLower(host))
	}
}

var hostForm = regexp.MustCompile(`(?i)^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)+$`)

// deskIn is the file that is meant by the name of a file or a folder.
func (x *decoder) deskIn(name string) string {
	shown, err := x.beside(name)
	if err != nil {
		return name
	}
	if info, err := os.Stat(x.d.at(shown)); err == nil && info.IsDir() {
		return filepath.Join(name, deskInFolder)
	}
	return name
}

// who is the persona with what it speaks and which rules it keeps.
func (x *decoder) who(desk *agent.Config, f *deskFile, path string, n *yaml.Node, known, broken bool) {
	switch {
	case f.Like.node != nil && f.Persona.node != nil:
		x.problem(f.Persona.path, f.Persona.node, "is set, and so is like: which of them is meant?")
	case f.Like.node != nil:
		text, ok := agent.Persona(f.Like.Value)
		if !ok || !slices.Contains(builtIn(), f.Like.Value) {
			x.problem(f.Like.path, f.Like.node, "%q is not one of %s", f.Like.Value, quoted(builtIn()))
		}
		desk.Persona, desk.Playbook = text, nil
		if f.Like.Value == sdrDesk {
			desk.Playbook = playbook.Default()
		}
	case f.Persona.node != nil:
		desk.Persona = f.Persona.Value.Text
	case !known && !broken:
		x.problem(path, n, "needs persona, or like with one of %s", quoted(builtIn()))
	}
	if l := f.Language; l.node != nil {
		if all := []string{"pt-BR", "en", "es"}; !slices.Contains(all, l.Value) {
			x.problem(l.path, l.node, "%q is not one of %s", l.Value, quoted(all))
		}
		desk.Language = l.Value
	}
	desk.Rules = f.Rules.Text
	desk.Greeting, desk.Closed, desk.OnlyOpen = f.Greeting, f.Closed, f.OnlyOpen
	desk.Loops = agent.Loops{Exchanges: f.Loops.Exchanges, Turns: f.Loops.Turns}
}

// when reads the hours, in the new form or in the words of 0.1.0.
func (x *decoder) when(desk *agent.Config, f *deskFile) {
	h, words := f.Hours, f.Words
	zoned := f.Zone
	if h.Value.Zone.node != nil {
		once(x, &zoned, &h.Value.Zone)
	}
	if zoned.node != nil {
		loc, err := zone(zoned.Value)
		if err != nil {
			x.problem(zoned.path, zoned.node, "%v", err)
		} else {
			desk.Location = loc
		}
	}
	switch {
	case h.node != nil && words.node != nil:
		x.problem(h.path, h.node, "is set, and so is business_hours: which of them is meant?")
	case h.node != nil:
		form := hours.Form{Week: h.Value.Week.Line, Holidays: h.Value.Holidays}
		for _, day := range h.Value.Week.ByDay {
			if form.ByDay == nil {
				form.ByDay = map[string]string{}
			}
			form.ByDay[day.Name] = day.Value
		}
		form.Zone = desk.Location.String()
		open, err := hours.Parse(form)
		x.complain(h.path, h.node, err)
		desk.Open, desk.Hours = open, ""
	case words.node != nil:
		if err := timesOfDay(words.Value); err != nil {
			x.problem(words.path, words.node, "%v", err)
		}
		x.d.openByWords(desk, words.Value, words.path)
	}
}

// openByWords takes hours in words for hours, where they can be read as such. Where they
// cannot they are what they were before: words for the customer.
func (d *draft) openByWords(desk *agent.Config, text, path string) {
	desk.Hours = text
	open, err := hours.Parse(hours.Form{Zone: desk.Location.String(), Week: text})
	if err != nil {
		d.note("%s: told to customers as it stands, and not understood as hours (%s): nothing is closed", path, invalid.Fields(err)[0].Text)
		desk.Open = hours.Hours{}
		return
	}
	desk.Open = open
}

// once says that one thing is set under two names; else the second takes the first's place.
func once[T any](x *decoder, old, now *located[T]) {
	if now.node == nil {
		return
	}
	if old.node != nil {
		x.problem(now.path, now.node, "is set, and so is %s: which of them is meant?", old.path)
	}
	*old = *now
}

// people says when people get a conversation, and which.
func (x *decoder) people(desk *agent.Config, f *deskFile, path string) {
	h := f.Handoff
	once(x, &f.Keywords, &h.Keywords)
	if f.Keywords.node != nil {
		if len(f.Keywords.Value) == 0 {
			x.problem(f.Keywords.path, f.Keywords.node, "is a list without anything in it")
		}
		desk.Keywords = f.Keywords.Value
	}
	once(x, &f.Transfer, &h.Message)
	if f.Transfer.node != nil && f.Transfer.Value != "" {
		desk.Transfer = f.Transfer.Value
	}
	desk.Handoff = agent.HandoffRules{Failures: h.Failures.Value, Patient: h.Angry.node != nil && !h.Angry.Value, Team: h.Team, Person: h.Person, Labels: h.Labels}
	if h.Failures.node != nil && h.Failures.Value == 0 {
		x.problem(h.Failures.path, h.Failures.node, "%v", errNotZero)
	}
	for _, t := range h.Topics {
		if len(t.Value) == 0 {
			x.problem(join(path, "handoff.topics."+t.Name), t.Node, "needs words or phrases that show it")
		}
		desk.Handoff.Topics = append(desk.Handoff.Topics, agent.Topic{Reason: t.Name, Phrases: t.Value})
	}
}

// remember bounds what the model sees.
func (x *decoder) remember(desk *agent.Config, f *deskFile) {
	once(x, &f.MaxMessages, &f.Memory.Messages)
	once(x, &f.MaxAge, &f.Memory.Age)
	bounded := func(v located[int], low, high int, to *int) {
		switch {
		case v.node == nil:
		case v.Value < low || v.Value > high:
			x.problem(v.path, v.node, "%d is not between %d and %d", v.Value, low, high)
		default:
			*to = v.Value
		}
	}
	bounded(f.MaxMessages, 1, 10_000, &desk.MaxMessages)
	bounded(f.Memory.Tokens, 200, 1_000_000, &desk.Budget)
	bounded(f.Memory.Answer, 64, 65_536, &desk.MaxTokens)
	if f.MaxAge.node != nil {
		desk.MaxAge = f.MaxAge.Value
	}
}

// money is which models are asked and what they may cost.
func (x *decoder) money(desk *agent.Config, f *deskFile) {
	if f.Models.node != nil {
		desk.Models = f.Models.Value
		x.d.modelsAsked = append(x.d.modelsAsked, asked{x, f.Models})
	}
	b := f.Budget.Value
	desk.Limits = budget.Limits{Desk: budget.Micros(b.Desk), Contact: budget.Micros(b.Contact), Conversation: budget.Micros(b.Conversation)}
}

// asked are the names of models at the place where a desk names them.
type asked struct {
	x      *decoder
	models located[[]string]
}

// DeskKey is a key of a desk's file, for the documentation.
type DeskKey struct {
	Path    string // "handoff.topics.<name>", "playbook.slots[].key"
	Form    string // what is written: text, list, number, yes or no, duration, amount …
	Default string // "" where it says nothing
	Text    string
}

// DeskKeys lists all keys of a desk, in the order of the documentation.
func DeskKeys() []DeskKey {
	return keysBeneath("", reflect.TypeFor[deskFile]())
}

func keysBeneath(path string, t reflect.Type) []DeskKey {
	var out []DeskKey
	for i := range t.NumField() {
		f := t.Field(i)
		key := f.Tag.Get("key")
		if key == "" {
			continue
		}
		at := join(path, key)
		form, inner, below := shape(f.Type)
		if strings.HasPrefix(key, "<") {
			below = "" // the name is the key
		}
		if f.Tag.Get("doc") != "" {
			out = append(out, DeskKey{Path: at + below, Form: form, Default: f.Tag.Get("default"), Text: f.Tag.Get("doc")})
		}
		if inner != nil {
			out = append(out, keysBeneath(at+below, inner)...)
		}
	}
	return out
}

// shape says what is written for a type, and where there are keys beneath it, of which type
// and below what.
func shape(t reflect.Type) (form string, inner reflect.Type, below string) {
	if s, ok := reflect.Zero(t).Interface().(interface{ form() string }); ok {
		return s.form(), nil, ""
	}
	switch t {
	case reflect.TypeFor[time.Duration]():
		return "duration", nil, ""
	case reflect.TypeFor[words]():
		return "text or file", nil, ""
	case reflect.TypeFor[rawJSON]():
		return "JSON Schema", nil, ""
	}
	switch t.Kind() {
	case reflect.Pointer:
		return shape(t.Elem())
	case reflect.Bool:
		return "true or false", nil, ""
	case reflect.Int:
		return "number", nil, ""
	case reflect.String:
		return "text", nil, ""
	case reflect.Slice:
		element := t.Elem()
		if element.Kind() != reflect.Struct {
			return "list", nil, ""
		}
		if v, ok := element.FieldByName("Value"); ok && element.NumField() == 3 { // a table
			form, inner, below = shape(v.Type)
			return form, inner, ".<name>" + below
		}
		if len(keysOf(element)) == 0 {
			return "list", nil, ""
		}
		return "list", element, "[]"
	case reflect.Struct:
		if v, ok := t.FieldByName("Value"); ok { // located
			return shape(v.Type)
		}
		if len(keysOf(t)) == 0 {
			return "text", nil, ""
		}
		return "keys", t, ""
	}
	return "text", nil, ""
}
