package app_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"secretaria/internal/app"
	"secretaria/internal/channel/chatwoot"
	"secretaria/internal/channel/whaticket"
	"secretaria/internal/conversation"
	"secretaria/internal/intake"
	"secretaria/internal/secret"
)

const (
	whaticketPath = "/webhook/whaticket"
	agentBotPath  = "/api/v1/webhooks/agentbot"

	olderSecret = "the-secret-that-is-being-rotated-out"
	urlSecret   = "url-secret-0123456789abcdef0123456789abcdef"
	hookToken   = "webhook-token-31f7"
)

// still keeps every turn away: what is tested is the answer to the webhook alone.
func still(o *app.Options) {
	o.Quiet = conversation.Quiet{Window: time.Hour}
	o.Limits = app.Limits{}
}

// gates opens a house with an inbox of every kind of authentication.
func gates(t *testing.T, change func(*app.Options)) *house {
	t.Helper()
	return open(t, func(o *app.Options) {
		still(o)
		o.Inboxes[0].Whaticket.Secrets = append(o.Inboxes[0].Whaticket.Secrets, secret.New(olderSecret))
		o.Inboxes[1].Chatwoot.Secrets = append(o.Inboxes[1].Chatwoot.Secrets, secret.New(olderSecret))
		listen := func(name string, c whaticket.Config) {
			o.Inboxes = append(o.Inboxes, app.Inbox{Name: name, Desk: "secretaria", Whaticket: &c})
		}
		bot := func(name string, c chatwoot.Config) {
			o.Inboxes = append(o.Inboxes, app.Inbox{Name: name, Desk: "sdr", Chatwoot: &c})
		}
		tokens := []secret.String{secret.New(hookToken)}
		listen("guarded", whaticket.Config{Secrets: []secret.String{secret.New(whaticketSecret)}, WebhookTokens: tokens})
		listen("carried", whaticket.Config{Auth: whaticket.ByToken, WebhookTokens: tokens})
		listen("linked", whaticket.Config{Auth: whaticket.ByURL, URLSecrets: []secret.String{secret.New(urlSecret)}})
		bot("unkeyed", chatwoot.Config{})
		bot("stamped", chatwoot.Config{Form: chatwoot.Timestamped, Secrets: []secret.String{secret.New(chatwootSecret)}})
		bot("plain", chatwoot.Config{Form: chatwoot.BodyOnly, Secrets: []secret.String{secret.New(chatwootSecret)}})
		if change != nil {
			change(o)
		}
	})
}

// exchange is one row of the tables of the contract.
type exchange struct {
	name   string
	path   string
	header http.Header
	body   []byte
	status int
	want   string
}

func (h *house) exchanges(table []exchange) {
	h.t.Helper()
	for _, e := range table {
		got := h.ask(h.request(http.MethodPost, e.path, e.header, e.body))
		if got.status != e.status || got.body != e.want {
			h.t.Errorf("%s: answered %d %s, want %d %s", e.name, got.status, got.body, e.status, e.want)
		}
		// What is left of a body that is too large is not read, so that connection ends as well.
		if closes := strings.HasPrefix(e.path, whaticketPath) || e.status == http.StatusRequestEntityTooLarge; got.closed != closes {
			h.t.Errorf("%s: Connection: close is %v, want %v", e.name, got.closed, closes)
		}
		if cookies := got.header["Set-Cookie"]; cookies != nil || got.header.Get("Access-Control-Allow-Origin") != "" {
			h.t.Errorf("%s: answered with %v", e.name, got.header)
		}
	}
}

