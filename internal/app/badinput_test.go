package app_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"secretaria/internal/app"
	"secretaria/internal/channel"
	"secretaria/internal/channel/chatwoot"
	"secretaria/internal/channel/whaticket"
	"secretaria/internal/channel/whaticket/whatickettest"
	"secretaria/internal/conversation"
	"secretaria/internal/intake"
	"secretaria/internal/ratelimit"
	"secretaria/internal/store"
	"secretaria/internal/telemetry"
)

// documented says whether an answer is one that the contract knows.
func documented(path string, a answer) bool {
	o := map[string]any{}
	if json.Unmarshal([]byte(a.body), &o) != nil {
		return false
	}
	whatsapp := strings.HasPrefix(path, whaticketPath)
	word := func(key string) string { s, _ := o[key].(string); return s }
	var shape []string
	switch {
	case whatsapp && a.status == 202 && o["queued"] == true:
		shape = []string{"queued", "duplicate"}
	case whatsapp && a.status == 202:
		shape = []string{"queued", "ignored"}
	case !whatsapp && a.status == 200 && o["ok"] == true:
		shape = []string{"ok", "duplicate", "ignored"}
	case whatsapp && a.status == 400 && word("error") == "invalid payload" && word("details") != "":
		shape = []string{"error", "details"}
	case whatsapp && word("error") == map[int]string{401: "invalid signature", 413: "payload too large", 415: "unsupported media type"}[a.status]:
		shape = []string{"error"}
	case !whatsapp && word("detail") == map[int]string{400: "invalid payload", 401: "invalid signature", 413: "payload too large", 415: "unsupported media type"}[a.status]:
		shape = []string{"detail"}
	}
	for key := range o {
		if !slices.Contains(shape, key) {
			return false
		}
	}
	return len(o) > 0
}

