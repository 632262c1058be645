package command_test

import (
	"database/sql"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"secretaria/internal/channel"
	"secretaria/internal/channel/chatwoot/chatwoottest"
	"secretaria/internal/channel/whaticket/whatickettest"
	"secretaria/internal/conversation"
	"secretaria/internal/store"
	"secretaria/internal/store/sqlite"
)

// chatwootOf writes the configuration of an inbox "chatwoot" at a fake Chatwoot into a folder.
func chatwootOf(t *testing.T, dir string, o chatwoottest.Options, more ...string) *chatwoottest.Server {
	t.Helper()
	s, err := chatwoottest.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	keys := map[string]string{"channel": "chatwoot", "secrets": "a-long-enough-secret", "base_url": s.URL(), "account_id": "1", "token": "bot-token"}
	for _, kv := range more {
		k, v, _ := strings.Cut(kv, "=")
		keys[k] = v
	}
	yaml := "inboxes:\n  chatwoot:\n"
	for k, v := range keys {
		yaml += fmt.Sprintf("    %s: %s\n", k, v)
	}
	if err := os.WriteFile(filepath.Join(dir, "secretaria.yaml"), []byte(yaml), 0o600); err != nil {
		t.Fatal(err)
	}
	return s
}

// whaticketOf is the environment of an inbox at a fake Whaticket.
func whaticketOf(t *testing.T, s *whatickettest.Server, more ...string) []string {
	t.Helper()
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return append([]string{"SHARED_SECRET=a-long-enough-secret", "WHATSAPP_API_URL=" + s.URL(), "WHATSAPP_BEARER_TOKEN=" + whatickettest.DefaultToken,
		"WHATICKET_JWT_EMAIL=" + whatickettest.DefaultEmail, "WHATICKET_JWT_PASSWORD=" + whatickettest.DefaultPassword, "ALLOW_PRIVATE_ADDRESSES=127.0.0.1"}, more...)
}

// finds runs check and wants one finding with a text and a remedy in both languages; problems
// end with 1, everything else with 0.
func finds(t *testing.T, dir string, environ []string, subject, level, text string, remedies ...string) {
	t.Helper()
	said(t, run(t, dir, environ, "check", "--json"), subject, level, text, remedies...)
}

func TestDoctorFindsHealthyPeersHealthy(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := chatwootOf(t, dir, chatwoottest.Options{UserToken: "user-token", Inboxes: []chatwoottest.Inbox{{ID: 5, Name: "WhatsApp", Bot: true, URL: "https://8.8.8.8/api/v1/webhooks/agentbot"}}}, "user_token=user-token")
	w := &whatickettest.Server{}
	environ := whaticketOf(t, w)
	got := run(t, dir, environ, "check", "--json")
	for _, subject := range []string{"helpdesk of chatwoot", "helpdesk of whaticket"} {
		if f := about(t, got, subject); len(f) != 1 || f[0].Level != "ok" {
			t.Errorf("check says of %s %+v, want that it is well", subject, f)
		}
	}
	if got.code != 0 || len(files(t, dir)) != 1 {
		t.Errorf("check = %v, and left %q; want 0 and the configuration alone", got, files(t, dir))
	}
	if sent := w.Sent(); len(sent) > 0 {
		t.Errorf("check sent %+v", sent)
	}
	for _, r := range s.Requests() {
		if r.Method != http.MethodGet && !strings.Contains(r.Path, "/conversations/0/") {
			t.Errorf("check called %s %s, which may change something", r.Method, r.Path)
		}
	}
}

