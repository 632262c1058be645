package config

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"reflect"
	"slices"
	"strings"

	"secretaria/internal/app"
	"secretaria/internal/channel"
	"secretaria/internal/secret"
)

// ValidName says whether an inbox or a desk may be called so.
func ValidName(name string) bool { return nameForm.MatchString(name) }

// Entry is one inbox as it shall stand in the configuration.
type Entry struct {
	Name    string
	Channel channel.Kind
	// InFile asks for an entry of the YAML file where the documented variables would do too.
	// An inbox that is there already stays where it stands.
	InFile bool
	// Fields are what shall be said about it, in the order in which a new entry has them.
	// What they do not name is left as it is.
	Fields []Field
}

// Field is a key of an inbox, as it is called in the YAML file ("base_url", "handoff.team"),
// with one of Value, List and Secret.
type Field struct {
	Key    string
	Value  string
	List   []string
	Secret secret.String // stands in .env, and in the YAML file as ${NAME}
}

// text is what the field says, as configuration reads it.
func (f Field) text() string {
	switch {
	case !f.Secret.IsZero():
		return f.Secret.Reveal()
	case f.List != nil:
		return strings.Join(f.List, ",")
	}
	return f.Value
}

// Edit is what has to be written so that the configuration has an inbox. It is made by
// PlanEdit, and nothing is written before Write.
type Edit struct {
	// Files are the files that would change, none where everything stands there already.
	Files []FileEdit
	// Overruled are the variables of the process environment that win over what is written,
	// and say something else.
	Overruled []string
	// Config is what the files mean then, and Inbox the inbox in it.
	Config *Config
	Inbox  app.Inbox
}

// FileEdit is a file before and after.
type FileEdit struct {
	Name    string // as it is shown: ".env", "secretaria.yaml"
	Created bool
	Lines   []LineEdit // what changes, from the top; secrets are masked

	path          string
	before, after []byte
}

// LineEdit is a line that is taken away, put in, or both where its value changes.
type LineEdit struct {
	Number   int // of the line in the file as it becomes, from 1
	Old, New string
}

// PlanEdit says what would have to be written. It reads the files and changes nothing. An
// *Error is a configuration that is wrong as it stands, or would be with the inbox; any other
// error says why a file cannot be edited without risk.
//
// The first inbox of a channel stands in the documented variables of .env, where its name and
// its fields allow that and the YAML file has no inboxes; any other in the YAML file, with its
// secrets in .env. Every byte that is not the value of a field stays, in its order, and the
// files are believed only when they mean what they meant and the inbox besides.
func PlanEdit(src Source, e Entry) (*Edit, error) {
	p := &editing{entry: e, src: src, lines: map[string]*text{}}
	var err error
	if p.before, err = load(src); err != nil && !p.leftovers() {
		return nil, err
	}
	if !ValidName(e.Name) {
		return nil, fmt.Errorf("%q is not a name of an inbox", e.Name)
	}
	if p.standsInEnvironment() {
		err = p.inVariables()
	} else {
		err = p.inFile()
	}
	if err != nil {
		return nil, err
	}
	return p.proved()
}

// editing is an edit on its way.
type editing struct {
	entry     Entry
	src       Source
	before    *draft
	lines     map[string]*text // of the files that were opened, by their shown name
	overruled []string
}

// open reads a file to be edited; one that is not there is empty.
func (p *editing) open(shown string) (*text, error) {
	if t, ok := p.lines[shown]; ok {
		return t, nil
	}
	t := &text{shown: shown, path: p.before.at(shown)}
	content, err := readBounded(t.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		t.created = true
	case err != nil:
		return nil, fmt.Errorf("%s cannot be read: %w", shown, cause(err))
	}
	t.was, t.is = string(content), string(content)
	p.lines[shown] = t
	return t, nil
}

// leftovers says whether all that is wrong with the files may be what an earlier edit of this
// inbox left behind when it was cut off, or what the inbox still lacks: that is mended by doing
// it again, and the result has to load.
func (p *editing) leftovers() bool {
	path := "inboxes." + p.entry.Name
	for _, problem := range p.before.problems {
		ours := problem.Key == path || strings.HasPrefix(problem.Key, path+".")
		for _, f := range p.entry.Fields {
			ours = ours || problem.Key == documented(p.entry.Channel, f.Key) || problem.file() == DotEnv && problem.Key == variable(p.entry.Name, f.Key, 1)
		}
		if !ours {
			return false
		}
	}
	return true
}

// standsInEnvironment says whether the inbox is, or shall be, one that variables make.
func (p *editing) standsInEnvironment() bool {
	if p.entry.Name != string(p.entry.Channel) || p.inTheFile() {
		return false
	}
	if p.before.set(originKey(p.entry.Channel)) {
		return true
	}
	if p.entry.InFile || p.before.root != nil && len(mapping(p.before.root.get("inboxes"))) > 0 {
		return false
	}
	for _, f := range p.entry.Fields {
		if documented(p.entry.Channel, f.Key) == "" {
			return false
		}
	}
	return true
}

// inTheFile says whether the YAML file has the inbox.
func (p *editing) inTheFile() bool {
	if p.before.root == nil {
		return false
	}
	for _, k := range mapping(p.before.root.get("inboxes")) {
		if k.Value == p.entry.Name {
			return true
		}
	}
	return false
}