func TestTimestampsAndSignatures(t *testing.T) {
	t.Parallel()
	h := open(t, still)
	body := says("5511988877766", "oi")
	now := time.Now().Unix()
	stamp := func(v string) http.Header {
		return http.Header{"Content-Type": {"application/json"}, "X-Timestamp": {v}, "X-Signature": {whatickettest.Sign(whaticketSecret, v, body)}}
	}
	good := signed(whaticketSecret, body)
	sig, at := good.Get("X-Signature"), good.Get("X-Timestamp")
	cases := map[string]http.Header{
		"empty signature":      with(good, "X-Signature", ""),
		"upper case":           with(good, "X-Signature", strings.ToUpper(sig)),
		"prefixed":             with(good, "X-Signature", "sha256="+sig),
		"short":                with(good, "X-Signature", sig[:63]),
		"half":                 with(good, "X-Signature", sig[:32]),
		"long":                 with(good, "X-Signature", sig+"0"),
		"no hex":               with(good, "X-Signature", strings.Repeat("z", 64)),
		"non-ASCII":            with(good, "X-Signature", strings.Repeat("é", 32)),
		"full-width digits":    with(good, "X-Signature", strings.Repeat("１", 64)),
		"inner space":          with(good, "X-Signature", sig[:32]+" "+sig[32:]),
		"quoted":               with(good, "X-Signature", `"`+sig+`"`),
		"two in one":           with(good, "X-Signature", sig+","+sig),
		"very long":            with(good, "X-Signature", strings.Repeat(sig, 500)),
		"two signatures":       twice(good, "X-Signature", sig),
		"a wrong one first":    {"Content-Type": good["Content-Type"], "X-Timestamp": {at}, "X-Signature": {strings.Repeat("0", 64), sig}},
		"a wrong one second":   twice(good, "X-Signature", strings.Repeat("0", 64)),
		"two timestamps":       twice(good, "X-Timestamp", at),
		"another timestamp":    twice(good, "X-Timestamp", strconv.FormatInt(now-1, 10)),
		"timestamp not signed": with(good, "X-Timestamp", strconv.FormatInt(now-7, 10)),
	}
	for _, v := range []string{
		"nan", "NaN", "inf", "-inf", "Infinity", "1e9", "1e10", "0x65", "-1", "+1", "", "0", "00", "-0", "99999999999999999999999", strings.Repeat("9", 5000),
		"9223372036854775807", "-9223372036854775808", "9223372036854775808", "1.5", fmt.Sprintf("%d.0", now), fmt.Sprintf("+%d", now), fmt.Sprintf("%de0", now),
		fmt.Sprintf("%d %d", now, now), fmt.Sprintf("%d_0", now/10), fmt.Sprintf("%d000", now), time.Now().UTC().Format(time.RFC3339),
		strconv.FormatInt(now-302, 10), strconv.FormatInt(now+310, 10), "１７９０００００００", "٠١٢٣", "ontem", fmt.Sprintf("%d\u00a0", now), fmt.Sprintf("%d;", now),
	} {
		cases["timestamp "+v] = stamp(v)
	}
	for name, header := range cases {
		got := h.ask(h.request(http.MethodPost, whaticketPath, header, body))
		if got.status != http.StatusUnauthorized || got.body != `{"error":"invalid signature"}` {
			t.Errorf("%s: answered %d %s, want 401", name, got.status, got.body)
		}
	}
	for name, header := range map[string]http.Header{
		"within the window":           stamp(strconv.FormatInt(now-295, 10)),
		"ahead within the window":     stamp(strconv.FormatInt(now+295, 10)),
		"keys in another letter case": {"content-type": {"application/json"}, "x-timestamp": {at}, "X-SIGNATURE": {sig}},
	} {
		if got := h.ask(h.request(http.MethodPost, whaticketPath, header, body)); got.status != http.StatusAccepted {
			t.Errorf("%s: answered %d %s, want 202", name, got.status, got.body)
		}
	}

	bot := asks(t, 910, 70_000, "oi")
	good = botSigned(chatwootSecret, bot)
	sig, at = good.Get("X-Chatwoot-Signature"), good.Get("X-Chatwoot-Timestamp")
	for name, header := range map[string]http.Header{
		"upper case": with(good, "X-Chatwoot-Signature", "sha256="+strings.ToUpper(sig[7:])), "upper-case prefix": with(good, "X-Chatwoot-Signature", "SHA256="+sig[7:]),
		"no prefix": with(good, "X-Chatwoot-Signature", sig[7:]), "another prefix": with(good, "X-Chatwoot-Signature", "sha1="+sig[7:]),
		"short": with(good, "X-Chatwoot-Signature", sig[:70]), "non-ASCII": with(good, "X-Chatwoot-Signature", "sha256=é"),
		"two signatures": twice(good, "X-Chatwoot-Signature", sig), "two timestamps": twice(good, "X-Chatwoot-Timestamp", at),
		"empty timestamp": with(good, "X-Chatwoot-Timestamp", ""), "timestamp nan": with(good, "X-Chatwoot-Timestamp", "nan"),
		"timestamp with a sign": with(good, "X-Chatwoot-Timestamp", "+"+at), "huge timestamp": with(good, "X-Chatwoot-Timestamp", strings.Repeat("9", 400)),
		"empty timestamp beside the documented form": with(bodySigned(chatwootSecret, bot), "X-Chatwoot-Timestamp", ""),
		"the other channel's headers":                signed(chatwootSecret, bot),
	} {
		got := h.ask(h.request(http.MethodPost, agentBotPath, header, bot))
		if got.status != http.StatusUnauthorized || got.body != `{"detail":"invalid signature"}` {
			t.Errorf("chatwoot, %s: answered %d %s, want 401", name, got.status, got.body)
		}
	}
}

func twice(h http.Header, key, value string) http.Header {
	h = h.Clone()
	h.Add(key, value)
	return h
}

