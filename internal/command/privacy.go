package command

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"secretaria/internal/agent"
	"secretaria/internal/app"
	"secretaria/internal/llm/gemini"
	"secretaria/internal/llm/openai"
)

type privacyCmd struct {
	Register registerCmd `cmd:"" help:"Write the register of processing (LGPD, art. 37) that this configuration makes, in Portuguese."`
}

// Help implements kong.HelpProvider.
func (privacyCmd) Help() string {
	return `Example:

	secretaria privacy register`
}

type registerCmd struct {
	configFlag
}

// Help implements kong.HelpProvider.
func (registerCmd) Help() string {
	return `Markdown on standard output: purposes, categories, recipients, transfers to other countries, periods and measures, as far as the configuration tells. What only you know is marked "preencher".

Example:

	secretaria privacy register`
}

// Run writes.
func (c registerCmd) Run(_ context.Context, env *Env) error {
	cfg, err := c.load(env, nil)
	if err != nil {
		return err
	}
	env.printf("%s", register(cfg.Options, time.Now()))
	return nil
}

// recipient is who gets data of people.
type recipient struct {
	name, host, role, data, abroad string
}

const (
	conversationData = "texto das mensagens da conversa, nome, resumo e respostas"
	fillIn           = "**preencher**"
)

// register is the register of processing of a configuration.
func register(o app.Options, now time.Time) string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("# Registro das operações de tratamento de dados pessoais")
	line("")
	line("Lei 13.709/2018 (LGPD), art. 37. Gerado da configuração do Secretaria em %s. O que só o controlador sabe está marcado com %s.", now.Format("02/01/2006"), fillIn)
	line("")
	line("## Agentes e encarregado")
	line("")
	line("| | |\n|---|---|\n| Controlador | %[1]s |\n| Encarregado (art. 41) e canal de contato | %[1]s |\n| Operador deste sistema | %[1]s |", fillIn)
	line("")
	line("## Finalidades")
	line("")
	line("| atendimento | finalidade | base legal sugerida | caixas de entrada |\n|---|---|---|---|")
	for _, d := range o.Desks {
		line("| %s | %s | %s | %s |", cell(d.Name), purpose(d), basis(d), cell(cmp.Or(strings.Join(inboxesOf(o, d.Name), ", "), "nenhuma")))
	}
	line("| todos | cumprir a recusa de receber mensagens (oposição, art. 18, § 2º) | art. 7º, II | todas |")
	line("| todos | segurança, prova do que foi feito com os dados | art. 7º, II e VI; art. 37 | todas |")
	line("")
	line("## Titulares e categorias de dados")
	line("")
	line("Titulares: clientes e interessados que escrevem às caixas de entrada abaixo, e atendentes que respondem por elas.")
	line("")
	line("| categoria | dados | onde |\n|---|---|---|")
	line("| identificação e contato | nome, telefone, identificadores do canal | `contacts`, `identities`, `conversations` |")
	line("| conteúdo | mensagens recebidas e enviadas, citações e legendas; documentos e dados que o titular escrever, inclusive sensíveis (art. 11) | `messages`, `deliveries` |")
	line("| anotações | resumo da conversa, perfil | `memories`, `profiles` |")
	if slices.ContainsFunc(o.Desks, func(d agent.Config) bool { return d.Playbook != nil }) {
		line("| qualificação | respostas, trechos citados, pontuação e a decisão automatizada que dela resulta (art. 20) | `leads` |")
	}
	if slices.ContainsFunc(o.Desks, func(d agent.Config) bool { return len(d.Workflows) > 0 }) {
		line("| automações | argumentos e resultados | `deliveries`, `messages`, `firings` |")
	}
	line("| recusa de mensagens | resumo criptográfico com chave (HMAC) do identificador | `opt_outs` |")
	line("| auditoria | usuário que agiu, data, resumo criptográfico do titular | `audit` |")
	line("")
	line("## Caixas de entrada")
	line("")
	line("| nome | canal | endereço do atendimento humano |\n|---|---|---|")
	for _, i := range o.Inboxes {
		line("| %s | %s | %s |", cell(i.Name), i.Kind(), cell(cmp.Or(hostOf(baseOf(i)), "não configurado")))
	}
	line("")
	line("## Compartilhamento e transferência internacional (arts. 33 a 36)")
	line("")
	line("| destinatário | endereço | papel | dados | transferência internacional |\n|---|---|---|---|---|")
	for _, r := range recipients(o) {
		line("| %s | %s | %s | %s | %s |", cell(r.name), cell(cmp.Or(r.host, "–")), r.role, r.data, r.abroad)
	}
	line("")
	line("## Prazos de guarda (art. 16)")
	line("")
	line("| classe | prazo |\n|---|---|")
	line("| conversas, mensagens, envios, resumos, qualificações, contatos | %s sem atividade (`RETENTION_MESSAGES`) |", periodInPortuguese(o.Retention.Messages))
	line("| webhooks que não puderam ser gravados | %s (`RETENTION_WEBHOOKS`) |", periodInPortuguese(o.Retention.Webhooks))
	line("| auditoria | %s (`RETENTION_AUDIT`) |", periodInPortuguese(o.Retention.Audit))
	line("| recusa de mensagens e mensagens já conhecidas, como resumo criptográfico | enquanto a instalação existir |")
	line("| cópias de segurança | %s |", fillIn)
	line("| registros (logs) | sem texto de clientes, telefones ou segredos; prazo: %s |", fillIn)
	line("")
	line("Um trabalho periódico apaga o que passou do prazo, e nunca o que ainda não terminou.")
	line("")
	line("## Direitos dos titulares (art. 18)")
	line("")
	line("| direito | como |\n|---|---|")
	line("| acesso e portabilidade | `secretaria contact export`: JSON e uma página legível |")
	line("| eliminação | `secretaria contact erase`, com relatório |")
	line("| oposição | palavras como \"SAIR\" encerram os envios de imediato |")
	line("| revisão de decisão automatizada (art. 20) | a pessoa pode pedir um atendente a qualquer momento; cada ponto da qualificação cita as palavras do titular |")
	line("")
	line("## Medidas de segurança (art. 46)")
	line("")
	for _, m := range measures(o) {
		line("- %s", m)
	}
	line("- Cifragem do disco e das cópias de segurança, controle de acesso à máquina: %s.", fillIn)
	return b.String()
}

