package command

import (
	"encoding/json"
	"fmt"
	"html"
	"strings"
	"time"

	"secretaria/internal/store"
)

// dossierFile is what a person is given: everything that is kept of them.
type dossierFile struct {
	At            *time.Time            `json:"exported_at"`
	Contact       shownPerson           `json:"contact"`
	Profile       json.RawMessage       `json:"profile"`
	Conversations []dossierConversation `json:"conversations"`
}

type dossierConversation struct {
	shownConversation
	AddressTo     string            `json:"address_to"`
	AddressThread string            `json:"address_thread"`
	Thread        string            `json:"thread"`
	Memory        json.RawMessage   `json:"memory"`
	Lead          *shownLead        `json:"lead"`
	Said          []dossierMessage  `json:"said"`
	Deliveries    []dossierDelivery `json:"deliveries"`
	Workflows     []dossierWorkflow `json:"workflows"`
	Turns         []dossierTurn     `json:"decisions"`
}

type dossierMessage struct {
	shownMessage
	Key     string            `json:"key,omitempty"`
	Quoted  string            `json:"quoted,omitempty"`
	Choice  string            `json:"choice,omitempty"`
	Detail  map[string]string `json:"detail,omitempty"`
	Revoked bool              `json:"revoked,omitempty"`
}

type dossierDelivery struct {
	shown
	Labels     []string          `json:"labels,omitempty"`
	Attributes map[string]string `json:"attributes,omitempty"`
	Workflow   string            `json:"workflow,omitempty"`
	Arguments  string            `json:"arguments,omitempty"`
	Tries      []dossierTry      `json:"tries"`
}

type dossierTry struct {
	Number     int        `json:"number"`
	StartedAt  *time.Time `json:"started_at"`
	EndedAt    *time.Time `json:"ended_at"`
	Outcome    string     `json:"outcome"`
	HTTPStatus int        `json:"http_status"`
	Cause      string     `json:"cause"`
}

type dossierWorkflow struct {
	Workflow string     `json:"workflow"`
	At       *time.Time `json:"at"`
	Status   string     `json:"status"`
}

type dossierTurn struct {
	At      *time.Time `json:"at"`
	Outcome string     `json:"outcome"`
	Reason  string     `json:"reason"`
	Model   string     `json:"model"`
}

func fileOf(d store.Dossier, now time.Time) dossierFile {
	out := dossierFile{At: moment(now), Contact: showPerson(d.Person), Profile: raw(d.Profile), Conversations: []dossierConversation{}}
	for _, f := range d.Conversations {
		c := dossierConversation{shownConversation: showConversation(f.Conversation), AddressTo: f.Conversation.Address.To, AddressThread: f.Conversation.Address.Thread,
			Thread: f.Conversation.Thread, Memory: raw(f.Memory), Said: []dossierMessage{}, Deliveries: []dossierDelivery{}, Workflows: []dossierWorkflow{}, Turns: []dossierTurn{}}
		if f.Lead != nil {
			lead := showLead(*f.Lead)
			lead.Lead = raw(f.Lead.Body)
			c.Lead = &lead
		}
		for _, m := range f.Messages {
			c.Said = append(c.Said, dossierMessage{shownMessage{At: moment(m.At), Author: string(m.Author), Kind: string(m.Content.Kind), Text: m.Content.Text},
				m.Key, m.Content.Quoted, m.Content.ChoiceID, m.Content.Detail, m.Revoked})
		}
		for _, one := range f.Deliveries {
			d := dossierDelivery{shown: show(one), Labels: one.Order.Labels, Attributes: one.Order.Attributes, Workflow: one.Order.Workflow, Arguments: one.Order.Arguments, Tries: []dossierTry{}}
			d.Key, d.Text = one.Key, one.Order.Text
			for _, t := range f.Tries[one.ID] {
				d.Tries = append(d.Tries, dossierTry{t.Number, moment(t.StartedAt), moment(t.EndedAt), string(t.Outcome), t.HTTPStatus, t.Cause})
			}
			c.Deliveries = append(c.Deliveries, d)
		}
		for _, w := range f.Fired {
			c.Workflows = append(c.Workflows, dossierWorkflow{w.Workflow, moment(w.At), string(w.Status)})
		}
		for _, t := range f.Turns {
			c.Turns = append(c.Turns, dossierTurn{moment(t.StartedAt), t.Outcome, t.Reason, t.Model})
		}
		out.Conversations = append(out.Conversations, c)
	}
	return out
}