func TestWhaticketContract(t *testing.T) {
	t.Parallel()
	h := gates(t, nil)
	const queued, badSignature, badToken = `{"queued":true}`, `{"error":"invalid signature"}`, `{"error":"invalid token"}`
	fresh := func() []byte { return says("5511988877766", "oi") }
	once, noJSON, huge := fresh(), []byte("{"), []byte(strings.Repeat(" ", intake.MaxBody+1))
	jid := func(chat string) []byte { return says(chat, "oi") }
	message := func(content string) []byte {
		return fmt.Appendf(nil, `{"key":{"remoteJid":"5511988877766@s.whatsapp.net","fromMe":false,"id":"%s"},"message":%s}`, uuid.NewString(), content)
	}
	own := func(name, path string, body []byte, status int, want string) exchange {
		return exchange{name, path, signed(whaticketSecret, body), body, status, want}
	}
	table := []exchange{
		own("accepted", whaticketPath, once, 202, queued),
		own("a repeat", whaticketPath, once, 202, `{"queued":true,"duplicate":true}`),
		own("the default inbox by name", whaticketPath+"/whaticket", fresh(), 202, queued),
		own("with a slash at the end", whaticketPath+"/", fresh(), 202, queued),
		own("group", whaticketPath, jid("120363021234567890@g.us"), 202, `{"queued":false,"ignored":"group"}`),
		own("status", whaticketPath, jid("status@broadcast"), 202, `{"queued":false,"ignored":"status"}`),
		own("broadcast list", whaticketPath, jid("5511988877766@broadcast"), 202, `{"queued":false,"ignored":"broadcast"}`),
		own("newsletter", whaticketPath, jid("120363298765432109@newsletter"), 202, `{"queued":false,"ignored":"newsletter"}`),
		own("reaction", whaticketPath, message(`{"reactionMessage":{"text":"👍"}}`), 202, `{"queued":false,"ignored":"reaction"}`),
		own("revoke", whaticketPath, message(`{"protocolMessage":{"type":"REVOKE","key":{"id":"X"}}}`), 202, `{"queued":false,"ignored":"revoke"}`),
		own("no number", whaticketPath, []byte(`{"message":{"conversation":"olá"}}`), 400, `{"error":"invalid payload","details":"number: required"}`),
		own("no JSON", whaticketPath, noJSON, 400, `{"error":"invalid payload","details":"body: not JSON, near byte 0"}`),
		own("an unknown inbox", whaticketPath+"/nobody", fresh(), 401, badSignature),
		own("an inbox of the other channel", whaticketPath+"/chatwoot", fresh(), 401, badSignature),
		own("a path secret where none is configured", whaticketPath+"/whaticket/"+urlSecret, fresh(), 202, queued),
		own("too large", whaticketPath, huge, 413, `{"error":"payload too large"}`),
	}
	older, tagged, other := fresh(), fresh(), fresh()
	at := signed(whaticketSecret, other)
	table = append(table, []exchange{
		{"the older secret", whaticketPath, signed(olderSecret, older), older, 202, queued},
		{"a media type with parameters", whaticketPath, with(at, "Content-Type", "application/json; charset=utf-8"), other, 202, queued},
		{"another media type", whaticketPath, with(at, "Content-Type", "text/plain"), other, 415, `{"error":"unsupported media type"}`},
		{"a form", whaticketPath, with(at, "Content-Type", "application/x-www-form-urlencoded"), other, 415, `{"error":"unsupported media type"}`},
		{"a broken media type", whaticketPath, with(at, "Content-Type", "application/json; ="), other, 415, `{"error":"unsupported media type"}`},
		{"another secret", whaticketPath, signed("wrong", other), other, 401, badSignature},
		{"another body", whaticketPath, at, append(other, ' '), 401, badSignature},
		{"no signature", whaticketPath, without(at, "X-Signature"), other, 401, badSignature},
		{"no timestamp", whaticketPath, without(at, "X-Timestamp"), other, 401, badSignature},
		{"token beside the signature", whaticketPath + "/guarded", with(signed(whaticketSecret, tagged), "X-Webhook-Token", hookToken), tagged, 202, queued},
		{"the same message in another inbox", whaticketPath + "/guarded", with(signed(whaticketSecret, once), "X-Webhook-Token", hookToken), once, 202, queued},
		{"token missing", whaticketPath + "/guarded", at, other, 401, badToken},
		{"token wrong", whaticketPath + "/guarded", with(at, "X-Webhook-Token", "no"), other, 401, badToken},
		{"token right, signature wrong", whaticketPath + "/guarded", with(signed("wrong", other), "X-Webhook-Token", hookToken), other, 401, badSignature},
		{"both wrong", whaticketPath + "/guarded", with(signed("wrong", other), "X-Webhook-Token", "no"), other, 401, badSignature},
		{"token alone", whaticketPath + "/carried", http.Header{"X-Webhook-Token": {hookToken}}, fresh(), 202, queued},
		{"bearer alone", whaticketPath + "/carried", http.Header{"Authorization": {"Bearer " + hookToken}}, fresh(), 202, queued},
		{"token alone, wrong", whaticketPath + "/carried", http.Header{"X-Webhook-Token": {hookToken + "x"}}, fresh(), 401, badToken},
		{"token alone, missing", whaticketPath + "/carried", nil, fresh(), 401, badToken},
		{"a wrong token beside a right bearer", whaticketPath + "/carried", http.Header{"X-Webhook-Token": {"no"}, "Authorization": {"Bearer " + hookToken}}, fresh(), 401, badToken},
		{"a token for an inbox that signs", whaticketPath, http.Header{"X-Webhook-Token": {hookToken}}, fresh(), 401, badSignature},
		{"by URL", whaticketPath + "/linked/" + urlSecret, nil, fresh(), 202, queued},
		{"by URL, wrong", whaticketPath + "/linked/" + urlSecret[1:], nil, fresh(), 401, badSignature},
		{"by URL, missing", whaticketPath + "/linked", nil, fresh(), 401, badSignature},
		{"by URL, as a token", whaticketPath + "/linked", http.Header{"X-Webhook-Token": {urlSecret}}, fresh(), 401, badSignature},
		// What is wrong first decides.
		{"too large and unsigned", whaticketPath, nil, huge, 413, `{"error":"payload too large"}`},
		{"too large for nobody", whaticketPath + "/nobody", nil, huge, 413, `{"error":"payload too large"}`},
		{"unsigned and no JSON", whaticketPath, nil, noJSON, 401, badSignature},
		{"unsigned and another media type", whaticketPath, http.Header{"Content-Type": {"text/plain"}}, other, 401, badSignature},
		{"another media type and no JSON", whaticketPath, with(signed(whaticketSecret, noJSON), "Content-Type", "text/html"), noJSON, 415, `{"error":"unsupported media type"}`},
	}...)
	h.exchanges(table)
}

