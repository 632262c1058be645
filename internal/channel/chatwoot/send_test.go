package chatwoot

import (
	"encoding/json"
	"errors"
	"io/fs"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"secretaria/internal/channel"
	"secretaria/internal/channel/chatwoot/chatwoottest"
	"secretaria/internal/conversation"
	"secretaria/internal/fault"
	"secretaria/internal/httpclient"
	"secretaria/internal/secret"
)

const delivery conversation.DeliveryID = "0b5f1f5e-2c6f-4b3a-9d8e-2b7a4f6c9e10"

func order(kind channel.OrderKind) channel.Order {
	return channel.Order{Kind: kind, Delivery: delivery, Address: channel.Address{Thread: "1/128"}, Since: time.Now()}
}

// bodies lists the bodies of the calls of one kind.
func bodies(t *testing.T, s *chatwoottest.Server, op chatwoottest.Op) []any {
	t.Helper()
	var all []any
	for _, r := range s.Requests() {
		if r.Op != op {
			continue
		}
		var v any
		if err := json.Unmarshal(r.Body, &v); err != nil {
			t.Fatalf("%s: body %q: %v", op, r.Body, err)
		}
		all = append(all, v)
	}
	return all
}

func TestSayAndNote(t *testing.T) {
	t.Parallel()
	s := start(t, chatwoottest.Options{})
	id := s.Open(chatwoottest.Contact{})
	c := connect(t, s, nil)

	say := order(channel.Say)
	say.Text, say.ReplyTo = "Olá **Mariana** {{contact.email}} {% x %}", "9016"
	got, err := c.Do(t.Context(), say)
	if want := (channel.Receipt{Key: "9100", SelfID: "7", Status: 200}); err != nil || got != want {
		t.Errorf("Do(say) = %+v, %v, want %+v", got, err, want)
	}
	note := order(channel.Note)
	note.Text = "Resumo {{agent.name}}"
	if got, err := c.Do(t.Context(), note); err != nil || got.Key != "9101" {
		t.Errorf("Do(note) = %+v, %v, want key 9101", got, err)
	}
	notQuoting := order(channel.Say)
	notQuoting.Text, notQuoting.ReplyTo = "ok", "9003:submitted"
	if _, err := c.Do(t.Context(), notQuoting); err != nil {
		t.Errorf("Do(say) = %v", err)
	}

	message := func(content string, private bool, more map[string]any) any {
		attributes := map[string]any{Marker: string(delivery)}
		for k, v := range more {
			attributes[k] = v
		}
		return map[string]any{"content": content, "message_type": "outgoing", "private": private, "content_type": "text", "content_attributes": attributes}
	}
	want := []any{
		message("Olá **Mariana** { {contact.email}} { % x %}", false, map[string]any{"in_reply_to": 9016.0}),
		message("Resumo { {agent.name}}", true, nil),
		message("ok", false, nil),
	}
	if diff := cmp.Diff(want, bodies(t, s, chatwoottest.CreateMessage)); diff != "" {
		t.Errorf("bodies (-want +got):\n%s", diff)
	}
	for _, m := range s.Conversation(id).Messages {
		if strings.Contains(m.Content, "LIQUID") {
			t.Errorf("Liquid rendered %q", m.Wire)
		}
	}
	for _, r := range s.Requests() {
		if r.Token != "bot" || r.UnderscoreKey || r.ContentType != "application/json" {
			t.Errorf("request with token %q, underscore %v, type %q, want the bot's in Api-Access-Token and JSON", r.Token, r.UnderscoreKey, r.ContentType)
		}
	}
}

func TestLabelsAreMerged(t *testing.T) {
	t.Parallel()
	s := start(t, chatwoottest.Options{})
	id := s.Open(chatwoottest.Contact{})
	s.Edit(id, func(c *chatwoottest.Conversation) { c.Labels = []string{"cliente-antigo"} })
	c := connect(t, s, nil)
	o := order(channel.Labels)
	o.Labels = []string{"troca, vip", " ", "Cliente-Antigo"}
	for range 2 {
		if _, err := c.Do(t.Context(), o); err != nil {
			t.Fatalf("Do(labels) = %v", err)
		}
	}
	if diff := cmp.Diff([]string{"cliente-antigo", "troca", "vip"}, s.Conversation(id).Labels); diff != "" {
		t.Errorf("labels (-want +got):\n%s", diff)
	}
	if n := len(bodies(t, s, chatwoottest.SetLabels)); n != 1 {
		t.Errorf("labels were written %d times, want once: nothing was new the second time", n)
	}
}

