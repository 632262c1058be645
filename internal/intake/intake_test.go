package intake_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"secretaria/internal/channel"
	"secretaria/internal/conversation"
	"secretaria/internal/fault"
	"secretaria/internal/intake"
	"secretaria/internal/store"
)

// The steps stand in this order, and the first that says no is the last.
func TestOrderOfSteps(t *testing.T) {
	t.Parallel()
	auth, limit := `authenticate by vendas with ""`, "messages of vendas\x00phone\x00+1"
	const failed = "failures of 192.0.2.1"
	for name, c := range map[string]struct {
		change func(*kit)
		path   string
		body   string
		ctype  string
		steps  []string
		want   string
	}{
		"accepted": {path: "/in/vendas", body: "received +1 K1", steps: []string{auth, "parse", limit, "receive 1", "wake turn", "observe"}, want: "202 vendas accepted"},
		"authenticated by URL": {path: "/in/vendas/s3cret", body: "received +1 K1",
			steps: []string{`authenticate by vendas with "s3cret"`, "parse", limit, "receive 1", "wake turn", "observe"}, want: "202 vendas accepted"},
		"too large comes first": {path: "/in/nobody", body: strings.Repeat("x", intake.MaxBody+1), ctype: "text/plain", steps: []string{"observe"}, want: "413 stranger too_large"},
		"refused before the type": {change: func(k *kit) { k.ch.refuses = fault.New(fault.Unauthorized, "invalid token") }, path: "/in/vendas", body: "bad", ctype: "text/plain",
			steps: []string{auth, failed, "observe"}, want: "401 vendas unauthorized invalid token"},
		"refused too often": {change: func(k *kit) {
			k.ch.refuses, k.failures.limit, k.failures.used = errors.New("x"), 1, map[string]int{"192.0.2.1": 1}
		}, path: "/in/vendas", body: "bad",
			steps: []string{auth, failed, "observe"}, want: "429 vendas rate_limited_ip"},
		"no such inbox": {path: "/in/nobody", body: "bad", steps: []string{`authenticate by stranger with ""`, failed, "observe"}, want: "401 stranger unauthorized invalid signature"},
		"no such inbox, and the stranger knows the secret": {change: func(k *kit) { k.stranger.refuses = nil }, path: "/in/nobody", body: "received +1 K1",
			steps: []string{`authenticate by stranger with ""`, failed, "observe"}, want: "401 stranger unauthorized invalid signature"},
		"type before parsing":     {path: "/in/vendas", body: "bad", ctype: "text/plain", steps: []string{auth, "observe"}, want: "415 vendas unsupported_media_type"},
		"bad payload":             {path: "/in/vendas", body: "bad", steps: []string{auth, "parse", "observe"}, want: "400 vendas invalid_payload number: required"},
		"nothing to do":           {path: "/in/vendas", body: "ignored - group", steps: []string{auth, "parse", "observe"}, want: "200 vendas ignored group"},
		"nothing to do, but seen": {path: "/in/vendas", body: "ignored +1 private_note shown", steps: []string{auth, "parse", "receive 1", "wake turn", "observe"}, want: "200 vendas ignored private_note"},
		"too many messages":       {change: func(k *kit) { k.contacts.limit, k.contacts.used = 1, map[string]int{"vendas\x00phone\x00+1": 1} }, path: "/in/vendas", body: "received +1 K1", steps: []string{auth, "parse", limit, "observe"}, want: "429 vendas rate_limited_contact"},
		"the store fails":         {change: func(k *kit) { k.m.err = fault.New(fault.Transient, "disk full") }, path: "/in/vendas", body: "received +1 K1", steps: []string{auth, "parse", limit, "receive 1", "observe"}, want: "503 vendas unavailable"},
		"parsing panics":          {change: func(k *kit) { k.ch.panics = true }, path: "/in/vendas", body: "received +1 K1", steps: []string{auth, "parse", "observe"}, want: "503 vendas unavailable"},
		"storing panics":          {change: func(k *kit) { k.m.panics = true }, path: "/in/vendas", body: "received +1 K1", steps: []string{auth, "parse", limit, "receive 1", "observe"}, want: "503 vendas unavailable"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := newKit(nil)
			if c.change != nil {
				c.change(k)
			}
			r := request(c.path, strings.NewReader(c.body))
			if c.ctype != "" {
				r.Header.Set("Content-Type", c.ctype)
			}
			if got := answered(k.serve(r)); got != c.want {
				t.Errorf("answer = %q, want %q", got, c.want)
			}
			if diff := cmp.Diff(c.steps, k.list()); diff != "" {
				t.Errorf("steps differ (-want +got):\n%s", diff)
			}
			if log := k.log.String(); strings.Contains(log, "nonsense") && !strings.Contains(name, "panics") || strings.Contains(log, "+1") {
				t.Errorf("log = %s, want no contact in it", log)
			}
		})
	}
}

