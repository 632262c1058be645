package channeltest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"secretaria/internal/channel"
	"secretaria/internal/fault"
)

func authenticate(t *testing.T, h Harness) {
	b := h.New(t)
	for i, body := range h.Good {
		if err := b.Channel.Authenticate(b.Sign(body)); err != nil {
			t.Fatalf("Authenticate(good body %d) = %v, want nil", i, err)
		}
	}
	if kind := b.Channel.Kind(); kind == "" {
		t.Error("Kind() is empty")
	}
	body := h.Good[0]
	refused := func(what string, r *channel.Request) {
		t.Helper()
		err := b.Channel.Authenticate(r)
		if !fault.Is(err, fault.Unauthorized) {
			t.Errorf("%s: Authenticate = %v, want fault.Unauthorized", what, err)
			return
		}
		if code := fault.Code(err); code != "invalid signature" && code != "invalid token" {
			t.Errorf("%s: Code = %q, want one of the two constant causes", what, code)
		}
		h.leaks(t, err)
	}
	r := b.Sign(body)
	refused("no headers and no path secret", &channel.Request{Header: http.Header{}, Body: r.Body, Received: r.Received})
	if h.Signed {
		for i := range body {
			r := b.Sign(body)
			r.Body = bytes.Clone(r.Body)
			r.Body[i] ^= 0x01
			refused(fmt.Sprintf("byte %d of the body changed", i), r)
		}
		r := b.Sign(body)
		r.Body = append(bytes.Clone(r.Body), ' ')
		refused("a byte added to the body", r)
	}
	for _, name := range h.AuthHeaders {
		signed := b.Sign(body)
		value := signed.Header.Get(name)
		if value == "" {
			t.Errorf("Sign sets no %s", name)
			continue
		}
		without := &channel.Request{Header: signed.Header.Clone(), Body: signed.Body, Received: signed.Received}
		without.Header.Del(name)
		refused("without "+name, without)
		for i := range len(value) {
			changed := []byte(value)
			changed[i] ^= 0x01
			// The request that value is of: one signed a second later may
			// carry the changed byte rightly.
			mangled := &channel.Request{Header: signed.Header.Clone(), Body: signed.Body, Received: signed.Received}
			mangled.Header.Set(name, string(changed))
			refused(fmt.Sprintf("byte %d of %s changed", i, name), mangled)
		}
	}
}

// A body is authenticated before, and whether or not, it can be read.
func authenticateFirst(t *testing.T, h Harness) {
	b := h.New(t)
	junk := []byte(`{"` + marker + `":`)
	if err := b.Channel.Authenticate(b.Sign(junk)); err != nil {
		t.Errorf("Authenticate(signed junk) = %v, want nil: it must not parse", err)
	}
	err := b.Channel.Authenticate(&channel.Request{Header: http.Header{}, Body: junk, Received: b.Sign(junk).Received})
	if !fault.Is(err, fault.Unauthorized) {
		t.Errorf("Authenticate(unsigned junk) = %v, want fault.Unauthorized", err)
	}
}

// sound fails the test when events break what package channel says of them.
func sound(t *testing.T, what string, events []channel.Event) {
	t.Helper()
	for i, e := range events {
		if e.Kind == "" {
			t.Errorf("%s: event %d has no kind", what, i)
		}
		if e.Kind == channel.Ignored && e.Reason == "" {
			t.Errorf("%s: event %d is ignored without a reason", what, i)
		}
		if e.Kind == channel.Received && len(e.Contact.Identities) == 0 {
			t.Errorf("%s: event %d was received from nobody", what, i)
		}
		if e.Kind == channel.Received && e.Content.Kind == "" {
			t.Errorf("%s: event %d has no content kind", what, i)
		}
		for _, id := range e.Contact.Identities {
			if id.Kind == "" || strings.TrimSpace(id.Value) == "" {
				t.Errorf("%s: event %d has an empty identity", what, i)
			}
		}
		for _, s := range []string{e.Content.Text, e.Contact.Name, e.Key, e.Chat, e.Thread, e.Target, e.Reason, e.Cause, e.Address.To, e.Address.Thread} {
			if !utf8.ValidString(s) || strings.ContainsRune(s, 0) {
				t.Errorf("%s: event %d holds text that a database refuses: %q", what, i, s)
			}
		}
	}
}

