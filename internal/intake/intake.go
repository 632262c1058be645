// Package intake is the webhook: bound, verify, parse, limit, store, acknowledge.
//
// A request is acknowledged once what it reports is on disk, and nothing remote is called
// before that. Everything that can arrive unauthenticated or malformed gets the documented
// answer and nothing else: never our fault's status for the sender's fault, never a stack,
// never a customer's words.
package intake

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"mime"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"secretaria/internal/channel"
	"secretaria/internal/conversation"
	"secretaria/internal/fault"
	"secretaria/internal/job"
	"secretaria/internal/redact"
	"secretaria/internal/sanitise"
	"secretaria/internal/spool"
	"secretaria/internal/store"
	"secretaria/internal/telemetry"
	"secretaria/internal/tracing"
)

// MaxBody is the largest body that is read, in bytes.
const MaxBody = 1 << 20

// Memory is what intake needs of the store.
type Memory interface {
	Receive(context.Context, store.Arrival) ([]store.Result, error)
}

// Limiter bounds how often something may happen to a key. Return gives back a use that
// came to nothing.
type Limiter interface {
	Allow(key string) (ok bool, retryAfter time.Duration)
	Return(key string)
}

// Inbox is a configured inbox.
type Inbox struct {
	Name    string
	Channel channel.Channel
	// Signed: requests carry a signature over a timestamp, so that the two together
	// identify a request whose events have no id.
	Signed bool
	Quiet  conversation.Quiet
	Hold   time.Duration // how long a person who took over keeps a conversation; 0: until handed back
	// TakeBack is when a conversation is looked at that the helpdesk may have opened by itself; 0: never.
	TakeBack time.Duration
}

// Done is what became of a webhook: one wide line of the log, and the metrics.
type Done struct {
	Channel     channel.Kind
	Inbox       string // "" where there is no such inbox
	Outcome     channel.OutcomeKind
	Detail      string // bounded: the reason of an ignored event or of a refusal; a path for a bad payload
	Results     []store.Result
	Correlation string
	Duration    time.Duration
	Err         error

	proven bool // that the sender is who it should be
}

// Config of an Intake.
type Config struct {
	Kind    channel.Kind
	Inboxes []Inbox
	// Stranger answers for inboxes that do not exist: exactly like a wrong signature.
	Stranger channel.Channel
	Memory   Memory
	// Spool keeps what Memory cannot take during an outage; nil where there is none.
	Spool *spool.Spool
	// Outage tells errors of Memory that will pass by themselves, its being out of reach,
	// from others. Needed beside Spool.
	Outage       func(error) bool
	Failures     Limiter // requests that fail authentication, by client IP
	Contacts     Limiter // accepted messages, by contact
	DedupeWindow time.Duration
	ClientIP     func(*http.Request) string
	Logger       *slog.Logger
	Observe      func(Done) // may be nil
	// Wake is told of a lane that is due because of a webhook, and when. May be nil.
	Wake func(lane job.Lane, due time.Time)
	// Stale is told of conversations that moved on. May be nil.
	Stale func(conversation.ID)
	// Traces follow webhooks; nil: nobody does.
	Traces *tracing.Tracer
}

// Intake handles the webhooks of one kind of channel. It is safe for concurrent use.
type Intake struct {
	cfg     Config
	inboxes map[string]*Inbox
	only    *Inbox // what a path without an inbox means
}

