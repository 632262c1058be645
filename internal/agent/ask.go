package agent

import (
	"context"
	"strings"
	"time"

	"secretaria/internal/conversation"
	"secretaria/internal/fault"
	"secretaria/internal/house"
	"secretaria/internal/llm"
	"secretaria/internal/tracing"
)

const (
	// chances bounds the answers of one turn that are of no use: empty ones, and calls of
	// tools that do not exist.
	chances = 3
	// calls bounds all calls of one turn. The last may not use tools.
	calls = 6
	// patience is how many turns in a row a playbook goes on without the model before a
	// person gets the conversation.
	patience = 3
	// relevant is how many facts a prompt holds, relevantTokens what they may come to.
	relevant       = 8
	relevantTokens = 1200
)

// think decides with the playbook and the model.
func (t *turn) think(ctx context.Context) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	t.read(false)
	if t.step != nil && t.step.Text != "" && (t.offline() || t.step.Question == "") && !t.step.Countered {
		t.decided(Replied, "playbook", t.step.Text)
		t.mem.Failures = 0
		return nil
	}
	t.hits = t.a.library.Relevant(ctx, t.texts, relevant, relevantTokens)
	return t.ask(ctx)
}

func (t *turn) offline() bool { return strings.HasPrefix(t.a.model.Name(), "offline/") }

// ask lets the model answer, and use its tools on the way.
func (t *turn) ask(ctx context.Context) error {
	t.d.Model = t.a.model.Name()
	req := t.request()
	started := time.Now()
	useless := 0
	for i := range calls {
		if i == calls-1 {
			req.ToolChoice = llm.ChooseNone
		}
		resp, err := t.generate(ctx, req)
		t.d.ModelTime = time.Since(started)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil && fault.Code(err) == llm.CodeEmpty && useless < chances-1 {
			useless++
			continue // a second chance: the same question often gets words the next time
		}
		if err != nil {
			t.unanswered(fault.Code(err), failureNote(err))
			return nil
		}
		t.d.Usage = t.d.Usage.Add(resp.Usage)
		text := t.spoken(resp)
		if done := t.handsOver(resp, text); done {
			return nil
		}
		results, known, more := t.useAll(ctx, resp.ToolCalls)
		if text != "" && !more || text != "" && i == calls-1 {
			return t.answer(ctx, req, resp, text)
		}
		if !known {
			if useless++; useless == chances {
				break
			}
		}
		req = next(req, resp, results)
	}
	t.unanswered(llm.CodeEmpty, "O modelo de linguagem não deu uma resposta utilizável.")
	return nil
}

// handsOver carries out a handoff, wherever it stands among the calls.
func (t *turn) handsOver(resp *llm.Response, text string) bool {
	for _, call := range resp.ToolCalls {
		if call.Name != handoffTool || !t.offers(handoffTool) {
			continue
		}
		farewell := t.farewell()
		if text = unmarked(text); text != "" && t.open() {
			if text = t.honest(text, true); text != "" && t.passes(text) {
				farewell = text
			}
		}
		t.handOver("model", t.handoffNote(call.Arguments), farewell)
		return true
	}
	return false
}

// useAll uses the tools that were called. known says that at least one of them exists.
func (t *turn) useAll(ctx context.Context, toolCalls []llm.ToolCall) (results []string, known, more bool) {
	for _, call := range toolCalls {
		using, span := tracing.Start(ctx, tracing.ToolUsed)
		result, ok, m := t.use(using, call)
		t.tracedTool(span, call.Name)
		if ok && call.Name == house.LookupTool {
			t.toolResults = append(t.toolResults, result) // the others say what the model itself has said
		}
		results = append(results, result)
		known, more = known || ok, more || m
	}
	return results, known, more
}

// spoken are the words of an answer: whole sentences, without the tags of the fence, which
// some models write as well.
func (t *turn) spoken(resp *llm.Response) string {
	text := visible(t.fence.Unwrap(resp.Text))
	if resp.Finish == llm.Length {
		text = whole(text)
	}
	return text
}

