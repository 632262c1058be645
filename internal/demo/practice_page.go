package demo

import (
	"context"
	"errors"
	"fmt"
	"html"
	"net/http"
	"strconv"
	"strings"

	"secretaria/internal/channel/chatwoot/chatwoottest"
)

// pageStyle is all that the page looks like. It is plain HTML: no script, so that it cannot do
// anything but what it shows.
const pageStyle = `<style>body{font:16px/1.4 sans-serif;max-width:44rem;margin:1.5rem auto;padding:0 1rem;color:#222}` +
	`iframe{width:100%;height:24rem;border:1px solid #bbb}input[name=text]{width:60%}.m{margin:.3rem 0}.m b{margin-right:.5rem}.note{color:#666}</style>`

// maxSaid bounds what a customer writes here, in bytes.
const maxSaid = 16 << 10

var errNothingSaid = errors.New("nothing was said: text=… (nada foi dito: text=…)")

// ServeHTTP shows the page, or takes what a customer says. A browser is sent back to the page;
// anybody else waits for the answer and gets it as text.
func (p *practice) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-src 'self'; form-action 'self'; frame-ancestors 'self'")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-store")
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		if r.URL.Query().Has("talk") {
			_, _ = fmt.Fprint(w, p.talk())
			return
		}
		_, _ = fmt.Fprint(w, p.page(r.URL.Query().Get("inbox")))
	case http.MethodPost:
		p.post(w, r)
	default:
		w.Header().Set("Allow", "GET, HEAD, POST")
		http.Error(w, "GET or POST", http.StatusMethodNotAllowed)
	}
}

func (p *practice) post(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxSaid)
	if err := r.ParseForm(); err != nil {
		http.Error(w, "not a form of at most 16 KiB (não é um formulário de até 16 KiB)", http.StatusBadRequest)
		return
	}
	in := p.inbox(r.PostForm.Get("inbox"))
	answer, err := p.say(r.Context(), in, r.PostForm.Get("text"), r.PostForm.Get("new") != "", !wantsPage(r))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if wantsPage(r) {
		http.Redirect(w, r, "/?inbox="+strconv.FormatInt(in.ID, 10), http.StatusSeeOther)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = fmt.Fprintln(w, answer)
}

func wantsPage(r *http.Request) bool { return strings.Contains(r.Header.Get("Accept"), "text/html") }

// inbox is the one of that number, else the first in which a bot answers, else the first.
func (p *practice) inbox(number string) chatwoottest.Inbox {
	all := p.fake.Inboxes()
	chosen := all[0]
	for _, in := range all {
		if strconv.FormatInt(in.ID, 10) == number {
			return in
		}
		if chosen.BotID == 0 && in.BotID != 0 {
			chosen = in
		}
	}
	return chosen
}

