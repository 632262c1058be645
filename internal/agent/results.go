package agent

import (
	"slices"
	"strings"

	"secretaria/internal/conversation"
	"secretaria/internal/workflow"
)

// results brings what came of workflows into the conversation. It has decided the turn where
// nobody asked anything, and where a failure is for people.
func (t *turn) results() bool {
	came := false
	for _, m := range t.in.Pending {
		if m.Content.Kind != conversation.Result {
			continue
		}
		came = true
		news, ok := workflow.ReadNews(m.Content)
		if !ok {
			continue
		}
		if why, failed := t.result(news); failed {
			t.handOver("workflow_failed", why, t.a.words.failed+t.farewell())
			return true
		}
	}
	if came && t.mem.Awaits != "" && slices.Contains(t.mem.Done, t.mem.Awaits) {
		// The handoff has waited for it, so that the result could still be told.
		t.handOver("playbook", "O lead está qualificado.", t.lateWords()...)
		return true
	}
	if len(t.asked) > 0 {
		return t.mem.Awaits != "" && t.overdue()
	}
	t.decided(Silent, "workflow_done")
	if len(t.before) > 0 {
		t.d.Outcome = Replied
	}
	return true
}

// lateWords are what a customer reads who is handed over only now: nothing where there is
// no question of his own.
func (t *turn) lateWords() []string {
	if len(t.asked) == 0 {
		return nil
	}
	return []string{t.farewell()}
}

// result takes one result; failed says that people have to know, with the first line of
// their note.
func (t *turn) result(news workflow.News) (why string, failed bool) {
	d, known := t.declared(news.Workflow)
	if t.mem.Expects == news.Workflow {
		t.mem.Expects = ""
	}
	if news.Failed {
		why = "O fluxo \"" + news.Workflow + "\" falhou e precisa de uma pessoa."
		if known && d.Reply == "" && t.mem.Awaits != news.Workflow {
			// The customer was promised nothing that he could miss.
			t.d.Note = joined(t.d.Note, why)
			return "", false
		}
		return why, true
	}
	if !slices.Contains(t.mem.Done, news.Workflow) {
		t.mem.Done = append(t.mem.Done, news.Workflow)
		t.mem.Done = t.mem.Done[max(0, len(t.mem.Done)-maxDone):]
	}
	if !known || d.Reply == "" {
		return "", false
	}
	text, err := workflow.Render(d.Reply, news.Result)
	if err != nil {
		return "O fluxo \"" + news.Workflow + "\" terminou, mas a resposta não pôde ser mostrada ao cliente.", true
	}
	if text = strings.TrimSpace(text); text != "" {
		t.before = append(t.before, text)
	}
	return "", false
}

func joined(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + "\n\n" + b
}