// next is the request with what was called and what came of it. Without calls it is the same
// again.
func next(req *llm.Request, resp *llm.Response, results []string) *llm.Request {
	n := *req
	n.Messages = append([]llm.Message(nil), req.Messages...)
	if len(resp.ToolCalls) > 0 {
		n.Messages = append(n.Messages, llm.Message{Role: llm.Assistant, ToolCalls: resp.ToolCalls})
		for i, c := range resp.ToolCalls {
			n.Messages = append(n.Messages, llm.Message{Role: llm.ToolRole, ToolCallID: c.ID, ToolName: c.Name, Text: req.Fence.Wrap(results[i])})
		}
	}
	return &n
}

// unanswered decides without the model. Where none answers, a person gets the conversation;
// one that answers with nothing of use leaves the playbook its own words, as long as it has
// some and it does not happen again and again.
func (t *turn) unanswered(reason, why string) {
	t.mem.Faults++
	if reason != llm.CodeEmpty || t.step == nil || t.step.Text == "" || t.mem.Faults >= patience {
		t.fallback(reason, why)
		return
	}
	text := t.step.Text
	if t.step.Countered {
		text = t.a.words.later + " " + text
		t.mem.Failures++
	}
	if t.mem.Failures >= t.a.cfg.Handoff.Failures {
		t.fallback(reason, why)
		return
	}
	t.decided(Replied, "playbook_alone", text)
}

// answer is what the model said, checked.
func (t *turn) answer(ctx context.Context, req *llm.Request, resp *llm.Response, text string) error {
	text, err := t.checked(ctx, req, resp, text)
	if err != nil || t.d.Handoff != nil {
		return err
	}
	t.mem.Faults = 0
	if ignorant(text) {
		t.mem.Failures++
	} else {
		t.mem.Failures = 0
	}
	if t.mem.Failures >= t.a.cfg.Handoff.Failures {
		t.handOver("failures", "O assistente não conseguiu ajudar em várias respostas seguidas.", t.farewell())
		return nil
	}
	t.decided(Replied, "model")
	t.d.Replies = t.quoted(t.acknowledged(t.phrased(text)))
	if len(t.d.Replies) == 0 {
		t.decided(Replied, "model", t.a.words.nothing)
	}
	return nil
}

// quoted cuts an answer at the marks that say which message a part of it is for. The marks
// never reach the customer.
func (t *turn) quoted(text string) []Reply {
	var out []Reply
	add := func(text, key string) {
		if text = unmarked(text); text == "" {
			return
		}
		if n := len(out); n > 0 && out[n-1].Quote == key {
			out[n-1].Text += "\n\n" + text
			return
		}
		out = append(out, Reply{Text: text, Quote: key})
	}
	at, key := 0, ""
	for _, m := range mark.FindAllStringSubmatchIndex(text, -1) {
		if m[0] > 0 && strings.TrimSpace(text[lineStart(text, m[0]):m[0]]) != "" {
			continue // within a line it means nothing
		}
		add(text[at:m[0]], key)
		at, key = m[1], t.keyOf(text[m[2]:m[3]])
	}
	add(text[at:], key)
	if len(out) == 1 {
		out[0].Quote = "" // one answer to all of them
	}
	return out
}

func lineStart(text string, at int) int { return strings.LastIndexByte(text[:at], '\n') + 1 }

// keyOf is the channel's id of the message with a number, "" where there is none.
func (t *turn) keyOf(number string) string {
	for i, m := range t.numbered() {
		if number == itoa(i+1) {
			return m.Key
		}
	}
	return ""
}

// numbered are the messages that a model may answer one by one: several questions, each known
// to the channel by an id.
func (t *turn) numbered() []conversation.Message {
	var out []conversation.Message
	questions := 0
	for _, m := range t.asked {
		if !m.Content.Readable() || m.Key == "" {
			continue
		}
		out = append(out, m)
		if strings.Contains(m.Content.Text, "?") {
			questions++
		}
	}
	if questions < 2 {
		return nil
	}
	return out
}
