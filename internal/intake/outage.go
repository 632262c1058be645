package intake

import (
	"context"
	"fmt"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"secretaria/internal/channel"
	"secretaria/internal/fault"
	"secretaria/internal/jsontree"
	"secretaria/internal/spool"
	"secretaria/internal/store"
)

// Chatwoot gives up after 5 s, and then opens the conversation to people.
const (
	// storeTime bounds how long a request waits for the store where there is no spool.
	storeTime = 10 * time.Second
	// directTime is the same where there is one: a database that hangs is noticed by it.
	directTime = 2 * time.Second
	// spoolTime bounds how long a request waits for the spool's disk.
	spoolTime = 2 * time.Second
)

// Spooled is the detail of a webhook that was accepted into the spool.
const Spooled = "spooled"

var errHangs = fault.New(fault.Transient, "no answer from the database in time")

// store brings what a request reports to the disk: into the memory, else into the spool.
func (in *Intake) store(ctx context.Context, a store.Arrival, body []byte) (results []store.Result, spooled bool, err error) {
	if in.cfg.Spool == nil {
		ctx, cancel := context.WithTimeout(ctx, storeTime)
		defer cancel()
		results, err = in.cfg.Memory.Receive(ctx, a)
		return results, false, err
	}
	pass := in.cfg.Spool.Enter()
	defer pass.Leave()
	var why error
	if pass.Direct() {
		results, why = in.receive(ctx, a)
		if why == nil || !in.cfg.Outage(why) {
			return results, false, why
		}
	}
	// What the memory may have stored all the same will be a repeat when it is forwarded.
	ctx, cancel := context.WithTimeout(ctx, spoolTime)
	defer cancel()
	e := spool.Entry{Channel: a.Channel, Inbox: a.Inbox, Body: jsontree.Blank(body, secretive), Fallback: a.Fallback, Received: a.Now, Correlation: a.Correlation}
	if err := pass.Keep(ctx, e, why); err != nil {
		return nil, false, fmt.Errorf("spool webhook: %w", err)
	}
	return nil, true, nil
}

// secretive says of which keys the values are not spooled: what opens something at the
// helpdesk, and addresses that are signed. Nobody reads them here.
func secretive(key string) bool {
	key = strings.ToLower(key)
	for _, end := range []string{"token", "secret", "password", "api_key", "apikey", "hmac_identifier", "avatar", "avatar_url", "thumbnail"} {
		if strings.HasSuffix(key, end) {
			return true
		}
	}
	return false
}

// receive is Memory.Receive for as long as the sender can wait. The memory finishes what it
// has begun, and may take longer to give up.
func (in *Intake) receive(ctx context.Context, a store.Arrival) ([]store.Result, error) {
	ctx, cancel := context.WithTimeout(ctx, directTime)
	defer cancel()
	type end struct {
		results []store.Result
		err     error
	}
	ended := make(chan end, 1)
	go func() {
		var e end
		defer func() {
			if p := recover(); p != nil {
				in.cfg.Logger.ErrorContext(ctx, "webhook panicked", "stack", string(debug.Stack()))
				e.err = fault.Panicked(p)
			}
			ended <- e
		}()
		e.results, e.err = in.cfg.Memory.Receive(ctx, a)
	}()
	select {
	case e := <-ended:
		return e.results, e.err
	case <-ctx.Done():
		return nil, errHangs
	}
}

// Read reads a spooled webhook again, with the inboxes of today. Errors are for ever:
// fault.NotFound where its inbox is gone, fault.Invalid where it is not understood any more.
func (in *Intake) Read(e spool.Entry) (store.Arrival, error) {
	inbox := in.inboxes[e.Inbox]
	if inbox == nil {
		return store.Arrival{}, fault.New(fault.NotFound, "the inbox is not configured")
	}
	events, err := inbox.Channel.Parse(&channel.Request{Header: http.Header{}, Body: e.Body, Received: e.Received})
	if err != nil {
		return store.Arrival{}, err
	}
	// Windows and ages count from its arrival, as if it had been stored then. But what was
	// set aside may have been overtaken, and the store knows by the age what not to answer.
	now := e.Received
	if e.Late {
		now = time.Now()
	}
	a := in.arrival(inbox, events, now, e.Correlation)
	a.Fallback = e.Fallback
	return a, nil
}

// Receive stores what Read has read.
func (in *Intake) Receive(ctx context.Context, a store.Arrival) ([]store.Result, error) {
	began := time.Now()
	results, err := in.cfg.Memory.Receive(ctx, a)
	Traced(ctx, began, a.Correlation, err, results...)
	if err == nil {
		in.announce(results)
	}
	return results, err
}
