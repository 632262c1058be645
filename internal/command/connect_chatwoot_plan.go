package command

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"secretaria/internal/app"
	"secretaria/internal/channel/chatwoot"
	"secretaria/internal/config"
)

// template is a message that Chatwoot writes by itself.
type template struct {
	name, text string
	of         func(*chatwoot.Templates) *bool
}

func templates() []template {
	return []template{
		{"greeting", "a greeting (uma saudação)", func(t *chatwoot.Templates) *bool { return &t.Greets }},
		{"closed", "a message outside of working hours (uma mensagem fora do horário)", func(t *chatwoot.Templates) *bool { return &t.Closed }},
		{"email", "a request for an e-mail address (um pedido de e-mail)", func(t *chatwoot.Templates) *bool { return &t.Mail }},
		{"survey", "a survey (uma pesquisa de satisfação)", func(t *chatwoot.Templates) *bool { return &t.Survey }},
	}
}

// chooseOurs finds what the inbox is called here, and where Chatwoot reaches it.
func (s *chatwootSetup) chooseOurs(ctx context.Context) error {
	same := func(in app.Inbox) bool {
		c := in.Chatwoot
		return c != nil && (c.BaseURL == "" || sameAddress(c.BaseURL, s.url) && (c.AccountID == "" || c.AccountID == s.account.ID))
	}
	name, known, err := s.chooseName(ctx, same)
	if err != nil {
		return err
	}
	s.name = name
	if known {
		s.existing = s.before.Options.Inboxes[slices.IndexFunc(s.before.Options.Inboxes, func(i app.Inbox) bool { return i.Name == name })]
	}
	preset := ""
	if b, ok := s.ourBot(""); ok {
		preset, _, _ = strings.Cut(b.URL, agentBotPath)
	} else if o := s.before.Options; local(s.url) && o.Port != 0 {
		preset = own(o)
	}
	s.public, err = s.choosePublic(ctx, preset)
	return err
}

// webhook is where the bot shall post.
func (s *chatwootSetup) webhook() string { return atPath(s.public, agentBotPath+"/"+s.name) }

// ourBot finds the bot that an earlier run made, or a person did: by its token, its address,
// or because it posts to an inbox of this name elsewhere and answers in the chosen inbox.
// webhook may be "".
func (s *chatwootSetup) ourBot(webhook string) (chatwoot.Bot, bool) {
	ours := func(b chatwoot.Bot) bool {
		u, err := url.Parse(b.URL)
		if err != nil {
			return false
		}
		path := strings.TrimRight(u.Path, "/")
		return strings.HasSuffix(path, agentBotPath+"/"+s.name) || s.name == string(s.kind) && strings.HasSuffix(path, agentBotPath)
	}
	for _, fits := range []func(chatwoot.Bot) bool{
		func(b chatwoot.Bot) bool {
			c := s.existing.Chatwoot
			return c != nil && !c.Token.IsZero() && c.Token == b.Token
		},
		func(b chatwoot.Bot) bool { return webhook != "" && strings.TrimRight(b.URL, "/") == webhook },
		func(b chatwoot.Bot) bool { return b.ID == s.inbox.BotID && ours(b) },
		func(b chatwoot.Bot) bool { return s.cmd.BotName != "" && b.Name == s.cmd.BotName && ours(b) },
	} {
		if i := slices.IndexFunc(s.premises.Bots, func(b chatwoot.Bot) bool { return !b.System && fits(b) }); i >= 0 {
			return s.premises.Bots[i], true
		}
	}
	return chatwoot.Bot{}, false
}

// defaultBotName is what customers see where nobody says otherwise.
const defaultBotName = "Secretaria"

