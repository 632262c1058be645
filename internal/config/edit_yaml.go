package config

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v4"
)

// inFile writes the fields into the inbox's entry of the YAML file.
func (p *editing) inFile() error {
	t, err := p.open(p.before.file)
	if err != nil {
		return err
	}
	fields := slices.Clone(p.entry.Fields)
	if !p.inTheFile() && !slices.ContainsFunc(fields, func(f Field) bool { return f.Key == "channel" }) {
		fields = slices.Insert(fields, 0, Field{Key: "channel", Value: string(p.entry.Channel)})
	}
	missing := map[string][]yamlField{} // by the section of the entry that is there for them
	for _, f := range fields {
		value, stands, err := p.stands(f)
		if err != nil {
			return err
		}
		if stands {
			continue
		}
		if value != nil {
			if err := p.replace(t, f, value); err != nil {
				return err
			}
			continue
		}
		y := yamlField{key: f.Key, value: f.Value, list: f.List}
		if !f.Secret.IsZero() {
			name, err := p.newVariable(f)
			if err != nil {
				return err
			}
			y.value = "${" + name + "}"
		}
		part, leaf, ok := strings.Cut(f.Key, ".")
		if ok && p.hasSection(part) {
			y.key = leaf
			missing[part] = append(missing[part], y)
		} else {
			missing[""] = append(missing[""], y)
		}
	}
	for _, part := range sortedKeys(missing) {
		path := []string{"inboxes", p.entry.Name}
		if part != "" {
			path = append(path, part)
		}
		if err := t.add(path, nested(missing[part])); err != nil {
			return p.refusal(err.Error())
		}
	}
	return nil
}

// hasSection says whether the entry has a section of this name.
func (p *editing) hasSection(part string) bool {
	if p.before.root == nil {
		return false
	}
	return p.before.root.section("inboxes").section(p.entry.Name).section(part) != nil
}

// stands says whether the entry says a field already, and else gives the node that says
// something else; nil: nothing is said.
func (p *editing) stands(f Field) (node *yaml.Node, stands bool, err error) {
	d := p.before
	if d.root == nil {
		return nil, false, nil
	}
	s := d.root
	path := append([]string{"inboxes", p.entry.Name}, strings.Split(f.Key, ".")...)
	for _, key := range path[:len(path)-1] {
		if s = s.section(key); s == nil {
			return nil, false, nil
		}
	}
	leaf := path[len(path)-1]
	if node = s.get(leaf); node == nil || node.Kind == yaml.ScalarNode && node.ShortTag() == "!!null" {
		if node != nil {
			return nil, false, p.refusal(s.join(leaf) + " stands there without a value")
		}
		return nil, false, nil
	}
	switch {
	case !f.Secret.IsZero():
		v, ok := s.secret(leaf)
		if !ok {
			return node, false, nil
		}
		if f.Key == "secrets" {
			stands = slices.Contains(v.secrets(), f.Secret)
		} else if one, err := v.secret(); err == nil {
			stands = one == f.Secret
		}
	case f.List != nil:
		v, ok := s.value(leaf)
		stands = ok && slices.Equal(v.items(), f.List)
	default:
		v, ok := s.value(leaf)
		stands = ok && v.list == nil && v.text == f.Value
	}
	return node, stands, nil
}

// replace makes a value that stands there say what the field says.
func (p *editing) replace(t *text, f Field, n *yaml.Node) error {
	key := "inboxes." + p.entry.Name + "." + f.Key
	if n.Kind == yaml.ScalarNode {
		if m := reference.FindStringSubmatch(strings.TrimSpace(n.Value)); m != nil {
			return p.setVariable(m[1], f)
		}
		if m := fileReference.FindStringSubmatch(strings.TrimSpace(n.Value)); m != nil {
			return fmt.Errorf("%s: %s stands in the file %s: put the new value there, and go on", p.before.file, key, strings.TrimSpace(m[1]))
		}
	}
	put := f.Value
	switch {
	case n.Kind != yaml.ScalarNode || f.List != nil:
		return fmt.Errorf("%s: %s says something else: change it by hand to %s, and go on", place(p.before.file, n.Line), key, shownValue(f))
	case !f.Secret.IsZero():
		name, err := p.newVariable(f)
		if err != nil {
			return err
		}
		put = "${" + name + "}"
	}
	from, to, err := t.scalarAt(n)
	if err != nil {
		return p.refusal(err.Error())
	}
	put = yamlScalar(put, false)
	was := n.Value
	if !f.Secret.IsZero() {
		was = masked
	}
	// Not the line: between braces it may hold the secrets of others.
	t.swap(n.Line-1, from, to, put, key+": "+was, key+": "+put)
	return nil
}

func shownValue(f Field) string {
	switch {
	case !f.Secret.IsZero():
		return masked
	case f.List != nil:
		return "[" + strings.Join(f.List, ", ") + "]"
	}
	return f.Value
}

