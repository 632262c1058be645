package command_test

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"secretaria/internal/channel/whaticket/whatickettest"
)

// From nothing to a customer who is answered, typed by a person: no file is written by hand.
func TestConnectWhaticketSession(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		variant whatickettest.Variant
		post    string // what the plan says is bound
	}{
		{whatickettest.Multi100, `the connection "Loja"`},
		{whatickettest.SaaS, `the queue "Vendas"`},
	} {
		t.Run(string(tc.variant), func(t *testing.T) {
			t.Parallel()
			s, d := whaticketOffice(t, tc.variant), newDesk(t)
			p := d.sitsDown(t)
			p.answers("Address of Whaticket's backend", s.URL())
			p.answers("E-mail of a user of Whaticket", whatickettest.DefaultEmail)
			p.answers("That user's password", "not-it")
			p.sees("the e-mail or the password is refused")
			p.answers("E-mail of a user of Whaticket", whatickettest.DefaultEmail)
			p.answers("That user's password", whatickettest.DefaultPassword)
			p.sees("connection (conexão): Loja, CONNECTED")
			p.answers("Which queue gets a conversation at a handoff?", "3") // none, Vendas, Suporte
			p.answers("Which user gets it?", "Bruna")
			p.answers("At which address does the helpdesk reach this server?", "") // this machine's
			p.sees("This will be done")
			p.sees("secretaria.yaml is new")
			p.sees(tc.post)
			if len(files(t, d.dir)) != 0 || len(s.Integrations()) != 0 {
				t.Error("something was changed before it was agreed to")
			}
			p.answers("Continue?", "s")
			p.sees("✓ Whaticket: bind it to")
			p.answers("Your own phone's number", "5511977776666")
			p.sees("answer after")
			p.sees("Look at that phone")
			p.sees("Write something to the number")
			ticket, err := s.CustomerWrites(t.Context(), "5511988877766", "Olá, bom dia!")
			if err != nil {
				t.Fatal(err)
			}
			p.sees("a customer's message came after")
			p.sees("and was answered")
			p.sees("goes on here until Ctrl-C")
			sent, err := s.Wait(t.Context(), 2)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.ContainsFunc(sent, func(m whatickettest.Message) bool { return m.Ticket == ticket.ID }) {
				t.Errorf("the customer of ticket %d got no answer; sent was %+v", ticket.ID, sent)
			}
			p.stop()
			code, all := p.end()
			if code != 0 {
				t.Errorf("connect ended with %d", code)
			}
			t.Log(all)
			hides(t, all, "5511977776666")
			if s.Ended() {
				t.Error("Whaticket posted to nobody, and ended")
			}
			lines, queues := s.Office()
			if lines[0].BotRetries != 3 || !slices.Equal(lines[0].Queues, []int{1}) || queues[0].Color != "#00aa00" {
				t.Errorf("binding changed something else: %+v, %+v", lines[0], queues[0])
			}
			yaml, err := os.ReadFile(filepath.Join(d.dir, "secretaria.yaml"))
			if err != nil {
				t.Fatal(err)
			}
			for _, want := range []string{"auth: url", "team: 2", "person: 7", "base_url: " + s.URL(), "email: " + whatickettest.DefaultEmail} {
				if !strings.Contains(strings.ReplaceAll(string(yaml), `"`, ""), want) {
					t.Errorf("secretaria.yaml lacks %q:\n%s", want, yaml)
				}
			}
			hides(t, string(yaml))
			info, err := os.Stat(filepath.Join(d.dir, ".env"))
			if err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf(".env: %v, %v; want mode 0600", info, err)
			}
			if got := run(t, d.dir, d.environ, "check", "--offline"); got.code != 0 {
				t.Errorf("check after connect: %v", got)
			}

			// A second time nothing is changed, and nobody is asked for what is known.
			d.serves(t)
			before, now := len(s.Requests()), tree(t, d.dir)
			again := d.connects(t, "", "--yes", "--public-url", d.public)
			if again.code != 0 || !strings.Contains(again.stdout, "Nothing has to be changed") || !strings.Contains(again.stdout, "Whaticket posts what customers write to this inbox") {
				t.Errorf("connect a second time: %v", again)
			}
			hides(t, again.String())
			for _, r := range s.Requests()[before:] {
				if r.Method != http.MethodGet && !strings.HasPrefix(r.Path, "/auth/") && r.Path != "/api/messages/send" {
					t.Errorf("connect a second time asked %s %s", r.Method, r.Path)
				}
			}
			if after := tree(t, d.dir); after != now {
				t.Errorf("connect a second time changed the files:\n%s\nwas\n%s", after, now)
			}
		})
	}
}

