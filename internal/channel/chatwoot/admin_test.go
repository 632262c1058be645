package chatwoot

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"secretaria/internal/channel/chatwoot/chatwoottest"
	"secretaria/internal/fault"
	"secretaria/internal/httpclient"
	"secretaria/internal/secret"
)

const adminToken = "vQ8administratorK2"

// townHall is a Chatwoot with an administrator, an agent, and one inbox of each kind.
func townHall() chatwoottest.Options {
	return chatwoottest.Options{
		AdminToken: adminToken, UserToken: "user-token", Bare: true, RetryDelay: time.Millisecond,
		Inboxes: []chatwoottest.Inbox{
			{ID: 3, Name: "Testes", Kind: chatwoottest.KindAPI},
			{ID: 4, Name: "Site da loja", Kind: chatwoottest.KindWebsite, Greeting: true, Mail: true},
			{ID: 5, Name: "WhatsApp Vendas", BotID: 2, Closed: true, Survey: true},
			{ID: 6, Name: "Aplicativo", Kind: chatwoottest.KindAPI, Identified: true},
		},
		Bots: []chatwoottest.Bot{
			{ID: 1, Name: "Da instalação", Token: "system-token", Secret: "system-secret", System: true},
			{ID: 2, Name: "Antigo", Description: "De antes", URL: "https://antigo.example/hook", Token: "old-token", Secret: "old-secret"},
		},
		Labels: []string{"novo_lead", "vip"},
	}
}

// administrator returns a user of a fake; token "" is the administrator's.
func administrator(t testing.TB, baseURL, token string) *Admin {
	t.Helper()
	if token == "" {
		token = adminToken
	}
	client := httpclient.New(httpclient.Options{Policy: httpclient.Policy{All: true}, MaxBody: 8 << 20})
	t.Cleanup(client.Close)
	a, err := NewAdmin(baseURL, secret.New(token), client)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

var sameSecrets = cmp.Comparer(func(a, b secret.String) bool { return a == b })

func TestNewAdmin(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ url, token string }{
		{"", "t"}, {"chat.example", "t"}, {"ftp://chat.example", "t"}, {"https://u:p@chat.example", "t"}, {"https://chat.example?x=1", "t"},
		{"https://chat.example", ""}, {"https://chat.example", "a b"}, {"https://chat.example", "ação"},
	} {
		if _, err := NewAdmin(c.url, secret.New(c.token), nil); !fault.Is(err, fault.Invalid) || strings.Contains(err.Error(), "u:p") {
			t.Errorf("NewAdmin(%q, %q) = %v, want invalid", c.url, c.token, err)
		}
	}
	for _, url := range []string{"https://chat.example", "https://chat.example/", "https://chat.example/api/v1/"} {
		a, err := NewAdmin(url, secret.New("t"), nil)
		if err != nil || a.base.String() != "https://chat.example" {
			t.Errorf("NewAdmin(%q) = %v, %v, want the address without its end", url, a, err)
		}
	}
}

func TestLook(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, token string
		change      func(*chatwoottest.Options)
		want        Office
		code        string
		signs       bool
	}{
		{name: "administrator", want: Office{Version: "4.15.1", User: "Ana Prado", Accounts: []Account{{"1", "Loja Aurora", RoleAdministrator}}}, signs: true},
		{name: "agent", token: "user-token", want: Office{Version: "4.15.1", User: "Carlos Lima", Accounts: []Account{{"1", "Loja Aurora", RoleAgent}}}, signs: true},
		{name: "old", change: func(o *chatwoottest.Options) { o.Version = "4.12.9" }, want: Office{Version: "4.12.9", User: "Ana Prado", Accounts: []Account{{"1", "Loja Aurora", RoleAdministrator}}}},
		{name: "no version", change: func(o *chatwoottest.Options) { o.Version = "latest" }, want: Office{User: "Ana Prado", Accounts: []Account{{"1", "Loja Aurora", RoleAdministrator}}}, signs: true},
		{name: "nobody's", token: "wrong", want: Office{Version: "4.15.1"}, code: causeInvalidToken, signs: true},
		{name: "a bot's", token: "old-token", want: Office{Version: "4.15.1"}, code: causeBotToken, signs: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			o := townHall()
			if c.change != nil {
				c.change(&o)
			}
			s := start(t, o)
			got, err := administrator(t, s.URL(), c.token).Look(t.Context())
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("Look: -want +got\n%s", diff)
			}
			if fault.Code(err) != c.code || c.code != "" && !fault.Is(err, fault.Unauthorized) {
				t.Errorf("Look = %v, want %q", err, c.code)
			}
			if got.Signs() != c.signs {
				t.Errorf("Signs of %q = %v, want %v", got.Version, got.Signs(), c.signs)
			}
			onlyReads(t, s)
		})
	}
}

