package command

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"secretaria/internal/app"
	"secretaria/internal/channel"
	"secretaria/internal/channel/chatwoot"
	"secretaria/internal/config"
	"secretaria/internal/fault"
	"secretaria/internal/httpclient"
	"secretaria/internal/secret"
)

// adminTokenKey is the variable of the environment that holds an administrator's token. It is
// used while connect runs, and not kept.
const adminTokenKey = "CHATWOOT_ADMIN_TOKEN"

type connectChatwootCmd struct {
	connectFlags
	URL       string   `help:"Chatwoot's address, as people open it in the browser." placeholder:"URL"`
	Token     string   `help:"Access token of an administrator; better in CHATWOOT_ADMIN_TOKEN or a file, which no list of processes shows." placeholder:"TOKEN"`
	TokenFile string   `name:"token-file" help:"File that holds that token." placeholder:"FILE"`
	Account   string   `help:"Account, by number or name, where the token has several." placeholder:"ACCOUNT"`
	Inbox     string   `help:"Inbox of Chatwoot in which the bot shall answer, by number or name." placeholder:"INBOX"`
	BotName   string   `name:"bot-name" help:"Name of the agent bot, which customers see." placeholder:"NAME"`
	Replace   string   `help:"Name of the bot that answers there now and may be replaced." placeholder:"NAME"`
	TurnOff   []string `name:"turn-off" help:"Messages that Chatwoot shall no longer write by itself: greeting, closed, email, survey." enum:"greeting,closed,email,survey" placeholder:"WHAT"`
	Desk      string   `help:"Desk that answers; sdr without it." placeholder:"DESK"`
	Team      string   `help:"Team that gets conversations at a handoff, by number or name; none for none." placeholder:"TEAM"`
	Labels    []string `help:"Labels that a conversation gets at a handoff." placeholder:"LABEL"`
}

// Help implements kong.HelpProvider.
func (connectChatwootCmd) Help() string {
	return `Makes the agent bot, or finds the one that it made before, writes its secret and token into .env (or secretaria.yaml), seats it in an inbox, and, where that inbox lets strangers write, plays a customer and waits for the answer. Nothing is changed before it is shown. The administrator's token is not kept.

Example:

	secretaria connect chatwoot --url https://chatwoot.example.com --public-url https://bot.example.com`
}

// chatwootSetup is one run of connect chatwoot.
type chatwootSetup struct {
	*connecting
	cmd connectChatwootCmd

	url      string
	client   *httpclient.Client
	admin    *chatwoot.Admin
	office   chatwoot.Office
	account  chatwoot.Account
	premises chatwoot.Premises
	inbox    chatwoot.AdminInbox
	name     string    // of the inbox here
	existing app.Inbox // as it is configured; the zero value where there is none
	public   string
	bot      chatwoot.Bot // the one that is there already; the zero value where there is none
	botName  string
	hush     chatwoot.Templates
	seated   bool   // customers are sent to it, by this run or by one before
	team     string // its number; "" leaves it as it is
}

// Run connects.
func (c connectChatwootCmd) Run(ctx context.Context, env *Env) error {
	run, err := c.begin(env, channel.Chatwoot)
	if err != nil {
		return err
	}
	s := &chatwootSetup{connecting: run, cmd: c}
	defer func() {
		if s.client != nil {
			s.client.Close()
		}
	}()
	return enough(s.run(ctx))
}

func (s *chatwootSetup) run(ctx context.Context) error {
	for _, step := range []func(context.Context) error{
		s.enter, s.chooseAccount, s.lookAround, s.chooseInbox, s.chooseOurs, s.chooseBot, s.chooseTemplates, s.chooseHandoff,
	} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return s.carry(ctx)
}

// enter finds the Chatwoot and shows it a token. What was typed and is wrong is asked for once
// more; what a flag says is not.
func (s *chatwootSetup) enter(ctx context.Context) error {
	for {
		typedURL, err := s.askURL(ctx)
		if err != nil {
			return err
		}
		if s.client == nil {
			s.client = s.connecting.client(s.url)
		}
		token, typedToken, err := s.askToken(ctx)
		if err != nil {
			return err
		}
		s.admin, err = chatwoot.NewAdmin(s.url, token, s.client)
		if err == nil {
			s.office, err = s.admin.Look(ctx)
		}
		if err == nil {
			return s.oldEnough()
		}
		if ctx.Err() != nil {
			return errCalledOff
		}
		again := fault.Is(err, fault.Unauthorized) || fault.Code(err) == "token"
		if again && !typedToken || !again && !typedURL {
			return s.refused(err)
		}
		s.say("  %s", said(s.refused(err)))
		if !again {
			s.client.Close()
			s.url, s.client = "", nil
		}
	}
}