// bodies that no parser should be sent, signed all the same.
func TestBodiesFromHell(t *testing.T) {
	t.Parallel()
	var log *logbook
	h := open(t, func(o *app.Options) { still(o); log = logTo(t, o) })
	pad := func(b []byte, to int) []byte { return append(b, bytes.Repeat([]byte(" "), to-len(b))...) }
	deep := func(open, shut string, n int) string { return strings.Repeat(open, n) + strings.Repeat(shut, n) }
	const accepted, refused, either = 2, 4, 0
	for _, c := range []struct {
		name           string
		whatsapp, bot  []byte
		onWhatsapp, on int // the class of the status
	}{
		{"empty", nil, nil, refused, refused},
		{"blank", []byte(" \r\n"), []byte(" \r\n"), refused, refused},
		{"null", []byte("null"), []byte("null"), refused, refused},
		{"true", []byte("true"), []byte("true"), refused, refused},
		{"a string", []byte(`"oi"`), []byte(`"oi"`), refused, refused},
		{"a number", []byte("42"), []byte("42"), refused, refused},
		{"an empty list", []byte("[]"), []byte("[]"), refused, refused},
		{"a list of nothing", []byte("[null]"), []byte("[null]"), refused, refused},
		{"an empty object", []byte("{}"), []byte("{}"), refused, refused},
		{"NUL", []byte("\x00"), []byte("\x00"), refused, refused},
		{"binary", []byte("\x1f\x8b\x08\x00\xff\xfe"), []byte("\x1f\x8b\x08\x00\xff\xfe"), refused, refused},
		{"a form", []byte("number=5511988877766&message=oi"), []byte("event=message_created"), refused, refused},
		{"a page", []byte("<html>segredo</html>"), []byte("<html>segredo</html>"), refused, refused},
		{"cut off", says("5511988877766", "segredo")[:60], asks(t, 911, 71_000, "segredo")[:700], refused, refused},
		{"followed by more", append(says("5511988877766", "segredo"), `{"a":1}`...), append(asks(t, 911, 71_001, "segredo"), `x`...), refused, refused},
		{"100,000 brackets", []byte(deep("[", "]", 100_000)), []byte(deep("[", "]", 100_000)), refused, refused},
		{"100,000 unclosed brackets", []byte(strings.Repeat("[", 100_000)), []byte(strings.Repeat(`{"event":`, 100_000)), refused, refused},
		{"deep message", []byte(`{"number":"5511988877766","message":` + deep(`{"ephemeralMessage":{"message":`, "}}", 4_000) + `}`), []byte(`{"event":"message_created","data":` + deep(`{"data":`, "}", 9_000) + `}`), either, refused},
		{"deeply wrapped", []byte(deep(`{"body":`, "}", 5_000)), []byte(`{"event":"message_created","conversation":` + deep("[", "]", 9_000) + `}`), refused, refused},
		{"a byte order mark", append([]byte("\xef\xbb\xbf"), says("5511988877766", "oi")...), append([]byte("\xef\xbb\xbf"), asks(t, 911, 71_002, "oi")...), accepted, either},
		{"UTF-16", []byte("\xff\xfe{\x00}\x00"), []byte("\xff\xfe{\x00}\x00"), refused, refused},
		{"invalid UTF-8", bytes.Replace(says("5511988877766", "segredo"), []byte("segredo"), []byte("segr\xff\xfe\xc0\x80edo"), 1), bytes.Replace(asks(t, 911, 71_003, "segredo"), []byte("segredo"), []byte("segr\xffedo"), 1), refused, either},
		{"a lone surrogate", bytes.Replace(says("5511988877766", "segredo"), []byte("segredo"), []byte(`segredo \ud800 fim \u0000`), 1), bytes.Replace(asks(t, 911, 71_004, "segredo"), []byte("segredo"), []byte(`segredo \udfff \u0000`), 1), accepted, accepted},
		{"huge numbers", []byte(`{"key":{"remoteJid":"5511988877766@s.whatsapp.net","id":1e999999},"messageTimestamp":1e400,"message":{"audioMessage":{"seconds":-9e9999}}}`),
			[]byte(`{"event":"message_created","id":1e400,"account":{"id":1e999},"conversation":{"id":99999999999999999999999999}}`), accepted, refused},
		{"long numbers", []byte(`{"number":` + strings.Repeat("9", 300_000) + `,"message":{"conversation":"oi"}}`), []byte(`{"event":"message_created","id":` + strings.Repeat("9", 300_000) + `}`), refused, refused},
		{"duplicate keys", []byte(`{"number":"5511988877766","number":"5511977776666","message":null,"message":{"conversation":"segredo"}}`), bytes.Replace(asks(t, 911, 71_005, "segredo"), []byte(`"event"`), []byte(`"event":"x","event"`), 1), accepted, accepted},
		{"keys in another letter case", []byte(`{"Number":"5511988877766","MESSAGE":{"Conversation":"oi"}}`), []byte(`{"EVENT":"message_created"}`), refused, refused},
		{"a key of a megabyte", []byte(`{"` + strings.Repeat("k", 900_000) + `":1}`), []byte(`{"` + strings.Repeat("k", 900_000) + `":1}`), refused, refused},
		{"a text of a megabyte", says("5511988877766", strings.Repeat("é", 400_000)), asks(t, 911, 71_006, strings.Repeat("é", 400_000)), accepted, accepted},
		{"exactly a mebibyte", pad(says("5511988877766", "oi"), intake.MaxBody), pad(asks(t, 911, 71_007, "oi"), intake.MaxBody), accepted, accepted},
		{"markup", says("5511988877766", "<script>alert(1)</script>"), asks(t, 911, 71_008, "<script>alert(1)</script>"), accepted, accepted},
		{"a name that is code", whatickettest.Baileys{JID: "5511988877766", ID: "'; drop table messages; --", Name: "{{7*7}}", Text: "'; drop table messages; --"}.Body(), asks(t, 911, 71_009, "'); drop table messages; --"), accepted, accepted},
	} {
		for _, chunked := range []bool{false, true} {
			for _, p := range []struct {
				path   string
				body   []byte
				header http.Header
				class  int
			}{{whaticketPath, c.whatsapp, signed(whaticketSecret, c.whatsapp), c.onWhatsapp}, {agentBotPath, c.bot, botSigned(chatwootSecret, c.bot), c.on}} {
				req := h.request(http.MethodPost, p.path, p.header, p.body)
				if chunked {
					req.ContentLength, req.Body = -1, io.NopCloser(bytes.NewReader(p.body))
				}
				got := h.ask(req)
				if p.class != either && got.status/100 != p.class || !documented(p.path, got) || strings.Contains(got.body, "segredo") || strings.Contains(got.body, "988877766") {
					t.Errorf("%s (chunked %v) on %s: answered %d %.300s, want %dxx", c.name, chunked, p.path, got.status, got.body, p.class)
				}
			}
		}
	}
	// One byte more is too much, whether the length is told or not.
	for _, path := range []string{whaticketPath, agentBotPath} {
		big := pad(says("5511988877766", "oi"), intake.MaxBody+1)
		for _, header := range []http.Header{signed(whaticketSecret, big), botSigned(chatwootSecret, big), {}} {
			req := h.request(http.MethodPost, path, header, big)
			req.ContentLength, req.Body = -1, io.NopCloser(bytes.NewReader(big))
			if got := h.ask(req); got.status != http.StatusRequestEntityTooLarge {
				t.Errorf("chunked, too large on %s: answered %d %s", path, got.status, got.body)
			}
		}
	}
	log.silent("segredo", "988877766", "drop table", "script")
	fineLog(t, log)
}