// New returns a handler. A path without an inbox means the inbox named like the channel,
// or the only one there is.
func New(cfg Config) *Intake {
	in := &Intake{cfg: cfg, inboxes: map[string]*Inbox{}}
	for i := range cfg.Inboxes {
		in.inboxes[cfg.Inboxes[i].Name] = &cfg.Inboxes[i]
	}
	in.only = in.inboxes[string(cfg.Kind)]
	if in.only == nil && len(cfg.Inboxes) == 1 {
		in.only = &cfg.Inboxes[0]
	}
	if in.cfg.Logger == nil {
		in.cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if in.cfg.Observe == nil {
		in.cfg.Observe = func(Done) {}
	}
	if in.cfg.Wake == nil {
		in.cfg.Wake = func(job.Lane, time.Time) {}
	}
	if in.cfg.Stale == nil {
		in.cfg.Stale = func(conversation.ID) {}
	}
	return in
}

// ServeHTTP implements http.Handler for a POST pattern with the optional wildcards
// {inbox} and {secret}.
func (in *Intake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	started := time.Now()
	inbox := in.only
	if name := r.PathValue("inbox"); name != "" {
		inbox = in.inboxes[name]
	}
	done := Done{Channel: in.cfg.Kind, Correlation: telemetry.Correlation(r.Context())}
	ch := in.cfg.Stranger
	if inbox != nil {
		done.Inbox, ch = inbox.Name, inbox.Channel
	}
	ctx, span := in.cfg.Traces.Begin(r.Context(), tracing.WebhookReceived, tracing.Root(done.Correlation), started)
	if span != nil {
		r = r.WithContext(ctx)
	}
	outcome, retry := in.accept(w, r, inbox, ch, &done)
	outcome.Detail = redact.Text(outcome.Detail) // it is answered and logged
	done.Outcome, done.Detail = outcome.Kind, outcome.Detail
	status := answer(w, ch, outcome, retry)
	done.Duration = time.Since(started)
	traced(span, r, &done, status)
	in.report(r.Context(), done)
}

func (in *Intake) accept(w http.ResponseWriter, r *http.Request, inbox *Inbox, ch channel.Channel, done *Done) (outcome channel.Outcome, retry time.Duration) {
	defer func() {
		// Even then the sender gets the answer that is documented for it: Chatwoot tries again.
		if p := recover(); p != nil {
			done.Err = fault.Panicked(p)
			in.cfg.Logger.ErrorContext(r.Context(), "webhook panicked", "stack", string(debug.Stack()))
			outcome, retry = channel.Outcome{Kind: channel.Unavailable}, 0
		}
	}()
	body, err := ReadBody(w, r, MaxBody)
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return channel.Outcome{Kind: channel.TooLarge}, 0
	}
	if err != nil {
		// The sender is gone or too slow; nobody reads the answer.
		return channel.Outcome{Kind: channel.BadPayload, Detail: "body: incomplete"}, 0
	}
	req := &channel.Request{Header: r.Header, Body: body, PathSecret: r.PathValue("secret"), Received: time.Now()}
	if err := ch.Authenticate(req); err != nil || inbox == nil {
		if ok, after := in.cfg.Failures.Allow(in.cfg.ClientIP(r)); !ok {
			return channel.Outcome{Kind: channel.TooManyByIP}, after
		}
		detail := "invalid signature"
		if err != nil {
			detail = fault.Code(err)
		}
		return channel.Outcome{Kind: channel.Refused, Detail: detail}, 0
	}
	done.proven = true
	if !IsJSON(r.Header.Get("Content-Type")) {
		return channel.Outcome{Kind: channel.WrongType}, 0
	}
	events, err := ch.Parse(req)
	if err != nil {
		return channel.Outcome{Kind: channel.BadPayload, Detail: fault.Code(err)}, 0
	}
	if reason, nothing := ignored(events); nothing {
		return channel.Outcome{Kind: channel.Skipped, Detail: reason}, 0
	}
	ok, after := in.limit(inbox, events)
	if !ok {
		return channel.Outcome{Kind: channel.TooManyByContact}, after
	}
	// What arrived whole is stored even if the sender has hung up meanwhile: Whaticket does
	// not send it again.
	a := in.arrival(inbox, events, req.Received, done.Correlation)
	a.Fallback = fallback(r, inbox, req)
	began := time.Now()
	results, spooled, err := in.store(context.WithoutCancel(r.Context()), a, req.Body)
	if spooled {
		tracing.From(r.Context()).Past(tracing.WebhookSpooled, tracing.Spooled(a.Correlation, a.Now), began).End()
	} else {
		Traced(r.Context(), began, a.Correlation, err, results...)
	}
	if err != nil {
		in.unlimit(inbox, events)
		done.Err = err
		return channel.Outcome{Kind: channel.Unavailable}, 0
	}
	if spooled {
		return channel.Outcome{Kind: channel.Accepted, Detail: Spooled}, 0
	}
	for i := range results {
		if results[i].Duplicate {
			in.unlimit(inbox, events[i:i+1])
		}
	}
	done.Results = results
	in.announce(results)
	return summary(events, results), 0
}

