package workflow_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"secretaria/internal/conversation"
	"secretaria/internal/fault"
	"secretaria/internal/invalid"
	"secretaria/internal/playbook"
	"secretaria/internal/secret"
	"secretaria/internal/workflow"
)

func TestBuiltInsAreValid(t *testing.T) {
	t.Parallel()
	for _, d := range []workflow.Declared{workflow.CreateLead("https://n8n.example/webhook/lead"), workflow.ScheduleMeeting("https://n8n.example/webhook/meet")} {
		if err := d.Validate(); err != nil {
			t.Errorf("%s: Validate = %v, want none", d.Name, err)
		}
		d.Tool = true
		if err := d.Validate(); err != nil {
			t.Errorf("%s as a tool: Validate = %v, want none", d.Name, err)
		}
	}
}

// What a playbook knows at its end goes through the built-in schemas.
func TestBuiltInsTakeALead(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	book := playbook.Full()
	lead := book.Begin()
	for _, text := range []string{"oi", "Ana Souza", "Acme", "sou diretora de vendas, somos 12 pessoas", "uso Pipedrive e planilha", "perco leads", "ana@acme.com.br", "+55 11 98765-4321",
		"amanhã às 10h ou quarta às 15h"} {
		step := book.Read(lead, playbook.Said{Texts: []string{text}, Now: now})
		lead = step.Lead
	}
	for _, d := range []workflow.Declared{workflow.CreateLead("https://n8n.example/webhook/lead"), workflow.ScheduleMeeting("https://n8n.example/webhook/meet")} {
		arguments := book.Arguments(lead, d.Name)
		if err := d.CheckArguments(arguments); err != nil {
			t.Errorf("CheckArguments(%s) = %v, want none", arguments, err)
		}
		if !strings.Contains(string(arguments), "ana@acme.com.br") {
			t.Errorf("Arguments = %s, want the lead in them", arguments)
		}
	}
}