// Where Whaticket has nothing that can be bound the clicks are said, and nothing is changed
// there.
func TestConnectWhaticketByHand(t *testing.T) {
	t.Parallel()
	notAdmin := func(s *whatickettest.Server) { s.Profile = "user" }
	for _, tc := range []struct {
		name    string
		variant whatickettest.Variant
		change  func(*whatickettest.Server)
		args    []string
		want    []string
	}{
		{"community signs by an adapter", whatickettest.Community, nil, nil, []string{"the community build", "let your adapter sign", "docs/http.md", ".env is new"}},
		{"community with a secret in the address", whatickettest.Community, nil, []string{"--auth", "url"}, []string{"put an adapter in between", "--show-url --name whaticket"}},
		{"a token in a header", whatickettest.SaaS, nil, []string{"--auth", "token"}, []string{"X-Webhook-Token"}},
		{"ticketz", whatickettest.Ticketz, nil, nil, []string{"without integrations, such as ticketz", "the open edition posts nothing"}},
		{"saas, not an administrator", whatickettest.SaaS, notAdmin, nil, []string{"is no administrator", "Integrações → Adicionar", "Filas & Chatbot"}},
		{"multi100, not an administrator", whatickettest.Multi100, notAdmin, nil, []string{"ERR_NO_PERMISSION", "Conexões → editar a conexão → Integrações"}},
		{"a plan without integrations", whatickettest.SaaS, func(s *whatickettest.Server) { s.Plan = "Você não possui permissão para acessar este recurso!" }, nil, []string{"its integrations cannot be seen", "Integrações → Adicionar"}},
		{"no queue to bind", whatickettest.SaaS, func(s *whatickettest.Server) { s.Lines[0].Queues = []int{9} }, nil, []string{"Integrações → Adicionar"}},
		{"no connection up, a greeting", whatickettest.Community, func(s *whatickettest.Server) { s.Lines[0].Status, s.Lines[0].Greeting = "qrcode", "Olá!" }, nil,
			[]string{`the WhatsApp connection "Loja" is not up (qrcode)`, "leia o QR code", "answered twice", "apague a saudação"}},
		{"the hole of the community build", whatickettest.Community, func(s *whatickettest.Server) { s.Enabled = true }, nil, []string{`takes the word "enabled" for its API token`}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s := whaticketOffice(t, tc.variant, func(s *whatickettest.Server) {
				if tc.change != nil {
					tc.change(s)
				}
			})
			d := newDesk(t)
			got := d.connects(t, "", login(s, append([]string{"--yes", "--public-url", d.public}, tc.args...)...)...)
			if got.code != 0 || !strings.Contains(got.stdout, "takes a webhook of this inbox") {
				t.Errorf("connect: %v", got)
			}
			for _, want := range tc.want {
				if !strings.Contains(got.stdout, want) {
					t.Errorf("connect does not say %q: %v", want, got)
				}
			}
			hides(t, got.String())
			for _, r := range s.Requests() {
				if r.Method == http.MethodPut || r.Method == http.MethodPost && r.Path != "/api/messages/send" && !strings.HasPrefix(r.Path, "/auth/") {
					t.Errorf("connect asked %s %s", r.Method, r.Path)
				}
			}
			if len(s.Sent()) > 0 {
				t.Errorf("connect sent %+v", s.Sent())
			}
		})
	}
}

