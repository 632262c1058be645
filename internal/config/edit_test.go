package config_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"secretaria/internal/channel"
	"secretaria/internal/config"
	"secretaria/internal/secret"
)

// editCase is a case of testdata/edit: the entry in its comment, the files of a working
// directory, and what becomes of them. A line of the comment is a comment after "#", or
//
//	inbox NAME CHANNEL       what is added
//	in file                  not by variables
//	value KEY TEXT, list KEY A,B, secret KEY TEXT
//	env KEY=value            of the process
//	crlf, bom, cut           the files have such line ends, such a mark, no last line end
type editCase struct {
	src             config.Source
	entry           config.Entry
	crlf, bom, last bool
}

func parseEdit(t testing.TB, comment string) editCase {
	t.Helper()
	var c editCase
	for line := range strings.Lines(comment) {
		line, _, _ = strings.Cut(line, "#")
		word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		key, text, _ := strings.Cut(rest, " ")
		switch word {
		case "":
		case "inbox":
			c.entry.Name, c.entry.Channel = key, channel.Kind(text)
		case "in":
			c.entry.InFile = true
		case "value":
			c.entry.Fields = append(c.entry.Fields, config.Field{Key: key, Value: text})
		case "list":
			c.entry.Fields = append(c.entry.Fields, config.Field{Key: key, List: strings.Split(text, ",")})
		case "secret":
			c.entry.Fields = append(c.entry.Fields, config.Field{Key: key, Secret: secret.New(text)})
		case "env":
			c.src.Environ = append(c.src.Environ, rest)
		case "crlf":
			c.crlf = true
		case "bom":
			c.bom = true
		case "cut":
			c.last = true
		default:
			t.Fatalf("%q is no line of a case", line)
		}
	}
	return c
}

// dressed is a file as the case says that its lines end.
func (c editCase) dressed(text string) string {
	if c.crlf {
		text = strings.ReplaceAll(text, "\n", "\r\n")
	}
	if c.bom {
		text = "\ufeff" + text
	}
	if c.last {
		text = strings.TrimRight(text, "\r\n")
	}
	return text
}

func TestPlanEdit(t *testing.T) {
	t.Parallel()
	cases, err := filepath.Glob("testdata/edit/*.txtar")
	if err != nil || len(cases) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, name := range cases {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			t.Parallel()
			archive, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			c := parseEdit(t, string(archive.Comment))
			c.src.Dir = t.TempDir()
			var given, want []txtar.File
			for _, f := range archive.Files {
				if strings.HasPrefix(f.Name, "want") {
					want = append(want, f)
					continue
				}
				given = append(given, f)
				write(t, filepath.Join(c.src.Dir, f.Name), c.dressed(string(f.Data)))
			}
			before := contents(t, c.src.Dir)
			got := []txtar.File{{Name: "want", Data: []byte(c.edit(t))}}
			for path, text := range contents(t, c.src.Dir) {
				if before[path] == text {
					continue
				}
				name, _ := filepath.Rel(c.src.Dir, path)
				if strings.ContainsAny(text, "\r\ufeff") || !strings.HasSuffix(text, "\n") {
					text = fmt.Sprintf("%q\n", text)
				}
				got = append(got, txtar.File{Name: "want/" + name, Data: []byte(text)})
			}
			slices.SortFunc(got, func(a, b txtar.File) int { return strings.Compare(a.Name, b.Name) })
			if *update {
				archive.Files = append(given, got...)
				if err := os.WriteFile(name, txtar.Format(archive), 0o600); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(string(txtar.Format(&txtar.Archive{Files: want})), string(txtar.Format(&txtar.Archive{Files: got}))); diff != "" {
				t.Errorf("edit: (-want +got)\n%s", diff)
			}
		})
	}
}