// askURL finds the address, and says whether it was typed just now: with --yes the one that is
// configured is not, and would be refused for ever.
func (s *chatwootSetup) askURL(ctx context.Context) (typed bool, err error) {
	if s.url != "" {
		return false, nil
	}
	check := func(text string) (string, error) {
		if !strings.Contains(text, "://") {
			text = schemeOf(text) + "://" + text
		}
		text = strings.TrimRight(beforeApp(text), "/")
		// Checked as the inbox will be: with a token of its own.
		if err := (chatwoot.Config{BaseURL: text, Token: secret.New("x")}).Validate(); err != nil {
			return "", errors.New("an address such as https://chatwoot.example.com (um endereço como https://chatwoot.exemplo.com.br)")
		}
		return text, nil
	}
	if s.cmd.URL != "" {
		s.url, err = check(s.cmd.URL)
		return false, usage("--url", err)
	}
	preset := ""
	for _, in := range s.before.Options.Inboxes {
		if in.Chatwoot != nil && (in.Name == s.cmd.Name || s.cmd.Name == "" && preset == "") {
			preset = in.Chatwoot.BaseURL
		}
	}
	s.url, err = s.ask(ctx, question{flag: "--url", preset: preset, check: check, text: "Address of Chatwoot, as in the browser (Endereço do Chatwoot, como no navegador)"})
	return !s.yes || preset == "", err
}

// beforeApp is the address of a Chatwoot, where that of one of its pages was copied from the
// browser: https://chatwoot.example.com/app/accounts/1/dashboard.
func beforeApp(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return address
	}
	at := strings.Index(u.Path+"/", "/app/")
	if at < 0 {
		return address
	}
	u.Path, u.RawPath, u.RawQuery, u.Fragment = u.Path[:at], "", "", ""
	return u.String()
}

// schemeOf guesses what a host that was typed without a scheme speaks.
func schemeOf(address string) string {
	u, err := url.Parse("http://" + address)
	if err != nil {
		return "https"
	}
	if _, err := netip.ParseAddr(u.Hostname()); err == nil || !strings.Contains(u.Hostname(), ".") {
		return "http"
	}
	return "https"
}

// askToken finds the administrator's token, and says whether it was typed just now.
func (s *chatwootSetup) askToken(ctx context.Context) (token secret.String, typed bool, err error) {
	if s.cmd.Token != "" && s.cmd.TokenFile != "" {
		return token, false, usage("--token", errors.New("and --token-file say the same thing: give one of them (informe só um dos dois)"))
	}
	if s.cmd.Token != "" {
		return secret.New(s.cmd.Token), false, nil
	}
	if path := s.cmd.TokenFile; path != "" {
		if !filepath.IsAbs(path) {
			path = filepath.Join(s.env.Dir, path)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return token, false, usage("--token-file", err)
		}
		return secret.New(strings.TrimSpace(string(text))), false, nil
	}
	for _, kv := range s.env.Environ {
		if text, ok := strings.CutPrefix(kv, adminTokenKey+"="); ok && strings.TrimSpace(text) != "" {
			return secret.New(strings.TrimSpace(text)), false, nil
		}
	}
	s.say("  An administrator's access token is in Chatwoot under Profile settings, at the end of the page. It is not kept.")
	s.say("  O token de acesso de um administrador fica no Chatwoot em Configurações do perfil, no fim da página. Não é guardado.")
	token, err = s.secret(ctx, question{flag: "--token-file, " + adminTokenKey + " or --token", text: "Access token (Token de acesso)"})
	return token, true, err
}