// say writes as the customer of an inbox; anew as another one. Whoever waits is told what was
// answered, or why nothing was.
func (p *practice) say(ctx context.Context, in chatwoottest.Inbox, text string, anew, wait bool) (string, error) {
	if strings.TrimSpace(text) == "" {
		return "", errNothingSaid
	}
	if in.BotID == 0 {
		// A conversation that began without a bot stays with people when one comes.
		return "", fmt.Errorf("no bot answers in this inbox yet; connect it first (nenhum robô atende nesta caixa ainda; conecte-o antes): %s", in.Name)
	}
	var id int64
	customers := 1
	for _, c := range p.fake.Conversations() {
		customers++
		if c.Inbox == in.ID && c.Status != chatwoottest.Resolved {
			id = c.ID
		}
	}
	if id == 0 || anew {
		id = p.fake.OpenIn(in.ID, chatwoottest.Contact{Name: fmt.Sprintf("Cliente %d", customers)})
	}
	c := p.fake.Conversation(id)
	before, held := len(c.Said()), c.Status == chatwoottest.Open
	hook, err := p.fake.Customer(ctx, id, text)
	switch {
	case err != nil:
		return "", fmt.Errorf("the webhook was not answered in time: %w", err)
	case hook.Status == 0:
		return "nobody answered the webhook: is the server up? (ninguém respondeu ao webhook: o servidor está no ar?)", nil
	case hook.Status/100 != 2:
		return fmt.Sprintf("the webhook was answered %d (o webhook foi respondido com %d)", hook.Status, hook.Status), nil
	case !wait:
		return "", nil
	case held:
		return fmt.Sprintf("people have conversation %d, and the bot is silent there; new=1 begins another (a conversa %d está com as pessoas, e o robô fica em silêncio; new=1 começa outra)", id, id), nil
	}
	ctx, cancel := context.WithTimeout(ctx, p.o.Patience)
	defer cancel()
	var said []chatwoottest.Message
	if p.fake.Wait(ctx, func() bool { said = p.fake.Conversation(id).Said(); return len(said) > before }) != nil {
		return fmt.Sprintf("no answer within %v (nenhuma resposta em %v); conversation %d is %s", p.o.Patience, p.o.Patience, id, p.fake.Conversation(id).Status), nil
	}
	var lines []string
	for _, m := range said[before:] {
		lines = append(lines, speaker(m)+": "+m.Content)
	}
	return strings.Join(lines, "\n"), nil
}

// page is the form, with the conversations in a frame of their own that shows itself anew.
func (p *practice) page(number string) string {
	var b strings.Builder
	b.WriteString(`<!DOCTYPE html><html lang="pt-BR"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Chatwoot de mentira</title>` + pageStyle)
	b.WriteString(`<h1>Chatwoot de mentira <small lang="en">(a fake Chatwoot)</small></h1><p>Escreva como cliente e veja quem responde. <span class="note" lang="en">Write as a customer, and see who answers.</span>`)
	b.WriteString(`<form method="post" action="/"><p><select name="inbox">`)
	chosen := p.inbox(number)
	for _, in := range p.fake.Inboxes() {
		selected := ""
		if in.ID == chosen.ID {
			selected = " selected"
		}
		_, _ = fmt.Fprintf(&b, `<option value="%d"%s>%s</option>`, in.ID, selected, html.EscapeString(in.Name))
	}
	b.WriteString(`</select> <input name="text" autofocus autocomplete="off" placeholder="Oi, quanto custa?"> <button>Enviar</button>` +
		`<p><label><input type="checkbox" name="new" value="1"> como outro cliente <span class="note" lang="en">(as another customer)</span></label></form>`)
	b.WriteString(`<iframe src="/?talk" title="Conversas"></iframe></html>`)
	return b.String()
}

// talk is what was said, the newest conversation first.
func (p *practice) talk() string {
	var b strings.Builder
	b.WriteString(`<!DOCTYPE html><html lang="pt-BR"><meta charset="utf-8"><meta http-equiv="refresh" content="2"><title>Conversas</title>` + pageStyle)
	names := map[int64]string{}
	for _, in := range p.fake.Inboxes() {
		names[in.ID] = in.Name
	}
	all := p.fake.Conversations()
	for i := len(all) - 1; i >= 0; i-- {
		c := all[i]
		_, _ = fmt.Fprintf(&b, `<h3>%s · conversa %d · %s <small class="note" lang="en">(%s)</small></h3>`,
			html.EscapeString(names[c.Inbox]), c.ID, html.EscapeString(inPortuguese(c.Status)), html.EscapeString(c.Status))
		for _, m := range c.Messages {
			_, _ = fmt.Fprintf(&b, `<p class="m"><b>%s</b>%s`, html.EscapeString(speaker(*m)), strings.ReplaceAll(html.EscapeString(m.Content), "\n", "<br>"))
		}
	}
	if len(all) == 0 {
		b.WriteString(`<p class="note">Ninguém escreveu ainda. <span lang="en">(Nobody has written yet.)</span>`)
	}
	return b.String() + "</html>"
}
