package workflow

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"

	"secretaria/internal/fault"
	"secretaria/internal/invalid"
)

// maxSchema bounds a schema, in bytes: models are sent it with every question.
const maxSchema = 32 << 10

// offline refuses to load schemas from anywhere: one that is declared stands by itself.
type offline struct{}

func (offline) Load(string) (any, error) {
	return nil, errors.New("a schema cannot refer to another file")
}

// compile reads a schema of objects; nil for none. Errors are invalid.Fields.
func compile(schema json.RawMessage) (*jsonschema.Schema, error) {
	if len(schema) == 0 {
		return nil, nil
	}
	if len(schema) > maxSchema {
		return nil, invalid.At("", "has more than %d bytes", maxSchema)
	}
	doc, err := decode(schema)
	if err != nil {
		return nil, invalid.At("", "is no JSON: %s", err.Error())
	}
	m, ok := doc.(map[string]any)
	if !ok || m["type"] != "object" {
		return nil, invalid.At("", "must be a JSON Schema with \"type\": \"object\"")
	}
	c := jsonschema.NewCompiler()
	c.UseLoader(offline{})
	c.AssertFormat()
	const name = "schema:declared"
	if err := c.AddResource(name, doc); err != nil {
		return nil, invalid.At("", "is no JSON Schema: %s", err.Error())
	}
	s, err := c.Compile(name)
	if err != nil {
		return nil, invalid.At("", "is no JSON Schema: %s", reason(err))
	}
	return s, nil
}

// reason puts the first thing that is wrong with a schema into one line.
func reason(err error) string {
	var sv *jsonschema.SchemaValidationError
	var ve *jsonschema.ValidationError
	if errors.As(err, &sv) && errors.As(sv.Err, &ve) {
		return violation(ve)
	}
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}

// propertyNames are those of the top level.
func propertyNames(schema json.RawMessage) []string {
	var s struct {
		Properties map[string]json.RawMessage `json:"properties"`
	}
	_ = json.Unmarshal(schema, &s) // it was compiled before
	var names []string
	for name := range s.Properties {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// check reads an object and holds it against a schema; none allows any object.
func check(schema, value json.RawMessage) (map[string]any, error) {
	v, err := object(value)
	if err != nil {
		return nil, err
	}
	s, err := compile(schema)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, "schema: cannot be used", err)
	}
	if s == nil {
		return v, nil
	}
	err = s.Validate(v)
	var ve *jsonschema.ValidationError
	if errors.As(err, &ve) {
		return nil, fault.New(fault.Invalid, violation(ve))
	}
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, "cannot be checked", err)
	}
	return v, nil
}

// violation names the first place where a value is not as the schema wants it, and what was
// asked of it there, without the value.
func violation(e *jsonschema.ValidationError) string {
	for len(e.Causes) > 0 {
		e = e.Causes[0]
	}
	where := place(e.InstanceLocation)
	with := func(name string) string {
		if where == "" {
			return name
		}
		return where + "." + name
	}
	switch k := e.ErrorKind.(type) {
	case *kind.Required:
		return with(word(k.Missing[0])) + ": missing"
	case *kind.AdditionalProperties:
		return with(word(k.Properties[0])) + ": not expected"
	case *kind.Type:
		return at(where) + "want " + strings.Join(k.Want, " or ") + ", got " + k.Got
	case *kind.Format:
		return at(where) + "not in the form " + word(k.Want)
	case *kind.Enum:
		return at(where) + "not one of the values allowed"
	}
	if path := e.ErrorKind.KeywordPath(); len(path) > 0 {
		return at(where) + "against " + word(path[len(path)-1])
	}
	return at(where) + "not allowed"
}

func at(where string) string {
	if where == "" {
		return ""
	}
	return where + ": "
}

func place(location []string) string {
	var b strings.Builder
	for i, part := range location {
		if i == 8 {
			return b.String() + ".…"
		}
		if n, err := strconv.Atoi(part); err == nil && n >= 0 {
			fmt.Fprintf(&b, "[%d]", n)
			continue
		}
		if b.Len() > 0 {
			b.WriteByte('.')
		}
		b.WriteString(word(part))
	}
	return b.String()
}

var wordPattern = regexp.MustCompile(`^[A-Za-z0-9_$-]{1,40}$`)

// word shows a name that came from outside where it can be nothing but a name: causes are
// stored and logged, and a key may be a customer's words.
func word(s string) string {
	if wordPattern.MatchString(s) {
		return s
	}
	return "?"
}

// object reads one JSON object and nothing behind it.
func object(raw json.RawMessage) (map[string]any, error) {
	v, err := decode(raw)
	if err != nil {
		return nil, fault.New(fault.Invalid, "not JSON")
	}
	m, ok := v.(map[string]any)
	if !ok {
		return nil, fault.New(fault.Invalid, "want object, got "+typeOf(v))
	}
	return m, nil
}

func typeOf(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case json.Number:
		return "number"
	case string:
		return "string"
	case []any:
		return "array"
	}
	return "object"
}

func decode(raw json.RawMessage) (any, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber() // an id with twenty digits stays one
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows the value")
	}
	return v, nil
}

// encode writes keys in order, compact, and signs like & and < as they are.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