// refused explains why Chatwoot could not be looked at, or did not do something; nil stays nil.
func (s *chatwootSetup) refused(err error) error {
	if err == nil {
		return nil
	}
	var e *fault.Error
	answered := errors.As(err, &e) && e.Status != 0
	switch code := fault.Code(err); {
	case calledOff(err):
		return errCalledOff
	case code == httpclient.CodeRefused:
		return fmt.Errorf("the address of Chatwoot is private, and such are not called unless they are named: set ALLOW_PRIVATE_ADDRESSES=%s in .env and run this again (endereço privado: defina isso no .env e rode de novo)", hostOf(s.url))
	case code == "invalid_token":
		return errors.New("nobody has this token: copy it again, from Profile settings (ninguém tem esse token: copie de novo em Configurações do perfil)")
	case code == "token":
		return errors.New("this cannot be a token (isso não pode ser um token)")
	case code == "token_not_received":
		return errors.New("the token does not arrive: a proxy before Chatwoot drops the header Api-Access-Token (o token não chega: um proxy descarta o cabeçalho Api-Access-Token)")
	case code == "token_of_a_bot":
		return errors.New("this is the token of a bot; an administrator's is needed (este token é de um robô; é preciso o de um administrador)")
	case code == "not_an_administrator", code == "token_of_another_account":
		return errors.New("the owner of this token is no administrator of this account: take the token of one (o dono deste token não é administrador desta conta: use o token de um)")
	case fault.Is(err, fault.Unauthorized):
		return errors.New("this token is refused by Chatwoot (este token é recusado pelo Chatwoot)")
	case code == "unexpected_answer", code == "unknown_route", code == "not_found", code == "unreadable_answer" && !fault.Is(err, fault.Uncertain):
		return errors.New("what answers there is no Chatwoot, or does not know this call: correct the address (o que responde ali não é um Chatwoot: corrija o endereço)")
	case fault.Is(err, fault.Uncertain):
		return fmt.Errorf("the answer did not come (%s), and it may be done all the same: run this again, it looks first (a resposta não veio e pode ter sido feito: rode de novo, ele olha antes)", code)
	case !answered && fault.Is(err, fault.Transient):
		text, remedy := unreachable(err, "--url")
		return fmt.Errorf("no Chatwoot can be asked there: %s; %s", text, remedy)
	}
	return fmt.Errorf("not done by Chatwoot: %s (o Chatwoot não fez)", fault.Code(err))
}

// oldEnough refuses a Chatwoot whose bots do not sign.
func (s *chatwootSetup) oldEnough() error {
	if s.office.Signs() {
		return nil
	}
	return fmt.Errorf("this is Chatwoot %s, which does not sign what it posts to a bot: anybody could pretend to be it. Update it to 4.13 or newer, best to %s "+
		"(este Chatwoot não assina o que envia ao robô: atualize para 4.13 ou mais novo)", s.office.Version, botsMayAll)
}

// chooseAccount finds an account that the user may set up.
func (s *chatwootSetup) chooseAccount(ctx context.Context) error {
	var mine []chatwoot.Account
	var names []string
	for _, a := range s.office.Accounts {
		if a.Role == chatwoot.RoleAdministrator {
			mine, names = append(mine, a), append(names, a.Name)
		}
	}
	if want := s.cmd.Account; want != "" {
		i := slices.IndexFunc(s.office.Accounts, func(a chatwoot.Account) bool { return a.ID == want || strings.EqualFold(a.Name, want) })
		if i < 0 {
			return usage("--account", fmt.Errorf("there is no account %q of this user; there is: %s", want, strings.Join(names, ", ")))
		}
		mine, names = s.office.Accounts[i:i+1], []string{s.office.Accounts[i].Name}
		if mine[0].Role != chatwoot.RoleAdministrator {
			mine = nil
		}
	}
	switch len(mine) {
	case 0:
		return fmt.Errorf("%s is no administrator of an account here: bots are set up by administrators. Take the token of one, or let one run this "+
			"(%s não é administrador de nenhuma conta: use o token de um administrador)", s.user(), s.user())
	case 1:
		s.account = mine[0]
		return nil
	}
	n, err := s.choose(ctx, question{flag: "--account", text: "Which account? (Qual conta?)"}, names, -1)
	if err != nil {
		return err
	}
	s.account = mine[n]
	return nil
}

// user is how the owner of the token is called.
func (s *chatwootSetup) user() string {
	if s.office.User == "" {
		return "the owner of this token"
	}
	return s.office.User
}

// lookAround reads what the account has, and says it.
func (s *chatwootSetup) lookAround(ctx context.Context) (err error) {
	if s.premises, err = s.admin.Premises(ctx, s.account.ID); err != nil {
		return s.refused(err)
	}
	version := s.office.Version
	if version == "" {
		version = "of an untold version"
	}
	s.say("")
	s.say("Chatwoot %s, account %s, as %s (conta %s, como %s)", version, s.account.Name, s.user(), s.account.Name, s.user())
	for _, in := range s.premises.Inboxes {
		s.say("  inbox (caixa) %s: %s%s%s", in.Name, kindOfInbox(in.Kind), answersThere(in), writesThere(in))
	}
	for _, b := range s.premises.Bots {
		text := fmt.Sprintf("  bot (robô) %s", b.Name)
		if host := hostOf(b.URL); host != "" {
			text += ", posts to (envia para) " + host
		}
		if b.System {
			text += ", of the whole system (do sistema inteiro)"
		}
		s.say("%s", text)
	}
	if len(s.premises.Teams) > 0 {
		var names []string
		for _, t := range s.premises.Teams {
			names = append(names, t.Name)
		}
		s.say("  teams (times): %s", strings.Join(names, ", "))
	}
	if e := (chatwoot.Examination{Version: s.office.Version}); e.Before(botsMayAll) {
		s.finding(finding{hint, "Chatwoot", fmt.Sprintf("it is version %s; its bots may not set labels, nor read a conversation to see whether an answer arrived", e.Version),
			fmt.Sprintf("update it to %s or newer (atualize para %s ou mais novo)", botsMayAll, botsMayAll)})
	}
	return nil
}