// chooseBot finds the bot or its name, and asks before another one loses its seat.
func (s *chatwootSetup) chooseBot(ctx context.Context) (err error) {
	found := false
	if s.bot, found = s.ourBot(s.webhook()); found {
		if s.bot.Token.IsZero() || s.bot.Secret.IsZero() {
			return fmt.Errorf("the token and the secret of the bot %q are not shown to this user: take the token of another administrator, or remove the bot and run this again "+
				"(o Chatwoot não mostra o token e o segredo deste robô: use o token de outro administrador)", s.bot.Name)
		}
		s.botName = s.bot.Name
	}
	switch {
	case s.cmd.BotName != "":
		s.botName = s.cmd.BotName
	case !found:
		s.botName, err = s.ask(ctx, question{flag: "--bot-name", preset: defaultBotName, optional: true, text: "Name of the bot, as customers see it (Nome do robô, como os clientes o veem)"})
		if err != nil {
			return err
		}
	}
	other := s.inbox.BotID != "" && s.inbox.BotID != s.bot.ID
	if !other {
		return nil
	}
	if s.cmd.Replace != "" {
		if !strings.EqualFold(s.cmd.Replace, s.inbox.BotName) {
			return usage("--replace", fmt.Errorf("the bot in %s is %q", s.inbox.Name, s.inbox.BotName))
		}
		return nil
	}
	q := question{flag: "--replace", text: fmt.Sprintf("The bot %s answers in %s now. Replace it? (Em %s responde hoje o robô %s. Substituir?)", s.inbox.BotName, s.inbox.Name, s.inbox.Name, s.inbox.BotName)}
	if s.yes {
		return usage("--replace", fmt.Errorf("the bot %q answers in %s: name it to have it replaced (esse robô responde ali: informe o nome dele para substituí-lo)", s.inbox.BotName, s.inbox.Name))
	}
	agreed, err := s.confirm(ctx, q)
	if err != nil {
		return err
	}
	if !agreed {
		s.say("Nothing was changed (nada foi mudado).")
		return errEnough
	}
	return nil
}

// chooseTemplates asks which messages Chatwoot shall no longer write by itself.
func (s *chatwootSetup) chooseTemplates(ctx context.Context) error {
	on := chatwoot.Templates{Greets: s.inbox.Greets, Closed: s.inbox.Closed, Mail: s.inbox.Mail, Survey: s.inbox.Survey}
	for _, t := range templates() {
		if !*t.of(&on) {
			continue
		}
		off := slices.Contains(s.cmd.TurnOff, t.name)
		if !off {
			var err error
			off, err = s.confirm(ctx, question{flag: "--turn-off", optional: true,
				text: fmt.Sprintf("In %s Chatwoot itself sends %s, beside the bot's answer. Turn it off? (Desligar?)", s.inbox.Name, t.text)})
			if err != nil {
				return err
			}
		}
		*t.of(&s.hush) = off
	}
	return nil
}

// chooseHandoff finds the team that gets conversations. An inbox that is there keeps its own.
func (s *chatwootSetup) chooseHandoff(ctx context.Context) error {
	teams := s.premises.Teams
	if want := s.cmd.Team; want != "" {
		if strings.EqualFold(want, "none") {
			return nil
		}
		i := slices.IndexFunc(teams, func(t chatwoot.Team) bool { return t.ID == want || strings.EqualFold(t.Name, want) })
		if i < 0 {
			return usage("--team", fmt.Errorf("this account has no team %q", want))
		}
		s.team = teams[i].ID
		return nil
	}
	if s.existing.Name != "" || len(teams) == 0 {
		return nil
	}
	names := []string{"none (nenhum)"}
	for _, t := range teams {
		names = append(names, t.Name)
	}
	n, err := s.choose(ctx, question{flag: "--team", optional: true, text: "Which team gets a conversation that the bot hands over? (Qual time recebe as conversas que o robô passa?)"}, names, 0)
	if err != nil {
		return err
	}
	if n > 0 {
		s.team = teams[n-1].ID
	}
	return nil
}

