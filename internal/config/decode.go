package config

import (
	"encoding/json"
	"fmt"
	"math"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"secretaria/internal/budget"
	"secretaria/internal/invalid"
	"secretaria/internal/secret"
)

// decoder reads nodes of one file into structs whose tags say what the file may hold:
//
//	Greeting string `key:"greeting" doc:"what answers a bare greeting"`
//
// The same tags make the table of keys in the documentation, so that none of the three can
// know a key that the others do not.
type decoder struct {
	d    *draft
	file string // as it is shown
	// depth counts the files that led here.
	depth int
}

// The bounds of what is read.
const (
	maxDepth    = 24
	maxNodes    = 50_000
	maxFile     = 1 << 20 // of a YAML file
	maxText     = 32 << 10
	maxPages    = 200
	maxPageSize = 256 << 10
	maxIncludes = 3
)

// fromNode is what reads itself.
type fromNode interface {
	fromNode(x *decoder, path string, n *yaml.Node)
}

func (x *decoder) problem(path string, n *yaml.Node, format string, args ...any) {
	x.d.problem(path, place(x.file, n.Line), format, args...)
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

func isNull(n *yaml.Node) bool {
	return n == nil || n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null"
}

// decode reads what stands at a path. What is wrong becomes problems; where nothing was
// written, to stays as it is.
func (x *decoder) decode(path string, n *yaml.Node, to reflect.Value) {
	if n = follow(n); isNull(n) {
		return
	}
	if to.CanAddr() {
		if own, ok := to.Addr().Interface().(fromNode); ok {
			own.fromNode(x, path, n)
			return
		}
	}
	switch to.Type() {
	case reflect.TypeFor[time.Duration]():
		x.plain(path, n, func(text string) error {
			v, err := duration(text)
			to.SetInt(int64(v))
			return err
		})
		return
	case reflect.TypeFor[secret.String]():
		x.secret(path, n, func(s secret.String) { to.Set(reflect.ValueOf(s)) })
		return
	}
	switch to.Kind() {
	case reflect.Pointer:
		to.Set(reflect.New(to.Type().Elem()))
		x.decode(path, n, to.Elem())
	case reflect.Struct:
		x.fields(path, n, to)
	case reflect.Slice:
		x.items(path, n, to)
	case reflect.String:
		x.plain(path, n, func(text string) error { to.SetString(text); return nil })
	case reflect.Bool:
		x.plain(path, n, func(text string) error {
			v, err := truth(text)
			to.SetBool(v)
			return err
		})
	case reflect.Int:
		x.plain(path, n, func(text string) error {
			v, err := whole(text, 0, math.MaxInt32)
			to.SetInt(int64(v))
			return err
		})
	default:
		x.problem(path, n, "cannot be configured") // a slip in our own structs
	}
}

// plain reads a value that is neither a list nor keys.
func (x *decoder) plain(path string, n *yaml.Node, set func(string) error) {
	if n.Kind != yaml.ScalarNode {
		x.problem(path, n, "expected a value")
		return
	}
	text, ok := x.text(path, n)
	if !ok {
		return
	}
	if err := set(text); err != nil {
		x.problem(path, n, "%v", err)
	}
}

// text is a scalar with its reference followed, bounded, without space around it.
func (x *decoder) text(path string, n *yaml.Node) (string, bool) {
	return x.textBy(path, n, x.d.expand)
}

func (x *decoder) textBy(path string, n *yaml.Node, expand func(value, string) (string, bool)) (string, bool) {
	text, ok := expand(value{path: path, where: place(x.file, n.Line)}, n.Value)
	if !ok {
		return "", false
	}
	if len(text) > maxText {
		x.problem(path, n, "has more than %d KiB", maxText>>10)
		return "", false
	}
	return strings.TrimSpace(text), true
}

// items reads a list; a list of words may be one value with commas.
func (x *decoder) items(path string, n *yaml.Node, to reflect.Value) {
	element := to.Type().Elem()
	if n.Kind == yaml.ScalarNode && element.Kind() == reflect.String {
		text, ok := x.text(path, n)
		if !ok {
			return
		}
		words := value{text: text}.items()
		if len(words) == 0 {
			x.problem(path, n, "is a list without anything in it")
			return
		}
		to.Set(reflect.ValueOf(words).Convert(to.Type()))
		return
	}
	if n.Kind != yaml.SequenceNode {
		x.problem(path, n, "expected a list")
		return
	}
	list := reflect.MakeSlice(to.Type(), 0, len(n.Content))
	for i, item := range n.Content {
		one := reflect.New(element).Elem()
		at := path + "[" + strconv.Itoa(i) + "]"
		if isNull(follow(item)) {
			x.problem(at, item, "is empty")
			continue
		}
		x.decode(at, item, one)
		list = reflect.Append(list, one)
	}
	to.Set(list)
}

// fields reads keys into the fields of a struct.
func (x *decoder) fields(path string, n *yaml.Node, to reflect.Value) {
	if n.Kind != yaml.MappingNode {
		x.problem(path, n, "expected keys with values")
		return
	}
	lines := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k := n.Content[i]
		at := join(path, k.Value)
		if line, twice := lines[k.Value]; twice {
			x.problem(at, k, "already set in line %d", line)
			continue
		}
		lines[k.Value] = k.Line
		field, known := fieldOf(to, k.Value)
		if !known {
			x.problem(at, k, "unknown key%s", didYouMean(k.Value, keysOf(to.Type())))
			continue
		}
		x.decode(at, n.Content[i+1], field)
	}
}