// A body that ends too early is nobody's message.
func TestTruncatedBody(t *testing.T) {
	t.Parallel()
	h := open(t, still)
	body := string(says("5511988877766", "oi"))
	head := func(path, length string) string {
		header := signed(whaticketSecret, []byte(body))
		return "POST " + path + " HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nX-Timestamp: " + header.Get("X-Timestamp") +
			"\r\nX-Signature: " + header.Get("X-Signature") + "\r\n" + length + "\r\n\r\n"
	}
	for name, wire := range map[string]string{
		"less than promised":      head(whaticketPath, "Content-Length: "+strconv.Itoa(len(body)+10)) + body,
		"nothing of it":           head(whaticketPath, "Content-Length: 10"),
		"a chunk without its end": head(whaticketPath, "Transfer-Encoding: chunked") + fmt.Sprintf("%x\r\n%s", len(body), body),
		"a chunk that is none":    head(whaticketPath, "Transfer-Encoding: chunked") + "zz\r\n" + body,
	} {
		if got := h.raw(wire); got.status != http.StatusBadRequest || got.body != `{"error":"invalid payload","details":"body: incomplete"}` {
			t.Errorf("%s: answered %d %s, want 400", name, got.status, got.body)
		}
	}
	if got := h.raw(head(agentBotPath, "Content-Length: 10") + "{}"); got.status != http.StatusBadRequest || got.body != `{"detail":"invalid payload"}` {
		t.Errorf("chatwoot: answered %d %s, want 400", got.status, got.body)
	}
	// A sender that closes its side after a whole request still gets its answer, and is heard.
	if got := h.raw(head(whaticketPath, "Content-Length: "+strconv.Itoa(len(body))) + body); got.status != http.StatusAccepted {
		t.Errorf("a whole body before the end: answered %d %s, want 202", got.status, got.body)
	}
	if n := h.pending(); n != 1 {
		t.Errorf("%d conversations wait, want 1", n)
	}
	// One that hangs up without waiting for the answer is heard as well: it may never try again.
	body = string(says("5511977776666", "oi"))
	conn, err := net.Dial("tcp", h.app.Addr())
	must(t, err)
	_, err = io.WriteString(conn, head(whaticketPath, "Content-Length: "+strconv.Itoa(len(body)))+body)
	must(t, err)
	must(t, conn.Close())
	until(t, "the message of a sender that hung up", func() bool { return h.pending() == 2 })
}