// documented is the variable that stands for a key of an inbox, "" where there is none.
func documented(kind channel.Kind, field string) string {
	for _, key := range Keys() {
		if (kind == channel.Chatwoot) == strings.HasPrefix(key, "CHATWOOT_") && fileNames()[key] == field {
			return key
		}
	}
	return ""
}

// inVariables writes the fields into the documented variables.
func (p *editing) inVariables() error {
	for _, f := range p.entry.Fields {
		key := documented(p.entry.Channel, f.Key)
		if key == "" && (f.Key == "channel" || f.Key == "desk" && p.desk() == f.Value) {
			continue // said by the variables themselves
		}
		if key == "" {
			return fmt.Errorf("the inbox %s is made by variables (%s), which cannot say %s: give it an entry in %s, or choose another name", p.entry.Name, originKey(p.entry.Channel), f.Key, p.before.file)
		}
		if err := p.setVariable(key, f); err != nil {
			return err
		}
	}
	return nil
}

// desk is the desk of an inbox that variables make.
func (p *editing) desk() string {
	if p.entry.Channel == channel.Chatwoot {
		return sdrDesk
	}
	return secretariaDesk
}

// setVariable makes a variable say what a field says, in .env, unless it does.
func (p *editing) setVariable(key string, f Field) error {
	d := p.before
	want := f.text()
	says := func(got string) bool {
		got = strings.TrimSpace(got)
		if f.Secret.IsZero() {
			return got == want
		}
		// While a secret is being changed several are active.
		return got == want || f.Key == "secrets" && slices.ContainsFunc(value{text: got, list: lines(got)}.secrets(), func(s secret.String) bool { return s == f.Secret })
	}
	got, set, err := d.ofVariable(key, d.inEnvironment)
	if err != nil {
		return fmt.Errorf("%s in the environment: %w", key, err)
	}
	if set {
		if !says(got) && !slices.Contains(p.overruled, key) {
			p.overruled = append(p.overruled, key)
		}
		if says(got) {
			return nil
		}
	}
	if got, _, err = d.ofVariable(key, d.inDotEnv); err != nil {
		return fmt.Errorf("%s: %s: %w", DotEnv, key, err)
	}
	if says(got) {
		return nil
	}
	if path := d.dotenv[key+fileSuffix].value; path != "" {
		return fmt.Errorf("%s: %s%s names the file %s: put the new value there, and go on", DotEnv, key, fileSuffix, path)
	}
	t, err := p.open(DotEnv)
	if err != nil {
		return err
	}
	return t.setVariable(key, want, !f.Secret.IsZero())
}

// proved loads what the files would become, and compares what they mean with what they meant.
func (p *editing) proved() (*Edit, error) {
	edit := &Edit{Overruled: p.overruled}
	src := p.src
	src.instead = map[string][]byte{}
	for _, name := range []string{DotEnv, p.before.file} {
		t := p.lines[name]
		if t == nil || t.is == t.was {
			continue
		}
		src.instead[t.path] = []byte(t.is)
		slices.SortStableFunc(t.changed, func(a, b LineEdit) int { return cmp.Compare(a.Number, b.Number) })
		edit.Files = append(edit.Files, FileEdit{Name: name, Created: t.created, Lines: t.changed, path: t.path, before: []byte(t.was), after: []byte(t.is)})
	}
	if len(edit.Overruled) > 0 {
		return edit, nil // what they mean is not what they say
	}
	after, err := load(src)
	if err != nil {
		return nil, err
	}
	after.cfg.src = func() Source { return p.src }
	for _, i := range after.o.Inboxes {
		if i.Name == p.entry.Name {
			edit.Inbox = i
		}
	}
	if edit.Inbox.Name == "" || edit.Inbox.Kind() != p.entry.Channel {
		return nil, p.refusal("the inbox would not be there")
	}
	if same, err := p.sameBeside(after); err != nil {
		return nil, err
	} else if !same {
		return nil, p.refusal("something else in it would mean something else")
	}
	edit.Config = after.cfg
	return edit, nil
}

// sameBeside says whether options mean what was meant before, the inbox aside.
func (p *editing) sameBeside(after *draft) (bool, error) {
	before := p.before
	if len(before.problems) > 0 {
		return true, nil // nothing was meant yet
	}
	if before.root == nil && after.root != nil {
		// An empty file and none are the same to people, and not to the last nil.
		src := p.src
		src.instead = map[string][]byte{before.at(before.file): []byte("server: {}\n")}
		var err error
		if before, err = load(src); err != nil {
			return false, err
		}
	}
	return reflect.DeepEqual(p.others(before.o), p.others(after.o)), nil
}

// others are the options without the inbox that is edited, and without what follows from the
// addresses of all inboxes.
func (p *editing) others(o app.Options) app.Options {
	o.Inboxes = slices.DeleteFunc(slices.Clone(o.Inboxes), func(i app.Inbox) bool { return i.Name == p.entry.Name })
	if len(o.Inboxes) == 0 {
		o.Inboxes = nil
	}
	o.Addresses = app.Options{}.Addresses
	return o
}

// refusal says that a file is too strange to be edited.
func (p *editing) refusal(why string) error {
	return fmt.Errorf("%s is written in a way that cannot be edited safely (%s): add the inbox by hand; nothing was changed", p.before.file, why)
}
