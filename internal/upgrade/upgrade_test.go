package upgrade

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"secretaria/internal/agent"
	"secretaria/internal/app"
	"secretaria/internal/channel/whaticket"
	"secretaria/internal/channel/whaticket/whatickettest"
	"secretaria/internal/conversation"
	"secretaria/internal/httpclient"
	"secretaria/internal/llm/llmtest"
	"secretaria/internal/llm/openai"
	"secretaria/internal/secret"
	"secretaria/internal/store"
	"secretaria/internal/telemetry"
)

// patience bounds every wait for something that must happen.
const patience = time.Minute

// versions are the released ones of which there is a dump.
func (d database) versions(t *testing.T) []string {
	t.Helper()
	found, err := os.ReadDir(d.released())
	must(t, err)
	var out []string
	for _, entry := range found {
		out = append(out, entry.Name())
	}
	if len(out) == 0 {
		t.Fatalf("%s is empty", d.released())
	}
	return out
}

func (d database) kept(t *testing.T, version string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(d.released(), version, "dump.sql"))
	must(t, err)
	return string(text)
}

func eachRelease(t *testing.T, run func(t *testing.T, d database, address string)) {
	for _, d := range databases() {
		for _, version := range d.versions(t) {
			t.Run(d.name+"/"+version, func(t *testing.T) {
				t.Parallel()
				run(t, d, d.load(t, d.kept(t, version)))
			})
		}
	}
}

// An upgraded database has the tables of a new one.
func TestUpgradedSchema(t *testing.T) {
	t.Parallel()
	eachRelease(t, func(t *testing.T, d database, old string) {
		fresh := d.load(t, "")
		must(t, d.migrate(t.Context(), fresh))
		must(t, d.migrate(t.Context(), old))
		if diff := cmp.Diff(d.describe(t, fresh), d.describe(t, old)); diff != "" {
			t.Errorf("schema (-new installation +upgraded):\n%s", diff)
		}
	})
}

// What was under way when the old version ended is finished by the new one.
func TestUpgradedWork(t *testing.T) {
	t.Parallel()
	eachRelease(t, func(t *testing.T, d database, address string) {
		s := serve(t, d, address)
		s.until("the answers", func() bool { return len(s.whaticket.Sent()) >= 4 })
		list, err := s.app.Store().Deliveries(t.Context(), store.Filter{Status: store.FailedPermanent})
		must(t, err)
		if len(list) != 1 || list[0].Order.Text != reply(dead) {
			t.Fatalf("dead deliveries: %+v, want the one to customer %d", list, dead)
		}
		must(t, s.app.Store().Replay(t.Context(), list[0].ID, time.Now()))
		s.until("the replayed answer", func() bool { return len(s.whaticket.Sent()) >= 5 })

		// Old messages are known; new ones continue the conversation.
		if got := s.post(answered, key(answered), question(answered)); got != `{"queued":true,"duplicate":true}` {
			t.Errorf("a repeat of before the upgrade was answered %s", got)
		}
		if got := s.post(answered, "NEW", "e agora?"); got != `{"queued":true}` {
			t.Errorf("a new message was answered %s", got)
		}
		s.until("the new answer", func() bool { return len(s.whaticket.Sent()) >= 6 })
		s.until("an empty queue", func() bool {
			turns, deliveries, err := s.app.Store().Backlog(t.Context(), time.Now().Add(time.Hour))
			return err == nil && turns == 0 && deliveries == 0
		})
		var got []string
		for _, m := range s.whaticket.Sent() {
			got = append(got, m.Number+": "+m.Body)
		}
		want := []string{
			number(answered) + ": sobre e agora?",
			number(waiting) + ": sobre " + question(waiting) + " mais uma coisa",
			number(thought) + ": sobre " + question(thought),
			number(decided) + ": " + reply(decided),
			number(sending) + ": " + reply(sending),
			number(dead) + ": " + reply(dead),
		}
		slices.Sort(got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("sent after the upgrade (-want +got):\n%s", diff)
		}
		for _, r := range s.model.Requests() {
			if last := r.LastUser(); strings.Contains(last, "e agora?") && !strings.Contains(string(r.Body), reply(answered)) {
				t.Error("the model was not told what had been said before the upgrade")
			}
		}
	})
}