// cell is a text in a table.
func cell(s string) string {
	return strings.NewReplacer("|", `\|`, "\n", " ", "\r", " ", "<", "&lt;").Replace(s)
}

func purpose(d agent.Config) string {
	p := "atender, informar e encaminhar a pessoas"
	if d.Playbook != nil {
		p = "atender e qualificar interessados, com decisão automatizada sobre o encaminhamento"
	}
	if len(d.Workflows) > 0 {
		var names []string
		for _, w := range d.Workflows {
			names = append(names, w.Name)
		}
		p += "; automações: " + cell(strings.Join(names, ", "))
	}
	return p
}

func basis(d agent.Config) string {
	if d.Playbook != nil {
		return "art. 7º, V (procedimentos preliminares a contrato) ou IX (legítimo interesse); confirmar"
	}
	return "art. 7º, V (execução de contrato ou procedimentos preliminares); confirmar"
}

func inboxesOf(o app.Options, desk string) (names []string) {
	for _, i := range o.Inboxes {
		if i.Desk == desk {
			names = append(names, i.Name)
		}
	}
	return names
}

func baseOf(i app.Inbox) string {
	if i.Chatwoot != nil {
		return i.Chatwoot.BaseURL
	}
	return i.Whaticket.BaseURL
}

// hostOf is the host of an address, which may hold more than may be shown.
func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