func parse(t *testing.T, h Harness) {
	b := h.New(t)
	for i, body := range h.Good {
		what := fmt.Sprintf("good body %d", i)
		events, err := b.Channel.Parse(b.Sign(body))
		if err != nil || len(events) == 0 {
			t.Errorf("%s: Parse = %d events, %v, want at least one", what, len(events), err)
			continue
		}
		sound(t, what, events)
		again, err := b.Channel.Parse(b.Sign(body))
		if err != nil {
			t.Errorf("%s: the second Parse = %v", what, err)
		}
		if diff := cmp.Diff(events, again); diff != "" {
			t.Errorf("%s: the second Parse differs (-first +second):\n%s", what, diff)
		}
	}
	events, err := b.Channel.Parse(b.Sign(h.Good[0]))
	if err != nil || len(events) == 0 || events[0].Kind != channel.Received || events[0].Content.Text == "" {
		t.Errorf("Parse(first good body) = %+v, %v, want a received text", events, err)
	}
}

func (h Harness) refusedByParse(t *testing.T, b Bench, what string, body []byte) {
	t.Helper()
	events, err := b.Channel.Parse(b.Sign(body))
	if !fault.Is(err, fault.Invalid) || len(events) != 0 {
		t.Errorf("%s: Parse = %d events, %v, want fault.Invalid", what, len(events), err)
		return
	}
	h.silent(t, what, err)
}

// silent checks an error of Parse: it has a cause of its own words.
func (h Harness) silent(t *testing.T, what string, err error) {
	t.Helper()
	if fault.Code(err) == fault.Invalid.String() {
		t.Errorf("%s: the error says neither what nor where", what)
	}
	if strings.Contains(err.Error(), marker) {
		t.Errorf("%s: the error repeats the input: %q", what, err)
	}
	h.leaks(t, err)
}

func parseNonsense(t *testing.T, h Harness) {
	b := h.New(t)
	for i, body := range h.Bad {
		h.refusedByParse(t, b, fmt.Sprintf("bad body %d", i), body)
	}
	for what, body := range map[string]string{
		"nothing":              "",
		"spaces":               " \n",
		"not JSON":             marker,
		"half an object":       `{"` + marker + `":"` + marker,
		"two values":           `{} {"` + marker + `":1}`,
		"a string":             `"` + marker + `"`,
		"a number":             `42`,
		"null":                 `null`,
		"invalid UTF-8":        "{\"message\":\"" + marker + "\xff\"}",
		"deep nesting":         strings.Repeat("[", 100_000),
		"deep closed nesting":  strings.Repeat(`{"body":`, 5_000) + "1" + strings.Repeat("}", 5_000),
		"an absurdly long int": `{"id":` + strings.Repeat("9", 4_000) + `,"event":{}}`,
	} {
		events, err := b.Channel.Parse(b.Sign([]byte(body)))
		switch {
		case err != nil && !fault.Is(err, fault.Invalid):
			t.Errorf("%s: Parse = %v, want fault.Invalid", what, err)
		case err != nil:
			h.silent(t, what, err)
		case !json.Valid([]byte(body)):
			t.Errorf("%s: Parse took it for %d events, want fault.Invalid", what, len(events))
		case len(events) == 0:
			t.Errorf("%s: Parse gave neither an event nor an error", what)
		default:
			sound(t, what, events)
		}
	}
}