// What is said is enough: whoever clicks it has customers answered.
func TestConnectWhaticketClicked(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		variant whatickettest.Variant
		said    string
		click   func(s *whatickettest.Server, address string)
	}{
		{whatickettest.Hosted, "Conexões → editar a conexão → Webhook", func(s *whatickettest.Server, address string) {
			s.SetOffice(func(lines []whatickettest.Line, _ []whatickettest.Queue) { lines[0].Webhook = address })
		}},
		{whatickettest.SaaS, "Filas & Chatbot → editar a fila", func(s *whatickettest.Server, address string) {
			id := s.AddIntegration(whatickettest.Integration{Type: "n8n", Name: "Secretaria", URL: address})
			s.SetOffice(func(_ []whatickettest.Line, queues []whatickettest.Queue) { queues[0].Integration = id })
		}},
	} {
		t.Run(string(tc.variant), func(t *testing.T) {
			t.Parallel()
			s := whaticketOffice(t, tc.variant, func(s *whatickettest.Server) { s.Profile = "user" })
			d := newDesk(t)
			got := d.connects(t, "", login(s, "--yes", "--public-url", d.public)...)
			if got.code != 0 || !strings.Contains(got.stdout, tc.said) {
				t.Fatalf("connect does not say %q: %v", tc.said, got)
			}
			d.serves(t)
			command := regexp.MustCompile(`secretaria connect whaticket (--show-url \S+ \S+ \S+ \S+)`).FindStringSubmatch(got.stdout)
			if command == nil {
				t.Fatalf("no command shows the address: %v", got)
			}
			// Beside the server too nothing is tried that this user may not.
			if again := d.connects(t, "", "--yes", "--public-url", d.public); again.code != 0 || len(s.Integrations()) > 0 {
				t.Errorf("connect beside the server: %v, integrations %+v", again, s.Integrations())
			}
			shown := d.connects(t, "", strings.Fields(command[1])...)
			tc.click(s, strings.TrimSpace(shown.stdout))
			ticket, err := s.CustomerWrites(t.Context(), "5511988877766", "Olá, bom dia!")
			if err != nil {
				t.Fatal(err)
			}
			sent, err := s.Wait(t.Context(), 1)
			if err != nil || sent[0].Ticket != ticket.ID {
				t.Errorf("the customer of ticket %d: %+v, %v; want an answer", ticket.ID, sent, err)
			}
		})
	}
}

// What goes wrong before the plan changes nothing, and says what to do.
func TestConnectWhaticketRefusals(t *testing.T) {
	t.Parallel()
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, "<!doctype html><div id=root></div>")
	}))
	t.Cleanup(web.Close)
	s := whaticketOffice(t, whatickettest.Multi100)
	jwt := "eyJhbGciOiJIUzI1NiJ9.eyJpZCI6MX0.c2ln"
	for _, tc := range []struct {
		name, typed string
		args        []string
		code        int
		want        string
	}{
		{"nobody answers", "", nil, 2, "--url: is not given"},
		{"the end in the middle", s.URL() + "\n" + whatickettest.DefaultEmail + "\n", nil, 2, "--password: is not given"},
		{"no address", "", []string{"--url", "whaticket.example.com"}, 2, "--url"},
		{"an address with a password", "", []string{"--url", "https://a:b@whaticket.example.com"}, 2, "--url"},
		{"the front end", "", []string{"--url", web.URL, "--email", "a@example.com", "--password", "x"}, 1, "not the API of a Whaticket"},
		{"nobody there", "", []string{"--url", "http://127.0.0.1:9", "--email", "a@example.com", "--password", "x"}, 1, "nobody listens at its port"},
		{"a wrong password", "", []string{"--url", s.URL(), "--email", "a@example.com", "--password", "x"}, 1, "the e-mail or the password is refused"},
		{"a password file that is not there", "", []string{"--url", s.URL(), "--email", "a@example.com", "--password-file", "nowhere"}, 2, "--password-file"},
		{"a login for a token", "", login(s, "--token", jwt), 1, "the token cannot be used"},
		{"a wrong token without a user", "", []string{"--url", s.URL(), "--email", "-", "--token", "wrong"}, 1, "the token cannot be used"},
		{"a connection that is not there", "", login(s, "--connection", "Filial"), 2, `--connection: there is no "Filial"`},
		{"a queue that is not there", "", login(s, "--queue", "9"), 2, "--queue"},
		{"a user that is not there", "", login(s, "--queue", "-", "--user", "Ana"), 2, "--user"},
		{"no public address", "", login(s, "--queue", "-", "--user", "-", "--public-url", "desk"), 2, "--public-url"},
		{"not agreed to", "", login(s, "--queue", "-", "--user", "-", "--public-url", "https://desk.example.com"), 2, "--yes"},
		{"a strange name", "", login(s, "--name", "A B"), 2, "--name"},
		{"a strange mode", "", login(s, "--auth", "none"), 2, "--auth"},
		{"the address of nothing", "", []string{"--show-url", "--public-url", "https://desk.example.com"}, 2, "there is no whaticket inbox"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t)
			got := d.connects(t, tc.typed, tc.args...)
			if got.code != tc.code || !strings.Contains(got.err, tc.want) {
				t.Errorf("connect: %v\nwant exit %d and %q", got, tc.code, tc.want)
			}
			hides(t, got.String(), jwt)
			if left := files(t, d.dir); len(left) > 0 {
				t.Errorf("connect left %q", left)
			}
		})
	}
	if got := s.Integrations(); len(got) > 0 {
		t.Errorf("connect left integrations: %+v", got)
	}
}