// pending counts conversations that wait for a turn.
func (h *house) pending() int {
	h.t.Helper()
	n, _, err := h.app.Store().Backlog(h.t.Context(), time.Now().Add(24*time.Hour))
	must(h.t, err)
	return n
}

// broken is a store that panics.
type broken struct{}

func (broken) Receive(context.Context, store.Arrival) ([]store.Result, error) {
	panic("index out of range")
}

func TestPanicInAWebhookGetsTheDocumentedAnswer(t *testing.T) {
	t.Parallel()
	h := open(t, still)
	for _, c := range []struct {
		inbox  app.Inbox
		header func(string, []byte) http.Header
		secret string
		body   []byte
		want   string
	}{
		{h.options.Inboxes[0], signed, whaticketSecret, says("5511988877766", "segredo"), `{"error":"temporarily unavailable"}`},
		{h.options.Inboxes[1], botSigned, chatwootSecret, asks(t, 912, 72_000, "segredo"), `{"detail":"temporarily unavailable"}`},
	} {
		var ch channel.Channel
		var err error
		if c.inbox.Whaticket != nil {
			ch, err = whaticket.New(*c.inbox.Whaticket, nil)
		} else {
			ch, err = chatwoot.New(*c.inbox.Chatwoot, nil)
		}
		must(t, err)
		var ended []intake.Done
		in := intake.New(intake.Config{Kind: c.inbox.Kind(), Inboxes: []intake.Inbox{{Name: string(c.inbox.Kind()), Channel: ch}}, Memory: broken{},
			Failures: ratelimit.New(0, 0), Contacts: ratelimit.New(0, 0), ClientIP: intake.ClientIP(nil), Logger: slog.New(slog.DiscardHandler),
			Observe: func(d intake.Done) { ended = append(ended, d) }})
		w := httptest.NewRecorder()
		req := httptest.NewRequest(http.MethodPost, "/", bytes.NewReader(c.body))
		req.Header = c.header(c.secret, c.body)
		in.ServeHTTP(w, req)
		if w.Code != http.StatusInternalServerError || w.Body.String() != c.want {
			t.Errorf("%s answered %d %s, want 500 %s", c.inbox.Kind(), w.Code, w.Body, c.want)
		}
		if len(ended) != 1 || ended[0].Outcome != channel.Unavailable {
			t.Errorf("%s was observed as %+v", c.inbox.Kind(), ended)
		}
	}
}

// mutants are the bodies that differ from one in a single value. Below the key whole nothing
// is changed piece by piece.
func mutants(t *testing.T, body []byte, replacements []any, whole string) map[string][]byte {
	t.Helper()
	out := map[string][]byte{}
	var root any
	must(t, json.Unmarshal(body, &root))
	encode := func(name string) {
		b, err := json.Marshal(root)
		must(t, err)
		out[name] = b
	}
	var walk func(path string, v any, set func(any))
	walk = func(path string, v any, set func(any)) {
		for i, r := range replacements {
			set(r)
			encode(fmt.Sprintf("%s=%d", path, i))
		}
		set(v)
		if whole != "" && path == "."+whole {
			return
		}
		switch v := v.(type) {
		case map[string]any:
			for _, key := range slices.Sorted(maps.Keys(v)) {
				old := v[key]
				walk(path+"."+key, old, func(x any) { v[key] = x })
				delete(v, key)
				encode(path + "." + key + " missing")
				v[key] = old
			}
		case []any:
			for i := range v {
				walk(fmt.Sprintf("%s[%d]", path, i), v[i], func(x any) { v[i] = x })
			}
		}
	}
	walk("", root, func(x any) { root = x })
	return out
}

