package inbound

import (
	"fmt"
	"testing"

	"secretaria/internal/channel"
	"secretaria/internal/store"
)

// What identifies a message is kept for ever, and moves between databases with its row.
func TestIdentity(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		ev       channel.Event
		fallback []byte
		want     string
	}{
		{"key", channel.Event{Kind: channel.Received, Chat: "5511987654321@s.whatsapp.net", Key: "3EB0C767D26A1B2C3D4E"}, []byte("signed"), "848a6cbb9776bfde1431ba4bb84e8b6b"},
		{"ours", channel.Event{Kind: channel.Said, Chat: "5511987654321@s.whatsapp.net", Key: "3EB0C767D26A1B2C3D4E"}, nil, "848a6cbb9776bfde1431ba4bb84e8b6b"},
		{"request", channel.Event{Kind: channel.Received, Chat: "5511987654321@s.whatsapp.net"}, []byte("signed"), "01d1250c57a471307ec081553ad1728d"},
		{"nothing", channel.Event{Kind: channel.Received, Chat: "5511987654321@s.whatsapp.net"}, nil, ""},
		{"no message", channel.Event{Kind: channel.Edited, Key: "3EB0C767D26A1B2C3D4E"}, []byte("signed"), ""},
	} {
		a := &store.Arrival{Inbox: "vendas", Events: []channel.Event{{}, c.ev}, Fallback: c.fallback}
		if got := fmt.Sprintf("%x", Identity(a, 1)); got != c.want {
			t.Errorf("%s: Identity = %s, want %s", c.name, got, c.want)
		}
	}
}

// Parts that read the same when put together are different parts.
func TestIdentityKeepsPartsApart(t *testing.T) {
	t.Parallel()
	one := &store.Arrival{Inbox: "vendas", Events: []channel.Event{{Kind: channel.Received, Chat: "ab", Key: "c"}}}
	other := &store.Arrival{Inbox: "vendas", Events: []channel.Event{{Kind: channel.Received, Chat: "a", Key: "bc"}}}
	if string(Identity(one, 0)) == string(Identity(other, 0)) {
		t.Errorf("Identity of %q, %q and of %q, %q is the same", "ab", "c", "a", "bc")
	}
}
