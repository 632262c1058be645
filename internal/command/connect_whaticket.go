package command

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"secretaria/internal/app"
	"secretaria/internal/channel"
	"secretaria/internal/channel/whaticket"
	"secretaria/internal/config"
	"secretaria/internal/fault"
	"secretaria/internal/httpclient"
	"secretaria/internal/secret"
)

type connectWhaticketCmd struct {
	connectFlags
	URL          string `help:"Address of Whaticket's backend (API), often api.… or a port of its own." placeholder:"URL"`
	Token        string `help:"Static API token; without it the one that Whaticket shows is taken." placeholder:"TOKEN"`
	Email        string `help:"E-mail of a user of Whaticket, best an administrator of its own; - for none." placeholder:"EMAIL"`
	Password     string `help:"That user's password." placeholder:"PASSWORD"`
	PasswordFile string `help:"File that holds the password, so that no list of processes shows it." placeholder:"FILE"`
	Connection   string `help:"WhatsApp connection whose customers are answered, by name or id." placeholder:"NAME"`
	BotQueue     string `name:"bot-queue" help:"Queue whose customers are answered, where Whaticket posts by queue." placeholder:"NAME"`
	Queue        string `help:"Queue that gets a conversation at a handoff, by name or id; - for none." placeholder:"NAME"`
	User         string `help:"User that gets a conversation at a handoff, by name or id; - for nobody." placeholder:"NAME"`
	Auth         string `help:"How webhooks prove themselves: url (a secret in the address), token (a header) or signature (an adapter of yours)." enum:",url,token,signature" default:"" placeholder:"MODE"`
	Replace      bool   `help:"Bind the integration where another one is bound."`
	TestNumber   string `name:"test-number" help:"Your own phone's number, digits only: a message from it is played, and the answer arrives there; - for none." placeholder:"NUMBER"`
	ShowURL      bool   `name:"show-url" help:"Print the whole webhook address with its secret, and do nothing else. Needs --public-url."`
}

// Help implements kong.HelpProvider.
func (connectWhaticketCmd) Help() string {
	return `Looks at the connections, queues and users of a Whaticket, writes the inbox into the configuration, and, where this Whaticket has integrations, creates one that posts here and binds it. Where it has none, says what to click. Nothing is changed before it is shown.

Some Whatickets end their own process when nobody takes what they post: the binding is the last step, and it is made only where a server answers.

Example:

	secretaria connect whaticket
	secretaria connect whaticket --url https://api.whaticket.example.com --public-url https://desk.example.com --dry-run`
}

// whaticketSetup is one run of connect whaticket.
type whaticketSetup struct {
	*connecting
	cmd connectWhaticketCmd

	address  string
	existing app.Inbox // the inbox as it is configured; the zero value where there is none
	name     string
	known    bool // the configuration has the inbox
	client   *httpclient.Client

	email    string
	password secret.String
	token    secret.String
	shown    bool             // the token is the one that Whaticket shows
	admin    *whaticket.Admin // nil without a user
	place    whaticket.Place
	exam     whaticket.Examination

	line       *whaticket.Line  // nil: none is known
	botQueue   *whaticket.Queue // the queue to be bound; nil: the connection, or nothing
	queue      string           // ids, "" for none
	user       string
	public     string
	auth       whaticket.Auth
	hookSecret secret.String

	bindable bool // an integration can be made and bound here
	bind     bool // and it is
	bound    bool // it was
}

// Run connects.
func (c connectWhaticketCmd) Run(ctx context.Context, env *Env) error {
	run, err := c.begin(env, channel.Whaticket)
	if err != nil {
		return err
	}
	s := &whaticketSetup{connecting: run, cmd: c}
	if c.ShowURL {
		return s.showURL()
	}
	return enough(s.run(ctx))
}

