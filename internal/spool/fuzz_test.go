package spool

import (
	"bytes"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"secretaria/internal/channel"
)

// An entry comes off the disk as it went onto it, whatever is in it, behind those that came
// before, and also after it was set aside and is tried again.
func FuzzEntry(f *testing.F) {
	f.Add([]byte(`{"a":1}`), []byte(nil), "loja", "0198c5a2", int64(1789049008123456789), false)
	f.Add([]byte{0, 0xff}, []byte{}, "a\x00b", "é", int64(-1), true)
	f.Add([]byte{}, []byte("x"), "", "", int64(0), false)
	s, err := open(f.Context(), slot(f.TempDir(), 0), 1<<24)
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(s.close)
	f.Fuzz(func(t *testing.T, body, fallback []byte, inbox, correlation string, at int64, late bool) {
		ctx := t.Context()
		if body == nil {
			body = []byte{}
		}
		want := []Entry{
			{seq: 1, Channel: channel.Whaticket, Inbox: inbox, Body: body, Fallback: fallback, Received: time.Unix(0, at), Correlation: correlation, Late: late},
			{seq: 2, Channel: channel.Chatwoot, Inbox: "b", Body: []byte("2"), Received: time.Unix(1, 0), Late: true},
		}
		for i := len(want) - 1; i >= 0; i-- {
			if err := s.append(ctx, want[i], nil); err != nil {
				t.Fatal(err)
			}
		}
		same := cmp.Options{cmp.AllowUnexported(Entry{}), cmpopts.EquateEmpty(), cmp.Comparer(func(a, b time.Time) bool { return a.Equal(b) })}
		read := func(limit, size int) []Entry {
			t.Helper()
			got, err := s.head(ctx, limit, size)
			if err != nil {
				t.Fatal(err)
			}
			return got
		}
		if diff := cmp.Diff(want, read(10, 1<<20), same); diff != "" {
			t.Errorf("what was spooled (-as it was +as it is):\n%s", diff)
		}
		if got := read(10, 1); len(got) == 0 || got[0].seq != 1 || len(body) > 0 && len(got) != 1 {
			t.Errorf("head of one byte = %d entries, want the first", len(got))
		}
		if err := s.remove(ctx, []int64{2}, []dead{{1, "cause"}}, func(contents) {}); err != nil {
			t.Fatal(err)
		}
		if got := read(10, 1<<20); len(got) != 0 {
			t.Errorf("%d entries are left of those taken out", len(got))
		}
		if _, _, err := s.revive(ctx); err != nil {
			t.Fatal(err)
		}
		again := want[0]
		again.Late = true
		got := read(10, 1<<20)
		if diff := cmp.Diff([]Entry{again}, got, same); diff != "" || !bytes.Equal(got[0].Body, body) {
			t.Errorf("what was set aside (-as it was +as it is):\n%s", diff)
		}
		if err := s.remove(ctx, []int64{1}, nil, func(contents) {}); err != nil {
			t.Fatal(err)
		}
	})
}
