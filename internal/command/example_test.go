package command_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"secretaria/internal/command"
)

var update = flag.Bool("update", false, "write what is got into the cases")

const exampleDir = "../../examples"

// filled is a long enough value for every variable that the files of an example ask for.
func filled(t *testing.T, name string) []string {
	t.Helper()
	var environ []string
	err := filepath.WalkDir(filepath.Join(exampleDir, name), func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		for _, m := range regexp.MustCompile(`\$\{([A-Z0-9_]+)\}`).FindAllStringSubmatch(string(text), -1) {
			value := strings.Repeat("x", 40)
			switch {
			case strings.HasSuffix(m[1], "_URL"):
				value = "http://127.0.0.1:1/webhook/" + strings.ToLower(m[1])
			case strings.HasSuffix(m[1], "_EMAIL"):
				value = "secretaria@example.com"
			}
			if m[1] == "SITE_URL" || m[1] == "CLINICA_URL" {
				value = "http://127.0.0.1:1"
			}
			if kv := m[1] + "=" + value; !slices.Contains(environ, kv) {
				environ = append(environ, kv)
			}
		}
		return err
	})
	environ = append(environ, "ALLOW_PRIVATE_ADDRESSES=127.0.0.1")
	if err != nil || len(environ) == 1 {
		t.Fatalf("variables of %s: %q, %v", name, environ, err)
	}
	return environ
}

func examples(t *testing.T) []string {
	t.Helper()
	entries, err := os.ReadDir(exampleDir)
	if err != nil || len(entries) < 2 {
		t.Fatalf("examples: %v, %v", entries, err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// Each example is complete: with its variables set, check has nothing to complain of but what
// only a real installation has.
func TestExamplesCheck(t *testing.T) {
	t.Parallel()
	for _, name := range examples(t) {
		file, err := filepath.Abs(filepath.Join(exampleDir, name, "secretaria.yaml"))
		if err != nil {
			t.Fatal(err)
		}
		got := run(t, t.TempDir(), filled(t, name), "check", "--offline", "--json", "--config", file)
		if got.code != 0 {
			t.Errorf("check of %s: %v", name, got)
		}
		var found []struct{ Level, About, Text string }
		if err := json.Unmarshal([]byte(got.stdout), &found); err != nil {
			t.Fatalf("check of %s: %v: %v", name, err, got)
		}
		for _, f := range found {
			if f.Level != "ok" && f.About != "database" {
				t.Errorf("check of %s: %s: %s: %s", name, f.Level, f.About, f.Text)
			}
		}
		if strings.Contains(got.stdout, strings.Repeat("x", 40)) {
			t.Errorf("check of %s shows a secret", name)
		}
	}
}

// Conversations without a model come out word for word. A case holds the arguments in
// "args", what is typed in "in", and what is said in "out".
func TestChat(t *testing.T) {
	t.Parallel()
	cases, err := filepath.Glob("testdata/chat/*.txtar")
	if err != nil || len(cases) < 2 {
		t.Fatalf("cases: %v, %v", cases, err)
	}
	for _, name := range cases {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			t.Parallel()
			archive, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			part := func(name string) *txtar.File {
				i := slices.IndexFunc(archive.Files, func(f txtar.File) bool { return f.Name == name })
				if i < 0 {
					t.Fatalf("there is no %q", name)
				}
				return &archive.Files[i]
			}
			dir, err := filepath.Abs(exampleDir)
			if err != nil {
				t.Fatal(err)
			}
			var stdout, stderr bytes.Buffer
			args := []string{"chat"}
			for line := range strings.Lines(string(part("args").Data)) {
				args = append(args, strings.TrimSpace(line))
			}
			code := command.Run(t.Context(), command.Env{Program: "secretaria", Dir: dir, Stdin: bytes.NewReader(part("in").Data), Stdout: &stdout, Stderr: &stderr}, args)
			if code != 0 || stderr.Len() > 0 {
				t.Errorf("chat: exit %d, %s", code, stderr.String())
			}
			out := part("out")
			if *update {
				out.Data = stdout.Bytes()
				if err := os.WriteFile(name, txtar.Format(archive), 0o600); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(string(out.Data), stdout.String()); diff != "" {
				t.Errorf("chat (-want +got):\n%s", diff)
			}
		})
	}
}

func TestGraph(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if got := run(t, dir, nil, "check", "--graph"); got.code != 0 || !strings.HasPrefix(got.stdout, "stateDiagram-v2\n") {
		t.Errorf("check --graph: %v", got)
	}
	if got := run(t, dir, nil, "check", "--graph", "--desk", "secretaria"); got.code == 0 || !strings.Contains(got.err, "there is: sdr") {
		t.Errorf("check --graph of a desk without a playbook: %v", got)
	}
}
