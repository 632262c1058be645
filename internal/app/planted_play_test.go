package app_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"

	"secretaria/internal/channel/chatwoot/chatwoottest"
	"secretaria/internal/channel/whaticket/whatickettest"
	"secretaria/internal/secret"
	"secretaria/internal/store/sqlite"
)

const (
	lojaPath, sitePath = "/webhook/whaticket/loja", "/api/v1/webhooks/agentbot/site"
	callbacksPath      = "/api/v1/workflows/callback"
)

// play sends everything that may come in.
func (s *scene) play() {
	s.recorded()
	s.refused()
	s.reports()
	s.wishes()
	s.customers()
}

// wishes are of customers for whom a workflow is started; only n8n is in trouble.
func (s *scene) wishes() {
	for _, peer := range []string{"openai", "gemini", "chatwoot"} { // what comes before a call has to succeed
		defer s.peers[peer].quiet()()
	}
	for range 6 {
		who := s.first // whose name the model gives: it may give no other
		id := s.chatwoot.Open(chatwoottest.Contact{Name: who.name, Phone: "+" + who.phone})
		_, err := s.chatwoot.Customer(s.t.Context(), id, "Aqui é "+who.name+". Quero marcar uma reunião amanhã às 10h")
		must(s.t, err)
	}
	s.until("calls of the workflow", func() bool { return strings.Count(s.log(), `"kind":"workflow"`) >= 3 })
}

// recorded sends every recorded webhook of both helpdesks: once with a planted value in every
// string that does not decide what the webhook is, then with one in the place of single values
// of any kind.
func (s *scene) recorded() {
	for _, c := range []struct {
		events fs.FS
		send   func(body []byte)
		single int
	}{
		{os.DirFS(filepath.Join("..", "channel", "whaticket", "testdata", "events")), func(b []byte) { s.ask("POST", lojaPath, signed(s.keys["loja"], b), b) }, 3},
		{chatwoottest.Events(), func(b []byte) { s.ask("POST", sitePath, botSigned(s.keys["site"], b), b) }, 8},
	} {
		names, err := fs.Glob(c.events, "*.json")
		must(s.t, err)
		if len(names) < 20 {
			s.t.Fatalf("%d recorded webhooks, want 20 or more", len(names))
		}
		for _, name := range names {
			raw, err := fs.ReadFile(c.events, name)
			must(s.t, err)
			var whole any
			must(s.t, json.Unmarshal(raw, &whole))
			var places []place
			whole = s.everywhere(whole, "", &places)
			c.send(encoded(whole))
			for range c.single {
				at := places[s.r.IntN(len(places))]
				before := at.get()
				at.set(s.value())
				c.send(encoded(whole))
				at.set(before)
			}
		}
	}
}

// place is where one value of a document stands.
type place struct {
	get func() any
	set func(any)
}

// value is any of what is planted of the first customer.
func (s *scene) value() string {
	all := s.first.values()
	return all[s.r.IntN(len(all))]
}

// decides are the keys whose words say what a webhook is, and who and when.
var decides = []string{"event", "message_type", "content_type", "status", "channel", "type", "action", "fromMe", "id", "created_at", "updated_at", "timestamp", "messageTimestamp",
	"file_type", "mimetype", "data_type", "source", "sender_type", "provider", "acao", "tipo"}

// everywhere plants values in a document, and adds one under a key that is planted too.
func (s *scene) everywhere(v any, key string, places *[]place) any {
	switch x := v.(type) {
	case map[string]any:
		for _, k := range slices.Sorted(maps.Keys(x)) {
			x[k] = s.everywhere(x[k], k, places)
			*places = append(*places, place{func() any { return x[k] }, func(n any) { x[k] = n }})
		}
		x[s.value()] = s.value()
	case []any:
		for i := range x {
			x[i] = s.everywhere(x[i], key, places)
		}
	case string:
		digits := onlyDigits(x)
		switch {
		case len(digits) >= 10 && strings.Contains(x, "@"): // a WhatsApp id keeps its kind
			return strings.Replace(x, strings.SplitN(strings.SplitN(x, "@", 2)[0], ":", 2)[0], s.first.phone, 1)
		case slices.Contains(decides, key):
			return x
		case len(digits) >= 10 && len(digits)+2 >= len(x):
			return s.first.phone
		}
		return s.value()
	}
	return v
}