func recipients(o app.Options) (out []recipient) {
	add := func(r recipient) {
		if !slices.Contains(out, r) {
			out = append(out, r)
		}
	}
	const outside = "provável: confirmar o país e a garantia do art. 33"
	for _, i := range o.Inboxes {
		if base := baseOf(i); base != "" {
			add(recipient{"atendimento (" + string(i.Kind()) + ")", hostOf(base), "operador", "respostas, notas, etiquetas", "depende de onde está hospedado: " + fillIn})
		}
		if i.Chatwoot == nil {
			add(recipient{"WhatsApp (Meta)", "", "controlador independente", "mensagens trocadas pelo canal", outside})
		}
	}
	if g := o.Models.Gemini; g != nil {
		add(recipient{"Google (Gemini)", hostOf(cmp.Or(g.BaseURL, gemini.DefaultBaseURL)), "operador", conversationData, outside})
	}
	if m := o.Models.OpenAI; m != nil {
		add(modelRecipient(cmp.Or(m.BaseURL, openai.DefaultBaseURL), outside))
	}
	for _, n := range o.Models.Named {
		switch {
		case n.Gemini != nil:
			add(recipient{"Google (Gemini)", hostOf(cmp.Or(n.Gemini.BaseURL, gemini.DefaultBaseURL)), "operador", conversationData, outside})
		case n.OpenAI != nil:
			add(modelRecipient(cmp.Or(n.OpenAI.BaseURL, openai.DefaultBaseURL), outside))
		}
	}
	for _, d := range o.Desks {
		for _, w := range d.Workflows {
			add(recipient{"automações (n8n)", hostOf(w.URL), "operador", "argumentos que a conversa trouxe: nome, contato, respostas", "depende de onde está hospedado: " + fillIn})
		}
	}
	if !o.Postgres.IsZero() {
		add(recipient{"banco de dados (PostgreSQL)", hostOf(o.Postgres.Reveal()), "operador, se for de terceiros", "tudo o que é guardado", "depende de onde está hospedado: " + fillIn})
	}
	if !o.Redis.IsZero() {
		add(recipient{"Redis", hostOf(o.Redis.Reveal()), "operador, se for de terceiros", "contadores com chave por até um minuto; sem texto", "depende de onde está hospedado: " + fillIn})
	}
	if len(out) == 0 {
		add(recipient{"nenhum", "", "–", "–", "não há"})
	}
	return out
}

// modelRecipient is who runs a model that speaks OpenAI's API.
func modelRecipient(base, outside string) recipient {
	host := hostOf(base)
	if host == hostOf(openai.DefaultBaseURL) {
		return recipient{"OpenAI", host, "operador", conversationData, outside}
	}
	return recipient{"modelo de linguagem", host, "operador", conversationData, "depende de onde está hospedado: " + fillIn}
}

func periodInPortuguese(d time.Duration) string {
	days := int(d / (24 * time.Hour))
	switch {
	case d == 0:
		return "sem prazo: " + fillIn + " a justificativa"
	case days%365 == 0:
		return fmt.Sprintf("%d anos", days/365)
	}
	return fmt.Sprintf("%d dias", days)
}

func measures(o app.Options) []string {
	out := []string{
		"Webhooks são aceitos com assinatura (HMAC-SHA256) ou segredo, comparados em tempo constante, antes de qualquer leitura.",
		"Os dados que o modelo recebe são só os da própria conversa; o que ele responde é conferido por código antes do envio.",
		"Registros (logs) e métricas sem texto de clientes, telefones e segredos.",
		"Segredos vêm do ambiente ou de arquivos e não aparecem em telas, erros ou registros.",
		"Exportações, eliminações e outras ações manuais ficam na auditoria, sem o conteúdo.",
		"Quem foi apagado ou recusou mensagens é reconhecido por resumo criptográfico com chave da instalação.",
		"Webhooks guardados durante uma falha do banco não levam os segredos do atendimento.",
	}
	if o.Postgres.IsZero() {
		return append(out, "Banco de dados em um arquivo local, em pasta criada só para o usuário do serviço, com sobrescrita do que é apagado (`secure_delete`).")
	}
	return append(out, "Banco de dados PostgreSQL com usuário e senha próprios; TLS: "+fillIn+".")
}
