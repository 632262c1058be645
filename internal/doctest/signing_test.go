package doctest

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"secretaria/internal/channel"
	"secretaria/internal/channel/whaticket"
	"secretaria/internal/httpclient"
	"secretaria/internal/secret"
)

const contract = "docs/http.md"

func inbox(t *testing.T, key string) *whaticket.Channel {
	t.Helper()
	client := httpclient.New(httpclient.Options{})
	t.Cleanup(client.Close)
	ch, err := whaticket.New(whaticket.Config{Secrets: []secret.String{secret.New(key)}}, client)
	if err != nil {
		t.Fatal(err)
	}
	return ch
}

// Each example is run as a reader would run it, against a server that verifies and reads
// what comes as the product does.
func TestSigningExamples(t *testing.T) {
	t.Parallel()
	const key = "a-secret-of-the-examples"
	s := open(t, contract).section(t, "Signing")
	for lang, program := range map[string][]string{"bash": {"bash", "-c"}, "python": {"python3", "-c"}, "js": {"node", "-e"}} {
		t.Run(lang, func(t *testing.T) {
			t.Parallel()
			var example string
			for _, b := range s.blocks {
				if b.lang == lang {
					example = b.text()
				}
			}
			if example == "" {
				t.Fatalf("%s has no example in %s", contract, lang)
			}
			needed := []string{program[0]}
			if lang == "bash" {
				needed = append(needed, "openssl", "curl")
			}
			for _, p := range needed {
				if _, err := exec.LookPath(p); err != nil {
					t.Skipf("the example in %s is not run: there is no %s here", lang, p)
				}
			}
			if lang == "js" && exec.CommandContext(t.Context(), "node", "-e", "fetch").Run() != nil {
				t.Skip("the example in js is not run: this Node.js is older than 18")
			}
			ch := inbox(t, key)
			got := make(chan channel.Event, 1)
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body, err := io.ReadAll(r.Body)
				req := &channel.Request{Header: r.Header, Body: body, Received: time.Now()}
				if err == nil {
					err = ch.Authenticate(req)
				}
				var events []channel.Event
				if err == nil {
					events, err = ch.Parse(req)
				}
				outcome := channel.Outcome{Kind: channel.Accepted}
				if err != nil || len(events) != 1 {
					t.Errorf("%s: %v, %d events", body, err, len(events))
					outcome = channel.Outcome{Kind: channel.Refused}
				} else {
					got <- events[0]
				}
				status, _ := ch.Answer(outcome)
				w.WriteHeader(status)
				_, _ = io.WriteString(w, `{"queued":true}`)
			}))
			t.Cleanup(server.Close)
			cmd := exec.CommandContext(t.Context(), program[0], append(program[1:], example)...)
			cmd.Env = append(cmd.Environ(), "SECRETARIA_URL="+server.URL+"/webhook/whaticket", "SHARED_SECRET="+key, "NO_PROXY=*", "no_proxy=*")
			out, err := cmd.CombinedOutput()
			if err != nil || !strings.Contains(string(out), `{"queued":true} 202`) {
				t.Fatalf("the example in %s: %v\n%s", lang, err, out)
			}
			e := <-got
			if e.Kind != channel.Received || e.Content.Text != "Olá, bom dia!" || e.Address.To != "5511988877766" || !strings.HasPrefix(e.Key, "EXAMPLE-") {
				t.Errorf("the example in %s arrives as %+v", lang, e)
			}
		})
	}
}

// The vector is in prose: secret, timestamp and body as inline code, the signature in a block.
func TestSigningVector(t *testing.T) {
	t.Parallel()
	s := open(t, contract).section(t, "Signing")
	code := spans(strings.Join(s.prose, "\n"))
	find := func(form string) string {
		for _, c := range code {
			if regexp.MustCompile(form).MatchString(c) {
				return c
			}
		}
		t.Fatalf("%s: nothing like %s", contract, form)
		return ""
	}
	key, timestamp, body := find(`secret$`), find(`^\d{10}$`), find(`^\{`)
	signature := ""
	for _, b := range s.blocks {
		if b.lang == "text" {
			signature = strings.TrimSpace(b.text())
		}
	}
	header := http.Header{"X-Timestamp": {timestamp}, "X-Signature": {signature}}
	err := inbox(t, key).Authenticate(&channel.Request{Header: header, Body: []byte(body), Received: time.Unix(1700000000, 0)})
	if err != nil {
		t.Errorf("the vector of %s: secret %q, timestamp %q, body %q, signature %q: %v", contract, key, timestamp, body, signature, err)
	}
}
