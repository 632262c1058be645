package channeltest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"secretaria/internal/channel"
	"secretaria/internal/conversation"
	"secretaria/internal/fault"
)

func supports(t *testing.T, h Harness) {
	b := h.New(t)
	want := map[channel.OrderKind]bool{h.Say.Kind: true}
	for _, o := range h.Others {
		want[o.Kind] = true
	}
	for _, kind := range []channel.OrderKind{channel.Say, channel.Note, channel.Attributes, channel.Labels, channel.Assign, channel.OpenUp, channel.Pend, channel.Typing, channel.TakeBack, channel.Call, "a new kind"} {
		if slices.Contains(h.Silent, kind) {
			continue
		}
		if got := b.Channel.Supports(kind); got != want[kind] {
			t.Errorf("Supports(%q) = %v, want %v", kind, got, want[kind])
		}
		if want[kind] {
			continue
		}
		o := h.Say
		o.Kind = kind
		_, err := b.Channel.Do(t.Context(), o)
		if !fault.Is(err, fault.Unsupported) {
			t.Errorf("Do(%q) = %v, want fault.Unsupported", kind, err)
		}
	}
	if said := b.Peer.Said(); len(said) != 0 {
		t.Errorf("unsupported orders said %q", said)
	}
}

// saying returns the order with a text and a delivery of its own.
func (h Harness) saying(n int, text string) channel.Order {
	o := h.Say
	o.Delivery = conversation.DeliveryID(fmt.Sprintf("00000000-0000-4000-8000-%012d", n))
	o.Text = text
	o.Since = time.Now().Add(-time.Second)
	return o
}

func say(t *testing.T, h Harness) {
	b := h.New(t)
	texts := []string{"Olá! Tudo bem? 🙂", "duas\n\nlinhas", strings.Repeat("a", 4000)}
	for i, text := range texts {
		receipt, err := b.Channel.Do(t.Context(), h.saying(i, text))
		if err != nil {
			t.Fatalf("Do(say %q) = %v", text, err)
		}
		if receipt.Status < 200 || receipt.Status > 299 {
			t.Errorf("Receipt.Status = %d, want 2xx", receipt.Status)
		}
	}
	said := b.Peer.Said()
	if len(said) != len(texts) {
		t.Fatalf("the peer got %d messages, want %d", len(said), len(texts))
	}
	if said[0] != texts[0] {
		t.Errorf("the peer got %q, want %q", said[0], texts[0])
	}
}

func others(t *testing.T, h Harness) {
	b := h.New(t)
	for i, o := range h.Others {
		o.Delivery = conversation.DeliveryID(fmt.Sprintf("00000000-0000-4000-8000-%012d", i))
		o.Since = time.Now().Add(-time.Second)
		if _, err := b.Channel.Do(t.Context(), o); err != nil {
			t.Errorf("Do(%s) = %v", o.Kind, err)
		}
		// Doing it again is what a retry does.
		if _, err := b.Channel.Do(t.Context(), o); err != nil {
			t.Errorf("Do(%s) a second time = %v", o.Kind, err)
		}
	}
}

func templates(t *testing.T, h Harness) {
	if len(h.Templates) == 0 {
		t.Skip("the peer has no template language")
	}
	b := h.New(t)
	n := 0
	for _, syntax := range h.Templates {
		for _, text := range []string{
			"antes " + syntax + "name}} depois", syntax, syntax + syntax + syntax, "`" + syntax + "x}}`",
			"**" + syntax + "**", "    " + syntax + " x }}", "[" + syntax + "](https://example.com/" + syntax + ")",
			strings.Join(strings.Split(syntax, ""), "\\"), strings.Join(strings.Split(syntax, ""), "<b></b>"), strings.Join(strings.Split(syntax, ""), "\x00"),
		} {
			n++
			if _, err := b.Channel.Do(t.Context(), h.saying(n, text)); err != nil {
				t.Errorf("Do(say %q) = %v", text, err)
			}
		}
	}
	for _, said := range b.Peer.Said() {
		for _, syntax := range h.Templates {
			if strings.Contains(said, syntax) {
				t.Errorf("the peer got %q, where %q is template syntax", said, syntax)
			}
		}
	}
}