// carry shows everything that would be changed, does it, tries it, and says what is left.
func (s *chatwootSetup) carry(ctx context.Context) (failed error) {
	p := &plan{}
	s.planBot(p)
	written, err := s.addEntry(p, s.entry, nil)
	if err != nil {
		return err
	}
	var st *standing
	stand := func(ctx context.Context) (err error) {
		cfg, err := config.Load(s.source)
		if err == nil {
			st, err = s.stand(ctx, cfg, s.webhook(), s.harmless)
		}
		return err
	}
	s.planSeat(p, stand)
	for _, label := range s.cmd.Labels {
		if !slices.Contains(s.premises.Labels, label) {
			p.note("this account has no label %s, and would not show it: add it in Settings → Labels (a conta não tem a etiqueta %s: crie em Configurações → Etiquetas)", label, label)
		}
	}
	if kind := s.inbox.Kind; !s.flags.NoTest && !s.inbox.Identified && (kind == chatwoot.KindAPI || kind == chatwoot.KindWebsite) {
		p.note("afterwards a customer %q writes one message in %s, and is removed again; --no-test leaves that out (depois um cliente %q escreve uma mensagem em %s e é removido; --no-test dispensa isso)",
			playedName, s.inbox.Name, playedName, s.inbox.Name)
	}
	s.warn(ctx)
	err = s.carryOut(ctx, p)
	defer func() { failed = errors.Join(failed, st.stop(ctx)) }()
	if err != nil {
		s.leave(st)
		return err
	}
	s.seated = true
	if s.flags.NoTest {
		s.conclude(written.Config, st, false)
	} else {
		if st == nil {
			if err := stand(ctx); err != nil {
				s.leave(st)
				return err
			}
		}
		cfg, err := config.Load(s.source)
		if err != nil {
			return err
		}
		works, err := s.try(ctx, cfg.Options)
		if err != nil {
			s.leave(st)
			return err
		}
		s.conclude(cfg, st, works)
		if !works {
			return errSaid
		}
	}
	return s.serveOn(ctx, st)
}

// planBot makes the bot where there is none: its secret is needed for all the rest.
func (s *chatwootSetup) planBot(p *plan) {
	if s.bot.ID != "" {
		return
	}
	draft := chatwoot.BotDraft{Name: s.botName, URL: s.webhook(), Description: "Answers customers; made by secretaria connect"}
	p.add("Chatwoot", fmt.Sprintf("make the agent bot %s, which posts to %s (criar o robô %s, que envia para esse endereço)", s.botName, s.webhook(), s.botName), func(ctx context.Context) error {
		made, err := s.admin.CreateBot(ctx, s.account.ID, draft)
		if err != nil {
			return s.refused(err)
		}
		if s.bot = made; made.Token.IsZero() || made.Secret.IsZero() {
			return errors.New("the bot is made, and Chatwoot does not show its token and its secret to this user (o robô foi criado, mas o Chatwoot não mostra o token e o segredo dele)")
		}
		return nil
	})
}

// planChange mends what an earlier run or a person left of the bot.
func (s *chatwootSetup) planChange(p *plan) {
	if s.bot.ID == "" {
		return
	}
	var draft chatwoot.BotDraft
	var what []string
	if strings.TrimRight(s.bot.URL, "/") != s.webhook() {
		draft.URL = s.webhook()
		what = append(what, fmt.Sprintf("let the bot %s post to %s instead of %s (o robô passa a enviar para o primeiro endereço)", s.bot.Name, draft.URL, orNothing(s.bot.URL)))
	}
	if s.bot.Name != s.botName {
		draft.Name = s.botName
		what = append(what, fmt.Sprintf("call the bot %s from now on %s (renomear o robô)", s.bot.Name, draft.Name))
	}
	if len(what) == 0 {
		return
	}
	p.add("Chatwoot", strings.Join(what, "; "), func(ctx context.Context) error {
		_, err := s.admin.UpdateBot(ctx, s.account.ID, s.bot.ID, draft)
		return s.refused(err)
	})
}

