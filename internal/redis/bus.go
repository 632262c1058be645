package redis

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"secretaria/internal/event"
)

const (
	// publishEvery is the least time between two messages of a process: the first event goes
	// out at once, and what a storm brings meanwhile goes out together.
	publishEvery = 25 * time.Millisecond
	// maxPending bounds what waits to be published; more is lost.
	maxPending = 1024
	// maxMessage bounds what is read of others, in bytes.
	maxMessage = 1 << 20
	// listenTime is how long the connection may be silent before it is asked whether it lives.
	listenTime = 3 * time.Second
)

// Bus is an event.Bus over all processes, by publish and subscribe: nobody keeps what nobody
// listens to. While the server is away, it is the bus of this process.
type Bus struct {
	c       *Client
	local   event.Local
	channel string
	self    string // what is ours comes back to us, and was told here already

	mu      sync.Mutex
	pending map[event.Event]struct{}
	kick    chan struct{}
}

var _ event.Bus = (*Bus)(nil)

// message is what goes through the channel.
type message struct {
	From   string        `json:"from"`
	Events []event.Event `json:"events"`
}

// Bus returns a bus that works until the client is closed. One is enough for a client.
func (c *Client) Bus() *Bus {
	// Channels, unlike keys, are the same in all databases of a server.
	b := &Bus{c: c, channel: prefix + "events:" + strconv.Itoa(c.db), self: token(), pending: map[event.Event]struct{}{}, kick: make(chan struct{}, 1)}
	c.loops.Go(b.send)
	c.loops.Go(b.listen)
	return b
}

// Publish implements event.Bus.
func (b *Bus) Publish(e event.Event) {
	b.local.Publish(e)
	if !b.c.Up() {
		return
	}
	b.mu.Lock()
	if len(b.pending) < maxPending {
		b.pending[e] = struct{}{}
	}
	b.mu.Unlock()
	select {
	case b.kick <- struct{}{}:
	default:
	}
}

// take empties what waits to be published.
func (b *Bus) take() []event.Event {
	b.mu.Lock()
	defer b.mu.Unlock()
	events := make([]event.Event, 0, len(b.pending))
	for e := range b.pending {
		events = append(events, e)
	}
	clear(b.pending)
	return events
}

// Subscribe implements event.Bus.
func (b *Bus) Subscribe(f func(event.Event)) (cancel func()) { return b.local.Subscribe(f) }

func (b *Bus) send() {
	for {
		select {
		case <-b.c.alive.Done():
			return
		case <-b.kick:
		}
		if text, err := json.Marshal(message{b.self, b.take()}); err == nil {
			// What does not get through is found by looking.
			_ = b.c.do(b.c.alive, Events, func(ctx context.Context) error { return b.c.rdb.Publish(ctx, b.channel, text).Err() })
		}
		select {
		case <-b.c.alive.Done():
			return
		case <-time.After(publishEvery):
		}
	}
}

// listen hears the others until the client is closed, whatever happens to the connection.
func (b *Bus) listen() {
	for b.c.alive.Err() == nil {
		b.hear()
		select {
		case <-b.c.alive.Done():
		case <-time.After(awayProbe):
		}
	}
}

// hear listens on one connection until it is lost.
func (b *Bus) hear() {
	sub := b.c.rdb.Subscribe(b.c.alive)
	defer sub.Close()
	// A read does not end with its context.
	defer context.AfterFunc(b.c.alive, func() { sub.Close() })()
	if err := sub.Subscribe(b.c.alive, b.channel); err != nil {
		return
	}
	asked := false
	for {
		got, err := sub.ReceiveTimeout(b.c.alive, listenTime)
		if err != nil {
			var timeout net.Error
			if asked || !errors.As(err, &timeout) || !timeout.Timeout() || sub.Ping(b.c.alive) != nil {
				return
			}
			asked = true
			continue
		}
		asked = false
		if m, ok := got.(*redis.Message); ok {
			b.pass(m.Payload)
		}
	}
}

// pass gives the subscribers here what another process says. What is no message of ours is
// nobody's.
func (b *Bus) pass(text string) {
	var m message
	if len(text) > maxMessage || json.Unmarshal([]byte(text), &m) != nil || m.From == b.self {
		return
	}
	for _, e := range m.Events {
		switch e.Kind {
		case event.Due, event.Moved:
			b.local.Publish(e)
		}
	}
}