func (s *whaticketSetup) run(ctx context.Context) error {
	if err := s.whereTo(ctx); err != nil {
		return err
	}
	s.client = s.connecting.client(s.address)
	defer s.client.Close()
	if err := s.lookAround(ctx); err != nil {
		return err
	}
	if err := s.settleToken(ctx); err != nil {
		return err
	}
	s.describe()
	for _, step := range []func(context.Context) error{s.chooseLine, s.chooseHandoff, s.choosePath, s.chooseBinding} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return s.carry(ctx)
}

// whereTo finds the address of the Whaticket, and what the inbox is called here.
func (s *whaticketSetup) whereTo(ctx context.Context) (err error) {
	s.address = s.cmd.URL
	preset := ""
	for _, in := range s.before.Options.Inboxes {
		if in.Whaticket != nil && (in.Name == s.cmd.Name || s.cmd.Name == "" && preset == "") {
			preset = in.Whaticket.BaseURL
		}
	}
	check := func(text string) (string, error) {
		u, err := url.Parse(strings.TrimRight(text, "/"))
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
			return "", fmt.Errorf("%q is not an address such as https://api.whaticket.example.com (não é um endereço como https://api.whaticket.exemplo.com.br)", text)
		}
		return strings.TrimRight(strings.TrimSuffix(u.String(), "/api/messages/send"), "/"), nil
	}
	if s.address != "" {
		if s.address, err = check(s.address); err != nil {
			return usage("--url", err)
		}
	} else if s.address, err = s.ask(ctx, question{flag: "--url", preset: preset, check: check, optional: preset != "",
		text: "Address of Whaticket's backend, the API? (Endereço do backend do Whaticket, a API?)"}); err != nil {
		return err
	}
	s.name, s.known, err = s.chooseName(ctx, func(in app.Inbox) bool { return strings.TrimRight(in.Whaticket.BaseURL, "/") == s.address })
	if err != nil {
		return err
	}
	for _, in := range s.before.Options.Inboxes {
		if in.Name == s.name {
			s.existing = in
		}
	}
	return nil
}

// configured is what the inbox has already.
func (s *whaticketSetup) configured() whaticket.Config {
	if s.existing.Whaticket == nil {
		return whaticket.Config{}
	}
	return *s.existing.Whaticket
}

// tries is how often a person may mistype.
const tries = 3

// lookAround logs in where there is a user, and looks at what is there.
func (s *whaticketSetup) lookAround(ctx context.Context) error {
	for try := 1; ; try++ {
		typed, err := s.settleUser(ctx, try > 1)
		if err != nil {
			return err
		}
		if s.email == "" {
			return nil
		}
		if s.admin, err = whaticket.NewAdmin(s.address, s.email, s.password, s.client); err != nil {
			return err
		}
		s.place, err = s.admin.Look(ctx)
		if err == nil {
			return nil
		}
		why := s.notSeen(err)
		if !typed || try == tries || !whaticket.Credentials(err) {
			return why
		}
		s.say("  %s", said(why))
	}
}

// settleUser finds the e-mail and the password; typed says that a person typed one of them.
// Both stay empty where there is no user.
func (s *whaticketSetup) settleUser(ctx context.Context, again bool) (typed bool, err error) {
	was := s.configured()
	s.email, s.password = s.cmd.Email, secret.New(s.cmd.Password)
	if s.email == "" && s.password.IsZero() && s.cmd.PasswordFile == "" && was.Email != "" && !again {
		s.email, s.password = was.Email, was.Password
		s.say("User (usuário): %s, as configured (como está configurado).", s.email)
		return true, nil // where it is refused, a person may type another
	}
	if s.cmd.PasswordFile != "" {
		path := s.cmd.PasswordFile
		if !filepath.IsAbs(path) {
			path = filepath.Join(s.env.Dir, path)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return false, usage("--password-file", errors.New("cannot be read"))
		}
		s.password = secret.New(strings.TrimSpace(string(text)))
	}
	if s.email == "" {
		typed = true
		s.email, err = s.ask(ctx, question{flag: "--email", preset: was.Email, optional: !s.tokenGiven().IsZero() && was.Email == "",
			text: "E-mail of a user of Whaticket, best an administrator of its own; - for none (E-mail de um usuário do Whaticket, de preferência um administrador só dela; - para nenhum)?"})
		if err != nil {
			return typed, err
		}
	}
	if s.email == "-" || s.email == "" {
		s.email, s.password = "", secret.String{}
		return typed, nil
	}
	if s.password.IsZero() {
		typed = true
		if s.password, err = s.secret(ctx, question{flag: "--password", text: "That user's password? (A senha desse usuário?)"}); err != nil {
			return typed, err
		}
	}
	return typed, nil
}