func TestValidate(t *testing.T) {
	t.Parallel()
	good := workflow.Declared{Name: "book", Description: "Books.", URL: "https://n8n.example/webhook/book", Tool: true,
		Arguments: json.RawMessage(`{"type":"object","properties":{"day":{"type":"string"}}}`),
		Result:    json.RawMessage(`{"type":"object","properties":{"link":{"type":"string"},"at":{"type":"object"},"extra":{}},"required":["link","at"]}`),
		Reply:     "Feito: {link}, {at.day}"}
	for name, c := range map[string]struct {
		change func(*workflow.Declared)
		want   []string // the beginnings of the fields' texts
	}{
		"good":                  {func(*workflow.Declared) {}, nil},
		"a bad name":            {func(d *workflow.Declared) { d.Name = "Book It" }, []string{"name: "}},
		"no address":            {func(d *workflow.Declared) { d.URL = "" }, []string{"url: is empty"}},
		"another scheme":        {func(d *workflow.Declared) { d.URL = "ftp://x/webhook/y" }, []string{"url: is no address"}},
		"a test URL":            {func(d *workflow.Declared) { d.URL = "https://n8n.example/webhook-test/book" }, []string{"url: is the test URL"}},
		"a password":            {func(d *workflow.Declared) { d.URL = "https://a:b@n8n.example/webhook/book" }, []string{"url: holds a password"}},
		"a tool without words":  {func(d *workflow.Declared) { d.Description = " " }, []string{"description: "}},
		"a tool without a form": {func(d *workflow.Declared) { d.Arguments = nil }, []string{"arguments: are missing"}},
		"a tool without keys":   {func(d *workflow.Declared) { d.Arguments = json.RawMessage(`{"type":"object"}`) }, []string{"arguments: name no properties"}},
		"a list":                {func(d *workflow.Declared) { d.Arguments = json.RawMessage(`{"type":"array"}`) }, []string{"arguments: must be"}},
		"a typing mistake": {func(d *workflow.Declared) {
			d.Arguments = json.RawMessage(`{"type":"object","properties":{"a":{"type":"strin"}}}`)
		}, []string{"arguments: is no JSON Schema: properties.a.type"}},
		"a bad pattern": {func(d *workflow.Declared) {
			d.Arguments = json.RawMessage(`{"type":"object","properties":{"a":{"pattern":"("}}}`)
		}, []string{"arguments: is no JSON Schema: properties.a.pattern"}},
		"another file": {func(d *workflow.Declared) {
			d.Arguments = json.RawMessage(`{"type":"object","properties":{"a":{"$ref":"file:///etc/passwd"}}}`)
		}, []string{"arguments: is no JSON Schema: "}},
		"no JSON":               {func(d *workflow.Declared) { d.Result, d.Reply = json.RawMessage(`{`), "" }, []string{"result: is no JSON"}},
		"a key that is missing": {func(d *workflow.Declared) { d.Reply = "{nada}" }, []string{`reply: {nada}: the result has no property "nada"`}},
		"a key that may be":     {func(d *workflow.Declared) { d.Reply = "{extra}" }, []string{`reply: {extra}: list "extra" under required`}},
		"a brace":               {func(d *workflow.Declared) { d.Reply = "{link" }, []string{"reply: has a brace"}},
		"a reply to nothing":    {func(d *workflow.Declared) { d.Result = nil; d.Reply = "{link}" }, []string{"reply: {link}: the workflow declares no result"}},
		"too long":              {func(d *workflow.Declared) { d.Timeout = workflow.MaxTimeout + 1 }, []string{"timeout: "}},
		"before it began":       {func(d *workflow.Declared) { d.Timeout = -1 }, []string{"timeout: "}},
		"a header of ours": {func(d *workflow.Declared) {
			d.Auth = workflow.Auth{Mode: "header", Name: "webhook-id", Secret: secret.New("x")}
		}, []string{"auth.name: "}},
		"a secret without mode": {func(d *workflow.Declared) { d.Auth = workflow.Auth{Secret: secret.New("x")} }, []string{"auth.mode: "}},
		"a line in a secret": {func(d *workflow.Declared) {
			d.Auth = workflow.Auth{Mode: "header", Name: "X-A", Secret: secret.New("x\n")}
		}, []string{"auth.secret: "}},
		"another mode":           {func(d *workflow.Declared) { d.Auth = workflow.Auth{Mode: "jwt", Secret: secret.New("x")} }, []string{"auth.mode: "}},
		"several things, all of": {func(d *workflow.Declared) { d.Name, d.URL = "", "" }, []string{"name: ", "url: "}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := good
			c.change(&d)
			fields := invalid.Fields(d.Validate())
			if len(fields) != len(c.want) {
				t.Fatalf("Validate = %v, want %d fields", fields, len(c.want))
			}
			for i, f := range fields {
				if !strings.HasPrefix(f.Error(), c.want[i]) {
					t.Errorf("field %d = %q, want it to begin with %q", i, f, c.want[i])
				}
			}
		})
	}
}

