package command_test

import (
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"secretaria/internal/channel"
	"secretaria/internal/conversation"
	"secretaria/internal/store"
	"secretaria/internal/store/postgres/postgrestest"
	"secretaria/internal/store/sqlite"
)

// remembered makes a database in which a customer waits for an answer.
func remembered(t *testing.T, path string) {
	t.Helper()
	db, err := sqlite.Open(t.Context(), path, false)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	s, err := sqlite.New(t.Context(), db, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Receive(t.Context(), store.Arrival{
		Inbox: "vendas", Channel: channel.Whaticket, Now: time.Now(), Quiet: conversation.Quiet{Window: time.Hour, Max: time.Hour}, CanOpen: true,
		Events: []channel.Event{{
			Kind: channel.Received, Key: "K1", Chat: "5511988877766@s.whatsapp.net", Content: conversation.Content{Kind: conversation.Text, Text: "Olá"},
			Contact: channel.Contact{Identities: []channel.Identity{{Kind: channel.Phone, Value: "+5511988877766"}}, Name: "Maria"}, Address: channel.Address{To: "5511988877766"},
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

type copied struct {
	Database, File, To string
	Version            int
	Turns              int `json:"turns_due"`
	Tables             []struct {
		Name, Sum string
		Rows      int
	}
}

func (c copied) rows(name string) int {
	for _, t := range c.Tables {
		if t.Name == name {
			return t.Rows
		}
	}
	return -1
}

func report(t *testing.T, r ran) (c copied) {
	t.Helper()
	if err := json.Unmarshal([]byte(r.stdout), &c); err != nil || r.code != 0 || r.err != "" {
		t.Fatalf("%v: %v, want a report in JSON", r, err)
	}
	return c
}

func TestHelpOfCopies(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, name := range []string{"backup", "restore", "move"} {
		if got := run(t, dir, nil, name, "--help"); got.code != 0 || got.err != "" || !strings.Contains(got.stdout, "Example") || !strings.Contains(got.stdout, "secretaria "+name) {
			t.Errorf("%s --help: %v", name, got)
		}
	}
	if left := files(t, dir); len(left) > 0 {
		t.Errorf("--help left %q", left)
	}
}

func TestBackupAndRestore(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	remembered(t, filepath.Join(dir, "data", "secretaria.db"))
	got := run(t, dir, nil, "backup", "b.db")
	if got.code != 0 || got.err != "" || !strings.Contains(got.stdout, "conversations") || !strings.Contains(got.stdout, "b.db holds all of") {
		t.Fatalf("backup: %v", got)
	}
	if strings.Contains(got.stdout, "Olá") || strings.Contains(got.stdout, "5511988877766") {
		t.Errorf("backup shows what was said: %v", got)
	}
	if got := run(t, dir, nil, "backup", "b.db"); got.code == 0 || !strings.Contains(got.err, "never overwrites") {
		t.Errorf("backup over a backup: %v", got)
	}
	if got := report(t, run(t, dir, nil, "backup", "c.db", "--json")); got.rows("messages") != 1 || got.Turns != 1 || got.File != "c.db" || got.Version < 1 {
		t.Errorf("backup --json: %+v", got)
	}
	if got := run(t, dir, nil, "restore", "b.db"); got.code == 0 || !strings.Contains(got.err, "1 conversations") || !strings.Contains(got.err, "--overwrite") {
		t.Errorf("restore over a conversation: %v", got)
	}
	if got := report(t, run(t, dir, nil, "restore", "b.db", "--overwrite", "--json")); got.rows("messages") != 1 || got.Turns != 1 {
		t.Errorf("restore --overwrite: %+v", got)
	}
	elsewhere := []string{"DATABASE_URL=sqlite:new/x.db"}
	if got := run(t, dir, elsewhere, "restore", "b.db"); got.code != 0 || got.err != "" || !strings.Contains(got.stdout, "1 conversations are answered") {
		t.Errorf("restore elsewhere: %v", got)
	}
	if got := run(t, dir, elsewhere, "deliveries", "list", "--json"); got.code != 0 {
		t.Errorf("deliveries list of what was restored: %v", got)
	}
	release, err := sqlite.Lock(filepath.Join(dir, "new", "x.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	for _, args := range [][]string{{"restore", "b.db", "--overwrite"}} {
		if got := run(t, dir, elsewhere, args...); got.code == 0 || !strings.Contains(got.err, "another server is running") {
			t.Errorf("%s beside a server: %v", args, got)
		}
	}
	if got := run(t, dir, elsewhere, "backup", "d.db"); got.code != 0 {
		t.Errorf("backup beside a server: %v", got)
	}
}

func TestCopiesAreRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ args, environ, want string }{
		{"backup", "", "<file>"},
		{"backup b.db", "", "there is no database"},
		{"restore", "", "<file>"},
		{"move", "", "--to"},
		{"move --to postgres://h/d --to-env X", "", "--to"},
		{"move --to postgres://u:hunter2@h/d", "", "there is no database"},
		{"move --to-env X", "DATABASE_URL=postgres://u:hunter2@h/d", "sqlite:"},
	} {
		dir := t.TempDir()
		got := run(t, dir, strings.Fields(c.environ), strings.Fields(c.args)...)
		if got.code == 0 || !strings.Contains(got.err, c.want) || strings.Contains(got.String(), "hunter2") {
			t.Errorf("%s %s: %v, want %q on standard error and an exit code that is not 0", c.environ, c.args, got, c.want)
		}
		if left := files(t, dir); len(left) > 0 {
			t.Errorf("%s %s left %q", c.environ, c.args, left)
		}
	}
	dir := t.TempDir()
	remembered(t, filepath.Join(dir, "data", "secretaria.db"))
	for _, c := range []struct{ args, environ, want string }{
		{"move --to mysql://u:hunter2@h/d", "", "--to wants postgres://"},
		{"move --to postgres://u:hunter2@h", "", "--to wants postgres://"},
		{"move --to-env X", "", "X is not set"},
		{"move --to-env X", "X=u:hunter2@h/d", "X wants postgres://"},
		{"move --to postgres://u:hunter2@127.0.0.1:1/d", "", "connection refused"},
		{"move --to postgres://u:hun%zzter2@127.0.0.1:1/d", "", "wants postgres://"},
		{"restore none.db", "DATABASE_URL=sqlite:x.db", "there is no file"},
	} {
		got := run(t, dir, strings.Fields(c.environ), strings.Fields(c.args)...)
		if got.code == 0 || !strings.Contains(got.err, c.want) || strings.Contains(got.String(), "hunter2") || strings.Contains(got.String(), "ter2") {
			t.Errorf("%s %s: %v, want %q on standard error and an exit code that is not 0", c.environ, c.args, got, c.want)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "x.db")); err == nil {
		t.Error("a restore of nothing made a database")
	}
}

// The way to PostgreSQL, and back with a backup.
func TestMoveCommand(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	remembered(t, filepath.Join(dir, "data", "secretaria.db"))
	given, err := url.Parse(postgrestest.URL(t))
	if err != nil {
		t.Fatal(err)
	}
	given.User = url.UserPassword(given.User.Username(), password(given))
	to := given.String()
	got := run(t, dir, nil, "move", "--to", to)
	if got.code != 0 || got.err != "" || !strings.Contains(got.stdout, "now set DATABASE_URL=postgres://") || !strings.Contains(got.stdout, "PASSWORD@") {
		t.Fatalf("move: %v", got)
	}
	if strings.Contains(got.stdout, password(given)) {
		t.Error("move shows the password")
	}
	if got := run(t, dir, []string{"NEW=" + to}, "move", "--to-env", "NEW"); got.code == 0 || !strings.Contains(got.err, "already") {
		t.Errorf("move into what is not empty: %v", got)
	}
	there := []string{"DATABASE_URL=" + to}
	if got := run(t, dir, there, "deliveries", "list", "--json"); got.code != 0 {
		t.Errorf("deliveries list of what was moved: %v", got)
	}
	made := report(t, run(t, dir, there, "backup", "pg.db", "--json"))
	if made.rows("messages") != 1 || made.Turns != 1 || strings.Contains(made.Database, password(given)) {
		t.Errorf("backup of what was moved: %+v", made)
	}
	if got := report(t, run(t, dir, []string{"DATABASE_URL=sqlite:back.db"}, "restore", "pg.db", "--json")); got.rows("messages") != 1 || got.Turns != 1 {
		t.Errorf("restore of what was moved: %+v", got)
	}
	other := []string{"NEW=" + postgrestest.URL(t)}
	if got := report(t, run(t, dir, other, "move", "--to-env", "NEW", "--json")); got.rows("messages") != 1 || got.To == "" {
		t.Errorf("move --to-env: %+v", got)
	}
	// A server starts on it.
	s := start(t, dir, append(there, "SHARED_SECRET=a-long-enough-secret", "APP_HOST=127.0.0.1"), "serve", "--port", "0")
	s.port(t)
	s.drain()
	if got := run(t, dir, there, "restore", "pg.db", "--overwrite"); got.code == 0 || !strings.Contains(got.err, "stop the servers") {
		t.Errorf("restore beside a server: %v", got)
	}
}

// password is one that is not part of anything else that is shown.
func password(u *url.URL) string {
	if p, ok := u.User.Password(); ok && len(p) > 3 {
		return p
	}
	return "hunter2-hunter2"
}