// raw is JSON that was kept, and null where there is none; what is no JSON becomes a text.
func raw(b []byte) json.RawMessage {
	switch {
	case len(b) == 0:
		return json.RawMessage("null")
	case json.Valid(b):
		return b
	}
	text, _ := json.Marshal(string(b)) // a string always can be
	return text
}

func (f dossierFile) json() (string, error) {
	text, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		return "", fmt.Errorf("write export: %w", err)
	}
	return string(text) + "\n", nil
}

// page is the file for a person to read: one page without scripts, pictures or links, so that
// it shows what it says and does nothing. Whatever somebody wrote is escaped.
func (f dossierFile) page() string {
	p := &page{}
	p.raw(pageHead)
	p.tag("h1", "Seus dados pessoais")
	p.tag("p", "Este documento mostra tudo o que este atendimento guarda sobre você, em resposta ao seu pedido de acesso (Lei 13.709/2018, art. 18). Exportado em "+brazilianTime(f.At)+".")
	p.tag("h2", "Quem você é para nós")
	p.table([][2]string{{"Número do contato", fmt.Sprint(f.Contact.ID)}, {"Nome", f.Contact.Name}, {"Caixa de entrada", f.Contact.Inbox},
		{"Identificadores", strings.Join(f.Contact.Identities, "\n")}, {"Conhecido desde", brazilianTime(f.Contact.CreatedAt)}, {"Pediu para não receber mensagens", brazilianTime(f.Contact.OptedOutAt)}})
	p.known("O que o atendimento anotou sobre você", f.Profile)
	for _, c := range f.Conversations {
		p.conversation(c)
	}
	p.raw("</main></body></html>\n")
	return p.text.String()
}

const pageHead = `<!DOCTYPE html>
<html lang="pt-BR"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="referrer" content="no-referrer"><title>Seus dados pessoais</title>
<style>body{font:16px/1.5 system-ui,sans-serif;color:#1a1a1a;background:#fff;margin:0}main{max-width:48rem;margin:auto;padding:1.5rem}
h2{margin-top:2.5rem;border-bottom:1px solid #ccc}h3{margin-top:1.5rem}table{border-collapse:collapse;width:100%}
th,td{text-align:left;vertical-align:top;padding:.3rem .6rem .3rem 0;border-bottom:1px solid #eee;white-space:pre-wrap;overflow-wrap:anywhere}
pre{white-space:pre-wrap;overflow-wrap:anywhere;background:#f6f6f6;padding:.8rem}.m{margin:.8rem 0}.m b{display:block;font-size:.85rem;color:#555}.m span{white-space:pre-wrap;overflow-wrap:anywhere}</style>
</head><body><main>
`

type page struct{ text strings.Builder }

func (p *page) raw(s string) { p.text.WriteString(s) }

// tag writes an element with a text of anybody's.
func (p *page) tag(name, text string) {
	p.raw("<" + name + ">" + html.EscapeString(text) + "</" + name + ">\n")
}

// table writes names and values, those that there are.
func (p *page) table(rows [][2]string) {
	p.raw("<table>\n")
	for _, r := range rows {
		if r[1] != "" {
			p.raw("<tr><th>" + html.EscapeString(r[0]) + "</th><td>" + html.EscapeString(r[1]) + "</td></tr>\n")
		}
	}
	p.raw("</table>\n")
}

// known writes what a desk keeps as JSON.
func (p *page) known(title string, body json.RawMessage) {
	if len(body) == 0 || string(body) == "null" {
		return
	}
	var value any
	text := string(body)
	if json.Unmarshal(body, &value) == nil {
		var out strings.Builder
		e := json.NewEncoder(&out)
		e.SetEscapeHTML(false) // escaped below, once
		e.SetIndent("", "  ")
		if e.Encode(value) == nil {
			text = out.String()
		}
	}
	p.tag("h3", title)
	p.tag("pre", text)
}