// bodySigned are the headers of the documented form: bare hex over the body.
func bodySigned(key string, body []byte) http.Header {
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write(body)
	return http.Header{"Content-Type": {"application/json"}, "X-Chatwoot-Signature": {hex.EncodeToString(mac.Sum(nil))}}
}

func TestChatwootContract(t *testing.T) {
	t.Parallel()
	h := gates(t, nil)
	const ok, badSignature, badPayload, badType = `{"ok":true}`, `{"detail":"invalid signature"}`, `{"detail":"invalid payload"}`, `{"detail":"unsupported media type"}`
	next := int64(50_000)
	fresh := func() []byte { next++; return asks(t, 900, next, "oi") }
	own := func(name string, body []byte, status int, want string) exchange {
		return exchange{name, agentBotPath, botSigned(chatwootSecret, body), body, status, want}
	}
	recorded := func(name string) []byte { return event(t, name, nil) }
	once, noJSON, huge := fresh(), []byte(`{"event":`), []byte(strings.Repeat(" ", intake.MaxBody+1))
	table := []exchange{
		own("accepted", once, 200, ok),
		own("a repeat under another delivery", once, 200, `{"ok":true,"duplicate":true}`),
		own("private note", recorded("message_created.outgoing.private_note_human"), 200, `{"ok":true,"ignored":"private_note"}`),
		own("greeting", recorded("message_created.template.greeting"), 200, `{"ok":true,"ignored":"template"}`),
		own("widget opened", recorded("webwidget_triggered"), 200, `{"ok":true,"ignored":"webwidget"}`),
		own("typing", recorded("conversation_typing_on.account_webhook_only"), 200, `{"ok":true,"ignored":"unknown_event"}`),
		own("an event of the future", []byte(`{"event":"contact_merged","id":1}`), 200, `{"ok":true,"ignored":"unknown_event"}`),
		own("a state", recorded("conversation_opened"), 200, `{"ok":true,"ignored":"state"}`),
		own("no JSON", noJSON, 400, badPayload),
		own("no event", []byte(`{}`), 400, badPayload),
		own("no conversation", []byte(`{"event":"message_created","message_type":"incoming"}`), 400, badPayload),
		own("too large", huge, 413, `{"detail":"payload too large"}`),
	}
	older, plain, stamped, pinned, other := fresh(), fresh(), fresh(), fresh(), fresh()
	at, bare := botSigned(chatwootSecret, other), bodySigned(chatwootSecret, other)
	stale := chatwootHeaders(other, time.Now().Add(-301*time.Second-time.Second))
	early := chatwootHeaders(other, time.Now().Add(310*time.Second))
	table = append(table, []exchange{
		{"the default inbox by name", agentBotPath + "/chatwoot", botSigned(chatwootSecret, stamped), stamped, 200, ok},
		{"the older secret", agentBotPath, botSigned(olderSecret, older), older, 200, ok},
		{"the documented form", agentBotPath, bodySigned(chatwootSecret, plain), plain, 200, ok},
		{"the documented form with a timestamp", agentBotPath, with(bare, "X-Chatwoot-Timestamp", fmt.Sprint(time.Now().Unix())), other, 401, badSignature},
		{"the timestamped form without its timestamp", agentBotPath, without(at, "X-Chatwoot-Timestamp"), other, 401, badSignature},
		{"the timestamped form with another timestamp", agentBotPath, with(at, "X-Chatwoot-Timestamp", fmt.Sprint(time.Now().Unix()-1)), other, 401, badSignature},
		{"older than the window", agentBotPath, stale, other, 401, badSignature},
		{"ahead of the window", agentBotPath, early, other, 401, badSignature},
		{"within the window", agentBotPath, chatwootHeaders(other, time.Now().Add(-290*time.Second)), other, 200, ok},
		{"pinned to timestamps", agentBotPath + "/stamped", bare, other, 401, badSignature},
		{"pinned to timestamps, with one", agentBotPath + "/stamped", botSigned(chatwootSecret, pinned), pinned, 200, ok},
		{"pinned to the documented form", agentBotPath + "/plain", at, other, 401, badSignature},
		{"pinned to the documented form, in it", agentBotPath + "/plain", bodySigned(chatwootSecret, pinned), pinned, 200, ok},
		{"another secret", agentBotPath, botSigned("wrong", other), other, 401, badSignature},
		{"no signature", agentBotPath, without(at, "X-Chatwoot-Signature"), other, 401, badSignature},
		{"an inbox without a secret", agentBotPath + "/unkeyed", at, other, 401, badSignature},
		{"an inbox without a secret, signed with the empty one", agentBotPath + "/unkeyed", bodySigned("", other), other, 401, badSignature},
		{"an unknown inbox", agentBotPath + "/nobody", at, other, 401, badSignature},
		{"an inbox of the other channel", agentBotPath + "/whaticket", at, other, 401, badSignature},
		{"another media type", agentBotPath, with(at, "Content-Type", "text/plain"), other, 415, badType},
		{"too large and unsigned", agentBotPath, nil, huge, 413, `{"detail":"payload too large"}`},
		{"unsigned and no JSON", agentBotPath, nil, noJSON, 401, badSignature},
		{"unsigned and another media type", agentBotPath, http.Header{"Content-Type": {"text/plain"}}, other, 401, badSignature},
		{"another media type and no JSON", agentBotPath, with(botSigned(chatwootSecret, noJSON), "Content-Type", "image/png"), noJSON, 415, badType},
	}...)
	h.exchanges(table)
}