func onlyReads(t *testing.T, s *chatwoottest.Server) {
	t.Helper()
	for _, r := range s.Requests() {
		if r.Method != http.MethodGet || r.UnderscoreKey {
			t.Errorf("%s %s, want reads alone, with a header that proxies let pass", r.Method, r.Path)
		}
	}
}

// What stands where Chatwoot was thought to be is told apart from a Chatwoot that refuses.
func TestLookElsewhere(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		kind   fault.Kind
		code   string
	}{
		"a web page": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			_, _ = io.WriteString(w, "<!DOCTYPE html><title>Loja</title>")
		}, fault.Permanent, causeUnexpected},
		"another program": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusNotFound)
			_, _ = io.WriteString(w, `{"message":"no route"}`)
		}, fault.Permanent, causeUnexpected},
		"a moved one": {http.RedirectHandler("https://chat.example/", http.StatusMovedPermanently).ServeHTTP, fault.Permanent, causeUnexpected},
		"an API of something else": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, `{"ok":true}`)
		}, fault.Permanent, causeUnexpected},
		"a list": {func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `[1]`) }, fault.Permanent, causeUnreadable},
		"a proxy that drops the header": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			if r.URL.Path == "/api" {
				_, _ = io.WriteString(w, `{"version":"4.15.1"}`)
				return
			}
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = io.WriteString(w, `{"errors":["You need to sign in or sign up before continuing."]}`)
		}, fault.Unauthorized, causeNoToken},
		"a broken one": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }, fault.Transient, causeTrouble},
		"a busy one":   {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTooManyRequests) }, fault.RateLimited, causeThrottled},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := httptest.NewServer(c.answer)
			t.Cleanup(srv.Close)
			_, err := administrator(t, srv.URL, "").Look(t.Context())
			if !fault.Is(err, c.kind) || fault.Code(err) != c.code {
				t.Errorf("Look = %v (%v), want %v %s", err, fault.KindOf(err), c.kind, c.code)
			}
			if strings.Contains(err.Error(), "127.0.0.1") || strings.Contains(err.Error(), adminToken) {
				t.Errorf("Look = %v, which tells where or with what", err)
			}
		})
	}
}

func TestPremises(t *testing.T) {
	t.Parallel()
	s := start(t, townHall())
	got, err := administrator(t, s.URL(), "").Premises(t.Context(), "1")
	if err != nil {
		t.Fatal(err)
	}
	want := Premises{
		Inboxes: []AdminInbox{
			{ID: "3", Name: "Testes", Kind: KindAPI, Identifier: "api-3"},
			{ID: "4", Name: "Site da loja", Kind: KindWebsite, WebsiteToken: "site-4", Greets: true, Mail: true},
			{ID: "5", Name: "WhatsApp Vendas", Kind: "Channel::Whatsapp", BotID: "2", BotName: "Antigo", Closed: true, Survey: true},
			{ID: "6", Name: "Aplicativo", Kind: KindAPI, Identifier: "api-6", Identified: true},
		},
		Bots: []Bot{
			{ID: "1", Name: "Da instalação", System: true, Token: secret.New("system-token")},
			{ID: "2", Name: "Antigo", Description: "De antes", URL: "https://antigo.example/hook", Token: secret.New("old-token"), Secret: secret.New("old-secret")},
		},
		Teams:  []Team{{ID: "4", Name: "financeiro"}},
		Labels: []string{"novo_lead", "vip"},
	}
	if diff := cmp.Diff(want, got, sameSecrets); diff != "" {
		t.Errorf("Premises: -want +got\n%s", diff)
	}
	onlyReads(t, s)

	// An agent sees the same without the secrets.
	got, err = administrator(t, s.URL(), "user-token").Premises(t.Context(), "1")
	if err != nil || len(got.Bots) != 2 || !got.Bots[1].Secret.IsZero() {
		t.Errorf("Premises as an agent = %+v, %v, want bots without secrets", got, err)
	}
	for account, code := range map[string]string{"2": causeOtherAccount, "0": "account: a number expected", "1/../2": "account: a number expected"} {
		if _, err := administrator(t, s.URL(), "").Premises(t.Context(), account); fault.Code(err) != code {
			t.Errorf("Premises(%q) = %v, want %q", account, err, code)
		}
	}
}

