package chatwoot

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"time"

	"secretaria/internal/channel"
	"secretaria/internal/conversation"
	"secretaria/internal/fault"
)

// before an opening is how long the message may have been written whose webhook failed:
// three attempts of some seconds each, and the queue in front of them.
const beforeOpening = 10 * time.Minute

// Survey shows a conversation that Chatwoot may have opened by itself: it does so for good
// when a message could not be brought to its bot, and notes it in an activity line, which
// only a user's token may read. With the bot token alone the newest message is all there is.
// since is when the opening came to be known: who looked at the conversation after that,
// after the line, or after what the customer wrote last, has it.
func (c *Channel) Survey(ctx context.Context, to channel.Address, since time.Time) (channel.Survey, error) {
	if !c.configured() {
		return channel.Survey{}, fault.New(fault.Unsupported, causeNotConfigured)
	}
	path, err := conversationPath(to.Thread)
	if err != nil {
		return channel.Survey{}, err
	}
	conv, status, err := c.conversationNow(ctx, path)
	if err != nil {
		return channel.Survey{}, fmt.Errorf("survey in chatwoot: %w", err)
	}
	s := snapshot(conv)
	if s == nil || s.Status == "" {
		return channel.Survey{}, fmt.Errorf("survey in chatwoot: %w", &fault.Error{Kind: fault.Permanent, Code: causeUnexpected, Status: status})
	}
	account, _, _ := strings.Cut(to.Thread, "/")
	v := survey{c: c, conv: maps.Clone(conv), out: channel.Survey{Snapshot: *s, Person: s.Assignee == conversation.APerson || s.Assignee == conversation.SomeBot && c.botID != s.AssigneeID}}
	v.conv["account"] = map[string]any{"id": account}
	if list, told := c.lines(ctx, path); told {
		since = v.read(list, since)
	} else {
		since = v.newest(since)
	}
	if seen := conv.when("agent_last_seen_at"); !seen.Before(since.Truncate(time.Second)) {
		v.out.Person = true
	}
	return v.out, nil
}

// lines lists the newest messages, activity lines among them, oldest first; false where they
// may not be read.
func (c *Channel) lines(ctx context.Context, path string) ([]any, bool) {
	if c.user.IsZero() {
		return nil, false
	}
	resp, err := c.do(ctx, call{method: http.MethodGet, path: path + "/messages", token: c.user})
	if err != nil {
		return nil, false
	}
	v, err := value(resp.Body)
	list, ok := asObject(v)["payload"].([]any)
	return list, err == nil && ok
}

// survey is one that is being made.
type survey struct {
	c    *Channel
	conv object
	out  channel.Survey
}

// read looks through the lines, and returns the time after which nobody may have looked.
func (v *survey) read(list []any, since time.Time) time.Time {
	opened := -1
	for i, m := range list {
		if m := asObject(m); messageType(m) == activity && tellsFailure(m.text("content", maxCause)) {
			opened = i
		}
	}
	if opened < 0 {
		v.out.BySystem = channel.Absent
		return since
	}
	v.out.BySystem = channel.Arrived
	if at := asObject(list[opened]).when("created_at"); at.Before(since) {
		since = at
	}
	for i, m := range list {
		m := asObject(m)
		switch messageType(m) {
		case incoming:
			if at := m.when("created_at"); i > opened || !at.Before(since.Add(-beforeOpening)) {
				v.said(m)
			}
		case outgoing:
			if v.c.author(m).author == conversation.Person {
				// A person, or a note between people: what came before it was theirs.
				v.out.Said = nil
				v.out.Person = v.out.Person || i > opened
			} else if !m.flag("private") {
				v.out.Said = nil // answered
			}
		case activity:
			// Assigned, labelled, opened once more: somebody has done something about it since.
			v.out.Person = v.out.Person || i > opened
		}
	}
	return since
}

// newest looks at the newest message alone.
func (v *survey) newest(since time.Time) time.Time {
	m := v.conv.object("last_non_activity_message")
	for _, shown := range v.conv.list("messages") {
		if m == nil {
			m = asObject(shown)
		}
	}
	switch {
	case messageType(m) == incoming && !m.flag("private"):
		v.said(m)
		if at := m.when("created_at"); !at.IsZero() && at.Before(since) {
			return at
		}
	case v.c.author(m).author == conversation.Person:
		v.out.Person = true
	}
	return since
}

// said adds what the customer said, as the webhook would have told it.
func (v *survey) said(m object) {
	m = maps.Clone(m)
	m["conversation"], m["account"] = map[string]any(v.conv), v.conv["account"]
	e, err := v.c.message(m, true)
	if err == nil && e.Kind == channel.Received && e.Key != "" {
		v.out.Said = append(v.out.Said, e)
	}
}

// tellsFailure knows the line "Conversation was marked open by system due to an error with
// the agent bot." in English, which most installations show whatever their language is, and
// in what Portuguese and Spanish make of it.
func tellsFailure(line string) bool {
	line = strings.ToLower(line)
	has := func(words ...string) bool {
		for _, w := range words {
			if strings.Contains(line, w) {
				return true
			}
		}
		return false
	}
	return has("error with the agent bot") || has("erro", "error") && has("bot", "robô", "robot") && has("sistema", "system")
}