func fieldOf(to reflect.Value, key string) (reflect.Value, bool) {
	for i := range to.NumField() {
		if f := to.Type().Field(i); f.Tag.Get("key") == key {
			return to.Field(i), true
		}
	}
	return reflect.Value{}, false
}

func keysOf(t reflect.Type) []string {
	var out []string
	for i := range t.NumField() {
		if key := t.Field(i).Tag.Get("key"); key != "" {
			out = append(out, key)
		}
	}
	return out
}

// table is a mapping from names to something, in the order of the file.
type table[T any] []entryOf[T]

type entryOf[T any] struct {
	Name  string
	Node  *yaml.Node // of the name
	Value T
}

func (t *table[T]) fromNode(x *decoder, path string, n *yaml.Node) {
	if n.Kind != yaml.MappingNode {
		x.problem(path, n, "expected names with values")
		return
	}
	lines := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k := n.Content[i]
		at := join(path, k.Value)
		if line, twice := lines[k.Value]; twice {
			x.problem(at, k, "already set in line %d", line)
			continue
		}
		lines[k.Value] = k.Line
		e := entryOf[T]{Name: k.Value, Node: k}
		x.decode(at, n.Content[i+1], reflect.ValueOf(&e.Value).Elem())
		*t = append(*t, e)
	}
}

// located is a value with the node it came from, so that a later complaint finds its line.
type located[T any] struct {
	Value T
	path  string
	node  *yaml.Node // nil: nothing was written, or something that cannot be read
}

func (l *located[T]) fromNode(x *decoder, path string, n *yaml.Node) {
	before := len(x.d.problems)
	x.decode(path, n, reflect.ValueOf(&l.Value).Elem())
	if reflect.TypeFor[T]().Kind() == reflect.Struct || len(x.d.problems) == before {
		l.path, l.node = path, n
	}
}

// rawJSON is a piece of the file as JSON: a schema.
type rawJSON json.RawMessage

func (r *rawJSON) fromNode(x *decoder, path string, n *yaml.Node) {
	tree, ok := x.tree(path, n, 0)
	if !ok {
		return
	}
	text, err := json.Marshal(tree)
	if err != nil {
		x.problem(path, n, "cannot be written as JSON: %v", err)
		return
	}
	*r = text
}

