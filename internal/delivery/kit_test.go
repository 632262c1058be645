package delivery_test

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"secretaria/internal/channel"
	"secretaria/internal/conversation"
	"secretaria/internal/delivery"
	"secretaria/internal/job"
	"secretaria/internal/store"
	"secretaria/internal/store/sqlite"
)

const lease = 9 * time.Second

// memory is the embedded store, and what was asked of it.
type memory struct {
	*sqlite.Store
	nextErr, finishErr error
	nextLate           time.Duration // how long the answer of the first NextDelivery is under way

	mu      sync.Mutex
	renewed []string
	start   time.Time
}

func (m *memory) NextDelivery(ctx context.Context, j job.Deliver, now time.Time, lease time.Duration) (store.Delivery, error) {
	if m.nextErr != nil {
		return store.Delivery{}, m.nextErr
	}
	d, err := m.Store.NextDelivery(ctx, j, now, lease)
	if late := m.nextLate; late > 0 {
		m.nextLate = 0
		<-time.After(late)
	}
	return d, err
}

func (m *memory) FinishAttempt(ctx context.Context, a store.Attempt) error {
	if m.finishErr != nil {
		return m.finishErr
	}
	return m.Store.FinishAttempt(ctx, a)
}

func (m *memory) Renew(ctx context.Context, lane job.Lane, id conversation.ID, fence int64, until time.Time) error {
	m.mu.Lock()
	m.renewed = append(m.renewed, fmt.Sprintf("%s at %v until %v", lane, time.Since(m.start), until.Sub(m.start)))
	m.mu.Unlock()
	return m.Store.Renew(ctx, lane, id, fence, until)
}

// sender is a helpdesk that does as it is told; without a word it carries everything out.
type sender struct {
	do        func(ctx context.Context, o channel.Order, try int) (channel.Receipt, error)
	reconcile func(ctx context.Context, try int) (channel.Verdict, channel.Receipt, error)
	lacks     map[channel.OrderKind]bool

	mu    sync.Mutex
	start time.Time
	tries map[conversation.DeliveryID]int
	asked int
	heard []string // what was done, and when
}

func (s *sender) Supports(k channel.OrderKind) bool { return !s.lacks[k] }

func (s *sender) hear(what string) {
	if s.start.IsZero() {
		s.start = time.Now()
	}
	s.heard = append(s.heard, fmt.Sprintf("%s %v", what, time.Since(s.start)))
}

func (s *sender) Do(ctx context.Context, o channel.Order) (channel.Receipt, error) {
	s.mu.Lock()
	what := string(o.Kind)
	if o.Kind == channel.Say {
		what = o.Text
	}
	s.hear(what)
	if s.tries == nil {
		s.tries = map[conversation.DeliveryID]int{}
	}
	s.tries[o.Delivery]++
	try := s.tries[o.Delivery]
	s.mu.Unlock()
	if s.do == nil || o.Kind != channel.Say {
		return channel.Receipt{Status: 200}, nil
	}
	return s.do(ctx, o, try)
}

func (s *sender) Reconcile(ctx context.Context, o channel.Order) (channel.Verdict, channel.Receipt, error) {
	s.mu.Lock()
	s.hear("ask")
	s.asked++
	try := s.asked
	s.mu.Unlock()
	if s.reconcile == nil {
		return channel.CannotTell, channel.Receipt{}, nil
	}
	return s.reconcile(ctx, try)
}

// kit is a conversation with decided orders, and a worker to carry them out.
type kit struct {
	*testing.T
	m     *memory
	w     *delivery.Worker
	conv  conversation.ID
	fence int64 // of the delivery lane, as last claimed
	ran   int64 // the newest fence that was run
	log   bytes.Buffer
	done  []delivery.Done
}

// template is a migrated database without a row: migrating one takes most of a test's time.
var template = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "delivery")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	ctx, path := context.Background(), filepath.Join(dir, "d.db")
	db, err := sqlite.Open(ctx, path, false)
	if err != nil {
		return nil, err
	}
	if _, err := db.Migrate(ctx); err != nil {
		return nil, err
	}
	if err := db.Close(); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
})

