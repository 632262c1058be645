package turn

import (
	"context"
	"slices"
	"sync"
	"time"

	"secretaria/internal/agent"
	"secretaria/internal/conversation"
	"secretaria/internal/store"
)

const (
	// typingAfter is how long a turn thinks before the customer is shown that somebody types:
	// an answer by rule comes sooner, and must not be followed by the sign.
	typingAfter = 300 * time.Millisecond
	// typingTimeout bounds the call that shows it.
	typingTimeout = 3 * time.Second
)

// input is what the desk is told of a turn.
func input(t store.Turn) agent.Input {
	c := t.Conversation
	var fired []agent.Firing
	for _, f := range t.Fired {
		fired = append(fired, agent.Firing{Workflow: f.Workflow, Key: f.Key, Failed: f.Status == store.FailedPermanent})
	}
	return agent.Input{Pending: t.Pending, History: t.History, Now: time.Now(), Broken: t.Failures >= maxFailures,
		Phone: c.Address.To, Conversation: c.ID, Contact: c.Contact, ContactName: c.ContactName, Episode: c.State.Episode,
		Memory: t.Memory, Profile: t.Profile, Fired: fired, OptedOut: t.OptedOut, Woken: t.Woken}
}

// showTyping shows the customer, beside the thinking and never instead of it, that an answer
// is coming. The function it returns ends that.
func showTyping(ctx context.Context, inbox Inbox, t store.Turn) (end func()) {
	asked := slices.ContainsFunc(t.Pending, func(m conversation.Message) bool { return m.Author == conversation.Customer })
	if inbox.Typing == nil || !asked || t.OptedOut || t.Failures >= maxFailures {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	var showing sync.WaitGroup
	showing.Go(func() {
		timer := time.NewTimer(typingAfter)
		defer timer.Stop()
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		ctx, cancel := context.WithTimeout(ctx, typingTimeout)
		defer cancel()
		inbox.Typing(ctx, t.Conversation.Address)
	})
	return func() {
		cancel()
		showing.Wait()
	}
}