func (p *page) conversation(c dossierConversation) {
	p.tag("h2", fmt.Sprintf("Conversa %d", c.ID))
	p.table([][2]string{{"Canal", c.Channel}, {"Início", brazilianTime(c.CreatedAt)}, {"Com quem está", holderInPortuguese(c.Holder)}, {"Endereço", c.AddressTo}, {"No atendimento", c.AddressThread}})
	if len(c.Said) > 0 {
		p.tag("h3", "O que foi dito")
	}
	for _, m := range c.Said {
		text := m.Text
		if text == "" {
			text = "(" + m.Kind + ")"
		}
		if m.Quoted != "" {
			text = "Em resposta a: " + m.Quoted + "\n" + text
		}
		for _, name := range sortedKeys(m.Detail) {
			text += "\n" + name + ": " + m.Detail[name]
		}
		p.raw(`<div class="m"><b>` + html.EscapeString(brazilianTime(m.At)+" · "+authorInPortuguese(m.Author)) + "</b><span>" + html.EscapeString(text) + "</span></div>\n")
	}
	p.known("Resumo e anotações da conversa", c.Memory)
	if c.Lead != nil {
		p.tag("h3", "Qualificação")
		p.table([][2]string{{"Situação", c.Lead.State}, {"Pontos", fmt.Sprintf("%d de %d", c.Lead.Score, c.Lead.MaxScore)}, {"Nome", c.Lead.Name}})
		p.known("Respostas e trechos citados", c.Lead.Lead)
	}
	if len(c.Deliveries) > 0 {
		p.tag("h3", "O que foi enviado ou anotado por causa desta conversa")
		p.raw("<table>\n<tr><th>Quando</th><th>O quê</th><th>Conteúdo</th><th>Situação</th></tr>\n")
		for _, d := range c.Deliveries {
			content := strings.TrimSpace(strings.Join([]string{d.Text, d.Workflow, d.Arguments, strings.Join(d.Labels, ", ")}, "\n"))
			for _, name := range sortedKeys(d.Attributes) {
				content += "\n" + name + ": " + d.Attributes[name]
			}
			tries := fmt.Sprintf("%s\n%d tentativas", d.Status, len(d.Tries))
			p.raw("<tr>")
			for _, cell := range []string{brazilianTime(d.CreatedAt), d.Kind, content, tries} {
				p.raw("<td>" + html.EscapeString(cell) + "</td>")
			}
			p.raw("</tr>\n")
		}
		p.raw("</table>\n")
	}
	if len(c.Turns) > 0 {
		p.tag("h3", "Decisões automáticas")
		p.raw("<table>\n")
		for _, t := range c.Turns {
			p.raw("<tr><td>" + html.EscapeString(brazilianTime(t.At)) + "</td><td>" + html.EscapeString(strings.TrimSpace(t.Outcome+" "+t.Reason)) + "</td><td>" + html.EscapeString(t.Model) + "</td></tr>\n")
		}
		p.raw("</table>\n")
	}
}

func sortedKeys(m map[string]string) []string {
	counts := map[string]int64{}
	for k := range m {
		counts[k] = 1
	}
	return sortedNames(counts)
}

// brazilianTime is a time as Brazilians write it.
func brazilianTime(t *time.Time) string {
	if t == nil {
		return ""
	}
	return t.Local().Format("02/01/2006 15:04 (MST)")
}

func authorInPortuguese(author string) string {
	switch author {
	case "customer":
		return "você"
	case "bot":
		return "assistente virtual"
	case "person":
		return "atendente"
	}
	return "sistema"
}

func holderInPortuguese(holder string) string {
	switch holder {
	case "bot":
		return "assistente virtual"
	case "human":
		return "uma pessoa"
	case "closed":
		return "encerrada"
	}
	return holder
}