// Every field of every good body is removed, nulled and given every wrong type in turn.
func parseBrokenFields(t *testing.T, h Harness) {
	b := h.New(t)
	for i, body := range h.Good {
		d := json.NewDecoder(bytes.NewReader(body))
		d.UseNumber()
		var tree any
		if err := d.Decode(&tree); err != nil {
			t.Fatalf("good body %d is not JSON: %v", i, err)
		}
		breakEach(&tree, func(path, how string) {
			broken, err := json.Marshal(tree)
			if err != nil {
				t.Fatal(err)
			}
			what := fmt.Sprintf("good body %d with %s %s", i, path, how)
			events, err := b.Channel.Parse(b.Sign(broken))
			switch {
			case err != nil && !fault.Is(err, fault.Invalid):
				t.Errorf("%s: Parse = %v, want fault.Invalid", what, err)
			case err != nil:
				h.silent(t, what, err)
			case len(events) == 0:
				t.Errorf("%s: Parse gave neither an event nor an error", what)
			default:
				sound(t, what, events)
			}
		})
	}
}

// breakEach calls try once for each way to break each value below *root, with that one
// value broken, and puts it back.
func breakEach(root *any, try func(path, how string)) {
	wrong := []any{nil, "", marker, "\x00", json.Number("7"), json.Number("-1e308"), true, []any{}, []any{nil}, map[string]any{}, map[string]any{marker: marker}}
	var walk func(path string, v any, set func(any))
	walk = func(path string, v any, set func(any)) {
		for _, w := range wrong {
			set(w)
			try(path, fmt.Sprintf("= %v", w))
		}
		set(v)
		switch v := v.(type) {
		case map[string]any:
			for _, k := range slices.Sorted(maps.Keys(v)) {
				old := v[k]
				walk(path+"."+k, old, func(w any) { v[k] = w })
				delete(v, k)
				try(path+"."+k, "removed")
				v[k] = old
			}
		case []any:
			for i := range v {
				walk(fmt.Sprintf("%s[%d]", path, i), v[i], func(w any) { v[i] = w })
			}
		}
	}
	walk("$", *root, func(w any) { *root = w })
}

func answer(t *testing.T, h Harness) {
	b := h.New(t)
	if got := b.Channel.CloseAfterAnswer(); got != h.Close {
		t.Errorf("CloseAfterAnswer() = %v, want %v", got, h.Close)
	}
	covered := map[channel.OutcomeKind]bool{}
	for _, a := range h.Answers {
		covered[a.Outcome.Kind] = true
		status, body := b.Channel.Answer(a.Outcome)
		got, err := json.Marshal(body)
		if err != nil {
			t.Errorf("Answer(%+v): %v", a.Outcome, err)
			continue
		}
		var gotTree, wantTree any
		if err := json.Unmarshal(got, &gotTree); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal([]byte(a.JSON), &wantTree); err != nil {
			t.Fatalf("Answers holds broken JSON %q: %v", a.JSON, err)
		}
		if status != a.Status || !cmp.Equal(gotTree, wantTree) {
			t.Errorf("Answer(%+v) = %d %s, want %d %s", a.Outcome, status, got, a.Status, a.JSON)
		}
	}
	for _, kind := range []channel.OutcomeKind{channel.Accepted, channel.Duplicate, channel.Skipped, channel.BadPayload, channel.Refused, channel.TooLarge, channel.WrongType, channel.TooManyByIP, channel.TooManyByContact, channel.Unavailable} {
		if !covered[kind] {
			t.Errorf("Answers has no line for %q", kind)
		}
	}
	// Whatever comes, known or not, is answered with a status that HTTP has.
	for _, kind := range []channel.OutcomeKind{"", "a new kind"} {
		if status, _ := b.Channel.Answer(channel.Outcome{Kind: kind}); status < 200 || status > 599 {
			t.Errorf("Answer(kind %q) = %d, want an HTTP status", kind, status)
		}
	}
}