// Every version of the changelog is upgraded from.
func TestEveryReleaseIsKept(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../CHANGELOG.md")
	must(t, err)
	for _, m := range regexp.MustCompile(`(?m)^## \[(\d+\.\d+\.\d+)\]`).FindAllStringSubmatch(string(text), -1) {
		for _, d := range databases() {
			if !slices.Contains(d.versions(t), m[1]) {
				t.Errorf("CHANGELOG.md has %s, and there is no dump of it in %s: see the package comment", m[1], d.released())
			}
		}
	}
}

// server is the program on an upgraded database, with a helpdesk and a model.
type server struct {
	t         *testing.T
	app       *app.App
	whaticket *whatickettest.Server
	model     *llmtest.OpenAI
}

const sharedSecret = "shared-secret-of-this-test"

func serve(t *testing.T, d database, address string) *server {
	t.Helper()
	// What customers say in these tests, out of all that a model is told.
	asked := regexp.MustCompile(`pergunta-\d|mais uma coisa|e agora\?`)
	s := &server{t: t, whaticket: &whatickettest.Server{}, model: &llmtest.OpenAI{}}
	s.model.Respond = func(r *llmtest.Request) llmtest.Reply {
		return llmtest.Reply{Text: "sobre " + strings.Join(asked.FindAllString(r.LastUser(), -1), " ")}
	}
	must(t, s.whaticket.Start())
	t.Cleanup(s.whaticket.Close)
	must(t, s.model.Start())
	t.Cleanup(func() { _ = s.model.Close() })
	for c := answered; c < customers; c++ {
		s.whaticket.CustomerWrote(number(c), question(c))
	}
	o := app.Options{
		Version: "test", Host: "127.0.0.1", Addresses: httpclient.Local(), Desks: []agent.Config{{Name: "secretaria", Safety: agent.Safety{Disclosure: agent.NoDisclosure}}},
		Inboxes: []app.Inbox{{Name: "whaticket", Desk: "secretaria", Hold: time.Hour, Whaticket: &whaticket.Config{
			BaseURL: s.whaticket.URL(), Token: secret.New(whatickettest.DefaultToken), Email: whatickettest.DefaultEmail,
			Password: secret.New(whatickettest.DefaultPassword), Secrets: []secret.String{secret.New(sharedSecret)}}}},
		Models: app.Models{OpenAI: &openai.Config{APIKey: secret.New("sk-test"), Model: "gpt-test", BaseURL: s.model.BaseURL()}},
		Quiet:  conversation.Quiet{Window: 20 * time.Millisecond, Max: time.Second},
		Logger: telemetry.NewLogger(testWriter{t}, nil, "json"),
	}
	if d.name == "postgres" {
		o.Postgres = secret.New(address)
	} else {
		o.Database = address
	}
	var err error
	s.app, err = app.New(t.Context(), o)
	must(t, err)
	must(t, s.app.Start(t.Context()))
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 15*time.Second)
		defer cancel()
		if err := s.app.Stop(ctx); err != nil {
			t.Errorf("stop: %v", err)
		}
	})
	return s
}

type testWriter struct{ t *testing.T }

func (w testWriter) Write(b []byte) (int, error) {
	w.t.Log(strings.TrimSpace(string(b)))
	return len(b), nil
}

// post posts a customer's message and returns the answer.
func (s *server) post(customer int, id, text string) string {
	s.t.Helper()
	body := whatickettest.Baileys{JID: number(customer), ID: id, Text: text, At: time.Now()}.Body()
	status, answer, err := whatickettest.Post(s.t.Context(), fmt.Sprintf("http://%s/webhook/whaticket", s.app.Addr()), sharedSecret, body)
	must(s.t, err)
	if status != 202 {
		s.t.Fatalf("webhook was answered %d", status)
	}
	return strings.TrimSpace(string(answer))
}

func (s *server) until(what string, condition func() bool) {
	s.t.Helper()
	deadline := time.After(patience)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !condition() {
		select {
		case <-tick.C:
		case <-deadline:
			s.t.Fatalf("waited %v for %s; sent: %+v", patience, what, s.whaticket.Sent())
		}
	}
}
