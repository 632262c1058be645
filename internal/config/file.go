package config

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// section is a mapping of the YAML file. What is asked for is known, and end complains
// about the rest.
type section struct {
	d     *draft
	path  string // "inboxes.loja"; "" at the top
	node  *yaml.Node
	known []string
	// foreign are keys that belong to something else, with what they belong to.
	foreign map[string]string
}

// parseYAML reads the file into nodes: a decoder would stop at a type that is wrong, and
// would not tell lines. Nil when there is nothing in it, or no telling what.
func (d *draft) parseYAML(text []byte) *section {
	node := d.parseFile(d.file, text)
	if node == nil {
		return nil
	}
	return d.open("", node)
}

// parseFile reads one file into its topmost node; nil where there is nothing in it, or no
// telling what.
func (d *draft) parseFile(file string, text []byte) *yaml.Node {
	if len(text) > maxFile {
		d.problem("", file, "has more than %d KiB", maxFile>>10)
		return nil
	}
	if strings.Trim(regexp.MustCompile(`(?m)^\s*(#.*|---)?$`).ReplaceAllString(string(text), ""), " \t\r\n\ufeff") == "" {
		return nil
	}
	var doc yaml.Node
	if err := yaml.Load(text, &doc); err != nil {
		var one *yaml.LoadError
		if !errors.As(err, &one) {
			d.problem("", file, "is not YAML")
			return nil
		}
		// It quotes anchors and tags, which an unquoted secret may look like.
		message := regexp.MustCompile(`'[^']*'|"[^"]*"`).ReplaceAllString(strings.TrimPrefix(one.Message, "yaml: "), "'…'")
		if strings.HasPrefix(message, "unknown anchor") {
			message += ": put quotes around a value that begins with *"
		}
		d.problem("", place(file, one.Mark.Line), "is not YAML: %s", message)
		return nil
	}
	if doc.Kind != yaml.DocumentNode || len(doc.Content) != 1 {
		d.problem("", file, "is not one YAML document")
		return nil
	}
	d.roots = append(d.roots, doc.Content[0])
	return doc.Content[0]
}

// open makes a section of a node, once; nil where it is none.
func (d *draft) open(path string, node *yaml.Node) *section {
	if s, ok := d.sections[path]; ok {
		return s
	}
	node = follow(node)
	if node == nil || node.Kind == yaml.ScalarNode && node.ShortTag() == "!!null" {
		return nil
	}
	if node.Kind != yaml.MappingNode {
		d.sections[path] = nil
		d.problem(path, place(d.file, node.Line), "expected keys with values")
		return nil
	}
	s := &section{d: d, path: path, node: node}
	d.sections[path] = s
	s.twice()
	return s
}

// follow finds what an alias stands for.
func follow(n *yaml.Node) *yaml.Node {
	for n != nil && n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return n
}

func (s *section) join(key string) string {
	if s.path == "" {
		return key
	}
	return s.path + "." + key
}

// get returns the node of a key, nil where there is none.
func (s *section) get(key string) *yaml.Node {
	if s == nil {
		return nil
	}
	if !slices.Contains(s.known, key) {
		s.known = append(s.known, key)
	}
	for i := 0; i+1 < len(s.node.Content); i += 2 {
		if s.node.Content[i].Value == key {
			return follow(s.node.Content[i+1])
		}
	}
	return nil
}

// section opens what lies beneath a key; nil where there is nothing.
func (s *section) section(key string) *section {
	n := s.get(key)
	if n == nil {
		return nil
	}
	return s.d.open(s.join(key), n)
}

// keys lists the keys as they stand, and takes all of them for known.
func (s *section) keys() []*yaml.Node {
	if s == nil {
		return nil
	}
	var out []*yaml.Node
	for i := 0; i+1 < len(s.node.Content); i += 2 {
		k := s.node.Content[i]
		if !slices.Contains(s.known, k.Value) {
			s.known = append(s.known, k.Value)
			out = append(out, k)
		}
	}
	return out
}

func (s *section) twice() {
	lines := map[string]int{}
	for i := 0; i+1 < len(s.node.Content); i += 2 {
		k := s.node.Content[i]
		if line, ok := lines[k.Value]; ok {
			s.d.problem(s.join(k.Value), place(s.d.file, k.Line), "already set in line %d", line)
			continue
		}
		lines[k.Value] = k.Line
	}
}