// A path without an inbox means the one named like the channel, or the only one.
func TestWhichInbox(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		names []string
		path  string
		want  string
	}{
		"the only one":                 {[]string{"vendas"}, "/in", "202 vendas accepted"},
		"named like the channel":       {[]string{"vendas", "chatwoot"}, "/in", "202 chatwoot accepted"},
		"two, and neither is named so": {[]string{"vendas", "suporte"}, "/in", "401 stranger unauthorized invalid signature"},
		"none":                         {nil, "/in", "401 stranger unauthorized invalid signature"},
		"named":                        {[]string{"vendas", "suporte"}, "/in/suporte", "202 suporte accepted"},
		"by the channel's name, which no inbox has": {[]string{"vendas"}, "/in/chatwoot", "401 stranger unauthorized invalid signature"},
	} {
		k := newKit(nil)
		k = newKit(func(cfg *intake.Config) {
			cfg.Inboxes = nil
			for _, n := range c.names {
				cfg.Inboxes = append(cfg.Inboxes, intake.Inbox{Name: n, Channel: &helpdesk{steps: k.steps, name: n}})
			}
		})
		if got := k.post(t, c.path, "received +1 K1"); got != c.want {
			t.Errorf("%s: POST %s = %q, want %q", name, c.path, got, c.want)
		}
	}
}

func TestContentType(t *testing.T) {
	t.Parallel()
	for ctype, want := range map[string]bool{
		"":                                       true, // some leave it out
		"application/json":                       true,
		"Application/JSON":                       true,
		"application/json; charset=utf-8":        true,
		"application/json;charset=UTF-8;":        true,
		"application/cloudevents+json":           true,
		" application/json ":                     true,
		"application/json-patch":                 false,
		"application/jsonx":                      false,
		"application/x+jsonx":                    false,
		"text/json":                              false,
		"text/plain":                             false,
		"image/svg+json":                         false,
		"application/x-www-form-urlencoded":      false,
		"multipart/form-data; boundary=x":        false,
		"application/json, text/plain":           false,
		"application/json; charset=a; charset=b": false,
		"application/":                           false,
		"json":                                   false,
		"/":                                      false,
		";":                                      false,
		"application/json\x00":                   false,
	} {
		k := newKit(nil)
		r := request("/in", strings.NewReader("received +1 K1"))
		r.Header["Content-Type"] = []string{ctype}
		if ctype == "" {
			r.Header.Del("Content-Type")
		}
		got := k.serve(r).Code
		if ok := got == http.StatusAccepted; ok != want || !ok && got != http.StatusUnsupportedMediaType {
			t.Errorf("Content-Type %q is answered %d, want it accepted %v", ctype, got, want)
		}
	}
}