func TestAttributesAreMerged(t *testing.T) {
	t.Parallel()
	s := start(t, chatwoottest.Options{})
	id := s.Open(chatwoottest.Contact{})
	s.Edit(id, func(c *chatwoottest.Conversation) {
		c.Attributes = map[string]any{"pedido": "A-1042", "valor": 1234567890.5, "pontos": 7, "vip": true}
	})
	c := connect(t, s, nil)
	o := order(channel.Attributes)
	o.Attributes = map[string]string{"intencao": "troca", "pontos": "7", "longo": strings.Repeat("é", 1600)}
	for range 2 {
		if _, err := c.Do(t.Context(), o); err != nil {
			t.Fatalf("Do(attributes) = %v", err)
		}
	}
	want := map[string]any{"pedido": "A-1042", "valor": 1234567890.5, "pontos": 7.0, "vip": true, "intencao": "troca", "longo": strings.Repeat("é", 1500)}
	if diff := cmp.Diff(want, s.Conversation(id).Attributes); diff != "" {
		t.Errorf("attributes (-want +got):\n%s", diff)
	}
	if got := bodies(t, s, chatwoottest.SetAttributes); len(got) != 1 || got[0].(map[string]any)["merge"] != true {
		t.Errorf("attributes were written as %v, want once with merge", got)
	}
}

// Where the present attributes cannot be read they are not overwritten.
func TestAttributesUnreadable(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		options chatwoottest.Options
		team    int64
		user    string
		want    fault.Kind // Unknown: it works
		code    string
	}{
		"Old":               {options: chatwoottest.Options{Old: true}, want: fault.Unauthorized, code: causeNotForBots},
		"OldWithUserToken":  {options: chatwoottest.Options{Old: true, UserToken: "u"}, user: "u"},
		"TeamBug":           {options: chatwoottest.Options{TeamBug: true}, team: 4, want: fault.Permanent, code: causeNoAttributes},
		"TeamBugUserToken":  {options: chatwoottest.Options{TeamBug: true, UserToken: "u"}, team: 4, user: "u"},
		"TeamBugWrongToken": {options: chatwoottest.Options{TeamBug: true}, team: 4, user: "u", want: fault.Permanent, code: causeNoAttributes},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, test.options)
			id := s.Open(chatwoottest.Contact{})
			s.Edit(id, func(c *chatwoottest.Conversation) {
				c.Attributes, c.TeamID = map[string]any{"pedido": "A-1042"}, test.team
			})
			c := connect(t, s, func(cfg *Config) { cfg.UserToken = secret.New(test.user) })
			o := order(channel.Attributes)
			o.Attributes = map[string]string{"intencao": "troca"}
			_, err := c.Do(t.Context(), o)
			want := map[string]any{"pedido": "A-1042"}
			if test.want == fault.Unknown {
				want["intencao"] = "troca"
				if err != nil {
					t.Errorf("Do(attributes) = %v", err)
				}
			} else if !fault.Is(err, test.want) || fault.Code(err) != test.code {
				t.Errorf("Do(attributes) = %v, want %v %q", err, test.want, test.code)
			}
			if diff := cmp.Diff(want, s.Conversation(id).Attributes); diff != "" {
				t.Errorf("attributes (-want +got):\n%s", diff)
			}
			for _, r := range s.Requests() {
				if r.Token == "user" && r.Method != http.MethodGet {
					t.Errorf("%s %s with the user token, which is for reading only", r.Method, r.Path)
				}
			}
		})
	}
}