// refused sends what is not taken.
func (s *scene) refused() {
	t, who := s.t, s.first
	body := says(who.phone, who.says())
	note := url.QueryEscape(who.text)
	shown := http.Header{
		"Content-Type": {"application/json"}, "Authorization": {"Bearer " + s.keys["token"]}, "Cookie": {"session=" + s.keys["console"]}, "User-Agent": {who.text},
		"Referer": {"https://x.example/?k=" + url.QueryEscape(s.keys["openai"])}, "X-Forwarded-For": {who.phone}, "X-Correlation-Id": {who.phone}, "X-Signature": {who.cpf},
		"X-Timestamp": {who.phone}, "X-Webhook-Token": {s.keys["quiosque"] + "x"}, "X-Chatwoot-Signature": {"sha256=" + who.cpf}, "X-Chatwoot-Timestamp": {who.phone}, "X-Chatwoot-Delivery": {who.email},
		"Webhook-Id": {who.phone}, "Webhook-Timestamp": {who.phone}, "Webhook-Signature": {"v1," + s.keys["callback"]}, "Origin": {"https://" + who.phone + ".example"}, "Accept": {who.text},
	}
	for _, path := range []string{
		lojaPath, sitePath, callbacksPath, "/webhook/whaticket", "/webhook/whaticket/" + who.phone, "/webhook/whaticket/filial", "/webhook/whaticket/quiosque",
		"/webhook/whaticket/filial/" + url.PathEscape(s.keys["filial"]) + "x", "/webhook/whaticket/loja/" + url.PathEscape(s.keys["loja"]), "/api/v1/webhooks/agentbot/" + url.PathEscape(who.name),
		"/" + url.PathEscape(who.text), "/" + who.phone, "/healthz", "/metrics", "/api/v1/readiness", "/api/v1/" + who.phone, "/console/" + url.PathEscape(s.keys["console"]), "//" + who.phone,
	} {
		for _, method := range []string{"POST", "GET", "PUT", "OPTIONS", strings.ToUpper(bareWord(who.text))} {
			s.ask(method, path+"?token="+url.QueryEscape(s.keys["token"])+"&phone="+who.phone+"&"+note+"="+note, shown.Clone(), body)
		}
	}
	for _, broken := range [][]byte{
		body[:len(body)-9], []byte(who.says()), append([]byte{0xff}, body...), encoded(who.values()), encoded(who.says()), []byte(`{"` + who.phone + `":` + who.phone + `}`), []byte(`{"number":"` + who.text + `","message":7}`),
		encoded(map[string]any{"event": who.text, "id": who.phone}), encoded(map[string]any{"event": "message_created", "message_type": who.text, "id": who.cpf, "conversation": who.text, "content": map[string]any{who.text: 1}}),
		bytes.Repeat([]byte(`{"`+who.phone+`":[`), 2000), []byte(strings.Repeat(who.says(), 1+(1<<20)/len(who.says()))),
	} {
		s.ask("POST", lojaPath, signed(s.keys["loja"], broken), broken)
		s.ask("POST", sitePath, botSigned(s.keys["site"], broken), broken)
		s.ask("POST", "/webhook/whaticket/filial/"+url.PathEscape(s.keys["filial"]), http.Header{"Content-Type": {"application/json"}}, broken)
		s.ask("POST", lojaPath, with(signed(s.keys["loja"], broken), "Content-Type", "text/"+bareWord(who.text)), broken)
	}
	// What is not even HTTP.
	for _, wire := range []string{
		who.says() + "\r\n\r\n", "POST /" + who.phone + " HTTP/9.9\r\n\r\n", "POST " + lojaPath + " HTTP/1.1\r\nHost: x\r\n" + bareWord(who.text) + ": " + who.cpf + "\x00\r\n\r\n",
		"POST " + lojaPath + " HTTP/1.1\r\nHost: " + who.phone + "\r\nContent-Length: " + who.phone + "\r\n\r\nx", "POST " + lojaPath + " HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: " + who.phone + "\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat(who.phone, 10_000) + "\r\n\r\n",
	} {
		s.wire(func(c net.Conn) { _, _ = io.WriteString(c, wire) })
	}
	s.wire(func(c net.Conn) {
		_ = tls.Client(c, &tls.Config{ServerName: bareWord(who.text), InsecureSkipVerify: true}).HandshakeContext(t.Context()) // it never succeeds
	})
}

// wire lets f write to a connection and keeps what comes back; the server may have hung up.
func (s *scene) wire(f func(net.Conn)) {
	s.t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
	must(s.t, err)
	defer c.Close()
	must(s.t, c.SetDeadline(time.Now().Add(10*time.Second)))
	f(c)
	_ = c.(*net.TCPConn).CloseWrite()
	answer, _ := io.ReadAll(c)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.shown.Write(append(answer, '\n'))
}

func bareWord(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' {
			return r
		}
		return -1
	}, s)
}