// newVariable puts a secret into .env under a name of its own, and returns the name.
func (p *editing) newVariable(f Field) (string, error) {
	taken := p.before.references()
	known := Keys()
	for n := 1; ; n++ {
		name := variable(p.entry.Name, f.Key, n)
		env, inEnvironment := p.before.env[name]
		if isKnown(known, name) || taken[name] || strings.HasSuffix(name, fileSuffix) || inEnvironment && env != f.Secret.Reveal() {
			continue
		}
		return name, p.setVariable(name, f)
	}
}

// variable is the n-th name for a secret of an inbox: SITE_TOKEN, SITE_TOKEN_2.
func variable(inbox, field string, n int) string {
	suffix := map[string]string{"secrets": "SECRET"}[field]
	if suffix == "" {
		suffix = strings.ToUpper(field)
	}
	name := strings.Map(func(r rune) rune {
		if r == '.' || r == '-' {
			return '_'
		}
		return unicode.ToUpper(r)
	}, inbox+"_"+suffix)
	if name[0] >= '0' && name[0] <= '9' {
		name = "INBOX_" + name
	}
	if n > 1 {
		name = fmt.Sprintf("%s_%d", name, n)
	}
	return name
}

// mapping lists the keys of a mapping as they stand; none for anything else.
func mapping(n *yaml.Node) []*yaml.Node {
	if n = follow(n); n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	var keys []*yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		keys = append(keys, n.Content[i])
	}
	return keys
}

// yamlField is a key to be written, with a value, a list or fields of its own.
type yamlField struct {
	key    string
	value  string
	list   []string
	fields []yamlField
}

// nested puts fields with a dotted key below their parent.
func nested(flat []yamlField) []yamlField {
	var out []yamlField
	for _, f := range flat {
		parent, leaf, ok := strings.Cut(f.key, ".")
		if !ok {
			out = append(out, f)
			continue
		}
		f.key = leaf
		i := slices.IndexFunc(out, func(o yamlField) bool { return o.key == parent && o.fields != nil })
		if i < 0 {
			out = append(out, yamlField{key: parent})
			i = len(out) - 1
		}
		out[i].fields = append(out[i].fields, f)
	}
	return out
}

// block writes fields as lines of block style.
func block(fields []yamlField, indent string) []string {
	var out []string
	for _, f := range fields {
		switch {
		case f.fields != nil:
			out = append(append(out, indent+yamlScalar(f.key, true)+":"), block(f.fields, indent+"  ")...)
		default:
			out = append(out, indent+yamlScalar(f.key, true)+": "+f.rendered(true))
		}
	}
	return out
}

// flow writes fields in flow style, without braces.
func flow(fields []yamlField) string {
	var out []string
	for _, f := range fields {
		if f.fields != nil {
			out = append(out, yamlScalar(f.key, false)+": {"+flow(f.fields)+"}")
			continue
		}
		out = append(out, yamlScalar(f.key, false)+": "+f.rendered(false))
	}
	return strings.Join(out, ", ")
}

func (f yamlField) rendered(inBlock bool) string {
	if f.list == nil {
		return yamlScalar(f.value, inBlock)
	}
	items := make([]string, len(f.list))
	for i, item := range f.list {
		items[i] = yamlScalar(item, false)
	}
	return "[" + strings.Join(items, ", ") + "]"
}