func TestAssignAndOpen(t *testing.T) {
	t.Parallel()
	s := start(t, chatwoottest.Options{})
	id := s.Open(chatwoottest.Contact{})
	c := connect(t, s, nil)
	for _, test := range []struct {
		team, person string
		want         fault.Kind
	}{
		{"4", "", fault.Unknown}, {"", "2", fault.Unknown}, {"4", "2", fault.Unknown},
		{"999999", "", fault.Permanent}, {"", "999999", fault.Permanent}, {"vendas", "", fault.Invalid}, {"", "carlos", fault.Invalid}, {"", "", fault.Invalid},
	} {
		o := order(channel.Assign)
		o.Team, o.Person = test.team, test.person
		_, err := c.Do(t.Context(), o)
		if (test.want == fault.Unknown) != (err == nil) || err != nil && !fault.Is(err, test.want) {
			t.Errorf("Do(assign team %q person %q) = %v, want %v", test.team, test.person, err, test.want)
		}
		if fault.Is(err, fault.Permanent) && fault.Code(err) != causeNoAssignee {
			t.Errorf("Code = %q, want %q", fault.Code(err), causeNoAssignee)
		}
	}
	for range 2 {
		if r, err := c.Do(t.Context(), order(channel.OpenUp)); err != nil || r.Status != 200 {
			t.Errorf("Do(open) = %+v, %v", r, err)
		}
	}
	if got := s.Conversation(id).Status; got != chatwoottest.Open {
		t.Errorf("status = %q, want open", got)
	}
	if _, err := c.Do(t.Context(), order(channel.Typing)); err != nil || !s.Conversation(id).Typing {
		t.Errorf("Do(typing) = %v, typing = %v", err, s.Conversation(id).Typing)
	}
	for _, b := range bodies(t, s, chatwoottest.ToggleStatus) {
		if b.(map[string]any)["status"] != "open" {
			t.Errorf("toggle_status with %v, want the status named", b)
		}
	}
}

// Every recorded error answer, and those that the contract tells of, has its kind.
func TestClassification(t *testing.T) {
	t.Parallel()
	type want struct {
		kind  fault.Kind
		code  string
		after time.Duration
	}
	var recorded []struct {
		Case, Text string
		Status     int
		Response   json.RawMessage
		RawText    string `json:"response_text"`
	}
	b, err := fs.ReadFile(chatwoottest.Exchanges(), "errors.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &recorded); err != nil {
		t.Fatal(err)
	}
	recordedWant := map[int][]want{
		401: {{kind: fault.Unauthorized, code: causeNoToken}, {kind: fault.Unauthorized, code: causeInvalidToken}, {kind: fault.Unauthorized, code: causeNotForBots}, {kind: fault.Unauthorized, code: causeOtherAccount}},
		404: {{kind: fault.NotFound, code: causeNotFound}},
		429: {{kind: fault.RateLimited, code: causeThrottled}},
		422: {{kind: fault.Invalid, code: causeRefused}},
	}
	check := func(what string, status int, contentType, body string, creates bool, w want) {
		t.Helper()
		h := http.Header{}
		h.Set("Content-Type", contentType)
		err := classify(&httpclient.Response{Status: status, Header: h, Body: []byte(body)}, creates)
		if !fault.Is(err, w.kind) || fault.Code(err) != w.code || fault.StatusOf(err) != status || fault.RetryAfter(err) != w.after {
			t.Errorf("%s, creates %v: classify = %#v, want %v %q after %v", what, creates, err, w.kind, w.code, w.after)
		}
	}
	for _, r := range recorded {
		if len(recordedWant[r.Status]) == 0 {
			t.Fatalf("%s: a recorded %d that nothing is wanted of", r.Case, r.Status)
		}
		w := recordedWant[r.Status][0]
		recordedWant[r.Status] = recordedWant[r.Status][1:]
		for _, creates := range []bool{true, false} {
			check(r.Case, r.Status, "application/json", string(r.Response)+r.RawText, creates, w)
		}
	}
	for _, x := range []struct {
		status    int
		page      string
		body      string
		creating  want
		repeating want
	}{
		{422, "application/json", `{"error":"Validation failed: Too many messages"}`, want{fault.RateLimited, causeTooMany, time.Minute}, want{fault.RateLimited, causeTooMany, time.Minute}},
		{422, "application/json", `{"error":"Incoming messages are only allowed in Api inboxes"}`, want{fault.Invalid, causeRefused, 0}, want{fault.Invalid, causeRefused, 0}},
		{422, "application/json", `{"error":"PG::ConnectionBad: server closed"}`, want{fault.Uncertain, causeTrouble, 0}, want{fault.Transient, causeTrouble, 0}},
		{422, "application/json", `{"error":"Error connecting to Redis on redis:6379 (Errno::ECONNREFUSED)"}`, want{fault.Uncertain, causeTrouble, 0}, want{fault.Transient, causeTrouble, 0}},
		{422, "application/json", `nonsense`, want{fault.Invalid, causeRefused, 0}, want{fault.Invalid, causeRefused, 0}},
		{500, "application/json", `{"status":500,"error":"Internal Server Error"}`, want{fault.Uncertain, causeTrouble, 0}, want{fault.Transient, causeTrouble, 0}},
		{502, "text/html", `<html>`, want{fault.Uncertain, causeTrouble, 0}, want{fault.Transient, causeTrouble, 0}},
		{504, "text/html", `<html>`, want{fault.Uncertain, causeTrouble, 0}, want{fault.Transient, causeTrouble, 0}},
		{302, "", ``, want{fault.Permanent, causeUnexpected, 0}, want{fault.Permanent, causeUnexpected, 0}},
		{200, "text/html; charset=utf-8", `<!DOCTYPE html>`, want{fault.Permanent, causeUnexpected, 0}, want{fault.Permanent, causeUnexpected, 0}},
		{404, "text/html", `<h1>`, want{fault.Permanent, causeUnexpected, 0}, want{fault.Permanent, causeUnexpected, 0}},
		{401, "application/json", `{"error":"Account is suspended"}`, want{fault.Unauthorized, causeUnauthorized, 0}, want{fault.Unauthorized, causeUnauthorized, 0}},
		{403, "application/json", ``, want{fault.Unauthorized, causeUnauthorized, 0}, want{fault.Unauthorized, causeUnauthorized, 0}},
		{408, "", ``, want{fault.Transient, causeTrouble, 0}, want{fault.Transient, causeTrouble, 0}},
		{400, "application/json", `{"error":["a"],"errors":"b","message":7}`, want{fault.Invalid, causeRefused, 0}, want{fault.Invalid, causeRefused, 0}},
	} {
		check(x.body, x.status, x.page, x.body, true, x.creating)
		check(x.body, x.status, x.page, x.body, false, x.repeating)
	}
}

