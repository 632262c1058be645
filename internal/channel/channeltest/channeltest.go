// Package channeltest is the suite that every channel passes: what package channel promises
// about authentication, parsing, answers, orders and reconciliation, tried against a fake
// peer that misbehaves on request. An adapter describes itself with a Harness; its own
// tests then only hold what is peculiar to its peer.
package channeltest

import (
	"fmt"
	"strings"
	"testing"

	"secretaria/internal/channel"
	"secretaria/internal/fault"
)

// Behaviour is how the fake peer treats requests that have an effect (sending, writing a
// note, changing a status). Logins and reads stay healthy in all but Refuse and Down.
type Behaviour int

// The behaviours.
const (
	Healthy    Behaviour = iota
	TooMany              // 429 with "Retry-After: 7", no effect
	Broken               // 500 with the peer's usual JSON error, no effect
	Hang                 // read the request, no effect, answer nothing until the client goes away
	Reset                // read the request, no effect, drop the connection
	LostAnswer           // the effect happens, then the connection is dropped
	HalfAnswer           // the effect happens, the answer ends before its Content-Length
	HTML                 // 200 and a web page: the URL leads to something else; no effect
	Refuse               // every credential is wrong: the peer's own 401 or 403 for it
	Down                 // nobody listens: connection refused
)

// Peer is the fake helpdesk behind a channel.
type Peer struct {
	// Set makes the peer behave so from now on. The returned channel is closed when the
	// first request with an effect was read whole; it may be nil for Down.
	Set func(Behaviour) (read <-chan struct{})
	// Said lists the public messages whose effect happened, in order, exactly as they came
	// over the wire.
	Said func() []string
}

// Bench is one fresh channel with its fake peer. The suite never shares one between tests.
type Bench struct {
	Channel channel.Channel
	Peer    Peer
	// Sign makes the request with which the real peer would deliver body, now.
	Sign func(body []byte) *channel.Request
}

// Answer is one line of the documented table of answers. JSON is compared by value.
type Answer struct {
	Outcome channel.Outcome
	Status  int
	JSON    string
}

// Harness describes an adapter to the suite.
type Harness struct {
	// New builds a bench and cleans up after it with t.Cleanup.
	New func(t *testing.T) Bench

	// Good are bodies that Parse accepts; the first is one text from a customer. The suite
	// also breaks each of their fields in turn. Bad are well-formed bodies that Parse refuses.
	Good, Bad [][]byte
	// Signed says that authentication covers the body: one changed byte must be refused.
	Signed bool
	// AuthHeaders are the headers that authenticate; without any one of them, and with one
	// byte of any one of them changed, a request is refused.
	AuthHeaders []string
	// Answers is the whole documented table.
	Answers []Answer
	// Close is what CloseAfterAnswer must say.
	Close bool

	// Say is an order that works; the suite changes its Text, Delivery and Since.
	Say channel.Order
	// Others are further orders that work; every kind that is neither here nor Say must be
	// unsupported. Kinds in Silent are exempt (best effort: Typing).
	Others []channel.Order
	Silent []channel.OrderKind
	// Templates is syntax of the peer's template language that must never reach it in a Text.
	Templates []string
	// Reconciles says that a lost answer can be told from a lost message by asking the peer.
	Reconciles bool

	// Secrets are configured secrets; none may appear in any error. Private is what no Code
	// may hold: the peer's host, phone numbers, names.
	Secrets, Private []string
}

// Run runs the suite.
func Run(t *testing.T, h Harness) {
	t.Helper()
	if h.New == nil || len(h.Good) == 0 {
		t.Fatal("channeltest: a harness needs New and Good")
	}
	for name, test := range map[string]func(*testing.T, Harness){
		"Authenticate":       authenticate,
		"AuthenticateFirst":  authenticateFirst,
		"Parse":              parse,
		"ParseNonsense":      parseNonsense,
		"ParseBrokenFields":  parseBrokenFields,
		"Answer":             answer,
		"Supports":           supports,
		"Say":                say,
		"Others":             others,
		"Templates":          templates,
		"Failures":           failures,
		"Hang":               hang,
		"CancelledBefore":    cancelledBefore,
		"ReconcileArrived":   reconcileArrived,
		"ReconcileAbsent":    reconcileAbsent,
		"ReconcileUnasked":   reconcileUnasked,
		"Probe":              probe,
		"ConcurrentMessages": concurrent,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, h)
		})
	}
}

// marker stands in bodies and texts that must not come back in an error.
const marker = "zq9Marker7"

// leaks fails the test when err gives away what it must not.
func (h Harness) leaks(t *testing.T, err error) {
	t.Helper()
	if err == nil {
		return
	}
	whole := fmt.Sprintf("%v %+v %#v", err, err, err)
	for _, s := range h.Secrets {
		if s != "" && strings.Contains(whole, s) {
			t.Errorf("an error holds a configured secret: %q", strings.ReplaceAll(whole, s, "<SECRET>"))
		}
	}
	code := fault.Code(err)
	for _, s := range append([]string{marker}, h.Private...) {
		if s != "" && strings.Contains(code, s) {
			t.Errorf("Code %q holds %q, which is private", code, s)
		}
	}
	if len(code) > 120 {
		t.Errorf("Code has %d bytes, want a short cause: %q", len(code), code)
	}
}