// kindOfInbox is what an inbox is for people.
func kindOfInbox(kind string) string {
	if words, ok := map[string]string{
		chatwoot.KindAPI: "API", chatwoot.KindWebsite: "website (site)", "Channel::Whatsapp": "WhatsApp", "Channel::Email": "e-mail", "Channel::FacebookPage": "Facebook",
		"Channel::TwilioSms": "Twilio", "Channel::Sms": "SMS",
	}[kind]; ok {
		return words
	}
	return strings.TrimPrefix(kind, "Channel::")
}

func answersThere(in chatwoot.AdminInbox) string {
	if in.BotID == "" {
		return ""
	}
	return fmt.Sprintf(", %s answers there (%s responde ali)", in.BotName, in.BotName)
}

func writesThere(in chatwoot.AdminInbox) string {
	var words []string
	for _, t := range templates() {
		if *t.of(&chatwoot.Templates{Greets: in.Greets, Closed: in.Closed, Mail: in.Mail, Survey: in.Survey}) {
			words = append(words, t.name)
		}
	}
	if len(words) == 0 {
		return ""
	}
	return "; Chatwoot itself sends (o próprio Chatwoot envia): " + strings.Join(words, ", ")
}

// chooseInbox finds the inbox in which the bot shall answer.
func (s *chatwootSetup) chooseInbox(ctx context.Context) error {
	all := s.premises.Inboxes
	if want := s.cmd.Inbox; want != "" {
		i := slices.IndexFunc(all, func(in chatwoot.AdminInbox) bool { return in.ID == want || strings.EqualFold(in.Name, want) })
		if i < 0 {
			return usage("--inbox", fmt.Errorf("this account has no inbox %q", want))
		}
		s.inbox = all[i]
		return nil
	}
	if len(all) == 0 {
		return errors.New("this account has no inbox: add one in Chatwoot, Settings → Inboxes, and run this again (esta conta não tem caixa de entrada: crie uma em Configurações → Caixas de entrada e rode de novo)")
	}
	if len(all) == 1 {
		s.inbox = all[0]
		return nil
	}
	var names []string
	for _, in := range all {
		names = append(names, in.Name)
	}
	n, err := s.choose(ctx, question{flag: "--inbox", text: "In which inbox shall the bot answer? (Em qual caixa o robô vai responder?)"}, names, -1)
	if err != nil {
		return err
	}
	s.inbox = all[n]
	return nil
}

// entry is the inbox as it shall stand in the configuration.
func (s *chatwootSetup) entry() config.Entry {
	e := config.Entry{Name: s.name, Channel: channel.Chatwoot, InFile: s.cmd.Name != ""}
	if s.cmd.Desk != "" {
		e.Fields = append(e.Fields, config.Field{Key: "desk", Value: s.cmd.Desk})
	}
	// What an operator wrote for the same thing stays: …/api/v1 at its end, for one.
	if s.existing.Chatwoot == nil || !sameAddress(s.existing.Chatwoot.BaseURL, s.url) {
		e.Fields = append(e.Fields, config.Field{Key: "base_url", Value: s.url})
	}
	token, webhook := s.bot.Token, s.bot.Secret
	if s.bot.ID == "" { // not made yet
		token, webhook = secret.New(notKnownYet), secret.New(notKnownYet)
	}
	e.Fields = append(e.Fields, config.Field{Key: "account_id", Value: s.account.ID}, config.Field{Key: "token", Secret: token}, config.Field{Key: "secrets", Secret: webhook})
	if s.team != "" {
		e.Fields = append(e.Fields, config.Field{Key: "handoff.team", Value: s.team})
	}
	if len(s.cmd.Labels) > 0 {
		e.Fields = append(e.Fields, config.Field{Key: "handoff.labels", List: s.cmd.Labels})
	}
	return e
}

// notKnownYet stands for what only a bot that is made will bring, while it is a plan.
const notKnownYet = "not-known-before-the-bot-is-made"

// sameAddress compares addresses of a Chatwoot as its adapter reads them.
func sameAddress(a, b string) bool {
	tidy := func(s string) string {
		s = strings.TrimRight(strings.ToLower(s), "/")
		return strings.TrimRight(strings.TrimSuffix(strings.TrimSuffix(s, "/api/v1"), "/api"), "/")
	}
	return tidy(a) == tidy(b)
}