// edit plans and writes, and says what was shown on the way. A second plan has nothing to do.
func (c editCase) edit(t *testing.T) string {
	t.Helper()
	var said strings.Builder
	before := contents(t, c.src.Dir)
	e, err := config.PlanEdit(c.src, c.entry)
	var ce *config.Error
	switch {
	case errors.As(err, &ce):
		for _, p := range ce.Problems {
			fmt.Fprintf(&said, "problem: %v\n", p)
		}
	case err != nil:
		fmt.Fprintf(&said, "refused: %v\n", err)
	case len(e.Overruled) > 0:
		fmt.Fprintf(&said, "overruled: %v\n", e.Overruled)
	}
	if diff := cmp.Diff(before, contents(t, c.src.Dir)); diff != "" {
		t.Errorf("a plan has changed files: %s", diff)
	}
	if err != nil {
		return said.String()
	}
	for _, f := range e.Files {
		fmt.Fprintf(&said, "%s created=%v\n", f.Name, f.Created)
		for _, l := range f.Lines {
			if l.Old != "" {
				fmt.Fprintf(&said, "%4d - %s\n", l.Number, l.Old)
			}
			if l.New != "" {
				fmt.Fprintf(&said, "%4d + %s\n", l.Number, l.New)
			}
		}
	}
	for _, f := range c.entry.Fields {
		if s := f.Secret.Reveal(); s != "" && strings.Contains(said.String(), s) {
			t.Errorf("what is shown tells a secret: %s", said.String())
		}
	}
	if len(e.Overruled) > 0 {
		if err := e.Write(); err == nil {
			t.Error("an edit that the environment overrules was written")
		}
		return said.String()
	}
	if err := e.Write(); err != nil {
		t.Fatalf("Write: %v", err)
	}
	cfg, err := config.Load(c.src)
	if err != nil {
		t.Fatalf("Load after Write: %v", err)
	}
	if diff := cmp.Diff(describe(cfg), describe(e.Config)); diff != "" {
		t.Errorf("what was written does not mean what was planned: %s", diff)
	}
	again, err := config.PlanEdit(c.src, c.entry)
	if err != nil || len(again.Files) > 0 {
		t.Errorf("a second plan = %+v, %v, want nothing to do", again, err)
	}
	left, err := filepath.Glob(filepath.Join(c.src.Dir, ".secretaria-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %q, %v", left, err)
	}
	return said.String()
}

// describe is what the inboxes of a configuration are, secrets revealed.
func describe(cfg *config.Config) []string {
	var out []string
	for _, i := range cfg.Options.Inboxes {
		text := fmt.Sprintf("%s desk=%s team=%s labels=%v", i.Name, i.Desk, i.Team, i.Labels)
		if c := i.Chatwoot; c != nil {
			text += fmt.Sprintf(" %s %s %s", c.BaseURL, c.AccountID, c.Token.Reveal())
			for _, s := range c.Secrets {
				text += " " + s.Reveal()
			}
		}
		if w := i.Whaticket; w != nil {
			text += fmt.Sprintf(" %s %s %s %s %s", w.BaseURL, w.Auth, w.Token.Reveal(), w.Email, w.Password.Reveal())
			for _, s := range append(w.Secrets, w.URLSecrets...) {
				text += " " + s.Reveal()
			}
		}
		out = append(out, text)
	}
	return out
}

// newEntry is an inbox of a Chatwoot, as connect writes it.
func newEntry() config.Entry {
	return config.Entry{Name: "chatwoot", Channel: channel.Chatwoot, Fields: []config.Field{
		{Key: "base_url", Value: "https://chatwoot.example.com"}, {Key: "account_id", Value: "1"},
		{Key: "token", Secret: secret.New("a-bot-token")}, {Key: "secrets", Secret: secret.New("a-webhook-secret")},
	}}
}

func TestWriteKeepsWhoMayRead(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("files have no such rights here")
	}
	dir := t.TempDir()
	src := config.Source{Dir: dir}
	edit := func() {
		t.Helper()
		e, err := config.PlanEdit(src, newEntry())
		if err != nil {
			t.Fatal(err)
		}
		if err := e.Write(); err != nil {
			t.Fatal(err)
		}
	}
	mode := func(path string) os.FileMode {
		t.Helper()
		info, err := os.Lstat(path)
		if err != nil {
			t.Fatal(err)
		}
		return info.Mode()
	}
	edit()
	path := filepath.Join(dir, ".env")
	if got := mode(path); got != 0o600 {
		t.Errorf("a new .env has mode %v, want 0600", got)
	}
	// One that is there keeps its mode, and a link stays a link.
	real := filepath.Join(dir, "settings")
	write(t, real, "TURN_QUIET=2s\n")
	if err := errors.Join(os.Chmod(real, 0o640), os.Remove(path), os.Symlink("settings", path)); err != nil {
		t.Fatal(err)
	}
	edit()
	if got := mode(real); got != 0o640 {
		t.Errorf("an .env of mode 0640 has mode %v afterwards", got)
	}
	if got := mode(path); got&os.ModeSymlink == 0 {
		t.Errorf("a link has mode %v afterwards", got)
	}
	text, err := os.ReadFile(real)
	if err != nil || !strings.HasPrefix(string(text), "TURN_QUIET=2s\n") || !strings.Contains(string(text), "CHATWOOT_BASE_URL=") {
		t.Errorf("the file behind the link = %q, %v", text, err)
	}
	// A link that leads nowhere is not written through, nor replaced.
	if err := os.Remove(real); err != nil {
		t.Fatal(err)
	}
	e, err := config.PlanEdit(src, newEntry())
	if err == nil {
		err = e.Write()
	}
	if err == nil || mode(path)&os.ModeSymlink == 0 {
		t.Errorf("Write through a link that leads nowhere = %v, want a refusal", err)
	}
}

