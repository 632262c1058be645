package redis

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"secretaria/internal/event"
	"secretaria/internal/job"
)

// What another process says is passed on as it said it, in order, and only what is news; what
// is our own or no message of ours is nobody's.
func FuzzPass(f *testing.F) {
	for _, s := range []string{
		`{"from":"other","events":[{"kind":"due","lane":"turns"},{"kind":"moved","conversation":7}]}`, `{"from":"self","events":[{"kind":"due"}]}`, `{"from":"other","events":[{"kind":"x"},null]}`, `{`, ``, `[]`, `{"events":{}}`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		b := &Bus{self: "self"}
		var got []event.Event
		defer b.Subscribe(func(e event.Event) { got = append(got, e) })()
		b.pass(text)
		var want []event.Event
		var m message
		if json.Unmarshal([]byte(text), &m) == nil && m.From != "self" {
			for _, e := range m.Events {
				if e.Kind == event.Due || e.Kind == event.Moved {
					want = append(want, e)
				}
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("pass(%q) (-want +got):\n%s", text, diff)
		}
		// Of what we would say ourselves nothing is lost.
		said := []event.Event{{Kind: event.Due, Lane: job.Turns}, {Kind: event.Moved, Conversation: 3}}
		written, err := json.Marshal(message{text, said})
		if err != nil {
			t.Fatal(err)
		}
		got = nil
		b.pass(string(written))
		if text != "self" && cmp.Diff(said, got) != "" {
			t.Errorf("pass(%s) = %v, want %v", written, got, said)
		}
	})
}