// Every value of real payloads is replaced by one of every other type, one at a time. All of
// them are answered as documented, and the turns that follow work.
func TestEveryFieldOfEveryType(t *testing.T) {
	t.Parallel()
	const secretText, secretDigits = "palavras-do-cliente-zq7391", "5511966655544"
	replacements := []any{nil, -1.5, secretText, secretDigits, true, []any{secretText}, map[string]any{"id": secretText}}
	var log *logbook
	h := open(t, func(o *app.Options) {
		log = logTo(t, o)
		o.Limits = app.Limits{}
		o.Quiet = conversation.Quiet{Window: 20 * time.Millisecond, Max: 100 * time.Millisecond}
	})
	fixture := func(name string) []byte {
		b, err := os.ReadFile("../channel/whaticket/testdata/events/" + name + ".json")
		must(t, err)
		return b
	}
	type seed struct {
		name, path string
		id         string // of the message; each body gets one of its own
		whole      string // see mutants
		body       []byte
		sign       func([]byte) http.Header
	}
	var seeds []seed
	for name, id := range map[string]string{
		"flat-ticket-contact-number": "", "chamado-n8n-menu-node": "",
		"baileys-extended-text-quoted": "55C566180420CCB60951EC536D88AAE9", "baileys-protocol-edit": "745FD547A90459308A7E52F3B28478EE",
		"baileys-lid-v7-remotejidalt": "B02C1E7F0846A878115F2610D6C49232", "meta-cloud-text": "wamid.FIXTURETEXT",
		"whazing-received": "3A5F0C1B2D3E4F506174", "wwebjs-chat": "3A5F0C1B2D3E4F506172", "fork-facebook-text": "m_fixture",
	} {
		seeds = append(seeds, seed{name, whaticketPath, id, "", fixture(name), func(b []byte) http.Header { return signed(whaticketSecret, b) }})
	}
	for name, id := range map[string]string{
		"message_created.incoming.whatsapp_text": "9010", "message_created.incoming.whatsapp_audio": "9011", "message_created.outgoing.agent_bot_echo": "9014",
		"message_updated.outgoing.input_select_submitted": "9003", "message_updated.outgoing.bot_message_failed_outside_window": "9030",
		"conversation_updated.assignee_only_status_event_lost": "",
	} {
		whole := "conversation" // the same in all of them
		if name == "message_created.incoming.whatsapp_text" {
			whole = ""
		}
		seeds = append(seeds, seed{name, agentBotPath, id, whole, event(t, name, nil), func(b []byte) http.Header { return botSigned(chatwootSecret, b) }})
	}
	var posts sync.WaitGroup
	slots := make(chan struct{}, 16) // as many at a time
	total := 0
	for _, s := range seeds {
		for name, body := range mutants(t, s.body, replacements, s.whole) {
			total++
			if testing.Short() && total%10 != 0 || raceDetector && total%8 != 0 {
				continue
			}
			if s.id != "" {
				body = bytes.ReplaceAll(body, []byte(s.id), []byte(strconv.Itoa(1_000_000+total)))
			}
			slots <- struct{}{}
			posts.Go(func() {
				defer func() { <-slots }()
				got := h.ask(h.request(http.MethodPost, s.path, s.sign(body), body))
				if got.status/100 != 2 && got.status != http.StatusBadRequest || !documented(s.path, got) {
					t.Errorf("%s%s: answered %d %s", s.name, name, got.status, got.body)
				}
				for _, word := range []string{secretText, secretDigits, "966655544", "988877766", "Maria Souza", "Mariana", "bom dia", "Olá"} {
					if strings.Contains(got.body, word) {
						t.Errorf("%s%s: the answer holds %q: %s", s.name, name, word, got.body)
					}
				}
			})
		}
	}
	posts.Wait()
	h.settled()
	counted := map[string]int{}
	for _, line := range log.lines() {
		counted[fmt.Sprint(line["msg"], " ", line["outcome"])]++
	}
	if counted["webhook received accepted"] < total/50 || counted["turn decided replied"] == 0 || counted["webhook received invalid_payload"] == 0 {
		t.Errorf("of %d bodies came %v: that is not what this test is for", total, counted)
	}
	log.silent(secretText, "966655544", "988877766", "900000042", "maria souza", "mariana", "bom dia", whaticketSecret, chatwootSecret)
	fineLog(t, log)
}

// fineLog checks every line: JSON with time, level and msg, and nothing broken.
func fineLog(t *testing.T, log *logbook) {
	t.Helper()
	for _, line := range log.lines() {
		at, _ := line["time"].(string)
		if _, err := time.Parse(time.RFC3339Nano, at); err != nil || line["level"] == nil || line["msg"] == nil {
			t.Errorf("log line without time, level or msg: %v", line)
		}
		if id, ok := line["correlation_id"].(string); ok && !telemetry.ValidCorrelation(id) {
			t.Errorf("log line with correlation id %q", id)
		}
		msg, _ := line["msg"].(string)
		if line["level"] == "ERROR" && msg != "delivery failed for good" || strings.Contains(msg, "panic") || line["stack"] != nil {
			t.Errorf("something broke: %v", line)
		}
	}
}