// A 2xx without a message in it may have been a success all the same.
func TestUnreadableAnswers(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		kind channel.OrderKind
		op   chatwoottest.Op
		body string
		want fault.Kind
	}{
		{channel.Say, chatwoottest.CreateMessage, `null`, fault.Uncertain},
		{channel.Say, chatwoottest.CreateMessage, `{"id":null}`, fault.Uncertain},
		{channel.Say, chatwoottest.CreateMessage, `{"id":`, fault.Uncertain},
		{channel.Say, chatwoottest.CreateMessage, `[]`, fault.Uncertain},
		{channel.Say, chatwoottest.CreateMessage, ` `, fault.Uncertain},
		{channel.Labels, chatwoottest.GetLabels, `{"payload":null}`, fault.Permanent},
		{channel.Labels, chatwoottest.GetLabels, `[]`, fault.Permanent},
		{channel.Attributes, chatwoottest.GetConversation, `{"custom_attributes":[]}`, fault.Permanent},
		{channel.Attributes, chatwoottest.GetConversation, `{"id":1}`, fault.Permanent},
		{channel.Assign, chatwoottest.Assignments, `ok`, fault.Permanent},
		{channel.Assign, chatwoottest.Assignments, ` `, fault.Permanent},
		{channel.OpenUp, chatwoottest.ToggleStatus, `{"payload":{"current_status":"pending"}}`, fault.Transient},
		{channel.OpenUp, chatwoottest.ToggleStatus, `null`, fault.Transient},
	} {
		s := start(t, chatwoottest.Options{})
		s.Open(chatwoottest.Contact{})
		s.Misbehave(chatwoottest.Misbehaviour{Ops: []chatwoottest.Op{test.op}, Status: 200, Body: test.body})
		o := order(test.kind)
		o.Text, o.Labels, o.Attributes, o.Team = "Olá", []string{"a"}, map[string]string{"a": "b"}, "4"
		if _, err := connect(t, s, nil).Do(t.Context(), o); !fault.Is(err, test.want) {
			t.Errorf("Do(%s) answered %q = %v, want %v", test.kind, test.body, err, test.want)
		}
	}
}

