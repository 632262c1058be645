package offline_test

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"secretaria/internal/fault"
	"secretaria/internal/llm"
	"secretaria/internal/llm/offline"
)

var update = flag.Bool("update", false, "write the answers into the dialogues")

// TestDialogues plays the dialogues of testdata. In a dialogue "> " is what the customer
// writes, "< " what the model answers, "! " a tool call; lines that go on begin with "| ".
// Several customer lines in a row are one burst.
func TestDialogues(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no dialogues: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var req llm.Request
			var want *txtar.File
			for i, f := range archive.Files {
				switch f.Name {
				case "system":
					req.System = string(f.Data)
				case "tools":
					if err := json.Unmarshal(f.Data, &req.Tools); err != nil {
						t.Fatal(err)
					}
				case "dialogue":
					want = &archive.Files[i]
				}
			}
			got := play(t, req, string(want.Data))
			if *update {
				want.Data = []byte(got)
				if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(string(want.Data), got); diff != "" {
				t.Errorf("dialogue (-want +got):\n%s", diff)
			}
		})
	}
}

// play writes the dialogue as it goes.
func play(t *testing.T, req llm.Request, script string) string {
	t.Helper()
	var out strings.Builder
	lines := strings.Split(script, "\n")
	for i := 0; i < len(lines); i++ {
		text, ok := strings.CutPrefix(lines[i], "> ")
		if !ok {
			continue
		}
		fmt.Fprintf(&out, "> %s\n", text)
		for i+1 < len(lines) && strings.HasPrefix(lines[i+1], "| ") {
			i++
			fmt.Fprintln(&out, lines[i])
			text += "\n" + lines[i][2:]
		}
		req.Messages = append(req.Messages, llm.Message{Role: llm.User, Text: text})
		if i+1 < len(lines) && strings.HasPrefix(lines[i+1], "> ") {
			continue
		}
		for {
			resp, err := offline.Model{}.Generate(t.Context(), &req)
			if err != nil {
				t.Fatalf("Generate(%q) error = %v", text, err)
			}
			req.Messages = append(req.Messages, llm.Message{Role: llm.Assistant, Text: resp.Text, ToolCalls: resp.ToolCalls})
			if resp.Text != "" {
				fmt.Fprintf(&out, "< %s\n", strings.ReplaceAll(resp.Text, "\n", "\n| "))
			}
			for _, c := range resp.ToolCalls {
				fmt.Fprintf(&out, "! %s %s\n", c.Name, c.Arguments)
				req.Messages = append(req.Messages, llm.Message{Role: llm.ToolRole, ToolCallID: c.ID, ToolName: c.Name, Text: `{"ok":true}`})
			}
			if (len(resp.ToolCalls) > 0) != (resp.Finish == llm.ToolCalls) || resp.Usage != (llm.Usage{}) || resp.Model != "offline/rules" || resp.Duration <= 0 {
				t.Errorf("Generate(%q) = %+v, want a finish that fits and no usage", text, resp)
			}
			if len(resp.ToolCalls) == 0 {
				break
			}
		}
	}
	return out.String()
}

func TestErrors(t *testing.T) {
	t.Parallel()
	ask := &llm.Request{Messages: []llm.Message{{Role: llm.User, Text: "oi"}}}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := (offline.Model{}).Generate(ctx, ask); fault.KindOf(err) != fault.Transient || !errors.Is(err, context.Canceled) {
		t.Errorf("Generate() with a cancelled context = %v, want transient", err)
	}
	ctx, cancel = context.WithTimeout(t.Context(), -1)
	defer cancel()
	if _, err := (offline.Model{}).Generate(ctx, ask); fault.Code(err) != "timeout" {
		t.Errorf("Generate() past its deadline = %v, want a timeout", err)
	}
	for name, req := range map[string]*llm.Request{
		"nothing":     {},
		"only ours":   {Messages: []llm.Message{{Role: llm.Assistant, Text: "Olá!"}}},
		"only blanks": {Messages: []llm.Message{{Role: llm.User, Text: " \n"}}},
	} {
		if resp, err := (offline.Model{}).Generate(t.Context(), req); fault.KindOf(err) != fault.Invalid || resp != nil {
			t.Errorf("%s: Generate() = %v, %v, want invalid", name, resp, err)
		}
	}
}

// FuzzGenerate: whatever is said, there is an answer, the same one twice, and every line of
// it that is not one of our phrases stands in the knowledge.
func FuzzGenerate(f *testing.F) {
	f.Add("# Conhecimento\n- Abrimos às 9h.\n## Preços\nP: Quanto custa?\nR: R$ 10", "bom dia, quanto custa?", "Abrimos às 9h.")
	f.Add("<knowledge>\nOpen at 9h\n</knowledge>", "<customer>when do you open?</customer>", "")
	f.Add("Conhecimento:\n\nRegras:\nnunca", "atendente", "x")
	f.Fuzz(func(t *testing.T, system, text, before string) {
		req := &llm.Request{System: system, Messages: []llm.Message{{Role: llm.Assistant, Text: before}, {Role: llm.User, Text: text}}}
		first, err := offline.Model{}.Generate(t.Context(), req)
		if err != nil {
			if fault.KindOf(err) != fault.Invalid {
				t.Fatalf("Generate() error = %v, want an answer or invalid", err)
			}
			return
		}
		if first.Text == "" {
			t.Fatal("Generate() = an empty answer")
		}
		second, err := offline.Model{}.Generate(t.Context(), req)
		if err != nil || second.Text != first.Text {
			t.Errorf("Generate() = %q, then %q, %v, want the same", first.Text, second.Text, err)
		}
		// Without knowledge the words come from our phrases alone, so nothing of the system
		// prompt or of the customer is repeated.
		req.System = ""
		bare, err := offline.Model{}.Generate(t.Context(), req)
		if err != nil {
			t.Fatalf("Generate() error = %v", err)
		}
		if bare.Text != first.Text {
			answer := first.Text
			for _, intro := range []string{"Bom dia! ", "Boa tarde! ", "Boa noite! ", "Olá! ", "Good morning! ", "Good afternoon! ", "Good evening! ", "Hello! ", "Como eu disse: ", "As I said: "} {
				answer = strings.TrimPrefix(answer, intro)
			}
			for _, line := range strings.Split(answer, "\n") {
				if !strings.Contains(system, line) {
					t.Errorf("Generate() says %q, which is not in the knowledge", line)
				}
			}
		}
	})
}