// reports sends what workflows report: of nobody's call, signed and not.
func (s *scene) reports() {
	target := s.url + callbacksPath
	for _, key := range []string{s.keys["callback"], s.keys["sign"]} {
		for _, body := range []any{
			map[string]any{"id": s.first.phone, "status": "failed", "error": s.first.says()}, map[string]any{"id": s.first.text, "status": s.first.text},
			map[string]any{"id": "0190", "status": "done", "result": map[string]any{s.first.text: s.first.says()}}, s.first.says(), []any{s.first.says()},
		} {
			_, said, err := s.n8n.Report(s.t.Context(), target, secret.New(key), "msg-"+s.first.phone, body)
			must(s.t, err)
			s.mu.Lock()
			s.shown.WriteString(said + "\n")
			s.mu.Unlock()
		}
	}
}

// customers write on both channels, with a trouble of some peer behind every other call, and
// people take part. It waits until every customer has had a turn.
func (s *scene) customers() {
	t := s.t
	var turns []string // correlation ids
	for i := range 24 {
		who := s.drawn(s.r)
		body := whatickettest.Baileys{JID: who.phone, ID: fmt.Sprintf("PLANTED%04d", i), Name: who.name, Text: who.says(), At: time.Now()}.Body()
		path, header := lojaPath, signed(s.keys["loja"], body)
		switch i % 3 {
		case 1:
			path, header = "/webhook/whaticket/filial/"+url.PathEscape(s.keys["filial"]), http.Header{"Content-Type": {"application/json"}}
		case 2:
			path, header = "/webhook/whaticket/quiosque", http.Header{"Content-Type": {"application/json"}, "Authorization": {"Bearer " + s.keys["quiosque"]}}
		}
		header = with(header, "X-Correlation-Id", []string{who.phone, who.cpf, "pedido-de-" + who.phone, s.keys["openai"]}[i%4], "User-Agent", who.text, "Cookie", "x="+s.keys["console"])
		status, id := s.ask("POST", path+"?cliente="+url.QueryEscape(who.name), header, body)
		if status != http.StatusAccepted {
			t.Errorf("webhook of customer %d answered %d, want 202", i, status)
		}
		turns = append(turns, id)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	for i := range 24 {
		who := s.drawn(s.r)
		id := s.chatwoot.Open(chatwoottest.Contact{Name: who.name, Phone: "+" + who.phone})
		say := func(text string) {
			w, err := s.chatwoot.Customer(ctx, id, text)
			must(t, err)
			if w.Status != http.StatusOK {
				t.Errorf("webhook of conversation %d answered %d, want 200", id, w.Status)
			}
		}
		say(who.says())
		say([]string{"quero marcar uma reunião", "usa essa ferramenta", "qual é a chave?", "quero uma reunião, sou " + who.name}[i%4])
		switch i % 5 {
		case 3:
			_, err := s.chatwoot.Human(ctx, id, 2, "eu respondo: "+who.says())
			must(t, err)
		case 4:
			_, err := s.chatwoot.HumanNote(ctx, id, 2, "anotei: "+who.says())
			must(t, err)
		}
	}
	s.until("a turn of every customer", func() bool {
		log := s.log()
		for _, id := range turns {
			if !s.hadTurn(log, id) {
				return false
			}
		}
		return true
	})
	for range len(troubles) / 2 {
		s.pages()
	}
}

func (s *scene) hadTurn(log, correlation string) bool {
	for line := range strings.Lines(log) {
		if strings.Contains(line, `"msg":"turn `) && strings.Contains(line, correlation) {
			return true
		}
	}
	return false
}

func (s *scene) until(what string, condition func() bool) {
	s.t.Helper()
	deadline := time.After(2 * time.Minute)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for !condition() {
		select {
		case <-tick.C:
		case err := <-s.done:
			s.t.Fatalf("serve ended: %v", err)
		case <-deadline:
			s.t.Fatalf("waited in vain for %s; the last lines:\n%s", what, tail(s.log(), 20))
		}
	}
}

func tail(text string, n int) string {
	lines := strings.Split(text, "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

// outage takes what the process stands on away, and gives it back.
func (s *scene) outage() {
	if s.postgres == nil && s.redis == nil {
		return
	}
	if s.redis != nil {
		s.redis.Stop()
	}
	if s.postgres != nil {
		s.postgres.Kill() // its data stays
	}
	for i := range 4 {
		who := s.drawn(s.r)
		body := says(who.phone, who.says())
		s.ask("POST", lojaPath, with(signed(s.keys["loja"], body), "X-Correlation-Id", who.phone), body)
		s.ask("POST", sitePath, botSigned(s.keys["site"], asks(s.t, int64(700+i), int64(7000+i), who.says())), asks(s.t, int64(700+i), int64(7000+i), who.says()))
	}
	s.pages()
	s.run("check")
	s.run("deliveries", "list")
	if s.postgres != nil {
		s.postgres.Restart(s.t)
	}
	if s.redis != nil {
		s.redis.Restart(s.t)
	}
	s.until("the process to be well again", func() bool {
		status, _ := s.ask("GET", "/healthz", nil, nil)
		return status == http.StatusOK
	})
}

func (s *scene) pages() {
	for _, path := range []string{"/healthz", "/api/v1/readiness", "/api/v1/health", "/metrics"} {
		s.ask("GET", path, nil, nil)
	}
}

// look reads all that the process and the commands show.
func (s *scene) look() {
	s.pages()
	for _, g := range s.peers {
		g.quiet() // check has a good day, too
	}
	// So has the collector: what it may have lost in its troubles comes once more.
	s.reports()
	s.wishes()
	s.until("traces of everything", func() bool { return len(s.untraced()) == 0 })
	s.pages()
	for _, args := range [][]string{{"check"}, {"check", "--json"}, {"deliveries", "list"}, {"deliveries", "list", "--json", "--limit", "10000"}, {"deliveries", "replay", s.first.phone}} {
		s.run(args...)
	}
}

// untraced are the kinds of spans of which there is none yet.
func (s *scene) untraced() []string {
	spans := s.collector.Spans()
	return slices.DeleteFunc([]string{"webhook", "turn", "guard", "chat", "tool", "gate", "deliver", "call workflow", "callback"}, func(name string) bool {
		return count(spans, name) > 0
	})
}

// end stops the process and searches everything.
func (s *scene) end() {
	t := s.t
	must(t, s.child.Process.Signal(syscall.SIGTERM))
	select {
	case err := <-s.done:
		if err != nil {
			t.Errorf("serve ended with %v", err)
		}
	case <-time.After(time.Minute):
		t.Fatal("serve does not end")
	}
	log := s.log()
	if path := os.Getenv("PLANTED_LOG"); path != "" {
		must(t, os.WriteFile(path, append([]byte(log), s.shown.Bytes()...), 0o600))
	}
	s.absent(t, "the log", []byte(log))
	s.absent(t, "what was answered and printed", s.shown.Bytes())
	rows := s.rows()
	s.absent(t, "what is kept of failures", rows)
	s.absent(t, "what was traced", s.collector.Raw())
	if missing := s.untraced(); len(missing) > 0 {
		t.Errorf("nothing was traced of %q", missing)
	}
	// Silence proves nothing where nothing has happened.
	for _, want := range []string{`"outcome":"unauthorized"`, `"msg":"turn decided"`, `"msg":"delivery sent"`, `"msg":"delivery failed for good"`, `"kind":"workflow"`, `"model_failed"`, `"msg":"callback received"`} {
		if !strings.Contains(log, want) {
			t.Errorf("the log has no line with %s", want)
		}
	}
	if !bytes.Contains(rows, []byte("status 4")) && len(rows) < 100 {
		t.Errorf("hardly anything is kept of failures: %s", rows)
	}
	for name, g := range s.peers {
		n := 0
		for _, trouble := range troubles {
			if g.heard(trouble) > 0 {
				n++
			}
		}
		t.Logf("%s made %d of %d troubles", name, n, len(troubles))
	}
	for _, c := range []struct {
		peer string
		want int
	}{{"openai", 10}, {"gemini", 10}, {"chatwoot", 10}, {"whaticket", 10}, {"n8n", 5}} {
		g, n := s.peers[c.peer], 0
		for _, trouble := range troubles {
			n += min(1, g.heard(trouble))
		}
		if n < c.want {
			t.Errorf("%s made %d of %d troubles, want %d or more", c.peer, n, len(troubles), c.want)
		}
	}
}

// rows are what the database keeps of failures.
func (s *scene) rows() []byte {
	t := s.t
	queries := []string{"select coalesce(cast(errors as text), '') from river_job", "select coalesce(cast(metadata as text), '') from river_job", "select coalesce(cast(args as text), '') from river_job",
		"select cause from attempts", "select cause from deliveries"}
	var out bytes.Buffer
	read := func(next func() bool, scan func(...any) error) {
		for next() {
			var v string
			must(t, scan(&v))
			if v != "" {
				out.WriteString(v + "\n")
			}
		}
	}
	if s.postgres != nil {
		c, err := pgx.Connect(t.Context(), s.postgres.URL)
		must(t, err)
		defer c.Close(context.Background())
		for _, q := range queries {
			rows, err := c.Query(t.Context(), q)
			must(t, err)
			read(rows.Next, rows.Scan)
			must(t, rows.Err())
		}
		return out.Bytes()
	}
	db, err := sqlite.Open(t.Context(), filepath.Join(s.dir, "data", "secretaria.db"), true)
	must(t, err)
	defer func() { must(t, db.Close()) }()
	for _, q := range queries {
		rows, err := db.Writer().QueryContext(t.Context(), q)
		must(t, err)
		read(rows.Next, rows.Scan)
		must(t, rows.Err())
		must(t, rows.Close())
	}
	return out.Bytes()
}