// What can be repeated is never uncertain.
func TestRepeatableOrdersEndTransient(t *testing.T) {
	t.Parallel()
	for _, kind := range []channel.OrderKind{channel.Labels, channel.Attributes, channel.Assign, channel.OpenUp, channel.Typing} {
		for name, m := range map[string]chatwoottest.Misbehaviour{"reset": {Reset: true, After: true}, "500": {Status: 500}, "half": {Half: true, After: true}} {
			s := start(t, chatwoottest.Options{})
			s.Open(chatwoottest.Contact{})
			m.Ops = chatwoottest.Effects()
			s.Misbehave(m)
			o := order(kind)
			o.Labels, o.Attributes, o.Team = []string{"a"}, map[string]string{"a": "b"}, "4"
			c := connect(t, s, nil)
			if _, err := c.Do(t.Context(), o); !fault.Is(err, fault.Transient) && !(kind == channel.Typing && err == nil) {
				t.Errorf("Do(%s) with %s = %v, want fault.Transient", kind, name, err)
			}
			if verdict, _, err := c.Reconcile(t.Context(), o); verdict != channel.Absent || err != nil {
				t.Errorf("Reconcile(%s) = %v, %v, want Absent", kind, verdict, err)
			}
		}
	}
}

func TestDoRefusesNonsense(t *testing.T) {
	t.Parallel()
	s := start(t, chatwoottest.Options{})
	s.Open(chatwoottest.Contact{})
	c := connect(t, s, nil)
	for _, thread := range []string{"", "128", "1/", "/128", "1/../2", "1/128/messages", "-1/128", "0/1", "1/1e3"} {
		o := order(channel.Say)
		o.Text, o.Address.Thread = "Olá", thread
		if _, err := c.Do(t.Context(), o); !fault.Is(err, fault.Invalid) {
			t.Errorf("Do with thread %q = %v, want fault.Invalid", thread, err)
		}
	}
	o := order(channel.Say)
	o.Text = " \x00\n"
	if _, err := c.Do(t.Context(), o); !fault.Is(err, fault.Invalid) {
		t.Errorf("Do without text = %v, want fault.Invalid", err)
	}
	o.Text, o.Address.Thread = "Olá", "1/999"
	if _, err := c.Do(t.Context(), o); !fault.Is(err, fault.NotFound) {
		t.Errorf("Do in no conversation = %v, want fault.NotFound", err)
	}
	o.Address.Thread = "2/128"
	if _, err := c.Do(t.Context(), o); !fault.Is(err, fault.Unauthorized) || fault.Code(err) != causeOtherAccount {
		t.Errorf("Do in another account = %v, want %q", err, causeOtherAccount)
	}
	if n := len(s.Conversation(128).Messages); n != 0 {
		t.Errorf("%d messages were written, want none", n)
	}
}

func TestNotConfigured(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]*Channel{"listening only": listener(t, AnyForm, testSecret), "stranger": Stranger()} {
		if c.Supports(channel.Say) {
			t.Errorf("%s: Supports(say) = true", name)
		}
		if _, err := c.Do(t.Context(), order(channel.Say)); !fault.Is(err, fault.Unsupported) {
			t.Errorf("%s: Do = %v, want fault.Unsupported", name, err)
		}
		if v, _, err := c.Reconcile(t.Context(), order(channel.Say)); v != channel.CannotTell || err != nil {
			t.Errorf("%s: Reconcile = %v, %v, want CannotTell", name, v, err)
		}
		if err := c.Probe(t.Context()); !fault.Is(err, fault.Unsupported) {
			t.Errorf("%s: Probe = %v, want fault.Unsupported", name, err)
		}
	}
}