// newKit decides orders, now; call it inside a bubble.
func newKit(t *testing.T, inbox delivery.Inbox, orders ...channel.Order) *kit {
	t.Helper()
	k := &kit{T: t}
	ctx := t.Context()
	empty, err := template()
	if err != nil {
		t.Fatalf("template: %v", err)
	}
	path := filepath.Join(t.TempDir(), "d.db")
	if err := os.WriteFile(path, empty, 0o600); err != nil {
		t.Fatalf("WriteFile: %v", err)
	}
	db, err := sqlite.Open(ctx, path, true)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	s, err := sqlite.New(ctx, db, func(_ context.Context, _ *sql.Tx, lane job.Lane, claims []job.Claim) error {
		if lane == job.Deliveries {
			k.fence = claims[len(claims)-1].Fence
		}
		return nil
	})
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	k.m = &memory{Store: s, start: time.Now()}
	k.w = delivery.New(delivery.Config{Memory: k.m, Inboxes: map[string]delivery.Inbox{"vendas": inbox}, Lease: lease, Logger: slog.New(slog.NewJSONHandler(&k.log, nil)),
		Observe: func(d delivery.Done) { k.done = append(k.done, d) }})
	k.decide("vendas", orders...)
	return k
}

func (k *kit) decide(inbox string, orders ...channel.Order) {
	k.Helper()
	ctx, now := k.Context(), time.Now()
	r, err := k.m.Receive(ctx, store.Arrival{Inbox: inbox, Channel: channel.Whaticket, Now: now, Correlation: "c-1", Events: []channel.Event{{
		Kind: channel.Received, Key: "K1", Chat: "5511987654321", Content: conversation.Content{Kind: conversation.Text, Text: "oi"},
		Contact: channel.Contact{Identities: []channel.Identity{{Kind: channel.Phone, Value: "+5511987654321"}}}, Address: channel.Address{To: "5511987654321"},
	}}})
	if err != nil {
		k.Fatalf("Receive: %v", err)
	}
	k.conv = r[0].Conversation
	if n, _, err := k.m.Dispatch(ctx, job.Turns, now, 1, lease); n != 1 || err != nil {
		k.Fatalf("Dispatch = %d, %v, want the turn", n, err)
	}
	t, err := k.m.BeginTurn(ctx, job.Turn{Conversation: k.conv, Fence: 1}, now, lease, 1)
	if err != nil {
		k.Fatalf("BeginTurn: %v", err)
	}
	for i := range orders {
		orders[i].Delivery = conversation.DeliveryID(uuid.NewString())
	}
	if err := k.m.Decide(ctx, store.Decision{Conversation: k.conv, Fence: t.Fence, Epoch: t.Conversation.State.Epoch, Revision: t.Conversation.Revision, Through: t.Pending[0].ID,
		Orders: orders, Now: now, Lease: lease, Record: store.Record{Outcome: "replied", Correlation: "c-1"}}); err != nil {
		k.Fatalf("Decide: %v", err)
	}
}

// run runs the job that was inserted last.
func (k *kit) run(ctx context.Context) error {
	k.ran = k.fence
	return k.w.Run(ctx, job.Deliver{Conversation: k.conv, Fence: k.fence})
}

// settle lets time pass and runs the lane whenever it is due, until nothing is left to do.
func (k *kit) settle() { k.Helper(); k.until(1000 * time.Hour) }

func (k *kit) until(limit time.Duration) {
	k.Helper()
	end := time.Now().Add(limit)
	for {
		if k.fence > k.ran {
			if err := k.run(k.Context()); err != nil {
				k.Fatalf("Run: %v", err)
			}
		}
		n, next, err := k.m.Dispatch(k.Context(), job.Deliveries, time.Now(), 1, lease)
		switch {
		case err != nil:
			k.Fatalf("Dispatch: %v", err)
		case n > 0:
		case next.IsZero() || next.After(end):
			return
		default:
			<-time.After(time.Until(next))
		}
	}
}

// rows shows the deliveries, oldest first.
func (k *kit) rows() []string {
	k.Helper()
	ds, err := k.m.Deliveries(k.Context(), store.Filter{})
	if err != nil {
		k.Fatalf("Deliveries: %v", err)
	}
	var out []string
	for i := len(ds) - 1; i >= 0; i-- {
		d := ds[i]
		s := fmt.Sprintf("%s %s %d", d.Order.Kind, d.Status, d.Attempts)
		if d.Uncertain {
			s += " uncertain"
		}
		if d.Key != "" {
			s += " key " + d.Key
		}
		if d.Cause != "" {
			s += ": " + d.Cause
		}
		if d.HTTPStatus != 0 {
			s += fmt.Sprintf(" (%d)", d.HTTPStatus)
		}
		out = append(out, s)
	}
	return out
}

// holder says who has the conversation, and why.
func (k *kit) holder() string {
	k.Helper()
	c, err := k.m.Conversation(k.Context(), k.conv)
	if err != nil {
		k.Fatalf("Conversation: %v", err)
	}
	return string(c.State.Holder) + " " + string(c.State.Reason)
}

func say(text string) channel.Order { return channel.Order{Kind: channel.Say, Text: text} }
