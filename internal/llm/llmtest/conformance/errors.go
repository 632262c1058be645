package conformance

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"secretaria/internal/fault"
	"secretaria/internal/llm"
	"secretaria/internal/llm/llmtest"
)

// Errors reads answers of real providers from a folder and checks what each is taken for. A
// case is a txtar file: where the answer was published, then "status", an optional
// "retry-after", "body" and "want", which holds kind, cause and the wish to wait.
func Errors(t *testing.T, h Harness, folder string) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(folder, "*.txtar"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no cases in %s (%v)", folder, err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			archive := txtar.Parse(text)
			if !strings.Contains(string(archive.Comment), "https://") {
				t.Error("the case does not say where the answer was published")
			}
			parts := map[string]string{}
			for _, f := range archive.Files {
				parts[f.Name] = strings.TrimSpace(string(f.Data))
			}
			reply := llmtest.Reply{Body: parts["body"], RetryAfter: parts["retry-after"]}
			if _, err := fmt.Sscan(parts["status"], &reply.Status); err != nil {
				t.Fatalf("status: %v", err)
			}
			m, srv := h.Start(t)
			srv.Script(reply)
			_, err = m.Generate(t.Context(), ask("oi"))
			got := fmt.Sprintf("%s %s %s", fault.KindOf(err), llm.CauseOf(err), fault.RetryAfter(err))
			if got != parts["want"] {
				t.Errorf("Generate() error = %v: %s, want %s", err, got, parts["want"])
			}
		})
	}
}