// tokenGiven is the static token, as far as it is known without asking.
func (s *whaticketSetup) tokenGiven() secret.String {
	if s.cmd.Token != "" {
		return secret.New(s.cmd.Token)
	}
	return s.configured().Token
}

// notSeen explains why a Whaticket could not be looked at.
func (s *whaticketSetup) notSeen(err error) error {
	switch {
	case calledOff(err):
		return errCalledOff
	case whaticket.Credentials(err):
		return errors.New("the e-mail or the password is refused (o Whaticket recusa o e-mail ou a senha)")
	case fault.Code(err) == "ERR_OUT_OF_HOURS":
		return errors.New("this user is let in only within working hours: give the user 00:00–23:59 (o Whaticket só deixa este usuário entrar no expediente: dê a ele 00:00–23:59)")
	case whaticket.Elsewhere(err):
		return fmt.Errorf("what answers at %s is not the API of a Whaticket but mostly its front end: take the address of its backend, often api.… or a port of its own "+
			"(quem responde não é a API do Whaticket, e sim, em geral, o front-end: use o endereço do backend, muitas vezes api.… ou uma porta própria)", s.address)
	case fault.Code(err) == httpclient.CodeRefused:
		return fmt.Errorf("%s is private, and ALLOW_PRIVATE_ADDRESSES does not name it: add its host there (é privado e ALLOW_PRIVATE_ADDRESSES não o permite: acrescente o host)", s.address)
	case fault.Is(err, fault.Transient), fault.Is(err, fault.Uncertain):
		text, remedy := unreachable(err, "--url")
		return fmt.Errorf("%s %s; %s", s.address, text, remedy)
	}
	return err
}

// settleToken finds the static token, and what this Whaticket thinks of it.
func (s *whaticketSetup) settleToken(ctx context.Context) error {
	s.token = s.tokenGiven()
	if s.token.IsZero() && s.admin != nil {
		s.token, s.shown = s.place.Token, true
		if l := s.defaultLine(); s.token.IsZero() && l != nil {
			s.token = l.Token
		}
	}
	for try := 1; ; try++ {
		typed := false
		if s.token.IsZero() && s.admin == nil {
			typed = true
			var err error
			if s.token, err = s.secret(ctx, question{flag: "--token", text: "Whaticket's static API token? (O token fixo da API do Whaticket?)"}); err != nil {
				return err
			}
			s.shown = false
		}
		var err error
		if s.admin != nil {
			s.exam, err = s.admin.Examine(ctx, s.token)
		} else {
			s.exam, err = whaticket.Try(ctx, s.address, s.token, s.client)
		}
		if err != nil {
			return s.notSeen(err)
		}
		if !s.exam.Login && s.exam.Token != whaticket.TokenRefused {
			return nil
		}
		found := whaticketFindings("token", s.exam)
		if s.shown { // it is of no use, and nobody asked for it: answers go with the login
			s.token, s.exam.Token = secret.String{}, whaticket.TokenUntold
			return nil
		}
		if !typed || try == tries {
			s.finding(found[0])
			return errors.New("the token cannot be used (o token não serve)")
		}
		s.finding(found[0])
		s.token = secret.String{}
	}
}