// tree reads anything into the types of encoding/json. A file is not large, but what its
// aliases stand for may be.
func (x *decoder) tree(path string, n *yaml.Node, depth int) (any, bool) {
	if x.d.nodes++; depth > maxDepth || x.d.nodes > maxNodes {
		x.problem(path, n, "is too deep or too large")
		return nil, false
	}
	if n = follow(n); n == nil {
		return nil, true
	}
	switch n.Kind {
	case yaml.MappingNode:
		out := map[string]any{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			v, ok := x.tree(join(path, n.Content[i].Value), n.Content[i+1], depth+1)
			if !ok {
				return nil, false
			}
			out[n.Content[i].Value] = v
		}
		return out, true
	case yaml.SequenceNode:
		out := make([]any, 0, len(n.Content))
		for i, item := range n.Content {
			v, ok := x.tree(path+"["+strconv.Itoa(i)+"]", item, depth+1)
			if !ok {
				return nil, false
			}
			out = append(out, v)
		}
		return out, true
	}
	switch n.ShortTag() {
	case "!!null":
		return nil, true
	case "!!bool":
		v, err := truth(n.Value)
		return v, err == nil
	case "!!int", "!!float":
		v := json.Number(n.Value)
		if _, err := v.Float64(); err == nil && json.Valid([]byte(n.Value)) {
			return v, true
		}
	}
	return n.Value, true
}

// words is a text that is written here or lies in a file beside.
type words struct{ Text string }

// namesFile tells the name of a file from a text: it is one line, and ends like one or has no
// white space in it.
func namesFile(text string) bool {
	if strings.Contains(text, "\n") {
		return false
	}
	return strings.HasSuffix(text, ".md") || strings.HasSuffix(text, ".txt") || !strings.ContainsAny(text, " \t")
}

func (w *words) fromNode(x *decoder, path string, n *yaml.Node) {
	if n.Kind != yaml.ScalarNode {
		x.problem(path, n, "expected a text or the name of a file")
		return
	}
	text, ok := x.text(path, n)
	if !ok || text == "" {
		return
	}
	if !namesFile(text) {
		w.Text = text
		return
	}
	if body, ok := x.read(path, n, text, maxText); ok {
		w.Text = body
	}
}

// read reads a text file that is named in this one.
func (x *decoder) read(path string, n *yaml.Node, name string, limit int) (string, bool) {
	shown, err := x.beside(name)
	if err != nil {
		x.problem(path, n, "%q %v", name, err)
		return "", false
	}
	text, err := x.d.readText(shown, limit)
	if err != nil {
		x.problem(path, n, "%q %v", name, err)
		return "", false
	}
	return text, true
}

// beside is the path of a file that this one names, seen from the working directory: it is
// relative to this file, and stays within the folder of the configuration unless it is absolute.
func (x *decoder) beside(name string) (string, error) {
	if filepath.IsAbs(name) {
		return filepath.Clean(name), nil
	}
	shown := filepath.Join(filepath.Dir(x.file), name)
	within, err := filepath.Rel(filepath.Dir(x.d.file), shown)
	if err != nil || within == ".." || strings.HasPrefix(within, ".."+string(filepath.Separator)) {
		return "", fmt.Errorf("leads out of the folder of %s: move it in, or write an absolute path", filepath.Base(x.d.file))
	}
	return shown, nil
}

// decodeInto is decode for a pointer.
func (x *decoder) decodeInto(path string, n *yaml.Node, to any) {
	x.decode(path, n, reflect.ValueOf(to).Elem())
}

// oneWord reads a word, or a single key with its value.
func (x *decoder) oneWord(path string, n *yaml.Node) (word, with string, ok bool) {
	if n.Kind == yaml.MappingNode && len(n.Content) == 2 {
		if v := follow(n.Content[1]); v != nil && v.Kind == yaml.ScalarNode {
			with, ok = x.text(join(path, n.Content[0].Value), v)
			return n.Content[0].Value, with, ok
		}
	}
	if n.Kind != yaml.ScalarNode {
		x.problem(path, n, "expected a word, or one word with its value")
		return "", "", false
	}
	word, ok = x.text(path, n)
	return word, "", ok
}

