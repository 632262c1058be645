package queue

import (
	"context"

	"github.com/riverqueue/river/riverdriver"

	"secretaria/internal/job"
)

// driver is River's with our bell for a listener. Its SQLite driver writes a row for every
// notification and reads that table twenty times a second; on PostgreSQL a notification in
// a transaction serialises the commits of the whole database. Whoever inserts jobs here is
// in the same process and simply says so; another process finds them by polling.
type driver[TTx any] struct {
	riverdriver.Driver[TTx]
	bell *bell
}

// GetListener implements riverdriver.Driver.
func (d driver[TTx]) GetListener(*riverdriver.GetListenenerParams) riverdriver.Listener {
	return d.bell
}

// SupportsListener implements riverdriver.Driver.
func (driver[TTx]) SupportsListener() bool { return true }

// SupportsListenNotify implements riverdriver.Driver: River need not write notifications.
func (driver[TTx]) SupportsListenNotify() bool { return false }

// bell tells River's producers, in process, that jobs were committed. Rings of one lane
// that nobody has heard yet are one ring.
type bell struct{ turns, deliveries chan struct{} }

var _ riverdriver.Listener = (*bell)(nil)

func newBell() *bell { return &bell{make(chan struct{}, 1), make(chan struct{}, 1)} }

func (b *bell) ring(lane job.Lane) {
	ch := b.turns
	if lane == job.Deliveries {
		ch = b.deliveries
	}
	select {
	case ch <- struct{}{}:
	default:
	}
}

// WaitForNotification implements riverdriver.Listener.
func (b *bell) WaitForNotification(ctx context.Context) (*riverdriver.Notification, error) {
	lane := job.Turns
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-b.turns:
	case <-b.deliveries:
		lane = job.Deliveries
	}
	return &riverdriver.Notification{Topic: "river_insert", Payload: `{"queue":"` + string(lane) + `"}`}, nil
}

// Close implements riverdriver.Listener; there is nothing to close.
func (*bell) Close(context.Context) error { return nil }

// Connect implements riverdriver.Listener; there is nothing to connect to.
func (*bell) Connect(context.Context) error { return nil }

// Listen implements riverdriver.Listener; every topic is listened to.
func (*bell) Listen(context.Context, string) error { return nil }

// Ping implements riverdriver.Listener.
func (*bell) Ping(context.Context) error { return nil }

// Schema implements riverdriver.Listener; SQLite has none.
func (*bell) Schema() string { return "" }

// SetAfterConnectExec implements riverdriver.Listener; it is for River's own tests.
func (*bell) SetAfterConnectExec(string) {}

// Unlisten implements riverdriver.Listener.
func (*bell) Unlisten(context.Context, string) error { return nil }
