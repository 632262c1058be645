package command_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Beside a running server: a lead is made, seen with its quotes, taken over and handed back; a
// changed desk is taken up and a broken one refused with its line.
func TestHandsBesideAServer(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "secretaria.yaml")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const inbox = "inboxes:\n  loja: {channel: whaticket, desk: vendas, secrets: a-long-enough-secret}\n"
	write(inbox + "desks:\n  vendas: {like: sdr}\n")
	environ := []string{"TURN_QUIET=20ms", "APP_HOST=127.0.0.1"}
	s := start(t, dir, environ, "serve", "--port", "0")
	environ = append(environ, "APP_PORT="+s.port(t))
	send := func(text string) ran {
		t.Helper()
		return run(t, dir, environ, "send", "whaticket", "--inbox", "loja", "--number", "5511988877766", text)
	}
	takenUp, refused := make(chan struct{}), make(chan string, 1)
	go func() {
		defer close(refused)
		for s.lines.Scan() {
			switch line := s.lines.Text(); {
			case strings.Contains(line, "configuration taken up"):
				close(takenUp)
			case strings.Contains(line, "configuration not taken up"):
				refused <- line
			}
		}
	}()
	for _, text := range []string{"olá", "me chamo Ana Lima"} {
		if got := send(text); got.code != 0 || !strings.Contains(got.stdout, "?") {
			t.Fatalf("send %q: %v", text, got)
		}
	}

	got := run(t, dir, environ, "conversations", "list", "--json")
	var list []struct {
		ID     int64
		Holder string
	}
	if err := json.Unmarshal([]byte(got.stdout), &list); err != nil || len(list) != 1 || list[0].Holder != "bot" {
		t.Fatalf("conversations list --json: %v, %v", got, err)
	}
	for _, c := range []struct{ args, want string }{
		{"leads list", "qualifying"}, {"leads list --state qualified", "no leads"}, {"leads show 1", "**Nome:** Ana Lima"}, {"leads show 1 --json", `"lead"`},
		{"conversations show 1", "me chamo Ana Lima"}, {"conversations take-over 1 --for 2h", "is with people"}, {"conversations list --holder human", "human"},
		{"conversations hand-back 1", "is the bot's again"}, {"conversations list --holder human", "no conversations"}, {"conversations opt-in 1", "takes messages again"},
	} {
		got := run(t, dir, environ, strings.Fields(c.args)...)
		if got.code != 0 || !strings.Contains(got.stdout, c.want) {
			t.Errorf("%s: %v, want %q", c.args, got, c.want)
		}
	}
	if got := run(t, dir, environ, "conversations", "hand-back", "1", "99"); got.code == 0 || !strings.Contains(got.err, "there is no conversation 99") {
		t.Errorf("hand-back of one that the bot has, and one that is not there: %v", got)
	}

	write(inbox + "desks:\n  vendas: {like: sdr, language: en}\n")
	<-takenUp
	write(inbox + "desks:\n  vendas: {like: sdr, greting: oi}\n")
	if line := <-refused; !strings.Contains(line, "secretaria.yaml:4") || !strings.Contains(line, "greeting") {
		t.Errorf("a broken change is told as %s", line)
	}
}