// signed is a whole number that may be negative.
type signed int

func (s *signed) fromNode(x *decoder, path string, n *yaml.Node) {
	x.plain(path, n, func(text string) error {
		v, err := whole(text, -1_000_000, 1_000_000)
		*s = signed(v)
		return err
	})
}

func (signed) form() string { return "number" }

// money is an amount of millionths of the prices' unit.
type money budget.Micros

func (m *money) fromNode(x *decoder, path string, n *yaml.Node) {
	x.plain(path, n, func(text string) error {
		v, err := budget.ParseMicros(text)
		*m = money(v)
		return err
	})
}

func (money) form() string { return "amount" }

func isYAML(name string) bool {
	return !strings.Contains(name, "\n") && (strings.HasSuffix(name, ".yaml") || strings.HasSuffix(name, ".yml"))
}

// include reads another YAML file that a node names. What is wrong there is told with its
// own name and lines, so that paths begin anew. A nil node: there is nothing to be read.
func (x *decoder) include(path string, n *yaml.Node, name string) (*decoder, *yaml.Node) {
	shown, err := x.beside(name)
	if err != nil {
		x.problem(path, n, "%q %v", name, err)
		return x, nil
	}
	text, err := x.d.readText(shown, maxFile)
	if err != nil {
		x.problem(path, n, "%q %v", name, err)
		return x, nil
	}
	if x.depth >= maxIncludes {
		x.problem(path, n, "files that name files, more than %d deep", maxIncludes)
		return x, nil
	}
	return &decoder{d: x.d, file: shown, depth: x.depth + 1}, follow(x.d.parseFile(shown, []byte(text)))
}

// complain turns what a package says about a value that stands at a node into problems with
// their lines.
func (x *decoder) complain(path string, n *yaml.Node, err error) {
	for _, f := range invalid.Fields(err) {
		at := invalid.Fields(invalid.Under(path, f))[0].Path
		if path == "" {
			at = f.Path
		}
		node := locate(n, f.Path)
		if where := place(x.file, node.Line); !slices.ContainsFunc(x.d.problems, func(p Problem) bool { return p.Key == at && p.Where == where }) {
			x.problem(at, node, "%s", f.Text) // said once is enough
		}
	}
}

// locate finds the node that a path such as "slots[2].question" leads to, or the last one on
// the way that there is.
func locate(n *yaml.Node, path string) *yaml.Node {
	n = follow(n)
	for path != "" && n != nil {
		var next *yaml.Node
		if rest, index := strings.CutPrefix(path, "["); index {
			number, tail, _ := strings.Cut(rest, "]")
			i, err := strconv.Atoi(number)
			if n.Kind == yaml.SequenceNode && err == nil && i >= 0 && i < len(n.Content) {
				next = n.Content[i]
			}
			path = strings.TrimPrefix(tail, ".")
		} else {
			end := strings.IndexAny(path, ".[")
			if end < 0 {
				end = len(path)
			}
			next = child(n, path[:end])
			path = strings.TrimPrefix(path[end:], ".")
		}
		if next = follow(next); next == nil {
			return n
		}
		n = next
	}
	return n
}

// child is the value of a key.
func child(n *yaml.Node, key string) *yaml.Node {
	if n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}

func locatePath(path string, i int) string { return path + "[" + strconv.Itoa(i) + "]" }

// index reads the number in "name[3].rest" and what follows; -1 where it is none.
func index(path, name string) (int, string) {
	rest, ok := strings.CutPrefix(path, name+"[")
	if !ok {
		return -1, ""
	}
	number, rest, _ := strings.Cut(rest, "]")
	n, err := strconv.Atoi(number)
	if err != nil {
		return -1, ""
	}
	return n, strings.TrimPrefix(rest, ".")
}
