package command_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

type found struct{ Level, About, Text, Remedy string }

// about returns what check said about something, and fails where it cannot be read.
func about(t *testing.T, got ran, subject string) []found {
	t.Helper()
	var all, of []found
	if err := json.Unmarshal([]byte(got.stdout), &all); err != nil {
		t.Fatalf("check --json: %v: %v", err, got)
	}
	for _, f := range all {
		if f.About == subject {
			of = append(of, f)
		}
	}
	return of
}

// A helpdesk, a model and an n8n beside the program are called only when they are named. check
// prints the line, in both languages; the line makes it call them, and nobody was called before.
func TestCheckPrintsWhatToAllow(t *testing.T) {
	t.Parallel()
	calls := make(chan string, 100)
	peer := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		calls <- r.URL.Path
		_, _ = w.Write([]byte(`{}`))
	}))
	t.Cleanup(peer.Close)
	byName := strings.Replace(peer.URL, "127.0.0.1", "localhost", 1)
	environ := []string{"CHATWOOT_WEBHOOK_SECRET=a-long-enough-secret", "CHATWOOT_BASE_URL=" + peer.URL, "CHATWOOT_ACCESS_TOKEN=hunter2", "OPENAI_BASE_URL=" + byName + "/v1",
		"N8N_BASE_URL=" + peer.URL + "/n8n", "ALLOW_PRIVATE_ADDRESSES=10.9.0.0/16"}
	got := run(t, t.TempDir(), environ, "check", "--json")
	network := about(t, got, "network")
	const line = "ALLOW_PRIVATE_ADDRESSES=10.9.0.0/16,127.0.0.1,localhost"
	if got.code != 1 || len(network) != 1 || network[0].Level != "problem" || network[0].Remedy != "set "+line+" (defina "+line+")" {
		t.Fatalf("check = %v: %+v, want the line %s in both languages", got.code, network, line)
	}
	for _, who := range []string{"inbox chatwoot", "model openai", "n8n"} {
		if !strings.Contains(network[0].Text, who) {
			t.Errorf("check says %q, which does not name %s", network[0].Text, who)
		}
	}
	if len(about(t, got, "helpdesk of chatwoot"))+len(about(t, got, "n8n")) > 0 {
		t.Errorf("check says it twice: %v", got)
	}
	select {
	case path := <-calls:
		t.Fatalf("check called %s before it was allowed", path)
	default:
	}

	environ[len(environ)-1] = line
	got = run(t, t.TempDir(), environ, "check", "--json")
	if network = about(t, got, "network"); len(network) != 1 || network[0].Level != "ok" {
		t.Errorf("check with the line = %+v, want nothing to complain of", network)
	}
	select {
	case <-calls:
	default:
		t.Error("check with the line called nobody")
	}

	environ[len(environ)-1] = "ALLOW_PRIVATE_ADDRESSES=true"
	got = run(t, t.TempDir(), append(environ, "https_proxy=http://127.0.0.1:3128"), "check", "--json")
	network = about(t, got, "network")
	if len(network) != 3 || network[0].Level != "ok" || network[1].Level != "note" || !strings.Contains(network[1].Remedy, "=127.0.0.1,localhost ") || !strings.Contains(network[2].Text, "HTTPS_PROXY") {
		t.Errorf("check with true and a proxy = %+v, want a shorter list and a word about the proxy", network)
	}
	if network = about(t, run(t, t.TempDir(), []string{"CHATWOOT_WEBHOOK_SECRET=a-long-enough-secret", "CHATWOOT_BASE_URL=http://0x7f.1:3000", "CHATWOOT_ACCESS_TOKEN=t"}, "check", "--json"), "network"); len(network) != 1 || network[0].Level != "problem" || strings.Contains(network[0].Remedy, "ALLOW") {
		t.Errorf("check of a number as a host = %+v, want a problem that no list helps", network)
	}
}

func TestCheckWarnsOfLooseFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "secret")
	if err := os.WriteFile(path, []byte("a-long-enough-secret-hunter2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	environ := []string{"SHARED_SECRET_FILE=secret"}
	if loose := about(t, run(t, dir, environ, "check", "--offline", "--json"), "secrets"); len(loose) > 0 {
		t.Errorf("check with mode 0600 = %+v, want nothing about secrets", loose)
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	got := run(t, dir, environ, "check", "--offline", "--json")
	loose := about(t, got, "secrets")
	if got.code != 0 || len(loose) != 1 || loose[0].Level != "note" || !strings.Contains(loose[0].Remedy, "chmod 600 secret") || strings.Contains(got.stdout, "hunter2") {
		t.Errorf("check with mode 0644 = %v, %+v, want a note with the remedy", got.code, loose)
	}
}

// serve says at its start whom it will not call, and what to set.
func TestServeSaysWhomItWillNotCall(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir(), []string{"APP_HOST=127.0.0.1", "SHARED_SECRET=a-long-enough-secret", "WHATSAPP_API_URL=http://127.0.0.1:1", "WHATSAPP_BEARER_TOKEN=hunter2", "ALLOW_PRIVATE_ADDRESSES=false"}, "serve", "--port", "0")
	line := s.until(t, "private addresses are not called")
	s.drain()
	for _, want := range []string{`"level":"ERROR"`, `"inbox whaticket"`, `"remedy":"ALLOW_PRIVATE_ADDRESSES=127.0.0.1"`} {
		if !strings.Contains(line, want) {
			t.Errorf("serve says %s, which lacks %s", line, want)
		}
	}
}