// defaultLine is the connection that is meant where nobody chooses.
func (s *whaticketSetup) defaultLine() *whaticket.Line {
	for i := range s.place.Lines {
		if l := &s.place.Lines[i]; s.cmd.Connection != "" && (l.ID == s.cmd.Connection || strings.EqualFold(l.Name, s.cmd.Connection)) {
			return l
		}
	}
	for i := range s.place.Lines {
		if s.place.Lines[i].Default {
			return &s.place.Lines[i]
		}
	}
	if len(s.place.Lines) > 0 {
		return &s.place.Lines[0]
	}
	return nil
}

// hook is the webhook address as far as it may be shown; whole has the secret.
func (s *whaticketSetup) hook() string { return s.public + whaticketPath + "/" + s.name }

func (s *whaticketSetup) whole() secret.String {
	if s.auth != whaticket.ByURL {
		return secret.New(s.hook())
	}
	return secret.New(s.hook() + "/" + s.hookSecret.Reveal())
}

// masked is the address with the secret hidden.
func (s *whaticketSetup) masked() string {
	if s.auth != whaticket.ByURL {
		return s.hook()
	}
	return s.hook() + "/••••"
}

// showURL prints the whole webhook address of an inbox that is configured.
func (s *whaticketSetup) showURL() error {
	public := strings.TrimRight(s.flags.PublicURL, "/")
	if public == "" {
		return usage("--public-url", errors.New("is needed with --show-url"))
	}
	for _, in := range s.before.Options.Inboxes {
		if in.Whaticket == nil || in.Name != cmp.Or(s.cmd.Name, string(channel.Whaticket)) {
			continue
		}
		path := whaticketPath + "/" + in.Name
		if in.Whaticket.Auth == whaticket.ByURL {
			path += "/" + secretOf(&in).Reveal()
		}
		s.say("%s", public+path)
		return nil
	}
	return usage("--name", fmt.Errorf("there is no whaticket inbox %q", cmp.Or(s.cmd.Name, string(channel.Whaticket))))
}

// entry is the inbox as it shall stand in the configuration.
func (s *whaticketSetup) entry() config.Entry {
	e := config.Entry{Name: s.name, Channel: channel.Whaticket, InFile: s.auth != whaticket.BySignature || s.queue != "" || s.user != ""}
	add := func(f config.Field) { e.Fields = append(e.Fields, f) }
	if s.auth != whaticket.BySignature || s.known && s.configured().Auth != "" && s.configured().Auth != s.auth {
		add(config.Field{Key: "auth", Value: string(s.auth)})
	}
	add(config.Field{Key: "secrets", Secret: s.hookSecret})
	if strings.TrimRight(strings.TrimSuffix(strings.TrimRight(s.configured().BaseURL, "/"), "/api/messages/send"), "/") != s.address {
		add(config.Field{Key: "base_url", Value: s.address})
	}
	if !s.token.IsZero() {
		add(config.Field{Key: "token", Secret: s.token})
	}
	if s.email != "" {
		add(config.Field{Key: "email", Value: s.email})
		add(config.Field{Key: "password", Secret: s.password})
	}
	if s.queue != "" {
		add(config.Field{Key: "handoff.team", Value: s.queue})
	}
	if s.user != "" {
		add(config.Field{Key: "handoff.person", Value: s.user})
	}
	return e
}

// event is a webhook with a body, as this inbox proves it.
func (s *whaticketSetup) event(body []byte) (*http.Request, error) {
	in := app.Inbox{Name: s.name, Whaticket: &whaticket.Config{Auth: s.auth}}
	if s.auth == whaticket.BySignature {
		in.Whaticket.WebhookTokens = s.configured().WebhookTokens
	}
	path, header := proveWhaticket(&in, s.name, s.hookSecret, body)
	req, err := http.NewRequest(http.MethodPost, s.public+path, strings.NewReader(string(body)))
	if err != nil {
		return nil, errors.New("the public address is not a URL")
	}
	req.Header = header
	req.Header.Set("Content-Type", "application/json")
	return req, nil
}