func TestBotsAreMadeAndSeated(t *testing.T) {
	t.Parallel()
	s := start(t, townHall())
	a := administrator(t, s.URL(), "")
	made, err := a.CreateBot(t.Context(), "1", BotDraft{Name: "Secretaria", Description: "Atende", URL: "https://bot.example/api/v1/webhooks/agentbot"})
	if err != nil {
		t.Fatal(err)
	}
	if made.ID == "" || made.Token.IsZero() || made.Secret.IsZero() || made.Name != "Secretaria" || made.Description != "Atende" || made.System {
		t.Errorf("CreateBot = %+v, want a bot with token and secret", made)
	}
	changed, err := a.UpdateBot(t.Context(), "1", made.ID, BotDraft{URL: "https://bot.example/outro"})
	want := made
	want.URL = "https://bot.example/outro"
	if err != nil || changed != want {
		t.Errorf("UpdateBot = %+v, %v, want %+v", changed, err, want)
	}
	inbox := func(id int64) chatwoottest.Inbox {
		all := s.Inboxes()
		return all[slices.IndexFunc(all, func(in chatwoottest.Inbox) bool { return in.ID == id })]
	}
	for _, bot := range []string{made.ID, "2", ""} {
		if err := a.Seat(t.Context(), "1", "5", bot); err != nil {
			t.Fatalf("Seat(%q) = %v", bot, err)
		}
		p, err := a.Premises(t.Context(), "1")
		if err != nil || p.Inboxes[2].BotID != bot || p.Inboxes[0].BotID != "" {
			t.Errorf("after Seat(%q) the bots are %+v, %v", bot, p.Inboxes, err)
		}
	}
	// Templates are turned off one by one, and nothing else with them.
	for _, c := range []struct {
		inbox string
		what  Templates
		want  Templates
	}{
		{"4", Templates{}, Templates{Greets: true, Mail: true}},
		{"4", Templates{Greets: true}, Templates{Mail: true}},
		{"4", Templates{Mail: true}, Templates{}},
		{"5", Templates{Closed: true}, Templates{Survey: true}},
		{"5", Templates{Survey: true}, Templates{}},
	} {
		if err := a.Hush(t.Context(), "1", c.inbox, c.what); err != nil {
			t.Fatalf("Hush(%s, %+v) = %v", c.inbox, c.what, err)
		}
		id := map[string]int64{"4": 4, "5": 5}[c.inbox]
		in := inbox(id)
		if got := (Templates{in.Greeting, in.Closed, in.Mail, in.Survey}); got != c.want {
			t.Errorf("Hush(%s, %+v) leaves %+v, want %+v", c.inbox, c.what, got, c.want)
		}
	}
}

// Before 4.13 a bot has no secret, and that is no error.
func TestOldChatwootHasNoSecrets(t *testing.T) {
	t.Parallel()
	o := townHall()
	o.Version = "4.12.1"
	b, err := administrator(t, start(t, o).URL(), "").CreateBot(t.Context(), "1", BotDraft{Name: "Secretaria", URL: "https://bot.example"})
	if err != nil || b.Token.IsZero() || !b.Secret.IsZero() {
		t.Errorf("CreateBot = %+v, %v, want a token and no secret", b, err)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	s := start(t, townHall())
	draft := BotDraft{Name: "Secretaria", URL: "https://bot.example"}
	calls := map[string]func(*Admin) error{
		"CreateBot": func(a *Admin) error { _, err := a.CreateBot(t.Context(), "1", draft); return err },
		"UpdateBot": func(a *Admin) error { _, err := a.UpdateBot(t.Context(), "1", "2", draft); return err },
		"Seat":      func(a *Admin) error { return a.Seat(t.Context(), "1", "5", "2") },
		"Hush":      func(a *Admin) error { return a.Hush(t.Context(), "1", "5", Templates{Survey: true}) },
	}
	for name, call := range calls {
		for token, code := range map[string]string{"user-token": causeNoAdmin, "wrong": causeInvalidToken, "old-token": causeBotToken} {
			if err := call(administrator(t, s.URL(), token)); fault.Code(err) != code || !fault.Is(err, fault.Unauthorized) {
				t.Errorf("%s with %s = %v, want unauthorized %s", name, token, err, code)
			}
		}
	}
	a := administrator(t, s.URL(), "")
	for name, err := range map[string]error{
		"a system bot":     second(a.UpdateBot(t.Context(), "1", "1", draft)),
		"no bot":           second(a.UpdateBot(t.Context(), "1", "99", draft)),
		"no inbox":         a.Seat(t.Context(), "1", "99", "2"),
		"no such bot":      a.Seat(t.Context(), "1", "5", "99"),
		"no inbox to hush": a.Hush(t.Context(), "1", "99", Templates{Mail: true}),
	} {
		if fault.Code(err) != causeUnknownThing || !fault.Is(err, fault.NotFound) {
			t.Errorf("%s: %v, want not found", name, err)
		}
	}
	before := len(s.Requests())
	for name, err := range map[string]error{
		"no name":      second(a.CreateBot(t.Context(), "1", BotDraft{URL: "https://bot.example"})),
		"no address":   second(a.CreateBot(t.Context(), "1", BotDraft{Name: "x"})),
		"nothing":      second(a.UpdateBot(t.Context(), "1", "2", BotDraft{})),
		"a path":       second(a.UpdateBot(t.Context(), "1", "../2", draft)),
		"an inbox":     a.Seat(t.Context(), "1", "x", "2"),
		"a bot's name": a.Seat(t.Context(), "1", "5", "Secretaria"),
		"an account":   a.Hush(t.Context(), "", "5", Templates{Mail: true}),
		"a customer":   second(a.Customer(t.Context(), "1", AdminInbox{Kind: KindAPI, Identifier: "a"}, " ")),
	} {
		if !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v, want invalid", name, err)
		}
	}
	for name, in := range map[string]AdminInbox{
		"WhatsApp":              {ID: "5", Kind: "Channel::Whatsapp"},
		"identified":            {ID: "6", Kind: KindAPI, Identifier: "api-6", Identified: true},
		"without an identifier": {ID: "3", Kind: KindAPI},
		"with a path":           {ID: "3", Kind: KindAPI, Identifier: "../x"},
		"without a token":       {ID: "4", Kind: KindWebsite},
	} {
		if _, err := a.Customer(t.Context(), "1", in, "Teste"); !fault.Is(err, fault.Unsupported) || fault.Code(err) != causeNoStrangers {
			t.Errorf("Customer of an inbox %s = %v, want unsupported", name, err)
		}
	}
	if n := len(s.Requests()) - before; n != 0 {
		t.Errorf("%d calls were made for what could not be meant", n)
	}
}

