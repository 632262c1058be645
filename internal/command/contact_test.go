package command_test

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"secretaria/internal/channel"
	"secretaria/internal/command"
	"secretaria/internal/conversation"
	"secretaria/internal/store"
	"secretaria/internal/store/sqlite"
)

// hostile is what a customer may be called, and write.
const hostile = `<script>alert("x")</script> & <img src=x onerror='y'>`

// twoMarias makes a database with two Marias and their conversations.
func twoMarias(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	db, err := sqlite.Open(t.Context(), filepath.Join(dir, "data", "secretaria.db"), false)
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
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	for i, phone := range []string{"+5511987654321", "+5511900000042"} {
		_, err := s.Receive(t.Context(), store.Arrival{Inbox: "whaticket", Channel: channel.Whaticket, Now: time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC), Events: []channel.Event{{
			Kind: channel.Received, Key: phone, Chat: phone, Content: conversation.Content{Kind: conversation.Text, Text: "oi " + hostile, Quoted: hostile, Detail: map[string]string{hostile: hostile}},
			Contact: channel.Contact{Name: "Maria " + []string{hostile, "Souza"}[i], Identities: []channel.Identity{{Kind: channel.Phone, Value: phone}}}, Address: channel.Address{To: phone[1:]}}}})
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestContactFind(t *testing.T) {
	t.Parallel()
	dir := twoMarias(t)
	for want, args := range map[int][]string{
		2: {"--name", "maria"}, 1: {"--phone", "(11) 98765-4321"}, 0: {"--name", "Joana"},
	} {
		r := run(t, dir, nil, append([]string{"contact", "find", "--json"}, args...)...)
		var list []map[string]any
		if err := json.Unmarshal([]byte(r.stdout), &list); r.code != 0 || err != nil || len(list) != want {
			t.Errorf("contact find %q: %v, want %d", args, r, want)
		}
	}
	for _, args := range [][]string{{}, {"--phone", "nobody"}} {
		if r := run(t, dir, nil, append([]string{"contact", "find"}, args...)...); r.code == 0 {
			t.Errorf("contact find %q: %v, want a refusal", args, r)
		}
	}
}

// The page shows what was written and does nothing; only its owner can read the files.
func TestContactExport(t *testing.T) {
	t.Parallel()
	dir := twoMarias(t)
	if r := run(t, dir, nil, "contact", "export", "--name", "maria"); r.code == 0 || !strings.Contains(r.err, "by its number") {
		t.Errorf("contact export of two people: %v, want a refusal", r)
	}
	if r := run(t, dir, nil, "contact", "export", "1", "--out", "entrega"); r.code != 0 {
		t.Fatalf("contact export: %v", r)
	}
	page, err := os.ReadFile(filepath.Join(dir, "entrega", "contato-1.html"))
	if err != nil {
		t.Fatal(err)
	}
	for _, active := range []string{"<script", "<img", "onerror='", "http://", "https://"} {
		if bytes.Contains(page, []byte(active)) {
			t.Errorf("the page has %q in it", active)
		}
	}
	for _, want := range []string{`&lt;script&gt;alert(&#34;x&#34;)&lt;/script&gt;`, "+5511987654321", `lang="pt-BR"`, "default-src 'none'", "Seus dados pessoais"} {
		if !bytes.Contains(page, []byte(want)) {
			t.Errorf("the page does not have %q", want)
		}
	}
	for _, name := range []string{"contato-1.html", "contato-1.json"} {
		if info, err := os.Stat(filepath.Join(dir, "entrega", name)); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v, want it readable by its owner alone", name, info, err)
		}
	}
	text, err := os.ReadFile(filepath.Join(dir, "entrega", "contato-1.json"))
	var file struct {
		Contact struct{ Name string }
	}
	if err != nil || json.Unmarshal(text, &file) != nil || file.Contact.Name != "Maria "+hostile {
		t.Errorf("the JSON names %q, %v", file.Contact.Name, err)
	}
	if r := run(t, dir, nil, "audit", "list", "--json"); strings.Count(r.stdout, `"contact.export"`) != 1 || strings.Contains(r.stdout, "Maria") {
		t.Errorf("audit list: %v, want one export and no name", r)
	}
}

// Nothing is erased without a word of somebody's.
func TestContactEraseAsks(t *testing.T) {
	t.Parallel()
	dir := twoMarias(t)
	for answer, want := range map[string]string{"": "say --yes", "no\n": "nothing was erased", "yes\n": "nothing was erased"} {
		var stdout, stderr bytes.Buffer
		code := command.Run(t.Context(), command.Env{Program: "secretaria", Dir: dir, Stdin: strings.NewReader(answer), Stdout: &stdout, Stderr: &stderr}, []string{"contact", "erase", "1"})
		if code == 0 || !strings.Contains(stderr.String(), want) || !strings.Contains(stdout.String(), "+5511987654321") {
			t.Errorf("contact erase with %q: exit %d, %s%s, want %q", answer, code, &stdout, &stderr, want)
		}
	}
	if r := run(t, dir, nil, "contact", "find", "1", "--json"); strings.TrimSpace(r.stdout) == "[]" {
		t.Fatal("somebody was erased without a word")
	}
	var stdout, stderr bytes.Buffer
	if code := command.Run(t.Context(), command.Env{Program: "secretaria", Dir: dir, Stdin: strings.NewReader("erase\n"), Stdout: &stdout, Stderr: &stderr}, []string{"contact", "erase", "1"}); code != 0 {
		t.Fatalf("contact erase: exit %d, %s%s", code, &stdout, &stderr)
	}
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "data", "secretaria.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var left int
	if err := db.QueryRow("select count(*) from contacts").Scan(&left); err != nil || left != 1 {
		t.Errorf("%d contacts are left, %v, want the other one", left, err)
	}
	if r := run(t, dir, nil, "contact", "erase", "1", "--yes"); r.code == 0 {
		t.Errorf("contact erase of nobody: %v, want a refusal", r)
	}
}

// The register names what is configured, and no secret.
func TestPrivacyRegister(t *testing.T) {
	t.Parallel()
	r := run(t, t.TempDir(), []string{"SHARED_SECRET=a-long-enough-secret", "WHATSAPP_API_URL=https://w.example.com", "WHATSAPP_BEARER_TOKEN=hidden-token", "OPENAI_API_KEY=hidden-key",
		"GEMINI_API_KEY=hidden-key-2", "DATABASE_URL=postgres://u:hidden@db.example.com/d", "RETENTION_MESSAGES=90d", "RETENTION_AUDIT=forever",
		"CHATWOOT_WEBHOOK_SECRET=a-long-enough-secret-2", "N8N_WEBHOOK_CREATE_LEAD_URL=https://n.example.com/webhook/hidden-path"}, "privacy", "register")
	if r.code != 0 {
		t.Fatalf("privacy register: %v", r)
	}
	for _, want := range []string{"art. 37", "w.example.com", "OpenAI", "Google (Gemini)", "db.example.com", "n.example.com", "90 dias", "7 dias", "sem prazo", "secretaria", "sdr", "create_lead", "**preencher**", "transferência internacional"} {
		if !strings.Contains(r.stdout, want) {
			t.Errorf("the register does not have %q", want)
		}
	}
	for _, secret := range []string{"hidden", "long-enough"} {
		if strings.Contains(r.stdout+r.err, secret) {
			t.Errorf("the register has %q in it", secret)
		}
	}
}
