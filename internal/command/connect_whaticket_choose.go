package command

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"secretaria/internal/channel/whaticket"
	"secretaria/internal/secret"
)

// pick finds what a flag names among options by name or id; "-" is none.
func pick(flag, value string, names, ids []string) (int, error) {
	for i := range names {
		if ids[i] == value || strings.EqualFold(names[i], value) {
			return i, nil
		}
	}
	return -1, usage(flag, fmt.Errorf("there is no %q; there is: %s (não existe; existe: %s)", value, strings.Join(names, ", "), strings.Join(names, ", ")))
}

// chooseLine finds the connection whose customers are answered.
func (s *whaticketSetup) chooseLine(ctx context.Context) error {
	var names, ids, shown []string
	preset := 0
	for i, l := range s.place.Lines {
		names, ids = append(names, l.Name), append(ids, l.ID)
		shown = append(shown, fmt.Sprintf("%s (%s)", l.Name, plainWords(l.Status)))
		if l.Default {
			preset = i
		}
	}
	chosen := preset
	var err error
	switch {
	case len(names) == 0:
		return nil
	case s.cmd.Connection != "":
		chosen, err = pick("--connection", s.cmd.Connection, names, ids)
	case len(names) > 1:
		chosen, err = s.choose(ctx, question{flag: "--connection", optional: true,
			text: "Customers of which connection are answered? (Clientes de qual conexão são atendidos?)"}, shown, preset)
	}
	if err != nil {
		return err
	}
	s.line = &s.place.Lines[chosen]
	if s.shown && s.place.Token.IsZero() && s.line.Token != s.token {
		s.token, s.exam.Token = s.line.Token, whaticket.TokenUntold
	}
	return nil
}

// nobody is how "none" is chosen.
const nobody = "-"

// chooseHandoff finds who gets a conversation at a handoff.
func (s *whaticketSetup) chooseHandoff(ctx context.Context) (err error) {
	s.queue, s.user = s.existing.Team, s.existing.Person
	if s.admin == nil {
		return nil // without a user nothing can be handed over
	}
	var names, ids []string
	for _, q := range s.place.Queues {
		names, ids = append(names, q.Name), append(ids, q.ID)
	}
	if s.queue, err = s.handoff(ctx, "--queue", s.cmd.Queue, s.queue, names, ids,
		"Which queue gets a conversation at a handoff? (Qual fila recebe a conversa na transferência?)", "none: it waits among the pending ones (nenhuma: espera entre os aguardando)"); err != nil {
		return err
	}
	names, ids = nil, nil
	for _, p := range s.place.People {
		names, ids = append(names, p.Name), append(ids, p.ID)
	}
	s.user, err = s.handoff(ctx, "--user", s.cmd.User, s.user, names, ids,
		"Which user gets it? (Qual usuário a recebe?)", "nobody: whoever takes it (ninguém: quem aceitar)")
	return err
}

func (s *whaticketSetup) handoff(ctx context.Context, flag, value, was string, names, ids []string, text, none string) (string, error) {
	switch {
	case value == nobody:
		return "", nil
	case value != "":
		i, err := pick(flag, value, names, ids)
		if err != nil {
			return "", err
		}
		return ids[i], nil
	case len(names) == 0:
		return was, nil
	}
	preset := slices.Index(ids, was) + 1
	if was != "" && preset == 0 {
		return was, nil // of somebody whom this user does not see
	}
	i, err := s.choose(ctx, question{flag: flag, optional: true, text: text}, append([]string{none}, names...), preset)
	if err != nil || i == 0 {
		return "", err
	}
	return ids[i-1], nil
}