// limit counts the messages of a request, all of them or none.
func (in *Intake) limit(inbox *Inbox, events []channel.Event) (bool, time.Duration) {
	for i := range events {
		if events[i].Kind != channel.Received {
			continue
		}
		if ok, after := in.cfg.Contacts.Allow(contactKey(inbox.Name, &events[i])); !ok {
			in.unlimit(inbox, events[:i])
			return false, after
		}
	}
	return true, 0
}

// unlimit takes back what limit counted: the limit is on accepted messages, and what
// failed or was a repeat is none.
func (in *Intake) unlimit(inbox *Inbox, events []channel.Event) {
	for i := range events {
		if events[i].Kind == channel.Received {
			in.cfg.Contacts.Return(contactKey(inbox.Name, &events[i]))
		}
	}
}

// ReadBody reads a body of at most limit bytes whole. Length and limit are checked before a
// byte is kept; what is larger is an *http.MaxBytesError.
func ReadBody(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, error) {
	if r.ContentLength > limit {
		return nil, &http.MaxBytesError{Limit: limit}
	}
	var buf bytes.Buffer
	if r.ContentLength > 0 {
		buf.Grow(int(r.ContentLength) + bytes.MinRead)
	}
	_, err := io.Copy(&buf, http.MaxBytesReader(w, r.Body, limit))
	return buf.Bytes(), err
}

// IsJSON says whether a media type is one of JSON, or none.
func IsJSON(contentType string) bool {
	if contentType == "" {
		return true // some senders leave it out; the body decides
	}
	t, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		return false
	}
	return t == "application/json" || strings.HasPrefix(t, "application/") && strings.HasSuffix(t, "+json")
}

// ignored says whether no event wants anything, and why.
func ignored(events []channel.Event) (string, bool) {
	for i := range events {
		if events[i].Kind != channel.Ignored || events[i].Snapshot != nil || events[i].Command != "" {
			return "", false
		}
	}
	return events[0].Reason, true
}

func contactKey(inbox string, ev *channel.Event) string {
	key := inbox + "\x00" + ev.Thread
	if len(ev.Contact.Identities) > 0 {
		id := ev.Contact.Identities[0]
		key = inbox + "\x00" + string(id.Kind) + "\x00" + id.Value
	}
	return key
}

func (in *Intake) arrival(inbox *Inbox, events []channel.Event, received time.Time, correlation string) store.Arrival {
	for i := range events {
		events[i].Contact.Name = sanitise.Name(events[i].Contact.Name) // people and programs read it
	}
	return store.Arrival{Inbox: inbox.Name, Channel: in.cfg.Kind, Events: events, Now: received, Correlation: correlation, Quiet: inbox.Quiet,
		DedupeWindow: in.cfg.DedupeWindow, Hold: inbox.Hold, TakeBack: inbox.TakeBack,
		// In Whaticket a person who acts on a ticket has it, and moving it would message the customer.
		CanOpen: in.cfg.Kind == channel.Chatwoot && inbox.Channel.Supports(channel.OpenUp)}
}

// fallback identifies a signed request whose events have no id.
func fallback(r *http.Request, inbox *Inbox, req *channel.Request) []byte {
	ts := r.Header.Get("X-Timestamp")
	if !inbox.Signed || ts == "" {
		return nil
	}
	sum := sha256.New()
	fmt.Fprintf(sum, "%s.", ts)
	sum.Write(req.Body)
	return sum.Sum(nil)
}