// end complains about every key that nobody asked for.
func (s *section) end() {
	if s == nil {
		return
	}
	for i := 0; i+1 < len(s.node.Content); i += 2 {
		k := s.node.Content[i]
		if slices.Contains(s.known, k.Value) {
			continue
		}
		s.known = append(s.known, k.Value)
		hint := didYouMean(k.Value, s.known[:len(s.known)-1])
		if owner := s.foreign[k.Value]; owner != "" {
			hint = ": it belongs to " + owner
		}
		s.d.problem(s.join(k.Value), place(s.d.file, k.Line), "unknown key%s", hint)
	}
}

// value reads what was written for a key; false where nothing was.
func (s *section) value(key string) (value, bool) { return s.valueBy(key, s.d.expand) }

// secret is value for a key that holds one or several secrets.
func (s *section) secret(key string) (value, bool) { return s.valueBy(key, s.d.expandSecret) }

func (s *section) valueBy(key string, expand func(value, string) (string, bool)) (value, bool) {
	n := s.get(key)
	if n == nil {
		return value{}, false
	}
	v := value{where: place(s.d.file, n.Line), path: s.join(key), file: true}
	switch n.Kind {
	case yaml.ScalarNode:
		if n.ShortTag() == "!!null" {
			return value{}, false
		}
		text, ok := expand(v, n.Value)
		v.text = strings.TrimSpace(text)
		return v, ok && v.text != ""
	case yaml.SequenceNode:
		v.list = []string{}
		for _, item := range n.Content {
			item = follow(item)
			if item == nil || item.Kind != yaml.ScalarNode {
				s.d.problem(v.path, v.where, "expected a list of plain values")
				return value{}, false
			}
			text, ok := expand(v, item.Value)
			if !ok {
				return value{}, false
			}
			v.list = append(v.list, text)
		}
		v.text = strings.Join(v.list, ",")
		return v, true
	}
	s.d.problem(v.path, v.where, "expected a value")
	return value{}, false
}

// expect makes a dotted path known.
func (d *draft) expect(path string) {
	if path == "" || d.root == nil {
		return
	}
	s := d.root
	parts := strings.Split(path, ".")
	for _, p := range parts[:len(parts)-1] {
		if s = s.section(p); s == nil {
			return
		}
	}
	s.get(parts[len(parts)-1])
}

// fromFile reads the value at a dotted path, by (*section).value or its like.
func (d *draft) fromFile(path string, read func(*section, string) (value, bool)) (value, bool) {
	if path == "" || d.root == nil {
		return value{}, false
	}
	s := d.root
	parts := strings.Split(path, ".")
	for _, p := range parts[:len(parts)-1] {
		if s = s.section(p); s == nil {
			return value{}, false
		}
	}
	return read(s, parts[len(parts)-1])
}

var reference = regexp.MustCompile(`^\$\{([A-Za-z_][A-Za-z0-9_]*)\}$`)

// expand replaces a value that is ${NAME}, and nothing else, by that variable.
func (d *draft) expand(v value, text string) (string, bool) {
	m := reference.FindStringSubmatch(strings.TrimSpace(text))
	if m == nil {
		if fileReference.MatchString(strings.TrimSpace(text)) {
			d.problem(v.path, v.where, "${file:…} is for secrets only")
			return "", false
		}
		if strings.Contains(text, "${") {
			d.problem(v.path, v.where, "holds ${…} among other text: a reference stands alone")
			return "", false
		}
		return text, true
	}
	got, ok := d.env[m[1]]
	if !ok {
		got = d.dotenv[m[1]].value
	}
	if strings.TrimSpace(got) == "" && d.src.DesksAlone {
		return "", true
	}
	if strings.TrimSpace(got) == "" {
		d.problem(v.path, v.where, "%s is not set in the environment or in %s", m[1], DotEnv)
		return "", false
	}
	return strings.TrimSpace(got), true
}

// references are the variables that the YAML files ask for.
func (d *draft) references() map[string]bool {
	out := map[string]bool{}
	var walk func(*yaml.Node)
	walk = func(n *yaml.Node) {
		if n.Kind == yaml.ScalarNode {
			if m := reference.FindStringSubmatch(strings.TrimSpace(n.Value)); m != nil {
				out[m[1]] = true
			}
		}
		for _, c := range n.Content { // aliases have none, so that this ends
			walk(c)
		}
	}
	for _, root := range d.roots {
		walk(root)
	}
	return out
}

// quoted lists words for a sentence.
func quoted(words []string) string {
	out := make([]string, len(words))
	for i, w := range words {
		out[i] = fmt.Sprintf("%q", w)
	}
	return strings.Join(out, ", ")
}
