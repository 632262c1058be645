package command

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strings"

	"secretaria/internal/app"
	"secretaria/internal/channel/chatwoot"
	"secretaria/internal/channel/whaticket"
	"secretaria/internal/httpclient"
)

// refusesPrivate is the Chatwoot from which on webhooks to private addresses are refused.
const refusesPrivate = "4.14.0"

// botsMayAll is the Chatwoot from which on bots may do everything that we do.
const botsMayAll = "4.14.2"

// whaticketFindings explain what an examination has seen.
func whaticketFindings(about string, e whaticket.Examination) []finding {
	var found []finding
	add := func(l level, text, remedy string) { found = append(found, finding{l, about, text, remedy}) }
	const where = "copy the API token: in the community build Settings → API token, in the others Connections → edit the connection → Token " +
		"(copie o token da API: na versão community em Configurações → Token da API, nas outras em Conexões → editar a conexão → Token)"
	switch {
	case e.Login:
		add(problem, "WHATSAPP_BEARER_TOKEN is the token of a login (JWT), which ends after minutes and sends nothing", where+
			"; e-mail and password go into WHATICKET_JWT_EMAIL and WHATICKET_JWT_PASSWORD (e-mail e senha vão nessas duas chaves)")
	case e.Token == whaticket.TokenRefused:
		add(problem, "refuses WHATSAPP_BEARER_TOKEN for sending: it is wrong, of another connection, or a token of another kind", where)
	}
	if e.Open {
		add(problem, `takes the word "enabled" for its API token: whoever can reach it can send WhatsApp messages in your name`,
			"let only this server reach /api/messages/send (a rule in the proxy before Whaticket), or correct ListSettingByValueService to look at userApiToken alone "+
				"(deixe só este servidor alcançar /api/messages/send, com uma regra no proxy do Whaticket, ou corrija o ListSettingByValueService para olhar só userApiToken)")
	}
	up := 0
	for _, c := range e.Connections {
		if c.Up() {
			up++
		}
	}
	const scan = "open Whaticket → Connections and read the QR code with the phone (abra o Whaticket → Conexões e leia o QR code com o celular)"
	for _, c := range e.Connections {
		switch {
		case c.Up():
		case up == 0:
			add(problem, fmt.Sprintf("the WhatsApp connection %q is not up (%s): nothing comes in and nothing goes out", c.Name, plainWords(c.Status)), scan)
		default:
			add(hint, fmt.Sprintf("the WhatsApp connection %q is not up (%s)", c.Name, plainWords(c.Status)), scan)
		}
		if c.Greets {
			add(hint, fmt.Sprintf("the connection %q or one of its queues has a greeting: customers are answered twice", c.Name),
				"clear the greeting in Whaticket → Connections and Queues (apague a saudação em Whaticket → Conexões e Filas)")
		}
	}
	if e.Connections != nil && len(e.Connections) == 0 {
		add(problem, "has no WhatsApp connection", "add one in Whaticket → Connections (crie uma em Whaticket → Conexões)")
	}
	return found
}