func TestDoctorTellsWhyNobodyAnswers(t *testing.T) {
	t.Parallel()
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	untrusted := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(untrusted.Close)
	plain := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(plain.Close)
	release := make(chan struct{})
	hanging := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-r.Context().Done():
		case <-release:
		}
	}))
	t.Cleanup(func() { close(release); hanging.Close() })
	for _, c := range []struct{ name, url, text, english, portuguese string }{
		{"dns", "http://secretaria.invalid", "DNS", "correct the host in CHATWOOT_BASE_URL", "corrija o host em CHATWOOT_BASE_URL"},
		{"refused", gone.URL, "refused", "correct the port in CHATWOOT_BASE_URL", "inicie-o ou corrija a porta"},
		{"certificate", untrusted.URL, "certificate", "renew the certificate", "renove o certificado"},
		{"no tls", strings.Replace(plain.URL, "http:", "https:", 1), "does not speak TLS", "write http:// in CHATWOOT_BASE_URL", "escreva http://"},
		{"timeout", hanging.URL, "timeout", "firewall", "descarta o que sai daqui"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			environ := []string{"CHATWOOT_WEBHOOK_SECRET=a-long-enough-secret", "CHATWOOT_BASE_URL=" + c.url, "CHATWOOT_ACCESS_TOKEN=hunter2", "ALLOW_PRIVATE_ADDRESSES=127.0.0.1", "REQUEST_TIMEOUT_SECONDS=1"}
			finds(t, t.TempDir(), environ, "helpdesk of chatwoot", "problem", c.text, c.english, c.portuguese)
			environ = []string{"N8N_BASE_URL=" + c.url, "ALLOW_PRIVATE_ADDRESSES=127.0.0.1", "REQUEST_TIMEOUT_SECONDS=1"}
			finds(t, t.TempDir(), environ, "n8n", "problem", c.text, strings.ReplaceAll(c.english, "CHATWOOT", "N8N"), strings.ReplaceAll(c.portuguese, "CHATWOOT", "N8N"))
		})
	}
	environ := []string{"OPENAI_API_KEY=hunter2", "OPENAI_BASE_URL=" + gone.URL + "/v1", "ALLOW_PRIVATE_ADDRESSES=127.0.0.1"}
	finds(t, t.TempDir(), environ, "model openai", "problem", "refused", "start it", "inicie-o")
}

func TestDoctorExaminesWhaticket(t *testing.T) {
	t.Parallel()
	const about, jwt = "helpdesk of whaticket", "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJpZCI6MX0.c2lnbmF0dXJl"
	for _, c := range []struct {
		name        string
		server      *whatickettest.Server
		environ     []string
		level, text string
		remedies    []string
	}{
		{"login for a token", &whatickettest.Server{}, []string{"WHATSAPP_BEARER_TOKEN=" + jwt}, "problem", "token of a login (JWT)", []string{"Settings → API token", "Configurações → Token da API", "WHATICKET_JWT_EMAIL"}},
		{"wrong token", &whatickettest.Server{}, []string{"WHATSAPP_BEARER_TOKEN=other"}, "problem", "refuses WHATSAPP_BEARER_TOKEN", []string{"Connections → edit", "editar a conexão"}},
		{"wrong token of a fork", &whatickettest.Server{Variant: whatickettest.SaaS}, []string{"WHATSAPP_BEARER_TOKEN=other"}, "problem", "refuses WHATSAPP_BEARER_TOKEN", []string{"Connections → edit", "editar a conexão"}},
		{"enabled", &whatickettest.Server{Enabled: true}, nil, "problem", `takes the word "enabled"`, []string{"let only this server reach /api/messages/send", "deixe só este servidor alcançar"}},
		{"disconnected", &whatickettest.Server{Status: "DISCONNECTED"}, nil, "problem", "is not up (DISCONNECTED)", []string{"read the QR code", "leia o QR code"}},
		{"waiting for the phone", &whatickettest.Server{Status: "qrcode"}, nil, "problem", "is not up (qrcode)", []string{"read the QR code", "leia o QR code"}},
		{"greeting", &whatickettest.Server{Greeting: "Olá! Aguarde."}, nil, "note", "answered twice", []string{"clear the greeting", "apague a saudação"}},
		{"wrong password", &whatickettest.Server{}, []string{"WHATICKET_JWT_PASSWORD=other"}, "problem", "does not work", []string{"correct the token, or e-mail and password", "corrija o token"}},
		{"clock", &whatickettest.Server{Skew: time.Minute}, nil, "", "", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			environ := whaticketOf(t, c.server)
			environ = append(environ, c.environ...)
			if c.level == "" {
				finds(t, t.TempDir(), environ, "clock of whaticket", "note", "ahead of", "set-ntp true", "acerte o relógio")
				return
			}
			finds(t, t.TempDir(), environ, about, c.level, c.text, c.remedies...)
			if sent := c.server.Sent(); len(sent) > 0 {
				t.Errorf("check sent %+v", sent)
			}
		})
	}
}