func TestConnectWhaticketDryRun(t *testing.T) {
	t.Parallel()
	s, d := whaticketOffice(t, whatickettest.Multi100), newDesk(t)
	for _, typed := range []string{"", "n\n"} {
		args := login(s, "--queue", "Suporte", "--user", "-", "--public-url", d.public)
		if typed == "" {
			args = append(args, "--dry-run")
		}
		got := d.connects(t, typed, args...)
		if got.code != 0 || !strings.Contains(got.stdout, "Nothing was changed") {
			t.Errorf("connect: %v", got)
		}
		for _, want := range []string{"secretaria.yaml is new", `create the integration "Secretaria"`, `the connection "Loja"`} {
			if !strings.Contains(got.stdout, want) {
				t.Errorf("the plan does not say %q: %v", want, got)
			}
		}
		hides(t, got.String())
	}
	if left := files(t, d.dir); len(left) > 0 || len(s.Integrations()) > 0 {
		t.Errorf("a dry run left %q and %+v", left, s.Integrations())
	}
}

// After a failure in the middle the same command goes on from there.
func TestConnectWhaticketFailsMidway(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, method, path, text string
		status                   int
		want                     string
	}{
		{"the integration is refused", http.MethodPost, "/queueIntegration", "ERR_NO_PERMISSION", http.StatusForbidden, "this user may not"},
		{"the binding is refused", http.MethodPut, "/whatsapp/3", "ERR_WAPP_GREETING_REQUIRED", http.StatusBadRequest, "one queue, or a greeting"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s, d := whaticketOffice(t, whatickettest.Multi100), newDesk(t)
			s.FailOn(tc.method, tc.path, 1, tc.status, tc.text)
			args := login(s, "--yes", "--public-url", d.public)
			got := d.connects(t, "", append(slices.Clone(args), "--serve")...)
			if got.code != 1 || !strings.Contains(got.err, tc.want) || !strings.Contains(got.stdout, "✗ Whaticket") || !strings.Contains(got.stdout, "goes on from there") {
				t.Errorf("connect: %v\nwant %q", got, tc.want)
			}
			hides(t, got.String())
			before := tree(t, d.dir)
			d.serves(t)
			got = d.connects(t, "", args...)
			if got.code != 0 || strings.Contains(got.stdout, "secretaria.yaml is new") || !strings.Contains(got.stdout, "✓ Whaticket: bind it") {
				t.Errorf("connect a second time: %v", got)
			}
			if after := tree(t, d.dir); after != before {
				t.Errorf("connect a second time changed the files:\n%s\nwas\n%s", after, before)
			}
			if lines, _ := s.Office(); len(s.Integrations()) != 1 || lines[0].Integration != 1 {
				t.Errorf("in the end there are %d integrations, and the connection has %d", len(s.Integrations()), lines[0].Integration)
			}
		})
	}
}