func TestBodyLimit(t *testing.T) {
	t.Parallel()
	text := func(n int) string { return "received +1 K1\n"[:min(n, 15)] + strings.Repeat("\t", max(0, n-15)) }
	unknown := func(r io.Reader) io.Reader { return struct{ io.Reader }{r} }
	for name, c := range map[string]struct {
		body   io.Reader
		length int64 // declared; 0: as it is
		want   int
	}{
		"just fits":                 {strings.NewReader(text(intake.MaxBody)), 0, 202},
		"one too many":              {strings.NewReader(text(intake.MaxBody + 1)), 0, 413},
		"just fits, chunked":        {unknown(strings.NewReader(text(intake.MaxBody))), 0, 202},
		"one too many, chunked":     {unknown(strings.NewReader(text(intake.MaxBody + 1))), 0, 413},
		"declared too long":         {unknown(strings.NewReader("received +1 K1")), intake.MaxBody + 1, 413},
		"declared absurdly long":    {unknown(strings.NewReader("received +1 K1")), 1 << 62, 413},
		"one byte at a time":        {iotest.OneByteReader(strings.NewReader("received +1 K1")), 0, 202},
		"breaks off":                {io.MultiReader(strings.NewReader("received"), iotest.ErrReader(io.ErrUnexpectedEOF)), 0, 400},
		"empty, which Parse judges": {unknown(strings.NewReader("")), 0, 202},
	} {
		k := newKit(nil)
		r := request("/in", c.body)
		if c.length != 0 {
			r.ContentLength = c.length
		}
		if got := k.serve(r).Code; got != c.want {
			t.Errorf("a body that %s is answered %d, want %d", name, got, c.want)
		}
		if c.want >= 400 && len(k.m.arrivals) > 0 {
			t.Errorf("a body that %s was stored", name)
		}
	}
}

