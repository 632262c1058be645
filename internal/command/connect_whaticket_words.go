package command

import (
	"fmt"
	"slices"
	"strings"

	"secretaria/internal/channel/whaticket"
	"secretaria/internal/config"
)

// described is what a family is called for people.
func described(f whaticket.Family) string {
	switch f {
	case whaticket.FamilyCommunity:
		return "the community build (versão community)"
	case whaticket.FamilySaaS:
		return "the SaaS family, whose queues take integrations (família SaaS, integrações por fila)"
	case whaticket.FamilyMulti:
		return "the line of v10 and later, whose connections take integrations (linha v10+/multi100, integrações por conexão)"
	case whaticket.FamilyHosted:
		return "a line with a webhook in the connection (linha com Webhook na conexão)"
	case whaticket.FamilyCompanies:
		return "a build for several companies without integrations, such as ticketz (versão multiempresa sem integrações, como o ticketz)"
	}
	return "not known without a user (desconhecida sem um usuário)"
}

// describe says what is there.
func (s *whaticketSetup) describe() {
	s.say("")
	s.say("Whaticket %s%s: %s", s.address, prefixed(" ", s.place.Version), described(s.place.Family))
	if s.admin != nil {
		s.say("  user (usuário): %s, %s", plainWords(s.place.User.Name), plainWords(s.place.User.Profile))
	}
	for _, l := range s.place.Lines {
		var queues []string
		for _, q := range s.place.Queues {
			if slices.Contains(l.Queues, q.ID) {
				queues = append(queues, plainWords(q.Name))
			}
		}
		s.say("  connection (conexão): %s, %s%s", plainWords(l.Name), plainWords(l.Status), prefixed(", queues (filas): ", strings.Join(queues, ", ")))
	}
	for _, i := range s.place.Integrations {
		s.say("  integration (integração): %s, %s", plainWords(i.Name), plainWords(i.Type))
	}
	switch {
	case s.shown && !s.token.IsZero():
		s.say("  token: the one that Whaticket shows this user (o que o Whaticket mostra a este usuário)")
	case s.token.IsZero():
		s.say("  token: none; answers go with the user's login (nenhum; as respostas vão com o login do usuário)")
	}
	for _, f := range whaticketFindings("Whaticket", s.exam) {
		s.finding(f)
	}
	if f := s.place.Family; (f == whaticket.FamilySaaS || f == whaticket.FamilyMulti) && !s.place.User.Administrator() {
		s.finding(finding{hint, "Whaticket", "this user is no administrator: what has to be set up there is left to be clicked",
			"let an administrator click it, or give this command one's login (deixe um administrador clicar, ou use aqui o login de um)"})
	}
	if s.place.IntegrationsHidden != "" {
		s.finding(finding{hint, "Whaticket", "its integrations cannot be seen: " + s.place.IntegrationsHidden,
			"see that the company's plan has integrations, and that this user may see them (veja se o plano da empresa tem integrações e se este usuário pode vê-las)"})
	}
}

func prefixed(prefix, s string) string {
	if s == "" {
		return ""
	}
	return prefix + s
}

// conclude says in words what works and what is left to be done by hand. tried says that the
// webhook address takes what proves itself as this inbox's Whaticket will.
func (s *whaticketSetup) conclude(cfg *config.Config, tried bool) {
	s.say("")
	s.say("What is ready (o que está pronto):")
	s.say("  - the inbox %s is in the configuration (a caixa %s está na configuração)", s.name, s.name)
	if tried {
		s.say("  - this server takes webhooks at %s (este servidor aceita webhooks nesse endereço)", s.masked())
	}
	switch {
	case !s.token.IsZero() && s.exam.Token == whaticket.TokenTaken:
		s.say("  - Whaticket takes the token for answers (o Whaticket aceita o token para responder)")
	case !s.token.IsZero():
		s.say("  - a token for answers is there; whether Whaticket takes it, the first answer will tell (há um token; a primeira resposta dirá se serve)")
	case s.admin != nil:
		s.say("  - answers go with the login of a user (as respostas vão com o login de um usuário)")
	}
	if s.admin != nil {
		s.say("  - people get conversations at a handoff: %s", s.handoffWords())
	}
	if s.bound {
		s.say("  - Whaticket posts what customers write to this inbox (o Whaticket envia a esta caixa o que os clientes escrevem)")
	}
	clicks := s.clicks()
	if len(clicks) > 0 {
		s.say("What is left (o que falta):")
		for i, c := range clicks {
			s.say("  %d. %s", i+1, c)
		}
	}
	s.hints(cfg)
	s.say("Look at everything with (veja tudo com): %s check", strings.TrimSpace(s.env.command()))
}

func (s *whaticketSetup) handoffWords() string {
	words := "they wait among the pending ones (esperam entre os aguardando)"
	for _, q := range s.place.Queues {
		if q.ID == s.queue {
			words = fmt.Sprintf("queue (fila) %s", plainWords(q.Name))
		}
	}
	for _, p := range s.place.People {
		if p.ID == s.user {
			words = fmt.Sprintf("user (usuário) %s", plainWords(p.Name))
		}
	}
	return words
}