func orNothing(text string) string {
	if text == "" {
		return "nowhere"
	}
	return text
}

// planSeat sends customers to the bot, after the proof that somebody takes what Chatwoot will
// post: it opens conversations to people for good whose webhook nobody takes.
func (s *chatwootSetup) planSeat(p *plan, stand func(context.Context) error) {
	var steps plan
	s.planChange(&steps)
	if s.bot.ID == "" || s.inbox.BotID != s.bot.ID {
		what := fmt.Sprintf("let %s answer in %s (pôr %s para responder em %s)", s.botName, s.inbox.Name, s.botName, s.inbox.Name)
		if s.inbox.BotID != "" {
			what = fmt.Sprintf("let %s answer in %s in place of %s (pôr %s no lugar de %s)", s.botName, s.inbox.Name, s.inbox.BotName, s.botName, s.inbox.BotName)
		}
		steps.add("Chatwoot", what, func(ctx context.Context) error {
			err := s.admin.Seat(ctx, s.account.ID, s.inbox.ID, s.bot.ID)
			s.seated = err == nil
			return s.refused(err)
		})
	}
	for _, t := range templates() {
		if !*t.of(&s.hush) {
			continue
		}
		var one chatwoot.Templates
		*t.of(&one) = true
		steps.add("Chatwoot", fmt.Sprintf("no longer send %s in %s (deixar de enviar)", t.text, s.inbox.Name), func(ctx context.Context) error {
			return s.refused(s.admin.Hush(ctx, s.account.ID, s.inbox.ID, one))
		})
	}
	if len(steps.steps) > 0 && !s.flags.NoTest {
		p.add("here (aqui)", fmt.Sprintf("post a signed test event to %s; where no server answers, start one here (enviar um evento de teste assinado; se nenhum servidor responder, iniciar um aqui)", s.webhook()), stand)
	}
	p.steps = append(p.steps, steps.steps...)
}

// warn says what check would say of the address.
func (s *chatwootSetup) warn(ctx context.Context) {
	seen := chatwoot.Examination{Version: s.office.Version, Inboxes: []chatwoot.Inbox{{Name: s.inbox.Name, Bot: true, URL: s.webhook()}}}
	inbox := app.Inbox{Name: s.name, Chatwoot: &chatwoot.Config{BaseURL: s.url}}
	for _, f := range blockFindings(ctx, inbox, "Chatwoot", seen, s.inbox.BotID != "" && s.inbox.BotID == s.bot.ID && s.heardLately(ctx)) {
		f.Level = hint // it may be told to do so all the same, which cannot be seen from here
		s.finding(f)
	}
	if !local(s.public) && strings.HasPrefix(s.public, "http://") && !private(ctx, hostOf(s.public)) {
		s.finding(finding{hint, "network", s.public + " has no TLS: what customers write can be read on the way (o que os clientes escrevem pode ser lido no caminho)", "put a proxy with a certificate before it (ponha um proxy com certificado na frente)"})
	}
}

// heardLately says whether a customer's message came through this inbox within a day.
func (s *chatwootSetup) heardLately(ctx context.Context) bool {
	at, ok := heard(ctx, s.before.Options)[s.name]
	return ok && time.Since(at) < quietNoted
}

// harmless is a signed webhook that answers nobody: an event that Chatwoot does not have.
func (s *chatwootSetup) harmless() (*http.Request, error) {
	body, err := json.Marshal(object{"event": "secretaria_connect", "account": object{"id": json.Number(s.account.ID)}})
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequest(http.MethodPost, s.webhook(), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	now := strconv.FormatInt(time.Now().Unix(), 10)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Chatwoot-Timestamp", now)
	req.Header.Set("X-Chatwoot-Signature", "sha256="+mac(s.bot.Secret, now+".", body))
	return req, nil
}