func TestProbe(t *testing.T) {
	t.Parallel()
	anyStatus := func(status int, body string) *chatwoottest.Misbehaviour {
		return &chatwoottest.Misbehaviour{Status: status, Body: body}
	}
	for _, test := range []struct {
		name    string
		options chatwoottest.Options
		m       *chatwoottest.Misbehaviour
		account string
		token   string
		want    fault.Kind
		code    string
	}{
		{name: "bot token", account: "1"},
		{name: "bot token, old", options: chatwoottest.Options{Old: true}, account: "1"},
		{name: "bot token without an account"},
		{name: "throttled", account: "1", m: anyStatus(429, "")},
		{name: "wrong token", account: "1", token: "wrong", want: fault.Unauthorized, code: causeInvalidToken},
		{name: "wrong token without an account", token: "wrong", want: fault.Unauthorized, code: causeInvalidToken},
		{name: "other account", account: "2", want: fault.Unauthorized, code: causeOtherAccount},
		{name: "header dropped", account: "1", m: anyStatus(401, `{"errors":["You need to sign in or sign up before continuing."]}`), want: fault.Unauthorized, code: causeNoToken},
		{name: "broken", account: "1", m: anyStatus(500, ""), want: fault.Transient, code: causeTrouble},
		{name: "not chatwoot", account: "1", m: anyStatus(404, "<html>"), want: fault.Permanent, code: causeUnexpected},
		{name: "redirect", account: "1", m: anyStatus(301, "moved"), want: fault.Permanent, code: causeUnexpected},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := start(t, test.options)
			s.Open(chatwoottest.Contact{})
			if test.m != nil {
				s.Misbehave(*test.m)
			}
			c := connect(t, s, func(cfg *Config) {
				cfg.AccountID = test.account
				if test.token != "" {
					cfg.Token = secret.New(test.token)
				}
			})
			err := c.Probe(t.Context())
			if test.code == "" && err != nil || test.code != "" && (!fault.Is(err, test.want) || fault.Code(err) != test.code) {
				t.Errorf("Probe = %v, want %v %q", err, test.want, test.code)
			}
			if n := len(s.Requests()); n != 1 {
				t.Errorf("Probe made %d calls, want one", n)
			}
		})
	}
}

func TestValidate(t *testing.T) {
	t.Parallel()
	token := secret.New("t")
	for _, test := range []struct {
		cfg  Config
		want []string // keys named, in order
	}{
		{Config{}, nil},
		{Config{BaseURL: "https://chat.example.com/", Token: token, AccountID: "1", BotID: "7", Form: BodyOnly}, nil},
		{Config{BaseURL: "https://example.com/chat/api/v1", Token: token}, nil},
		{Config{BaseURL: "chat.example.com", Token: token}, []string{"CHATWOOT_BASE_URL"}},
		{Config{BaseURL: "ftp://chat.example.com", Token: token}, []string{"CHATWOOT_BASE_URL"}},
		{Config{BaseURL: "https://u:p@chat.example.com", Token: token}, []string{"CHATWOOT_BASE_URL"}},
		{Config{BaseURL: "https://chat.example.com?x=1", Token: token}, []string{"CHATWOOT_BASE_URL"}},
		{Config{BaseURL: "https://chat.example.com"}, []string{"CHATWOOT_ACCESS_TOKEN"}},
		{Config{Token: token}, []string{"CHATWOOT_BASE_URL"}},
		{Config{AccountID: "loja", BotID: "0", Form: "md5", Window: -1, Secrets: []secret.String{{}}, UserToken: secret.New("a\nb")},
			[]string{"CHATWOOT_ACCOUNT_ID", "CHATWOOT_BOT_ID", "CHATWOOT_SIGNATURE_FORM", "CHATWOOT_SIGNATURE_WINDOW", "CHATWOOT_USER_TOKEN", "CHATWOOT_WEBHOOK_SECRET"}},
	} {
		var got []string
		err := test.cfg.Validate()
		for _, line := range strings.Split(strings.TrimSpace(errorString(err)), "\n") {
			if key, _, ok := strings.Cut(line, ":"); ok {
				got = append(got, key)
			}
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("Validate(%+v) = %v (-want +got):\n%s", test.cfg, err, diff)
		}
		if _, newErr := New(test.cfg, nil); (newErr == nil) != (err == nil) {
			t.Errorf("New(%+v) = %v, Validate = %v", test.cfg, newErr, err)
		}
	}
	for raw, want := range map[string]string{
		"https://chat.example.com/": "https://chat.example.com", "http://h:3000/api/v1/": "http://h:3000", "https://h/chat": "https://h/chat", "https://h/api": "https://h",
	} {
		if u, err := baseURL(raw); err != nil || u.String() != want {
			t.Errorf("baseURL(%q) = %v, %v, want %q", raw, u, err, want)
		}
	}
}