func chatwootHeaders(body []byte, at time.Time) http.Header {
	stamp := fmt.Sprint(at.Unix())
	mac := hmac.New(sha256.New, []byte(chatwootSecret))
	fmt.Fprintf(mac, "%s.%s", stamp, body)
	return http.Header{"Content-Type": {"application/json"}, "X-Chatwoot-Timestamp": {stamp}, "X-Chatwoot-Signature": {"sha256=" + hex.EncodeToString(mac.Sum(nil))}}
}

// Whoever asks must not learn which inboxes there are.
func TestUnknownInboxIsAWrongSignatureByteForByte(t *testing.T) {
	t.Parallel()
	h := gates(t, nil)
	body := says("5511988877766", "oi")
	for _, c := range []struct {
		path   string
		header http.Header
		others []string
	}{
		{whaticketPath, signed("wrong", body), []string{"/nobody", "/nobody/" + urlSecret, "/chatwoot", "/linked", "/whaticket/x", "/%00"}},
		{agentBotPath, botSigned("wrong", body), []string{"/nobody", "/unkeyed", "/whaticket", "/%00"}},
	} {
		// The same id makes the answers comparable whole.
		ask := func(path string) answer {
			a := h.ask(h.request(http.MethodPost, path, with(c.header, "X-Correlation-ID", "same"), body))
			a.header.Del("Date")
			return a
		}
		want := ask(c.path)
		if want.status != http.StatusUnauthorized {
			t.Fatalf("%s answered %d, want 401", c.path, want.status)
		}
		for _, other := range c.others {
			if diff := cmp.Diff(want, ask(c.path+other), cmp.AllowUnexported(answer{})); diff != "" {
				t.Errorf("%s%s differs from a wrong signature (-want +got):\n%s", c.path, other, diff)
			}
		}
	}
}