func second[T any](_ T, err error) error { return err }

// Whatever goes wrong has a kind; what makes something new is uncertain where it may have
// happened, and everything else can be called again.
func TestTrouble(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		m             chatwoottest.Misbehaviour
		create, again fault.Kind
	}{
		"500":           {chatwoottest.Misbehaviour{Status: 500}, fault.Uncertain, fault.Transient},
		"422":           {chatwoottest.Misbehaviour{Status: 422}, fault.Invalid, fault.Invalid},
		"429":           {chatwoottest.Misbehaviour{Status: 429}, fault.RateLimited, fault.RateLimited},
		"401":           {chatwoottest.Misbehaviour{Status: 401}, fault.Unauthorized, fault.Unauthorized},
		"unknown route": {chatwoottest.Misbehaviour{Status: 404, Body: `{"status":404,"error":"Not Found"}`}, fault.NotFound, fault.NotFound},
		"a page":        {chatwoottest.Misbehaviour{Status: 200, Body: "<html>", ContentType: "text/html"}, fault.Permanent, fault.Permanent},
		"lost answer":   {chatwoottest.Misbehaviour{Reset: true, After: true}, fault.Uncertain, fault.Transient},
		"half answer":   {chatwoottest.Misbehaviour{Half: true, After: true}, fault.Uncertain, fault.Transient},
		"nonsense":      {chatwoottest.Misbehaviour{Status: 200, Body: `"ok"`}, fault.Uncertain, fault.Permanent},
		"no bot":        {chatwoottest.Misbehaviour{Status: 200, Body: `{"id":"x"}`}, fault.Uncertain, fault.Permanent},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, townHall())
			a := administrator(t, s.URL(), "")
			c.m.Times = -1
			c.m.Ops = []chatwoottest.Op{chatwoottest.CreateBot, chatwoottest.UpdateBot}
			s.Misbehave(c.m)
			draft := BotDraft{Name: "Secretaria", URL: "https://bot.example"}
			if _, err := a.CreateBot(t.Context(), "1", draft); !fault.Is(err, c.create) {
				t.Errorf("CreateBot = %v (%v), want %v", err, fault.KindOf(err), c.create)
			}
			if _, err := a.UpdateBot(t.Context(), "1", "2", draft); !fault.Is(err, c.again) {
				t.Errorf("UpdateBot = %v (%v), want %v", err, fault.KindOf(err), c.again)
			} else if name == "unknown route" && fault.Code(err) != causeUnknownRoute {
				t.Errorf("UpdateBot = %v, want %s", err, causeUnknownRoute)
			}
		})
	}
	t.Run("slow", func(t *testing.T) {
		t.Parallel()
		s := start(t, townHall())
		read := s.Misbehave(chatwoottest.Misbehaviour{Ops: []chatwoottest.Op{chatwoottest.CreateBot}, Hang: true})
		ctx, cancel := context.WithCancel(t.Context())
		go func() { <-read; cancel() }()
		if _, err := administrator(t, s.URL(), "").CreateBot(ctx, "1", BotDraft{Name: "x", URL: "https://bot.example"}); !fault.Is(err, fault.Uncertain) {
			t.Errorf("CreateBot, given up = %v, want uncertain", err)
		}
	})
}
