package spool

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"secretaria/internal/channel"
	"secretaria/internal/store"
)

// Entries are written "inbox thread id=value id=value", and lanes are told by their places.
func TestLanes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		entries []string
		want    string
	}{
		{"nothing", nil, "[]"},
		{"people", []string{"w - phone=1", "w - phone=2", "w - phone=1"}, "[[0 2] [1]]"},
		{"inboxes", []string{"w - phone=1", "v - phone=1"}, "[[0] [1]]"},
		{"threads", []string{"c 1/1 channel_id=1", "c 1/2 channel_id=2", "c 1/1 channel_id=1"}, "[[0 2] [1]]"},
		{"one person in two threads", []string{"c 1/1 channel_id=1", "c 1/2 channel_id=1"}, "[[0 1]]"},
		{"a thread without anybody", []string{"c 1/1 channel_id=1", "c 1/1"}, "[[0 1]]"},
		{"united by a third", []string{"w - phone=1", "w - lid=9", "w - phone=1 lid=9", "w - phone=2 lid=8"}, "[[0 1 2] [3]]"},
		{"a number here, a hidden id there", []string{"w - phone=1", "w - phone=2 lid=8", "w - lid=9", "v - phone=1"}, "[[0 2] [1] [3]]"},
		{"hidden ids alone", []string{"w - lid=8", "w - lid=9", "v - phone=1"}, "[[0] [1] [2]]"},
		{"nobody", []string{"w -", "w - phone=1", "w -"}, "[[0 2] [1]]"},
	} {
		var in []read
		for i, line := range c.entries {
			parts := strings.Fields(line)
			ev := channel.Event{Thread: strings.TrimPrefix(parts[1], "-")}
			for _, id := range parts[2:] {
				kind, value, _ := strings.Cut(id, "=")
				ev.Contact.Identities = append(ev.Contact.Identities, channel.Identity{Kind: channel.IdentityKind(kind), Value: value})
			}
			in = append(in, read{Entry{seq: int64(i)}, store.Arrival{Inbox: parts[0], Events: []channel.Event{ev}}})
		}
		got := [][]int64{}
		for _, lane := range lanes(in) {
			var places []int64
			for _, r := range lane {
				places = append(places, r.seq)
			}
			got = append(got, places)
		}
		if diff := cmp.Diff(c.want, fmt.Sprint(got)); diff != "" {
			t.Errorf("%s: lanes(%q) (-want +got):\n%s", c.name, c.entries, diff)
		}
	}
}