func TestSecretsOfTheWeakerModesAreNotLogged(t *testing.T) {
	t.Parallel()
	var log *logbook
	h := gates(t, func(o *app.Options) { log = logTo(t, o) })
	for _, path := range []string{"/linked/" + urlSecret, "/linked/" + urlSecret + "x", "/nobody/" + urlSecret, "/linked/" + urlSecret + "/more"} {
		h.ask(h.request(http.MethodPost, whaticketPath+path, nil, says("5511988877766", "oi")))
	}
	h.ask(h.request(http.MethodPost, whaticketPath+"/carried", http.Header{"Authorization": {"Bearer " + hookToken}}, says("5511988877766", "oi")))
	h.ask(h.request(http.MethodPost, whaticketPath+"/carried?token="+hookToken, http.Header{"X-Webhook-Token": {hookToken + "?"}}, says("5511988877766", "oi")))
	if n := strings.Count(log.text(), `"webhook received"`); n != 5 {
		t.Errorf("%d webhooks in the log, want 5:\n%s", n, log.text())
	}
	log.silent(urlSecret, hookToken, "988877766")
}

func TestFailedAuthenticationsAreLimitedByAddress(t *testing.T) {
	t.Parallel()
	h := open(t, func(o *app.Options) {
		still(o)
		o.Limits.Failures = 60
	})
	body := says("5511988877766", "oi")
	wrong := func(path string, header http.Header) answer {
		return h.ask(h.request(http.MethodPost, path, header, body))
	}
	for i := range 60 {
		path, header := whaticketPath, signed("wrong", body)
		if i%2 == 1 {
			path, header = agentBotPath, botSigned("wrong", body)
		}
		if got := wrong(path, header); got.status != http.StatusUnauthorized {
			t.Fatalf("failure %d answered %d %s, want 401", i+1, got.status, got.body)
		}
	}
	got := wrong(whaticketPath, signed("wrong", body))
	if got.status != http.StatusTooManyRequests || got.body != `{"error":"too_many_requests_ip"}` || !got.closed {
		t.Errorf("failure 61 answered %d %s, closed %v", got.status, got.body, got.closed)
	}
	retryAfter(t, got, 60)
	got = wrong(agentBotPath, botSigned("wrong", body))
	if got.status != http.StatusTooManyRequests || got.body != `{"detail":"rate limited"}` {
		t.Errorf("failure 62 answered %d %s", got.status, got.body)
	}
	retryAfter(t, got, 60)
	// From one address pretending to be others.
	if got := wrong(whaticketPath, with(signed("wrong", body), "X-Forwarded-For", "203.0.113.9")); got.status != http.StatusTooManyRequests {
		t.Errorf("with a made-up X-Forwarded-For answered %d, want 429", got.status)
	}
	// All of a helpdesk's traffic comes from one address: what is signed is not counted.
	for range 3 {
		good := says("5511988877766", "oi")
		if got := h.ask(h.request(http.MethodPost, whaticketPath, signed(whaticketSecret, good), good)); got.status != http.StatusAccepted {
			t.Errorf("a valid request meanwhile answered %d %s, want 202", got.status, got.body)
		}
	}
}