// What somebody else wrote meanwhile is not lost.
func TestWriteAfterAChange(t *testing.T) {
	t.Parallel()
	for _, there := range []bool{true, false} {
		dir := t.TempDir()
		path := filepath.Join(dir, ".env")
		if there {
			write(t, path, "TURN_QUIET=2s\n")
		}
		e, err := config.PlanEdit(config.Source{Dir: dir}, newEntry())
		if err != nil {
			t.Fatal(err)
		}
		write(t, path, "TURN_QUIET=3s\n")
		if err := e.Write(); err == nil || !strings.Contains(err.Error(), "run the command again") {
			t.Errorf("Write over a change = %v, want a refusal", err)
		}
		if diff := cmp.Diff(map[string]string{path: "TURN_QUIET=3s\n"}, contents(t, dir)); diff != "" {
			t.Errorf("files after a refusal: %s", diff)
		}
	}
}

// Both files or none: where the second cannot be put in its place the first goes back.
func TestWriteIsWhole(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, filepath.Join(dir, ".env"), "TURN_QUIET=2s\n")
	entry := newEntry()
	entry.InFile = true
	e, err := config.PlanEdit(config.Source{Dir: dir}, entry)
	if err != nil || len(e.Files) != 2 {
		t.Fatalf("PlanEdit = %+v, %v, want two files", e, err)
	}
	// A folder with something in it cannot be replaced by a file.
	write(t, filepath.Join(dir, "secretaria.yaml", "x"), "")
	if err := e.Write(); err == nil {
		t.Error("Write over a folder: no error")
	}
	text, err := os.ReadFile(filepath.Join(dir, ".env"))
	if err != nil || string(text) != "TURN_QUIET=2s\n" {
		t.Errorf(".env after a failure = %q, %v, want it as it was", text, err)
	}
}

