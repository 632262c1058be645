package workflow_test

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"secretaria/internal/workflow"
)

func TestNote(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		news workflow.News
		want string
	}{
		"done": {workflow.News{Workflow: "schedule_meeting", Result: json.RawMessage(`{"starts_at":"2026-11-30 10h","link_meet":"https://meet.example/a_b"}`)},
			"**schedule\\_meeting**: concluído.\n\n- link\\_meet: <https://meet.example/a_b>\n- starts\\_at: 2026\\-11\\-30 10h"},
		"nothing more": {workflow.News{Workflow: "lead", Result: json.RawMessage(`{}`)}, "**lead**: concluído."},
		"no result":    {workflow.News{Workflow: "lead"}, "**lead**: concluído."},
		"no object":    {workflow.News{Workflow: "lead", Result: json.RawMessage(`[1]`)}, "**lead**: concluído."},
		"values of every type": {workflow.News{Workflow: "w", Result: json.RawMessage(`{"a":12345678901234567890,"b":true,"c":null,"d":{"x":[1]},"e":""}`)},
			"**w**: concluído.\n\n- a: 12345678901234567890\n- b: sim\n- c: —\n- d: \\{\"x\":\\[1\\]\\}\n- e: (omitido)"},
		"nothing formats": {workflow.News{Workflow: "w", Result: json.RawMessage(`{"a":"**x**\n# y [z](http://bad.example)","[k](javascript:x)":"1"}`)},
			"**w**: concluído.\n\n- ?: 1\n- a: \\*\\*x\\*\\* \\# y \\[z\\]\\(<http://bad.example)>"},
		"an address that runs": {workflow.News{Workflow: "w", Result: json.RawMessage(`{"a":"javascript:alert(1)"}`)}, "**w**: concluído.\n\n- a: (omitido)"},
		"failed": {workflow.News{Workflow: "lead", Failed: true, Result: workflow.Failure("agenda *cheia*")},
			"**lead**: não deu certo (agenda \\*cheia\\*). Verifique no fluxo o que chegou a ser feito antes de repetir."},
		"failed without a cause": {workflow.News{Workflow: "lead", Failed: true}, "**lead**: não deu certo. Verifique no fluxo o que chegou a ser feito antes de repetir."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := c.news.Note(); got != c.want {
				t.Errorf("Note() = %q, want %q", got, c.want)
			}
		})
	}
}

// Whatever a workflow says, its note is bounded, and every line but the first is an item.
func FuzzNote(f *testing.F) {
	f.Add([]byte(`{"a":"x\n\n# y","b":["z"]}`), false)
	f.Add([]byte(`{"error":"boom\n**x**"}`), true)
	f.Add([]byte(`{"`+strings.Repeat("k", 50)+`":"`+strings.Repeat("*", 600)+`"}`), false)
	f.Fuzz(func(t *testing.T, result []byte, failed bool) {
		got := workflow.News{Workflow: "w", Result: result, Failed: failed}.Note()
		if n := utf8.RuneCountInString(got); n > 15000 || !utf8.ValidString(got) {
			t.Errorf("Note of %q has %d characters", result, n)
		}
		head, items, _ := strings.Cut(got, "\n\n")
		if strings.Contains(head, "\n") || !strings.HasPrefix(head, "**w**: ") {
			t.Errorf("Note of %q begins with %q", result, head)
		}
		for _, line := range strings.Split(items, "\n") {
			if items != "" && !strings.HasPrefix(line, "- ") {
				t.Errorf("Note of %q has the line %q", result, line)
			}
		}
	})
}