// choosePath finds where Whaticket reaches this server, and how webhooks prove themselves.
func (s *whaticketSetup) choosePath(ctx context.Context) (err error) {
	preset := ""
	for _, i := range s.place.Integrations {
		if at, _, ok := strings.Cut(i.URL.Reveal(), whaticketPath+"/"+s.name+"/"); ok && preset == "" {
			preset = at
		}
	}
	if preset == "" && local(s.address) {
		preset = own(s.before.Options)
	}
	if s.public, err = s.choosePublic(ctx, preset); err != nil {
		return err
	}
	was := s.configured()
	s.auth = whaticket.Auth(s.cmd.Auth)
	if s.auth == "" && s.known {
		s.auth = cmp.Or(was.Auth, whaticket.BySignature)
	}
	if s.auth == "" {
		s.auth = whaticket.ByURL
		if s.place.Family == whaticket.FamilyCommunity {
			modes := []whaticket.Auth{whaticket.BySignature, whaticket.ByURL, whaticket.ByToken}
			n, err := s.choose(ctx, question{flag: "--auth", optional: true,
				text: "This Whaticket posts nothing by itself. How does what you put in between prove itself? (Este Whaticket não envia nada sozinho. Como o que você põe no meio se identifica?)"},
				[]string{"a signature (assinatura)", "a secret in the address (um segredo no endereço)", "a token in a header (um token no cabeçalho)"}, 0)
			if err != nil {
				return err
			}
			s.auth = modes[n]
		}
	}
	if all := activeWhaticket(was, s.auth); s.known && cmp.Or(was.Auth, whaticket.BySignature) == s.auth && len(all) > 0 {
		s.hookSecret = all[0]
		return nil
	}
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails
	s.hookSecret = secret.New(hex.EncodeToString(key))
	return nil
}

// activeWhaticket are the secrets of a way to prove oneself.
func activeWhaticket(c whaticket.Config, auth whaticket.Auth) []secret.String {
	switch auth {
	case whaticket.ByURL:
		return c.URLSecrets
	case whaticket.ByToken:
		return c.WebhookTokens
	}
	return c.Secrets
}

// chooseBinding finds whether an integration can be bound here, and to what.
func (s *whaticketSetup) chooseBinding(ctx context.Context) error {
	family := s.place.Family
	s.bindable = s.line != nil && s.auth == whaticket.ByURL && s.place.User.Administrator() && s.place.IntegrationsHidden == "" &&
		(family == whaticket.FamilySaaS || family == whaticket.FamilyMulti)
	if !s.bindable {
		return nil
	}
	current, what := s.line.Integration, "connection (conexão) "+s.line.Name
	if !s.line.Binds {
		if err := s.chooseBotQueue(ctx); err != nil {
			return err
		}
		if s.botQueue == nil {
			s.bindable = false
			return nil
		}
		current, what = s.botQueue.Integration, "queue (fila) "+s.botQueue.Name
	}
	s.bind = true
	mine := s.ours()
	if current == "" || mine != nil && mine.ID == current || s.cmd.Replace {
		return nil
	}
	other := current
	for _, i := range s.place.Integrations {
		if i.ID == current {
			other = i.Name
		}
	}
	s.bind = false
	if s.yes {
		return nil
	}
	var err error
	s.bind, err = s.confirm(ctx, question{flag: "--replace",
		text: fmt.Sprintf("The %s is bound to the integration %q now. Bind ours instead? (Está ligada à integração %q. Ligar a nossa no lugar?)", what, other, other)})
	return err
}

// chooseBotQueue finds the queue whose customers are answered, where Whaticket posts by
// queue; nil where none can be bound.
func (s *whaticketSetup) chooseBotQueue(ctx context.Context) error {
	var could []*whaticket.Queue
	for i := range s.place.Queues {
		if q := &s.place.Queues[i]; q.Binds && (len(s.line.Queues) == 0 || slices.Contains(s.line.Queues, q.ID)) {
			could = append(could, q)
		}
	}
	var names, ids []string
	preset := 0
	for i, q := range could {
		names, ids = append(names, q.Name), append(ids, q.ID)
		if mine := s.ours(); mine != nil && q.Integration == mine.ID {
			preset = i
		}
	}
	chosen := preset
	var err error
	switch {
	case s.cmd.BotQueue != "":
		chosen, err = pick("--bot-queue", s.cmd.BotQueue, names, ids)
	case len(could) == 0:
		return nil
	case len(could) > 1:
		chosen, err = s.choose(ctx, question{flag: "--bot-queue", optional: true,
			text: "This Whaticket posts by queue. Customers of which one are answered? (Este Whaticket envia por fila. Clientes de qual são atendidos?)"}, names, preset)
	}
	if err != nil {
		return err
	}
	s.botQueue = could[chosen]
	return nil
}