var (
	plainScalar     = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_./@-]*(:[A-Za-z0-9_./@-]+)*$`)
	plainReference  = regexp.MustCompile(`^\$\{[A-Za-z0-9_]+\}$`)
	notQuiteAString = regexp.MustCompile(`(?i)^(null|true|false|yes|no|on|off|y|n)$`)
)

// yamlScalar writes a value so that it is read as it is; values without line breaks only.
func yamlScalar(value string, inBlock bool) string {
	if plainScalar.MatchString(value) && !notQuiteAString.MatchString(value) || inBlock && plainReference.MatchString(value) {
		return value
	}
	return "'" + strings.ReplaceAll(value, "'", "''") + "'"
}

// add puts fields into the mapping at a path, and makes the mappings that are missing. What
// the file means afterwards is proved by who calls it.
func (t *text) add(path []string, fields []yamlField) error {
	var doc yaml.Node
	if err := yaml.Load([]byte(t.is), &doc); err != nil || doc.Kind != yaml.DocumentNode || len(doc.Content) != 1 || empty(doc.Content[0]) {
		// Nothing but comments, which a parsed file was found to be.
		return t.addAt(t.count(), "", wrapped(path, fields))
	}
	node, parent := doc.Content[0], -1
	for i, key := range path {
		if node.Kind != yaml.MappingNode {
			return errors.New("a word or an alias stands where its keys would")
		}
		k := keyOf(node, key)
		if k < 0 {
			return t.addTo(node, parent, wrapped(path[i:], fields))
		}
		name := node.Content[k]
		at, err := t.indent(name)
		if err != nil && node.Style&yaml.FlowStyle == 0 {
			return err
		}
		node = node.Content[k+1]
		if empty(node) && node.Value == "" && node.Anchor == "" && err == nil {
			return t.addAt(t.end(name.Line-1, at), strings.Repeat(" ", at+2), wrapped(path[i+1:], fields))
		}
		parent = at
	}
	if node.Kind != yaml.MappingNode {
		return errors.New("a word or an alias stands where its keys would")
	}
	return t.addTo(node, parent, fields)
}

func empty(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" }

// wrapped puts fields below a path.
func wrapped(path []string, fields []yamlField) []yamlField {
	for _, key := range slices.Backward(path) {
		fields = []yamlField{{key: key, fields: fields}}
	}
	return fields
}

func keyOf(mapping *yaml.Node, key string) int {
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == key {
			return i
		}
	}
	return -1
}

// addTo puts fields into a mapping: behind its last key, or, between braces, before its first.
// parent is the indent of the key that it belongs to, -1 at the top.
func (t *text) addTo(m *yaml.Node, parent int, fields []yamlField) error {
	if m.Style&yaml.FlowStyle != 0 || len(m.Content) == 0 {
		return t.addBetweenBraces(m, fields)
	}
	at, err := t.indent(m.Content[0])
	if err != nil {
		return err
	}
	return t.addAt(t.end(lastLine(m)-1, parent), strings.Repeat(" ", at), fields)
}

// addAt puts fields before line n. What is at the top of the file, or an inbox, has a line
// between it and its neighbour.
func (t *text) addAt(n int, indent string, fields []yamlField) error {
	lines := block(fields, indent)
	if apart := len(fields) == 1 && fields[0].fields != nil && fields[0].key != "handoff"; apart && n > 0 && !strings.HasSuffix(strings.TrimSpace(t.line(n-1)), ":") && strings.TrimSpace(t.line(n-1)) != "" {
		lines = append([]string{""}, lines...)
	}
	t.insert(n, lines, lines)
	return nil
}

func (t *text) addBetweenBraces(m *yaml.Node, fields []yamlField) error {
	line := t.line(m.Line - 1)
	at := column(line, m.Column)
	if at < 0 || at >= len(line) || line[at] != '{' {
		if at = strings.IndexByte(line[max(at, 0):], '{') + max(at, 0); at < max(0, column(line, m.Column)) {
			return errors.New("its braces are not found")
		}
	}
	put := flow(fields)
	if len(m.Content) > 0 {
		put += ", "
	}
	t.swap(m.Line-1, at+1, at+1, put, "", "… {"+put+"…") // the rest of the line may hold secrets
	return nil
}

// indent is how far a key stands in, where nothing stands before it.
func (t *text) indent(key *yaml.Node) (int, error) {
	line := t.line(key.Line - 1)
	at := len(line) - len(strings.TrimLeft(line, " "))
	if key.Line == 1 && strings.HasPrefix(line, "\ufeff") {
		line = strings.TrimPrefix(line, "\ufeff")
		at = len(line) - len(strings.TrimLeft(line, " "))
	}
	rest := line[at:]
	if !strings.HasPrefix(rest, key.Value) && !strings.HasPrefix(rest, `"`) && !strings.HasPrefix(rest, "'") && !strings.HasPrefix(rest, "&") {
		return 0, errors.New("its keys do not begin their lines")
	}
	return at, nil
}

// end is the line behind everything that belongs to what ends in line n, counted from 0, and
// stands further in than parent.
func (t *text) end(n, parent int) int {
	end := n + 1
	for i := n + 1; i < t.count(); i++ {
		line := t.line(i)
		trimmed := strings.TrimLeft(line, " ")
		if strings.TrimSpace(line) == "" {
			continue
		}
		if len(line)-len(trimmed) <= parent || strings.HasPrefix(line, "...") || strings.HasPrefix(line, "---") {
			break
		}
		end = i + 1
	}
	return end
}

// lastLine is the last line in which a node below n begins.
func lastLine(n *yaml.Node) int {
	line := n.Line
	for _, c := range n.Content { // an alias has none
		line = max(line, lastLine(c))
	}
	return line
}

// column is the byte of a line at which its c-th character stands, counted from 1; -1: it has
// none.
func column(line string, c int) int {
	for at := range line {
		if c--; c == 0 {
			return at
		}
	}
	return -1
}

// scalarAt finds the bytes of a scalar of one line in that line.
func (t *text) scalarAt(n *yaml.Node) (from, to int, err error) {
	line := t.line(n.Line - 1)
	strange := errors.New("a value is not where it is expected")
	if from = column(line, n.Column); from < 0 {
		return 0, 0, strange
	}
	rest := line[from:]
	switch {
	case n.Style&yaml.SingleQuotedStyle != 0:
		body := "'" + strings.ReplaceAll(n.Value, "'", "''") + "'"
		if !strings.HasPrefix(rest, body) {
			return 0, 0, strange
		}
		return from, from + len(body), nil
	case n.Style&yaml.DoubleQuotedStyle != 0:
		body := `"` + n.Value + `"`
		if !strings.HasPrefix(rest, body) || strings.ContainsAny(n.Value, `"\`) {
			return 0, 0, strange
		}
		return from, from + len(body), nil
	case n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 || n.Value == "" || !strings.HasPrefix(rest, n.Value):
		return 0, 0, strange
	}
	return from, from + len(n.Value), nil
}