func TestDoctorExaminesChatwoot(t *testing.T) {
	t.Parallel()
	const about = "helpdesk of chatwoot"
	inside := []chatwoottest.Inbox{{ID: 5, Name: "WhatsApp", Bot: true, URL: "http://127.0.0.1:8080/api/v1/webhooks/agentbot"}}
	outside := func(i chatwoottest.Inbox) []chatwoottest.Inbox {
		i.ID, i.Name, i.URL = 5, "WhatsApp", "https://8.8.8.8/api/v1/webhooks/agentbot"
		return []chatwoottest.Inbox{{ID: 4, Name: "E-mail", Greeting: true}, i}
	}
	for _, c := range []struct {
		name        string
		options     chatwoottest.Options
		keys        []string
		level, text string
		remedies    []string
	}{
		{"private address known", chatwoottest.Options{Inboxes: inside}, nil, "problem", "sends no webhook to a private address, and the bot", []string{"SAFE_FETCH_ALLOW_PRIVATE_NETWORK=true for", "ou dê ao robô um endereço público"}},
		{"private address supposed", chatwoottest.Options{}, nil, "note", "Chatwoot 4.15.1 sends no webhook", []string{"SAFE_FETCH_ALLOW_PRIVATE_NETWORK=true for", "a partir da 4.14.1"}},
		{"greeting", chatwoottest.Options{Inboxes: outside(chatwoottest.Inbox{Bot: true, Greeting: true, Closed: true})}, nil, "note", "a greeting, a message outside of working hours: customers are answered twice", []string{"turn it off", "desligue no Chatwoot"}},
		{"no bot", chatwoottest.Options{Inboxes: outside(chatwoottest.Inbox{})}, nil, "problem", "no inbox has an agent bot", []string{"connect the bot", "ligue o robô"}},
		{"old", chatwoottest.Options{Old: true, Version: "4.12.1"}, nil, "note", "may not set labels, read a conversation; it is version 4.12.1", []string{"update Chatwoot to 4.14.2", "atualize o Chatwoot"}},
		{"may not speak", chatwoottest.Options{NoBots: []chatwoottest.Op{chatwoottest.CreateMessage}, Version: "4.13.0"}, nil, "problem", "may not write messages", []string{"token of an agent bot", "use o token de um robô"}},
		{"a person's token", chatwoottest.Options{Version: "4.13.0"}, []string{"token=user-token"}, "problem", "is a person's", []string{"access token of the agent bot", "token de acesso do robô"}},
		{"another account", chatwoottest.Options{}, []string{"account_id=2"}, "problem", "token_of_another_account", []string{"correct the token", "corrija o token"}},
		{"clock", chatwoottest.Options{Skew: -10 * time.Minute}, nil, "", "", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir, environ := t.TempDir(), []string{"ALLOW_PRIVATE_ADDRESSES=127.0.0.1"}
			c.options.UserToken = "user-token"
			if c.options.Inboxes != nil {
				c.keys = append(c.keys, "user_token=user-token")
			}
			chatwootOf(t, dir, c.options, c.keys...)
			if c.level == "" {
				finds(t, dir, environ, "clock of chatwoot", "problem", "behind this machine's, and signatures that are more than 5m0s off are refused", "set-ntp true", "acerte o relógio")
				return
			}
			finds(t, dir, environ, about, c.level, c.text, c.remedies...)
		})
	}
}