// The limit is on accepted messages: what was not stored, or was stored before, counts nothing.
func TestLimiterGetsBack(t *testing.T) {
	t.Parallel()
	duplicates := func(dup ...bool) func(store.Arrival) []store.Result {
		return func(store.Arrival) []store.Result {
			var out []store.Result
			for _, d := range dup {
				out = append(out, store.Result{Conversation: 7, Duplicate: d})
			}
			return out
		}
	}
	for name, c := range map[string]struct {
		body    string
		limit   int
		err     error
		results func(store.Arrival) []store.Result
		want    string
		uses    map[string]int
	}{
		"accepted":                              {body: "received +1 a", want: "202 vendas accepted", uses: map[string]int{"vendas phone +1": 1}},
		"a repeat":                              {body: "received +1 a", results: duplicates(true), want: "200 vendas duplicate"},
		"not stored":                            {body: "received +1 a\nreceived +2 b", err: errors.New("x"), want: "503 vendas unavailable"},
		"several":                               {body: "received +1 a\nreceived +1 b\nreceived +2 c", want: "202 vendas accepted", uses: map[string]int{"vendas phone +1": 2, "vendas phone +2": 1}},
		"one is a repeat":                       {body: "received +1 a\nreceived +2 b", results: duplicates(true, false), want: "202 vendas accepted", uses: map[string]int{"vendas phone +2": 1}},
		"all or none":                           {body: "received +2 a\nreceived +1 b\nreceived +1 c", limit: 1, want: "429 vendas rate_limited_contact"},
		"only messages":                         {body: "edited +1 a\nrevoked +1 b\nsaid +1 c person\nchanged +1", want: "202 vendas accepted"},
		"without an identity the thread counts": {body: "received - a", want: "202 vendas accepted", uses: map[string]int{"vendas 1/1": 1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := newKit(nil)
			k.contacts.limit, k.contacts.after, k.m.err, k.m.results = c.limit, time.Second, c.err, c.results
			if got := k.post(t, "/in", c.body); got != c.want {
				t.Errorf("answer = %q, want %q", got, c.want)
			}
			if diff := cmp.Diff(c.uses, k.contacts.uses(), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("uses differ (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	for after, want := range map[time.Duration]string{0: "", time.Nanosecond: "1", time.Second: "1", time.Second + 1: "2", time.Minute: "60"} {
		k := newKit(nil)
		k.contacts.limit, k.contacts.after, k.contacts.used = 1, after, map[string]int{"vendas\x00phone\x00+1": 1}
		if got := k.serve(request("/in", strings.NewReader("received +1 a"))).Header().Get("Retry-After"); got != want {
			t.Errorf("Retry-After of %v = %q, want %q", after, got, want)
		}
	}
}

func TestHeaders(t *testing.T) {
	t.Parallel()
	for _, closes := range []bool{false, true} {
		k := newKit(nil)
		k.ch.close = closes
		h := k.serve(request("/in", strings.NewReader("received +1 a"))).Header()
		if got := h.Get("Connection") == "close"; got != closes {
			t.Errorf("connection closed %v, want %v", got, closes)
		}
		if got := h.Get("Content-Type"); got != "application/json; charset=utf-8" {
			t.Errorf("Content-Type = %q", got)
		}
	}
}

// One answer for all the events of a request.
func TestSummary(t *testing.T) {
	t.Parallel()
	r := func(rs ...store.Result) []store.Result { return rs }
	dup, took := store.Result{Duplicate: true}, store.Result{Change: conversation.Change{From: conversation.Bot, To: conversation.Human}}
	for _, c := range []struct {
		body    string
		results []store.Result
		want    string
	}{
		{"received +1 a", r(store.Result{}), "202 vendas accepted"},
		{"received +1 a\nreceived +1 b", r(dup, dup), "200 vendas duplicate"},
		{"received +1 a\nreceived +1 b", r(dup, store.Result{}), "202 vendas accepted"},
		{"ignored - group\nreceived +1 b", r(store.Result{}, dup), "200 vendas duplicate"},
		{"ignored - group\nreceived +1 b", r(store.Result{}, store.Result{}), "202 vendas accepted"},
		{"ignored - group\nignored - status", nil, "200 vendas ignored group"},
		{"edited +1 a", r(store.Result{}), "202 vendas accepted"},
		{"edited +1 a", r(dup), "200 vendas duplicate"},
		{"said +1 a bot", r(store.Result{}), "200 vendas ignored own_echo"},
		{"said +1 a person", r(took), "200 vendas ignored message_by_person"},
		{"said +1 a person", r(store.Result{}), "200 vendas ignored own_echo"},
		{"said +1 a system", r(store.Result{}), "200 vendas ignored message_by_system"},
		{"revoked +1 a", r(store.Result{}), "200 vendas ignored revoke"},
		{"changed +1", r(store.Result{}), "200 vendas ignored state"},
		{"failed +1 a", r(store.Result{}), "200 vendas ignored send_failed"},
	} {
		k := newKit(nil)
		k.m.results = func(store.Arrival) []store.Result { return c.results }
		if got := k.post(t, "/in", c.body); got != c.want {
			t.Errorf("answer to %q with %+v = %q, want %q", c.body, c.results, got, c.want)
		}
	}
}

func TestArrival(t *testing.T) {
	t.Parallel()
	const body = "received +1 K1\nchanged +1"
	sum := sha256.Sum256([]byte("1700000000." + body))
	for name, c := range map[string]struct {
		kind      channel.Kind
		signed    bool
		timestamp string
		fallback  []byte
		canOpen   bool
	}{
		"signed":                {channel.Chatwoot, true, "1700000000", sum[:], true},
		"signed, no timestamp":  {channel.Chatwoot, true, "", nil, true},
		"a timestamp unsigned":  {channel.Chatwoot, false, "1700000000", nil, true},
		"Whaticket never opens": {channel.Whaticket, true, "1700000000", sum[:], false},
	} {
		k := newKit(func(cfg *intake.Config) { cfg.Kind, cfg.Inboxes[0].Signed = c.kind, c.signed })
		r := request("/in", strings.NewReader(body))
		r.Header.Set("X-Timestamp", c.timestamp)
		before := time.Now()
		if got := k.serve(r).Code; got != 202 || len(k.m.arrivals) != 1 {
			t.Fatalf("%s: answered %d with %d arrivals, want 202 with 1", name, got, len(k.m.arrivals))
		}
		got := k.m.arrivals[0]
		if got.Now.Before(before) || got.Now.After(time.Now()) {
			t.Errorf("%s: arrived at %v, want now", name, got.Now)
		}
		if len(got.Events) != 2 {
			t.Errorf("%s: %d events, want both in one step", name, len(got.Events))
		}
		want := store.Arrival{Inbox: "vendas", Channel: c.kind, Quiet: conversation.Quiet{Window: time.Second}, Fallback: c.fallback, DedupeWindow: time.Minute, Hold: time.Hour, CanOpen: c.canOpen}
		if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(store.Arrival{}, "Now", "Events")); diff != "" {
			t.Errorf("%s: arrival differs (-want +got):\n%s", name, diff)
		}
		if k.m.deadline <= 0 || k.m.deadline > 10*time.Second {
			t.Errorf("%s: the store had %v, want at most 10s", name, k.m.deadline)
		}
	}
}

// What arrived whole is stored, even if the sender has hung up meanwhile.
func TestSenderHangsUp(t *testing.T) {
	t.Parallel()
	k := newKit(nil)
	ctx, hangUp := context.WithCancel(t.Context())
	hangUp()
	if got := k.serve(request("/in", strings.NewReader("received +1 a")).WithContext(ctx)).Code; got != 202 || k.m.ctxErr != nil {
		t.Errorf("answered %d, stored under %v, want 202 and a context of its own", got, k.m.ctxErr)
	}
}

func TestAnnounces(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		results []store.Result
		want    []string
	}{
		{[]store.Result{{}, {}}, nil},
		{[]store.Result{{Pending: true}, {Pending: true}}, []string{"wake turn"}},
		{[]store.Result{{}, {Deliver: true}}, []string{"wake delivery"}},
		{[]store.Result{{Conversation: 7, Stale: true, Pending: true}, {Conversation: 8, Stale: true, Deliver: true}}, []string{"stale 7", "stale 8", "wake turn", "wake delivery"}},
	} {
		k := newKit(nil)
		k.m.results = func(store.Arrival) []store.Result { return c.results }
		k.post(t, "/in", "received +1 a\nreceived +2 b")
		steps := k.list()
		got := steps[slices.Index(steps, "receive 2")+1 : len(steps)-1]
		if diff := cmp.Diff(c.want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("what follows %+v differs (-want +got):\n%s", c.results, diff)
		}
	}
}

func TestLog(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{"received +5511987654321 segredo": "INFO", "bad": "WARN", "ignored - group": "INFO"} {
		k := newKit(nil)
		k.post(t, "/in", body)
		log := k.log.String()
		if strings.Count(log, "\n") != 1 || !strings.Contains(log, `"level":"`+want+`"`) || !strings.Contains(log, `"inbox":"vendas"`) || strings.Contains(log, "segredo") || strings.Contains(log, "5511987654321") {
			t.Errorf("log of %q = %s, want one line of level %s, without the sender and the words", body, log, want)
		}
	}
}

// Many requests at a time: each is answered for itself, and the books are right in the end.
func TestConcurrent(t *testing.T) {
	t.Parallel()
	k := newKit(nil)
	k.contacts.limit, k.contacts.after = 5, time.Second
	k.m.results = func(a store.Arrival) []store.Result {
		return []store.Result{{Conversation: 7, Duplicate: strings.HasPrefix(a.Events[0].Key, "dup"), Pending: true, Stale: true}}
	}
	srv := httptest.NewServer(k.handler)
	defer srv.Close() // twice is once
	var mu sync.Mutex
	got := map[string]int{}
	var wg sync.WaitGroup
	post := func(body, want string) {
		wg.Go(func() {
			resp, err := srv.Client().Post(srv.URL+"/in/vendas", "application/json", strings.NewReader(body))
			if err != nil {
				t.Errorf("POST: %v", err)
				return
			}
			defer resp.Body.Close()
			if _, err := io.Copy(io.Discard, resp.Body); err != nil {
				t.Errorf("read answer: %v", err)
			}
			mu.Lock()
			got[want+" "+strconv.Itoa(resp.StatusCode)]++
			mu.Unlock()
		})
	}
	for i := range 8 {
		post(fmt.Sprintf("received +many K%d", i), "many")
		post(fmt.Sprintf("received +%d K%d", i, i), "one")
		post(fmt.Sprintf("received +%d dup%d", i+100, i), "repeat")
		post("bad", "bad")
		post("ignored - group", "ignored")
	}
	wg.Wait()
	srv.Close() // and wait for what is told after an answer
	want := map[string]int{"many 202": 5, "many 429": 3, "one 202": 8, "repeat 200": 8, "bad 400": 8, "ignored 200": 8}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("answers differ (-want +got):\n%s", diff)
	}
	uses := map[string]int{"vendas phone +many": 5}
	for i := range 8 {
		uses["vendas phone +"+strconv.Itoa(i)] = 1
	}
	if diff := cmp.Diff(uses, k.contacts.uses()); diff != "" {
		t.Errorf("uses differ (-want +got):\n%s", diff)
	}
	if len(k.done) != 40 {
		t.Errorf("%d requests were told of, want 40", len(k.done))
	}
}