// However the files look, what they mean stays, and so does every byte of them.
func FuzzPlanEdit(f *testing.F) {
	for _, s := range []string{
		"", "\n", "server:\n  port: 1\n", "inboxes: {}\n", "inboxes:\n", "inboxes:\n  # none\n", "inboxes: {loja: {channel: whaticket, secrets: abc}}", "{}", "{server: {port: 1}}",
		"inboxes:\n  loja:\n    channel: whaticket\n    secrets: abc # c\n\n# end", "inboxes: &x\n  loja: {channel: whaticket, secrets: x}\n", "inboxes:\r\n    loja:\r\n        channel: chatwoot\r\n        secrets: x\r\nserver:\r\n  port: 2\r\n",
		"desks:\n  d:\n    like: sdr\n    transfer: |\n      a\n\n      b\ninboxes:\n  'loja':\n    channel: whaticket\n    secrets: >-\n      abc\n", "\ufeffinboxes: {}", "---\nserver: {}\n...\n", "inboxes: ~\n", "server: &a {}\nlimits: *a\n",
		"inboxes:\n  chatwoot:\n    channel: chatwoot\n    secrets: old\n    handoff:\n      team: 3\n", "inboxes:\n  chatwoot: {channel: chatwoot, secrets: old, base_url: 'http://x', token: t}\n", "inboxes:\n  chatwoot:\n    channel: chatwoot\n    secrets: [a-webhook-secret, old]\n",
	} {
		f.Add(s, "")
		f.Add(s, "TURN_QUIET=1s\n")
	}
	for _, s := range []string{"CHATWOOT_BASE_URL=\nCHATWOOT_ACCESS_TOKEN= # none\n", "export CHATWOOT_ACCOUNT_ID='1' # x", "TURN_QUIET=1s", "\ufeff# x\r\nTURN_QUIET=\"1s\"\r\n", "CHATWOOT_ACCESS_TOKEN=#\nCHATWOOT_WEBHOOK_SECRET=\"\"#x\n"} {
		f.Add("", s)
	}
	f.Fuzz(func(t *testing.T, file, env string) {
		if strings.Contains(file, "file:") || strings.Contains(env, "_FILE") || strings.Contains(file+env, "DATABASE") {
			return // paths lead out of the case
		}
		dir := t.TempDir()
		src := config.Source{Dir: dir}
		if file != "" {
			write(t, filepath.Join(dir, config.DefaultFile), file)
		}
		if env != "" {
			write(t, filepath.Join(dir, config.DotEnv), env)
		}
		before, err := config.Load(src)
		if err != nil {
			return
		}
		for _, inFile := range []bool{false, true} {
			entry := newEntry()
			entry.InFile = inFile
			if inFile {
				entry.Fields = append(entry.Fields, config.Field{Key: "handoff.team", Value: "4"}, config.Field{Key: "handoff.labels", List: []string{"a", "b c"}})
			}
			e, err := config.PlanEdit(src, entry)
			if err != nil {
				continue // refused: nothing is written
			}
			if err := e.Write(); err != nil {
				t.Fatalf("Write after %q, %q: %v", file, env, err)
			}
			after, err := config.Load(src)
			if err != nil {
				t.Fatalf("%q, %q became a configuration that does not load: %v", file, env, err)
			}
			if got := find(after, "chatwoot"); got == "" || !strings.Contains(got, "https://chatwoot.example.com 1 a-bot-token") || !strings.Contains(got, "a-webhook-secret") {
				t.Errorf("%q, %q: the inbox is %q", file, env, got)
			}
			for _, i := range before.Options.Inboxes {
				if i.Name != "chatwoot" && !slices.Contains(describe(after), find(before, i.Name)) {
					t.Errorf("%q, %q: the inbox %s became %q", file, env, i.Name, find(after, i.Name))
				}
			}
			if find(before, "chatwoot") == "" && !strings.Contains(env, "CHATWOOT") {
				for name, was := range map[string]string{config.DefaultFile: file, config.DotEnv: env} {
					is, err := os.ReadFile(filepath.Join(dir, name))
					if err != nil && was != "" || !keeps(string(is), was) {
						t.Errorf("%s: %q became %q, which does not hold every byte of it in order", name, was, is)
					}
				}
			}
			if again, err := config.PlanEdit(src, entry); err != nil || len(again.Files) > 0 {
				t.Errorf("%q, %q: a second plan = %+v, %v", file, env, again, err)
			}
		}
	})
}

func find(cfg *config.Config, name string) string {
	for _, text := range describe(cfg) {
		if strings.HasPrefix(text, name+" ") {
			return text
		}
	}
	return ""
}

// keeps says whether long holds the bytes of short in their order.
func keeps(long, short string) bool {
	for i := 0; i < len(long) && short != ""; i++ {
		if long[i] == short[0] {
			short = short[1:]
		}
	}
	return short == ""
}

// contents are the files below a folder by their paths.
func contents(t testing.TB, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		out[path] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// A rehearsal leaves nothing, and finds what the writing would.
func TestRehearse(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	entry := config.Entry{Name: "chatwoot", Channel: channel.Chatwoot, Fields: []config.Field{
		{Key: "base_url", Value: "https://chatwoot.example.com"}, {Key: "token", Secret: secret.New("of-a-bot")}, {Key: "secrets", Secret: secret.New("0123456789abcdef")},
	}}
	edit, err := config.PlanEdit(config.Source{Dir: dir}, entry)
	if err != nil {
		t.Fatal(err)
	}
	if err := edit.Rehearse(); err != nil {
		t.Errorf("Rehearse() = %v, want nil", err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("Rehearse() left %v, %v", left, err)
	}
	if err := os.WriteFile(filepath.Join(dir, ".env"), []byte("APP_PORT=1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := edit.Rehearse(); err == nil || !strings.Contains(err.Error(), "changed it meanwhile") {
		t.Errorf("Rehearse() beside a file that was not planned for = %v", err)
	}
}