// clicks are what remains to be done at Whaticket by hand. What could not be proved from a
// source is here and not done by calls.
func (s *whaticketSetup) clicks() []string {
	var left []string
	add := func(format string, args ...any) { left = append(left, fmt.Sprintf(format, args...)) }
	if l := s.line; l != nil && !l.Up() {
		add("read the QR code of the connection %q: Connections (leia o QR code da conexão %q: Conexões)", l.Name, l.Name)
	}
	if !s.bound {
		left = append(left, s.pathClicks()...)
	}
	if l := s.line; l != nil && s.botQueue != nil && !slices.Contains(l.Queues, s.botQueue.ID) {
		add("give the connection %q the queue %q: Connections → edit → Queues (dê à conexão %q a fila %q: Conexões → editar → Filas)", l.Name, s.botQueue.Name, l.Name, s.botQueue.Name)
	}
	if l := s.line; l != nil && s.botQueue != nil && len(l.Queues) > 1 {
		add("customers of %q choose a queue first, and only those of %q are answered: leave it one queue if all are meant (os clientes escolhem a fila primeiro e só os de %q são atendidos: deixe uma fila só, se forem todos)",
			l.Name, s.botQueue.Name, s.botQueue.Name)
	}
	if l := s.line; l != nil && l.Greets {
		add("clear the greeting of the connection %q and of its queues, or customers are answered twice: Connections and Queues (apague a saudação da conexão %q e das filas, ou os clientes são respondidos duas vezes: Conexões e Filas)", l.Name, l.Name)
	}
	if s.admin == nil {
		add("give Secretaria a user of Whaticket (email and password), or nobody gets a conversation at a handoff (dê à Secretaria um usuário do Whaticket, ou ninguém recebe a conversa na transferência)")
	} else if s.place.Family == whaticket.FamilySaaS && s.user == "" {
		add("this Whaticket goes on posting after a handoff to a queue; we stay silent by ourselves, and --user ends it there too (este Whaticket continua enviando depois da transferência a uma fila; nós calamos sozinhos, e --user encerra também lá)")
	}
	return left
}

// pathClicks say how this Whaticket is brought to post here.
func (s *whaticketSetup) pathClicks() []string {
	address := s.masked()
	if s.auth == whaticket.ByURL {
		address = fmt.Sprintf("the address that this prints (o endereço que isto mostra): %s connect whaticket --show-url --name %s --public-url %s", strings.TrimSpace(s.env.command()), s.name, s.public)
	}
	const first = "keep secretaria serve running first: some Whatickets end when nobody answers (antes, deixe secretaria serve no ar: alguns Whatickets caem quando ninguém responde)"
	switch s.auth {
	case whaticket.BySignature:
		return []string{first, "let your adapter sign and post what customers write to " + address + ", see docs/http.md; its secret is SHARED_SECRET, or secrets of the inbox (faça seu adaptador assinar e enviar para lá o que os clientes escrevem)"}
	case whaticket.ByToken:
		return []string{first, "let Whaticket post to " + address + " with the secret of the inbox in X-Webhook-Token or Authorization: Bearer (faça o Whaticket enviar para lá com o segredo da caixa nesse cabeçalho)"}
	}
	add := "Integrations → Add → type WebHooks (or N8N), name Secretaria, URL: "
	somar := " (Integrações → Adicionar → tipo WebHooks ou N8N, nome Secretaria, URL)"
	switch s.place.Family {
	case whaticket.FamilySaaS:
		return []string{first, add + address + somar, "Queues & Chatbot → edit the queue → Integration: Secretaria (Filas & Chatbot → editar a fila → Integração: Secretaria)"}
	case whaticket.FamilyMulti:
		return []string{first, add + address + somar, "Connections → edit the connection → Integrations: Secretaria (Conexões → editar a conexão → Integrações: Secretaria)"}
	case whaticket.FamilyHosted:
		return []string{first, "Connections → edit the connection → Webhook: " + address + " (Conexões → editar a conexão → Webhook)"}
	case whaticket.FamilyCommunity:
		return []string{first, "this build posts nothing: put an adapter in between, see docs/http.md, and give it " + address + " (esta versão não envia nada: ponha um adaptador no meio, veja docs/http.md)"}
	case whaticket.FamilyCompanies:
		return []string{first, "the open edition posts nothing: where yours has a field for a webhook or an n8n, give it " + address + "; else put an adapter in between, see docs/http.md " +
			"(a edição aberta não envia nada: se a sua tem um campo para webhook ou n8n, use esse endereço; senão, ponha um adaptador no meio)"}
	}
	return []string{first, "where your Whaticket has integrations, a webhook in the connection or an n8n address, give it " + address + " (onde seu Whaticket tiver integrações, webhook na conexão ou endereço de n8n, use esse endereço)"}
}