func TestDoctorFindsTestURLs(t *testing.T) {
	t.Parallel()
	environ := []string{"SHARED_SECRET=a-long-enough-secret", "N8N_WEBHOOK_CREATE_LEAD_URL=http://127.0.0.1:5678/webhook-test/lead"}
	got := run(t, t.TempDir(), environ, "check", "--json")
	f := about(t, got, "N8N_WEBHOOK_CREATE_LEAD_URL")
	if got.code != 1 || len(f) != 1 || !strings.Contains(f[0].Text, "test URL") || !strings.Contains(f[0].Remedy, "Production URL") || !strings.Contains(f[0].Remedy, "copie a Production URL") {
		t.Errorf("check of a test URL = %d, %+v, want a problem with the remedy", got.code, f)
	}
}

// database makes a migrated database with one message of a customer, said some time ago.
func database(t *testing.T, dir, inbox string, ago time.Duration) {
	t.Helper()
	if got := run(t, dir, nil, "migrate"); got.code != 0 {
		t.Fatalf("migrate: %v", got)
	}
	db, err := sqlite.Open(t.Context(), filepath.Join(dir, "data", "secretaria.db"), true)
	if err != nil {
		t.Fatal(err)
	}
	s, err := sqlite.New(t.Context(), db, nil)
	if err != nil {
		t.Fatal(err)
	}
	if ago > 0 {
		_, err = s.Receive(t.Context(), store.Arrival{Inbox: inbox, Channel: channel.Kind(inbox), Now: time.Now().Add(-ago), Events: []channel.Event{{
			Kind: channel.Received, Key: "k", Chat: "c", Content: conversation.Content{Kind: conversation.Text, Text: "oi"},
			Contact: channel.Contact{Identities: []channel.Identity{{Kind: channel.Phone, Value: "+5511988877766"}}},
		}}})
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestDoctorNotesSilence(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		ago         time.Duration
		level, text string
	}{{0, "note", "ever come"}, {100 * time.Hour, "note", "for 100 hours"}, {time.Hour, "ok", "1h0m0s ago"}} {
		t.Run(fmt.Sprint(c.ago), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			database(t, dir, "whaticket", c.ago)
			var remedies []string
			if c.level == "note" {
				remedies = []string{"see that the helpdesk posts to /webhook/whaticket/whaticket", "veja se o helpdesk envia"}
			}
			finds(t, dir, []string{"SHARED_SECRET=a-long-enough-secret"}, "events of whaticket", c.level, c.text, remedies...)
			if left := files(t, filepath.Join(dir, "data")); strings.Contains(strings.Join(left, " "), ".check-") {
				t.Errorf("check left %q", left)
			}
		})
	}
}

// An event that came proves that Chatwoot may call us, whatever the address looks like.
func TestDoctorBelievesEvents(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	database(t, dir, "chatwoot", time.Hour)
	chatwootOf(t, dir, chatwoottest.Options{})
	finds(t, dir, []string{"ALLOW_PRIVATE_ADDRESSES=127.0.0.1"}, "helpdesk of chatwoot", "ok", "takes the credentials")
}

func TestDoctorFindsMissingMigrations(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	database(t, dir, "", 0)
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "data", "secretaria.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var version int
	if err := db.QueryRow("pragma user_version").Scan(&version); err != nil {
		t.Fatal(err)
	}
	for _, v := range []int{version - 1, version + 1} {
		if _, err := db.Exec(fmt.Sprintf("pragma user_version = %d", v)); err != nil {
			t.Fatal(err)
		}
		finds(t, dir, []string{"SHARED_SECRET=a-long-enough-secret"}, "database", "problem", fmt.Sprintf("schema version %d", v), "run secretaria migrate", "rode secretaria migrate")
	}
}