func failures(t *testing.T, h Harness) {
	for _, c := range []struct {
		name      string
		behaviour Behaviour
		want      []fault.Kind // nil: any error
		said      int
	}{
		{"TooMany", TooMany, []fault.Kind{fault.RateLimited}, 0},
		{"Broken", Broken, []fault.Kind{fault.Transient, fault.Uncertain}, 0},
		{"Reset", Reset, []fault.Kind{fault.Uncertain}, 0},
		{"LostAnswer", LostAnswer, []fault.Kind{fault.Uncertain}, 1},
		{"HalfAnswer", HalfAnswer, []fault.Kind{fault.Uncertain}, 1},
		{"HTML", HTML, nil, 0},
		{"Refuse", Refuse, []fault.Kind{fault.Unauthorized}, 0},
		{"Down", Down, []fault.Kind{fault.Transient}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := h.New(t)
			b.Peer.Set(c.behaviour)
			_, err := b.Channel.Do(t.Context(), h.saying(1, marker))
			if err == nil {
				t.Fatal("Do = nil, want an error")
			}
			if c.want != nil && !slices.Contains(c.want, fault.KindOf(err)) {
				t.Errorf("Do = %v (%v), want one of %v", err, fault.KindOf(err), c.want)
			}
			if c.behaviour == TooMany && fault.RetryAfter(err) != 7*time.Second {
				t.Errorf("RetryAfter = %v, want the peer's 7s", fault.RetryAfter(err))
			}
			h.leaks(t, err)
			if n := len(b.Peer.Said()); n != c.said {
				t.Errorf("the peer said %d messages, want %d: Do is one try", n, c.said)
			}
			if c.behaviour == Down || c.behaviour == Refuse {
				return
			}
			// A failure leaves nothing behind that spoils the next order.
			b.Peer.Set(Healthy)
			if _, err := b.Channel.Do(t.Context(), h.saying(2, "depois")); err != nil {
				t.Errorf("the next Do = %v, want nil", err)
			}
		})
	}
}

// A peer that read the request and says nothing until we give up may have acted.
func hang(t *testing.T, h Harness) {
	b := h.New(t)
	read := b.Peer.Set(Hang)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		select {
		case <-read:
		case <-t.Context().Done():
		}
		cancel()
	}()
	_, err := b.Channel.Do(ctx, h.saying(1, marker))
	if !fault.Is(err, fault.Uncertain) {
		t.Errorf("Do = %v (%v), want fault.Uncertain", err, fault.KindOf(err))
	}
	h.leaks(t, err)
}

// An order that was never sent is not uncertain.
func cancelledBefore(t *testing.T, h Harness) {
	b := h.New(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := b.Channel.Do(ctx, h.saying(1, "nunca"))
	if err == nil || fault.Is(err, fault.Uncertain) || !fault.KindOf(err).Retryable() {
		t.Errorf("Do with a dead context = %v (%v), want a retryable error that is not uncertain", err, fault.KindOf(err))
	}
	if n := len(b.Peer.Said()); n != 0 {
		t.Errorf("the peer said %d messages, want none", n)
	}
}

func (h Harness) reconcile(t *testing.T, behaviour Behaviour, want channel.Verdict) {
	b := h.New(t)
	// Something else was said before, which must not be taken for this order.
	if _, err := b.Channel.Do(t.Context(), h.saying(1, "outra coisa")); err != nil {
		t.Fatalf("Do = %v", err)
	}
	b.Peer.Set(behaviour)
	o := h.saying(2, "Chegou? **sim** ou não")
	if _, err := b.Channel.Do(t.Context(), o); !fault.Is(err, fault.Uncertain) {
		t.Fatalf("Do = %v, want fault.Uncertain", err)
	}
	b.Peer.Set(Healthy)
	verdict, _, err := b.Channel.Reconcile(t.Context(), o)
	if err != nil {
		t.Fatalf("Reconcile = %v", err)
	}
	if !h.Reconciles {
		want = channel.CannotTell
	}
	if verdict != want {
		t.Errorf("Reconcile = %v, want %v", verdict, want)
	}
}

func reconcileArrived(t *testing.T, h Harness) { h.reconcile(t, LostAnswer, channel.Arrived) }
func reconcileAbsent(t *testing.T, h Harness)  { h.reconcile(t, Reset, channel.Absent) }

// A peer that cannot be asked has not denied anything.
func reconcileUnasked(t *testing.T, h Harness) {
	b := h.New(t)
	b.Peer.Set(Down)
	verdict, _, err := b.Channel.Reconcile(t.Context(), h.saying(1, "Olá"))
	h.leaks(t, err)
	if verdict != channel.CannotTell {
		t.Errorf("Reconcile with the peer down = %v, %v, want CannotTell", verdict, err)
	}
	if h.Reconciles && !fault.KindOf(err).Retryable() {
		t.Errorf("Reconcile with the peer down = %v, want a retryable error", err)
	}
}

func probe(t *testing.T, h Harness) {
	b := h.New(t)
	if err := b.Channel.Probe(t.Context()); err != nil {
		t.Errorf("Probe = %v, want nil", err)
	}
	b.Peer.Set(Down)
	err := b.Channel.Probe(t.Context())
	if err == nil || fault.Is(err, fault.Unsupported) {
		t.Errorf("Probe with the peer down = %v, want an error that says so", err)
	}
	h.leaks(t, err)
}

func concurrent(t *testing.T, h Harness) {
	b := h.New(t)
	const n = 8
	errs := make(chan error, n)
	for i := range n {
		go func() {
			_, err := b.Channel.Do(t.Context(), h.saying(i, fmt.Sprintf("mensagem %d", i)))
			errs <- err
		}()
	}
	for range n {
		if err := <-errs; err != nil {
			t.Errorf("Do = %v", err)
		}
	}
	said := b.Peer.Said()
	slices.Sort(said)
	if len(said) != n || len(slices.Compact(said)) != n {
		t.Errorf("the peer got %q, want %d different messages", said, n)
	}
}