// chatwootFindings explain what an examination has seen. heard says that a customer's message
// came through this inbox lately, which proves that webhooks arrive.
func chatwootFindings(ctx context.Context, i app.Inbox, about string, e chatwoot.Examination, heard bool) []finding {
	var found []finding
	add := func(l level, text, remedy string) { found = append(found, finding{l, about, text, remedy}) }
	// Conversation 0 is not found in a Chatwoot, and neither at a proxy that knows no such path.
	if e.Version == "" && !e.Person && e.Inboxes == nil {
		add(hint, "answers, but does not tell its version at /api, as every Chatwoot does: it may be something else",
			"see that CHATWOOT_BASE_URL is the address of Chatwoot without a path, as in https://app.chatwoot.com (veja se CHATWOOT_BASE_URL é o endereço do Chatwoot sem caminho)")
	}
	if e.Person {
		add(problem, "CHATWOOT_ACCESS_TOKEN is a person's: answers would come in that person's name, and look as if the conversation had been taken over",
			"take the access token of the agent bot: Settings → Bots (use o token de acesso do robô: Configurações → Robôs); a person's goes into user_token in secretaria.yaml, for reading (o de uma pessoa vai em user_token no secretaria.yaml, só para leitura)")
	}
	if len(e.Missing) > 0 {
		var words []string
		l := hint
		for _, a := range e.Missing {
			words = append(words, string(a))
			if a == chatwoot.AbilitySay || a == chatwoot.AbilityStatus {
				l = problem
			}
		}
		text := "its bots may not " + strings.Join(words, ", ")
		if e.Version != "" {
			text += "; it is version " + e.Version
		}
		add(l, text, fmt.Sprintf("update Chatwoot to %s or newer, and take the token of an agent bot of this account (atualize o Chatwoot para %s ou mais novo e use o token de um robô desta conta)", botsMayAll, botsMayAll))
	}
	found = append(found, blockFindings(ctx, i, about, e, heard)...)
	bots := 0
	for _, in := range e.Inboxes {
		if !in.Bot {
			continue
		}
		bots++
		var twice []string
		for _, m := range []struct {
			on   bool
			what string
		}{{in.Greets, "a greeting"}, {in.Closed, "a message outside of working hours"}, {in.Mail, "a request for an e-mail address"}, {in.Survey, "a survey"}} {
			if m.on {
				twice = append(twice, m.what)
			}
		}
		if len(twice) > 0 {
			add(hint, fmt.Sprintf("in its inbox %q Chatwoot itself sends %s: customers are answered twice", in.Name, strings.Join(twice, ", ")),
				"turn it off in Chatwoot: Settings → Inboxes → the inbox → Settings, Business hours, CSAT (desligue no Chatwoot: Configurações → Caixas de entrada → a caixa → Configurações, Horário, CSAT)")
		}
	}
	if e.Inboxes != nil && bots == 0 {
		add(problem, "no inbox has an agent bot: no event comes", "connect the bot: Settings → Inboxes → the inbox → Bot configuration (ligue o robô: Configurações → Caixas de entrada → a caixa → Configuração do robô)")
	}
	return found
}

// blockFindings say where Chatwoot will not call us because our address is private. Where a
// user's token shows the bots' addresses they are looked at; else all we know is that a
// Chatwoot that is reached inside will probably be told an address inside.
func blockFindings(ctx context.Context, i app.Inbox, about string, e chatwoot.Examination, heard bool) []finding {
	if e.Version == "" || e.Before(refusesPrivate) || heard {
		return nil
	}
	remedy := "set SAFE_FETCH_ALLOW_PRIVATE_NETWORK=true for Chatwoot's web and Sidekiq, from 4.14.1 on, or give the bot a public address with https " +
		"(defina SAFE_FETCH_ALLOW_PRIVATE_NETWORK=true no web e no Sidekiq do Chatwoot, a partir da 4.14.1, ou dê ao robô um endereço público com https)"
	var found []finding
	seen := map[string]bool{}
	for _, in := range e.Inboxes {
		host := hostOf(in.URL)
		if !in.Bot || host == "" || seen[host] {
			continue
		}
		seen[host] = true
		if private(ctx, host) {
			found = append(found, finding{problem, about, fmt.Sprintf("Chatwoot %s sends no webhook to a private address, and the bot of its inbox %q has one", e.Version, in.Name), remedy})
		}
	}
	if len(seen) == 0 && private(ctx, hostOf(i.Chatwoot.BaseURL)) {
		found = append(found, finding{hint, about, fmt.Sprintf("Chatwoot %s sends no webhook to a private address; where the bot's webhook address is one, no event comes", e.Version), remedy})
	}
	return found
}

// private says whether a host leads to no public address, as far as can be seen from here.
func private(ctx context.Context, host string) bool {
	if host == "" {
		return false
	}
	if a, err := netip.ParseAddr(host); err == nil {
		return !httpclient.Public(a)
	}
	ctx, cancel := context.WithTimeout(ctx, lookWithin)
	defer cancel()
	addrs, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return !strings.Contains(host, ".") // a container's name, which only its neighbours know
	}
	for _, a := range addrs {
		if httpclient.Public(a) {
			return false
		}
	}
	return true
}