func (in *Intake) announce(results []store.Result) {
	var turn time.Time
	turns, deliveries := false, false
	for i := range results {
		r := &results[i]
		if r.Stale {
			in.cfg.Stale(r.Conversation)
		}
		if r.Pending && (!turns || r.DueAt.Before(turn)) {
			turns, turn = true, r.DueAt
		}
		deliveries = deliveries || r.Deliver
	}
	if turns {
		in.cfg.Wake(job.Turns, turn)
	}
	if deliveries {
		in.cfg.Wake(job.Deliveries, time.Now())
	}
}

// summary is one answer for all events of a request.
func summary(events []channel.Event, results []store.Result) channel.Outcome {
	duplicate, reason := true, ""
	for i := range events {
		if events[i].Kind == channel.Ignored {
			reason = events[i].Reason
			continue
		}
		reason = ""
		if !results[i].Duplicate {
			duplicate = false
		}
	}
	for i := range events {
		switch k := events[i].Kind; {
		case k == channel.Received || k == channel.Edited:
			if duplicate {
				return channel.Outcome{Kind: channel.Duplicate}
			}
			return channel.Outcome{Kind: channel.Accepted}
		case reason == "" && k == channel.Said:
			reason = "message_by_" + string(events[i].Author)
			if events[i].Author == conversation.Ours || results[i].Change.To == "" && events[i].Author == conversation.Person {
				reason = "own_echo"
			}
		case reason == "" && k == channel.Revoked:
			reason = "revoke"
		case reason == "" && k == channel.Changed:
			reason = "state"
		case reason == "" && k == channel.Failed:
			reason = "send_failed"
		}
	}
	return channel.Outcome{Kind: channel.Skipped, Detail: reason}
}

// answer writes the answer and returns its status.
func answer(w http.ResponseWriter, ch channel.Channel, o channel.Outcome, retry time.Duration) int {
	status, body := ch.Answer(o)
	h := w.Header()
	h.Set("Content-Type", "application/json; charset=utf-8")
	if ch.CloseAfterAnswer() {
		h.Set("Connection", "close")
	}
	if retry > 0 {
		h.Set("Retry-After", strconv.Itoa(int(math.Ceil(retry.Seconds()))))
	}
	b, err := json.Marshal(body)
	if err != nil {
		b, status = []byte("{}"), http.StatusInternalServerError
	}
	w.WriteHeader(status)
	_, _ = w.Write(b) // the sender is gone; what it sent is stored
	return status
}

func (in *Intake) report(ctx context.Context, d Done) {
	level := slog.LevelInfo
	attrs := make([]slog.Attr, 0, 12)
	attrs = append(attrs, slog.String("correlation_id", d.Correlation), slog.String("channel", string(d.Channel)), slog.String("inbox", d.Inbox),
		slog.String("outcome", string(d.Outcome)), slog.String("detail", d.Detail), slog.Float64("duration_ms", float64(d.Duration.Microseconds())/1000))
	for i := range d.Results {
		r := &d.Results[i]
		if r.Conversation == 0 {
			continue
		}
		attrs = append(attrs, slog.Int64("conversation", int64(r.Conversation)), slog.Int64("message", int64(r.Message)), slog.Bool("pending", r.Pending))
		if r.Change.To != "" {
			attrs = append(attrs, slog.String("holder", string(r.Change.To)), slog.String("moved_by", string(r.Change.Reason)), slog.Int("cancelled", r.Cancelled))
		}
		break // a request with several messages is rare; the others are in the rows
	}
	switch {
	case d.Err != nil:
		level = slog.LevelError
		attrs = append(attrs, slog.String("error", d.Err.Error()))
	case d.Outcome == channel.Refused, d.Outcome == channel.BadPayload, d.Outcome == channel.TooManyByIP, d.Outcome == channel.TooManyByContact:
		level = slog.LevelWarn
	}
	in.cfg.Logger.LogAttrs(ctx, level, "webhook received", attrs...)
	in.cfg.Observe(d)
}