func TestCheckArguments(t *testing.T) {
	t.Parallel()
	d := workflow.Declared{Arguments: json.RawMessage(`{"type":"object","additionalProperties":false,"required":["email"],"properties":{
		"email":{"type":"string","format":"email"}, "size":{"type":"integer","minimum":1}, "when":{"type":"array","items":{"type":"string","format":"date-time"}},
		"kind":{"enum":["a","b"]}}}`)}
	for arguments, want := range map[string]string{
		`{"email":"a@b.com","size":3,"when":["2026-11-22T10:00:00-03:00"],"kind":"a"}`: "",
		`{"email":"a@b.com","size":99999999999999999999}`:                              "",
		`{}`:                                          "email: missing",
		`{"email":"segredo"}`:                         "email: not in the form email",
		`{"email":null}`:                              "email: want string, got null",
		`{"email":"a@b.com","size":0}`:                "size: against minimum",
		`{"email":"a@b.com","size":1.5}`:              "size: want integer, got number",
		`{"email":"a@b.com","when":["já"]}`:           "when[0]: not in the form date-time",
		`{"email":"a@b.com","kind":"c"}`:              "kind: not one of the values allowed",
		`{"email":"a@b.com","Meu segredo é outro":1}`: "?: not expected",
		`[]`:        "want object, got array",
		`null`:      "want object, got null",
		`"x"`:       "want object, got string",
		`{`:         "not JSON",
		``:          "not JSON",
		`{}{}`:      "not JSON",
		`{"a":NaN}`: "not JSON",
	} {
		err := d.CheckArguments(json.RawMessage(arguments))
		if fault.Code(err) != want || err != nil && !fault.Is(err, fault.Invalid) {
			t.Errorf("CheckArguments(%s) = %v, want %q", arguments, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "segredo") {
			t.Errorf("CheckArguments(%s) = %v repeats a value", arguments, err)
		}
	}
}

func TestAccept(t *testing.T) {
	t.Parallel()
	named := workflow.Declared{Result: json.RawMessage(`{"type":"object","properties":{"a":{"type":"string"},"b":{}},"required":["a"]}`)}
	open := workflow.Declared{Result: json.RawMessage(`{"type":"object"}`)}
	for _, c := range []struct {
		name         string
		declared     workflow.Declared
		result, want string
		code         string
	}{
		{"named", named, `{ "b": 1.50, "a": "<x>" }`, `{"a":"<x>","b":1.50}`, ""},
		{"others go", named, `{"a":"x","token":"y"}`, `{"a":"x"}`, ""},
		{"open", open, `{"a":{"b":[1]}}`, `{"a":{"b":[1]}}`, ""},
		{"nothing", named, ``, ``, "not JSON"},
		{"too large", named, `{"a":"` + strings.Repeat("x", workflow.MaxResult) + `"}`, ``, "result: too large"},
		{"large, but dropped", named, `{"a":"x","c":"` + strings.Repeat("x", workflow.MaxResult) + `"}`, `{"a":"x"}`, ""},
		{"none declared", workflow.Declared{}, `{"a":1}`, ``, "result: the workflow declares none"},
		{"none declared, none given", workflow.Declared{}, ``, ``, ""},
		{"none declared, nothing in it", workflow.Declared{}, `{}`, ``, ""},
	} {
		got, err := c.declared.Accept(json.RawMessage(c.result))
		if string(got) != c.want || fault.Code(err) != c.code {
			t.Errorf("%s: Accept(%.40s) = %s, %v, want %s, %q", c.name, c.result, got, err, c.want, c.code)
		}
	}
}

func TestCanonical(t *testing.T) {
	t.Parallel()
	const want = `{"a":{"x":1.0,"y":"é <&>"},"b":[2,1],"c":12345678901234567890}`
	for _, same := range []string{`{"c":12345678901234567890,"b":[2,1],"a":{"y":"\u00e9 \u003c&>","x":1.0}}`, " {\n\"a\" : {\"x\":1.0,\"y\":\"é <&>\"},\"b\":[2, 1],\"c\":12345678901234567890 } "} {
		if got, err := workflow.Canonical(json.RawMessage(same)); got != want || err != nil {
			t.Errorf("Canonical(%s) = %s, %v, want %s", same, got, err, want)
		}
	}
	if _, err := workflow.Canonical(json.RawMessage(`[1]`)); !fault.Is(err, fault.Invalid) {
		t.Errorf("Canonical of a list = %v, want %v", err, fault.Invalid)
	}
}

func TestRender(t *testing.T) {
	t.Parallel()
	const reply = "Reunião marcada! Link: {link}"
	for _, c := range []struct{ reply, result, want, code string }{
		{reply, `{"link":"https://meet.example/a_b*c?x=1&y=2"}`, "Reunião marcada! Link: <https://meet.example/a_b*c?x=1&y=2>", ""},
		{reply, `{"link":"HTTP://meet.example"}`, "Reunião marcada! Link: <HTTP://meet.example>", ""},
		{"{a.b} {n} {ok}", `{"a":{"b":"x"},"n":10.50,"ok":true}`, "x 10.50 sim", ""},
		{"{a}", `{"a":"**oi** [x](y)\n# z  \u200b{{fim}}"}`, `\*\*oi\*\* \[x\]\(y\) \# z \{\{fim\}\}`, ""},
		{"{a}", `{"a":"às 14:30, sala 2: ok"}`, "às 14:30, sala 2: ok", ""},
		{reply, `{}`, "", "link: missing"},
		{reply, `{"link":null}`, "", "link: want a text, a number or a truth, got null"},
		{reply, `{"link":["x"]}`, "", "link: want a text, a number or a truth, got array"},
		{reply, `{"link":" \u200b "}`, "", "link: empty"},
		{reply, `{"link":"javascript:alert(1)"}`, "", "link: holds an address that is not http or https"},
		{reply, `{"link":"vá a ftp://x.example/y"}`, "", "link: holds an address that is not http or https"},
		{reply, `{"link":"https://banco.example@mau.example/"}`, "", "link: holds an address that hides its host"},
		{reply, `{"link":"https://"}`, "", "link: holds an address that is not http or https"},
		{reply, `{"link":"https://x.example/<b>"}`, "", "link: holds an address that is none"},
		{reply, `{"link":"` + strings.Repeat("x", 501) + `"}`, "", "link: too long"},
		{"{a.b}", `{"a":"x"}`, "", "a.b: missing"},
		{"{", `{}`, "", "reply: cannot be used"},
		{"sem chaves", `{}`, "sem chaves", ""},
		{reply, `null`, "", "want object, got null"},
	} {
		got, err := workflow.Render(c.reply, json.RawMessage(c.result))
		if got != c.want || fault.Code(err) != c.code {
			t.Errorf("Render(%q, %.60s) = %q, %v, want %q, %q", c.reply, c.result, got, err, c.want, c.code)
		}
	}
}

func TestNews(t *testing.T) {
	t.Parallel()
	for _, n := range []workflow.News{
		{Workflow: "book", Delivery: "d-1", Result: json.RawMessage(`{"a":1}`)},
		{Workflow: "book", Delivery: "d-1", Failed: true, Result: workflow.Failure("outcome unknown")},
	} {
		got, ok := workflow.ReadNews(n.Content())
		if diff := cmp.Diff(n, got); diff != "" || !ok {
			t.Errorf("ReadNews(Content()) differs (-want +got):\n%s", diff)
		}
	}
	if c := (workflow.News{Workflow: "book", Failed: true, Result: workflow.Failure(`"x"`)}).Content(); c.Text != `{"error":"\"x\""}` || c.Detail["status"] != "failed" || c.Kind != conversation.Result {
		t.Errorf("Content = %+v", c)
	}
	if _, ok := workflow.ReadNews(conversation.Content{Kind: conversation.Text, Text: "{}", Detail: map[string]string{"workflow": "book", "status": "done"}}); ok {
		t.Error("a customer's text is read as news")
	}
}

// No value of a result can become a mark, a link of another scheme or a second line.
func FuzzRender(f *testing.F) {
	for _, s := range []string{"oi", "https://a.example/x", "javascript:x", "**a**", "[a](b)", "a\nb", "{{x}}", "<b>"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		result, err := json.Marshal(map[string]string{"a": s})
		if err != nil {
			t.Skip()
		}
		got, err := workflow.Render("{a}", result)
		if err != nil {
			if !fault.Is(err, fault.Invalid) || errors.Unwrap(err) == err {
				t.Errorf("Render(%q) = %v", s, err)
			}
			return
		}
		if strings.ContainsAny(got, "\n\r\x00") || got == "" {
			t.Errorf("Render(%q) = %q, want one line", s, got)
		}
		bare := strings.NewReplacer(`\\`, "", `\*`, "", `\[`, "", `\{`, "", `\`+"`", "", `\_`, "").Replace(got)
		outside := bare
		for {
			open := strings.Index(outside, "<http")
			if open < 0 {
				open = strings.Index(strings.ToLower(outside), "<http")
			}
			if open < 0 {
				break
			}
			end := strings.IndexByte(outside[open:], '>')
			if end < 0 {
				t.Fatalf("Render(%q) = %q: an address without an end", s, got)
			}
			outside = outside[:open] + outside[open+end+1:]
		}
		if strings.ContainsAny(outside, "*[{`_") {
			t.Errorf("Render(%q) = %q: a mark is left", s, got)
		}
	})
}