// Some Whatickets end when nobody takes what they post: nothing is bound where no server
// answers, or would stay.
func TestConnectWhaticketBindsNoDeadAddress(t *testing.T) {
	t.Parallel()
	s, d := whaticketOffice(t, whatickettest.SaaS), newDesk(t)
	got := d.connects(t, "", login(s, "--yes", "--public-url", d.public)...)
	if got.code != 0 || !strings.Contains(got.stdout, "the integration is not bound") {
		t.Errorf("connect where no server would stay: %v", got)
	}
	elsewhere := newDesk(t)
	taken, err := net.Listen("tcp", "127.0.0.1:"+elsewhere.port) // no server can be started here either
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = taken.Close() })
	got = elsewhere.connects(t, "s\n", login(s, "--queue", "-", "--user", "-", "--public-url", "http://127.0.0.1:9")...)
	if got.code != 1 || !strings.Contains(got.stdout, "not done, não feito") {
		t.Errorf("connect with an address that leads nowhere: %v", got)
	}
	if _, queues := s.Office(); queues[0].Integration != 0 || len(s.Integrations()) > 0 {
		t.Errorf("there is an integration: %+v, %+v", queues, s.Integrations())
	}
	if _, err := s.CustomerWrites(t.Context(), "5511988877766", "oi"); err != nil || s.Ended() {
		t.Errorf("a customer's message ended Whaticket: %v", err)
	}
}

// Another integration is replaced only when that is said.
func TestConnectWhaticketReplaces(t *testing.T) {
	t.Parallel()
	s, d := whaticketOffice(t, whatickettest.Multi100), newDesk(t)
	id := s.AddIntegration(whatickettest.Integration{Type: "typebot", Name: "Robô antigo", URL: "https://typebot.example.com"})
	s.SetOffice(func(lines []whatickettest.Line, _ []whatickettest.Queue) { lines[0].Integration = id })
	args := login(s, "--queue", "-", "--user", "-", "--public-url", d.public)
	if got := d.connects(t, "", append(slices.Clone(args), "--yes", "--no-test")...); got.code != 0 {
		t.Fatalf("connect --no-test: %v", got)
	}
	d.serves(t)
	for _, tc := range []struct {
		typed string
		more  []string
		bound int
	}{
		{"", []string{"--yes"}, id},
		{"n\n-\n", nil, id},
		{"s\ns\n-\n", nil, id + 1},
	} {
		got := d.connects(t, tc.typed, append(slices.Clone(args), tc.more...)...)
		lines, _ := s.Office()
		if got.code != 0 || lines[0].Integration != tc.bound {
			t.Errorf("connect with %q %v: bound to %d, want %d: %v", tc.typed, tc.more, lines[0].Integration, tc.bound, got)
		}
		if len(tc.more) == 0 && !strings.Contains(got.stdout, `is bound to the integration "Robô antigo" now`) {
			t.Errorf("connect does not name what it would replace: %v", got)
		}
	}
}

// A token alone: nothing can be looked at, and that is said.
func TestConnectWhaticketTokenAlone(t *testing.T) {
	t.Parallel()
	s, d := whaticketOffice(t, whatickettest.Community), newDesk(t)
	typed := s.URL() + "\n-\nnot-it\n" + whatickettest.DefaultToken + "\n\ns\n-\n"
	got := d.connects(t, typed)
	if got.code != 0 || !strings.Contains(got.stdout, "Whaticket takes the token") || !strings.Contains(got.stdout, "give Secretaria a user of Whaticket") {
		t.Errorf("connect: %v", got)
	}
	hides(t, got.String(), "not-it")
	show := d.connects(t, "", "--show-url", "--public-url", "https://desk.example.com/")
	if want := regexp.MustCompile(`^https://desk\.example\.com/webhook/whaticket/whaticket/[0-9a-f]{64}\n$`); show.code != 0 || !want.MatchString(show.stdout) {
		t.Errorf("connect --show-url: %v", show)
	}
}