func errorString(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// The address is checked where it is dialled, and its refusal is final.
func TestPrivateAddressIsRefused(t *testing.T) {
	t.Parallel()
	s := start(t, chatwoottest.Options{})
	client := httpclient.New(httpclient.Options{})
	t.Cleanup(client.Close)
	c, err := New(Config{BaseURL: s.URL(), Token: secret.New("bot-token")}, client)
	if err != nil {
		t.Fatal(err)
	}
	o := order(channel.Say)
	o.Text = "Olá"
	_, err = c.Do(t.Context(), o)
	var e *fault.Error
	if !errors.As(err, &e) || e.Kind != fault.Permanent {
		t.Errorf("Do = %v, want fault.Permanent", err)
	}
}

// Who writes labels or attributes in the same moment replaces ours with what they had read
// before; they are merged anew, a bounded number of times.
func TestMergeAnew(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		others int // writes of somebody else, one after each of ours
		writes int
		kept   bool
	}{{"nobody else", 0, 1, true}, {"once", 1, 2, true}, {"every time", 9, 2, false}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			others := map[chatwoottest.Op]int{chatwoottest.SetLabels: c.others, chatwoottest.SetAttributes: c.others}
			s := start(t, chatwoottest.Options{Meanwhile: func(op chatwoottest.Op, conv *chatwoottest.Conversation) {
				if others[op]--; others[op] < 0 {
					return
				}
				if op == chatwoottest.SetLabels {
					conv.Labels = []string{"vip"}
				} else {
					conv.Attributes = map[string]any{"pedido": "A-1042"}
				}
			}})
			s.Open(chatwoottest.Contact{})
			ch := connect(t, s, nil)
			labels, attributes := order(channel.Labels), order(channel.Attributes)
			labels.Labels, attributes.Attributes = []string{"bot"}, map[string]string{"lead_score": "80"}
			for _, o := range []channel.Order{labels, attributes} {
				if _, err := ch.Do(t.Context(), o); err != nil {
					t.Fatalf("Do(%s) = %v", o.Kind, err)
				}
			}
			for _, op := range []chatwoottest.Op{chatwoottest.SetLabels, chatwoottest.SetAttributes} {
				if n := len(bodies(t, s, op)); n != c.writes {
					t.Errorf("%s was called %d times, want %d", op, n, c.writes)
				}
			}
			conv := s.Conversation(128)
			if got := slices.Contains(conv.Labels, "bot") && (c.others == 0 || slices.Contains(conv.Labels, "vip")); got != c.kept {
				t.Errorf("labels %v, want all of them kept: %v", conv.Labels, c.kept)
			}
			if got := conv.Attributes["lead_score"] == "80" && (c.others == 0 || conv.Attributes["pedido"] == "A-1042"); got != c.kept {
				t.Errorf("attributes %v, want all of them kept: %v", conv.Attributes, c.kept)
			}
		})
	}
}

// Giving a conversation back takes it from its person, which else would keep it.
func TestPend(t *testing.T) {
	t.Parallel()
	s := start(t, chatwoottest.Options{})
	s.Open(chatwoottest.Contact{})
	if _, err := s.Assign(t.Context(), 128, 2); err != nil {
		t.Fatal(err)
	}
	if _, err := s.SetStatus(t.Context(), 128, chatwoottest.Open); err != nil {
		t.Fatal(err)
	}
	ch := connect(t, s, nil)
	for range 2 {
		if _, err := ch.Do(t.Context(), order(channel.Pend)); err != nil {
			t.Fatalf("Do(pending) = %v", err)
		}
		if c := s.Conversation(128); c.Status != chatwoottest.Pending || c.AssigneeID != 0 {
			t.Errorf("after Do(pending): %s, assigned to %d, want pending and nobody's", c.Status, c.AssigneeID)
		}
	}
	s.Misbehave(chatwoottest.Misbehaviour{Ops: []chatwoottest.Op{chatwoottest.ToggleStatus}, Status: 200, Body: `{"meta":{},"payload":{"success":true,"current_status":"open"}}`})
	if _, err := ch.Do(t.Context(), order(channel.Pend)); !fault.Is(err, fault.Transient) {
		t.Errorf("Do(pending) that changed nothing = %v, want fault.Transient", err)
	}
}
