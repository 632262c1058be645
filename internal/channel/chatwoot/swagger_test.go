package chatwoot

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"secretaria/internal/channel"
	"secretaria/internal/channel/chatwoot/chatwoottest"
	"secretaria/internal/secret"
)

// Every request that the channel makes is one that Chatwoot describes: path, method, query,
// and the keys and types of the body.
func TestRequestsFitSwagger(t *testing.T) {
	t.Parallel()
	d := describe(t)

	s := start(t, chatwoottest.Options{UserToken: "user-token"})
	s.Open(chatwoottest.Contact{})
	c := connect(t, s, func(cfg *Config) { cfg.UserToken = secret.New("user-token") })
	bots := connect(t, s, func(cfg *Config) { cfg.AccountID = "" })
	for _, kind := range []channel.OrderKind{channel.Say, channel.Note, channel.Labels, channel.Attributes, channel.Assign, channel.OpenUp, channel.Pend, channel.Typing} {
		o := order(kind)
		o.Text, o.ReplyTo, o.Labels, o.Attributes, o.Team, o.Person = "Olá", "9016", []string{"a"}, map[string]string{"a": "b"}, "4", "2"
		if _, err := c.Do(t.Context(), o); err != nil {
			t.Fatalf("Do(%s) = %v", kind, err)
		}
	}
	hidden := order(channel.Note)
	hidden.Delivery = "another"
	s.Edit(128, func(c *chatwoottest.Conversation) {
		for i := range 3 * pageSize {
			c.Messages = append(c.Messages, &chatwoottest.Message{ID: int64(10_000 + i), Type: chatwoottest.Incoming})
		}
	})
	if _, _, err := c.Reconcile(t.Context(), hidden); err != nil {
		t.Fatalf("Reconcile = %v", err)
	}
	if _, err := c.Survey(t.Context(), hidden.Address, time.Now()); err != nil {
		t.Fatalf("Survey = %v", err)
	}
	for _, c := range []*Channel{c, bots} {
		if err := c.Probe(t.Context()); err != nil {
			t.Fatalf("Probe = %v", err)
		}
	}

	seen := map[chatwoottest.Op]bool{}
	for _, r := range s.Requests() {
		seen[r.Op] = true
		d.check(t, r)
	}
	for _, op := range append(chatwoottest.Effects(), chatwoottest.GetLabels, chatwoottest.GetConversation, chatwoottest.ListMessages, chatwoottest.Profile) {
		if !seen[op] {
			t.Errorf("no request of kind %s was checked", op)
		}
	}
}

type description struct{ root object }

// describe reads Chatwoot's description of its API, or skips the test.
func describe(t *testing.T) description {
	t.Helper()
	// Chatwoot's own description of its API (swagger/swagger.json in its repository) is half
	// a megabyte and not ours; where somebody keeps it beside the checkout, it is used.
	b, err := os.ReadFile(filepath.Join("..", "..", "..", "..", "shared", "contracts", "chatwoot", "swagger.json"))
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip("Chatwoot's swagger.json is not beside this checkout")
	}
	if err != nil {
		t.Fatal(err)
	}
	v, err := value(b)
	if err != nil {
		t.Fatal(err)
	}
	return description{asObject(v)}
}

// ref follows $ref.
func (d description) ref(o object) object {
	name, ok := o["$ref"].(string)
	if !ok {
		return o
	}
	at := d.root
	for _, step := range strings.Split(strings.TrimPrefix(name, "#/"), "/") {
		at = at.object(step)
	}
	return d.ref(at)
}

func (d description) check(t *testing.T, r chatwoottest.Request) {
	t.Helper()
	what := r.Method + " " + r.Path
	paths := d.root.object("paths")
	var item object
	for pattern := range paths {
		if matches(pattern, r.Path) && paths.object(pattern).has(strings.ToLower(r.Method)) {
			item = paths.object(pattern)
		}
	}
	if item == nil {
		t.Errorf("%s is not described", what)
		return
	}
	operation := item.object(strings.ToLower(r.Method))
	for _, pair := range strings.Split(r.Query, "&") {
		name, _, _ := strings.Cut(pair, "=")
		if name == "" {
			continue
		}
		known := slices.ContainsFunc(append(operation.list("parameters"), item.list("parameters")...), func(p any) bool {
			p2 := d.ref(asObject(p))
			return p2["name"] == name && p2["in"] == "query"
		})
		if !known {
			t.Errorf("%s: query parameter %q is not described", what, name)
		}
	}
	content := d.ref(operation.object("requestBody")).object("content").object("application/json")
	if content == nil {
		if len(r.Body) > 0 {
			t.Errorf("%s: a body is not described", what)
		}
		return
	}
	body, err := value(r.Body)
	if err != nil {
		t.Errorf("%s: body %q is not JSON", what, r.Body)
		return
	}
	schema := d.ref(content.object("schema"))
	if strings.HasSuffix(r.Path, "/custom_attributes") {
		delete(asObject(body), "merge") // newer than this description; ignored by what it describes
	}
	d.fits(t, what, schema, body)
}

// fits checks a value against a schema: type, enumeration, required and known keys.
func (d description) fits(t *testing.T, where string, schema object, v any) {
	t.Helper()
	schema = d.ref(schema)
	kind := ""
	switch v := v.(type) {
	case string:
		kind = "string"
	case bool:
		kind = "boolean"
	case []any:
		kind = "array"
		for _, e := range v {
			d.fits(t, where+"[]", schema.object("items"), e)
		}
	case map[string]any:
		kind = "object"
		for _, key := range schema.list("required") {
			if _, ok := v[key.(string)]; !ok {
				t.Errorf("%s: %q is required", where, key)
			}
		}
		properties := schema.object("properties")
		for key, e := range v {
			switch {
			case properties.has(key):
				d.fits(t, where+"."+key, properties.object(key), e)
			case properties != nil:
				t.Errorf("%s: key %q is not described", where, key)
			}
		}
	case json.Number:
		kind = "number"
	}
	want, _ := schema["type"].(string)
	if want == "integer" && isID(asText(v)) {
		want = "number"
	}
	if want != kind {
		t.Errorf("%s: %s, want %s", where, kind, want)
	}
	if allowed := schema.list("enum"); len(allowed) > 0 && !slices.Contains(allowed, v) {
		t.Errorf("%s: %v is none of %v", where, v, allowed)
	}
}

func asText(v any) string {
	n, _ := v.(json.Number)
	return n.String()
}

// matches says whether a path fits a pattern with {placeholders}.
func matches(pattern, path string) bool {
	p, q := strings.Split(pattern, "/"), strings.Split(path, "/")
	if len(p) != len(q) {
		return false
	}
	for i := range p {
		if p[i] != q[i] && (!strings.HasPrefix(p[i], "{") || q[i] == "") {
			return false
		}
	}
	return true
}