func retryAfter(t *testing.T, a answer, window int) {
	t.Helper()
	v := a.header.Get("Retry-After")
	var n int
	if _, err := fmt.Sscanf(v, "%d", &n); err != nil || fmt.Sprint(n) != v || n < 1 || n > window {
		t.Errorf("Retry-After is %q, want whole seconds from 1 to %d", v, window)
	}
}

func TestForwardedForIsBelievedFromTrustedProxiesAlone(t *testing.T) {
	t.Parallel()
	body := says("5511988877766", "oi")
	for _, c := range []struct {
		name    string
		trusted string
		hops    []string // X-Forwarded-For of requests that fail one after the other; one is allowed
		want    []int
	}{
		{"no proxy is trusted", "", []string{"203.0.113.1", "203.0.113.2"}, []int{401, 429}},
		{"the proxy is trusted", "127.0.0.0/8", []string{"203.0.113.1", "203.0.113.2", "203.0.113.1"}, []int{401, 401, 429}},
		{"the left end is the client's to make up", "127.0.0.0/8", []string{"198.51.100.1, 203.0.113.1", "198.51.100.2, 203.0.113.1"}, []int{401, 429}},
		{"a chain of trusted proxies", "127.0.0.0/8,10.0.0.0/8", []string{"203.0.113.1, 10.0.0.1", "203.0.113.2, 10.0.0.2", "203.0.113.2,10.0.0.3"}, []int{401, 401, 429}},
		{"nonsense counts as the proxy", "127.0.0.0/8", []string{"unknown", "", "<b>"}, []int{401, 429, 429}},
		{"one address in two notations", "127.0.0.0/8", []string{"203.0.113.1", "::ffff:203.0.113.1"}, []int{401, 429}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			h := open(t, func(o *app.Options) {
				still(o)
				o.Limits.Failures = 1
				o.TrustedProxies = prefixes(t, c.trusted)
			})
			for i, hops := range c.hops {
				header := signed("wrong", body)
				if hops != "" {
					header.Set("X-Forwarded-For", hops)
				}
				if got := h.ask(h.request(http.MethodPost, whaticketPath, header, body)); got.status != c.want[i] {
					t.Errorf("X-Forwarded-For %q answered %d, want %d", hops, got.status, c.want[i])
				}
			}
		})
	}
}

func TestAcceptedMessagesAreLimitedByContact(t *testing.T) {
	t.Parallel()
	h := open(t, func(o *app.Options) {
		still(o)
		o.Limits = app.Limits{Whaticket: 20, Chatwoot: 3}
	})
	post := func(body []byte) answer {
		return h.ask(h.request(http.MethodPost, whaticketPath, signed(whaticketSecret, body), body))
	}
	first := says("5511988877766", "1")
	for i := range 20 {
		body := first
		if i > 0 {
			body = says("5511988877766", fmt.Sprint(i))
		}
		if got := post(body); got.status != http.StatusAccepted {
			t.Fatalf("message %d answered %d %s", i+1, got.status, got.body)
		}
		// A repeat is no message more, and neither is what is ignored.
		if i < 19 {
			post(body)
			post(says("120363021234567890@g.us", "grupo"))
		}
	}
	got := post(says("5511988877766", "20"))
	if got.status != http.StatusTooManyRequests || got.body != `{"error":"too_many_requests_number"}` || !got.closed {
		t.Errorf("message 21 answered %d %s, closed %v", got.status, got.body, got.closed)
	}
	retryAfter(t, got, 60)
	// The other form of the same number is the same person.
	if got := post(says("551188877766", "21")); got.status != http.StatusTooManyRequests {
		t.Errorf("without the ninth digit answered %d, want 429", got.status)
	}
	if got := post(says("5511977776666", "oi")); got.status != http.StatusAccepted {
		t.Errorf("somebody else answered %d, want 202", got.status)
	}
	var last answer
	for i := range int64(4) {
		body := asks(t, 901, 60_000+i, "oi")
		last = h.ask(h.request(http.MethodPost, agentBotPath, botSigned(chatwootSecret, body), body))
	}
	if last.status != http.StatusTooManyRequests || last.body != `{"detail":"rate limited"}` {
		t.Errorf("chatwoot message 4 answered %d %s", last.status, last.body)
	}
	retryAfter(t, last, 60)
}

// Chatwoot tries again after 500 alone, and what failed must not have used anything up.
func TestStoreThatFails(t *testing.T) {
	t.Parallel()
	var log *logbook
	h := open(t, func(o *app.Options) {
		log = logTo(t, o)
		still(o)
		o.Limits.Whaticket = 1
		o.Queue.SoftStop = 100 * time.Millisecond
	})
	must(t, h.app.Store().Close())
	body := says("5511988877766", "segredo do cliente")
	for range 3 {
		got := h.ask(h.request(http.MethodPost, whaticketPath, signed(whaticketSecret, body), body))
		if got.status != http.StatusInternalServerError || got.body != `{"error":"temporarily unavailable"}` || !got.closed {
			t.Errorf("whaticket answered %d %s", got.status, got.body)
		}
	}
	body = asks(t, 902, 61_000, "segredo do cliente")
	got := h.ask(h.request(http.MethodPost, agentBotPath, botSigned(chatwootSecret, body), body))
	if got.status != http.StatusInternalServerError || got.body != `{"detail":"temporarily unavailable"}` {
		t.Errorf("chatwoot answered %d %s", got.status, got.body)
	}
	if got := h.ask(h.request(http.MethodGet, "/api/v1/health", nil, nil)); got.status != http.StatusOK {
		t.Errorf("liveness answered %d, want 200", got.status)
	}
	if got := h.ask(h.request(http.MethodGet, "/api/v1/readiness", nil, nil)); got.status != http.StatusServiceUnavailable || !strings.Contains(got.body, `"status":"not_ready"`) {
		t.Errorf("readiness answered %d %s", got.status, got.body)
	}
	got = h.ask(h.request(http.MethodGet, "/healthz", nil, nil))
	if got.status != http.StatusServiceUnavailable {
		t.Errorf("healthz answered %d, want 503", got.status)
	}
	health := decode(t, got.body)
	sqlite := health["dependencies"].(map[string]any)["sqlite"].(map[string]any)
	if health["status"] != "degraded" || sqlite["status"] != "error" || sqlite["error"] != "database" {
		t.Errorf("healthz says %s", got.body)
	}
	metrics := h.ask(h.request(http.MethodGet, "/metrics", nil, nil)).body
	for _, want := range []string{
		`secretaria_healthcheck_failures_total{component="sqlite"} 1`,
		`secretaria_webhook_received_total{reason="unavailable",status="rejected"} 4`,
	} {
		if !strings.Contains(metrics, want+"\n") {
			t.Errorf("metrics lack %s", want)
		}
	}
	log.silent("segredo", "988877766", h.options.Database)
}
