package chatwoot

import (
	"encoding/json"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"secretaria/internal/channel"
	"secretaria/internal/channel/chatwoot/chatwoottest"
	"secretaria/internal/conversation"
	"secretaria/internal/fault"
	"secretaria/internal/secret"
)

// shown is an event as the golden files write it.
type shown struct {
	Kind       channel.EventKind    `json:"kind"`
	Reason     string               `json:"reason,omitempty"`
	Thread     string               `json:"thread"`
	Key        string               `json:"key"`
	Target     string               `json:"target,omitempty"`
	Name       string               `json:"name,omitempty"`
	Identities []string             `json:"identities,omitempty"`
	Author     conversation.Author  `json:"author,omitempty"`
	AuthorID   string               `json:"author_id,omitempty"`
	ByPhone    bool                 `json:"by_phone,omitempty"`
	Content    conversation.Content `json:"content,omitzero"`
	Delivery   string               `json:"delivery,omitempty"`
	Cause      string               `json:"cause,omitempty"`
	State      map[string]string    `json:"state,omitempty"`
	StateAt    time.Time            `json:"state_at,omitzero"`
	At         time.Time            `json:"at,omitzero"`
}

func show(e channel.Event) shown {
	s := shown{
		Kind: e.Kind, Reason: e.Reason, Thread: e.Thread, Key: e.Key, Target: e.Target, Name: e.Contact.Name, Author: e.Author, AuthorID: e.AuthorID,
		ByPhone: e.ByPhone, Content: e.Content, Delivery: string(e.Delivery), Cause: e.Cause, At: e.At,
	}
	for _, id := range e.Contact.Identities {
		s.Identities = append(s.Identities, string(id.Kind)+":"+id.Value)
	}
	if e.Snapshot != nil {
		s.State = map[string]string{}
		for k, v := range map[string]string{"status": string(e.Snapshot.Status), "assignee": string(e.Snapshot.Assignee), "assignee_id": e.Snapshot.AssigneeID} {
			if v != "" {
				s.State[k] = v
			}
		}
		s.StateAt = e.Snapshot.At
	}
	return s
}

// fields gives an event as a tree of JSON, with every key of want present.
func fields(t *testing.T, e channel.Event, want map[string]any) map[string]any {
	t.Helper()
	b, err := json.Marshal(show(e))
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(b, &got); err != nil {
		t.Fatal(err)
	}
	for k, v := range want {
		if got[k] == nil {
			switch v.(type) {
			case string:
				got[k] = ""
			case bool:
				got[k] = false
			}
		}
	}
	return got
}

func parser(t testing.TB) *Channel {
	t.Helper()
	c, err := New(Config{AccountID: "9", BotID: "7", Secrets: []secret.String{secret.New("s")}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func eventFile(t testing.TB, name string) []byte {
	t.Helper()
	b, err := fs.ReadFile(chatwoottest.Events(), name+".json")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Every recorded event comes out as the golden file says, and none is missing there.
func TestParseRecordedEvents(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile("testdata/events.golden.json")
	if err != nil {
		t.Fatal(err)
	}
	var golden []map[string]any
	if err := json.Unmarshal(b, &golden); err != nil {
		t.Fatal(err)
	}
	wants := map[string]map[string]any{}
	for _, w := range golden {
		name := w["file"].(string)
		delete(w, "file")
		for _, key := range []string{"thread", "key"} {
			if w[key] == nil {
				w[key] = ""
			}
		}
		wants[name] = w
	}
	entries, err := fs.ReadDir(chatwoottest.Events(), ".")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, strings.TrimSuffix(e.Name(), ".json"))
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(wants)), names); diff != "" {
		t.Errorf("golden file and recorded events differ (-golden +recorded):\n%s", diff)
	}
	c := parser(t)
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			events, err := c.Parse(&channel.Request{Body: eventFile(t, name)})
			if err != nil || len(events) != 1 {
				t.Fatalf("Parse = %d events, %v, want one", len(events), err)
			}
			sameWithEverything(t, c, eventFile(t, name))
			e := events[0]
			if diff := cmp.Diff(wants[name], fields(t, e, nil)); diff != "" {
				t.Errorf("Parse (-want +got):\n%s", diff)
			}
			if e.Thread != "" && (e.Address != channel.Address{Thread: e.Thread} || e.Chat != "1") {
				t.Errorf("Address = %+v, Chat = %q, want thread %q in account 1", e.Address, e.Chat, e.Thread)
			}
		})
	}
}

// sameWithEverything checks that what Parse leaves out of a body is of no account.
func sameWithEverything(t *testing.T, c *Channel, body []byte) {
	t.Helper()
	v, err := value(body)
	if err != nil {
		return
	}
	want, wantErr := c.parse(asObject(v))
	got, err := c.Parse(&channel.Request{Header: http.Header{}, Body: body})
	if diff := cmp.Diff(want, got); diff != "" || fault.Code(err) != fault.Code(wantErr) {
		t.Errorf("Parse = %v, with every member of the body %v (-with +got):\n%s", err, wantErr, diff)
	}
}

// merge applies a JSON merge patch (RFC 7396), in which "<null>" stands for a null to set.
func merge(into map[string]any, patch map[string]any) {
	for k, v := range patch {
		if v == nil {
			delete(into, k)
			continue
		}
		p, object := v.(map[string]any)
		if old, ok := into[k].(map[string]any); ok && object && len(p) > 0 {
			merge(old, p)
			continue
		}
		into[k] = nulled(v)
	}
}

func nulled(v any) any {
	switch v := v.(type) {
	case string:
		if v == "<null>" {
			return nil
		}
	case []any:
		for i := range v {
			v[i] = nulled(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = nulled(v[k])
		}
	}
	return v
}

// Each case is a recorded event with a patch. want.json names the fields that matter.
func TestParseCases(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/parse/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	c := parser(t)
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			a, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			parts := map[string][]byte{}
			for _, f := range a.Files {
				parts[f.Name] = f.Data
			}
			var body, patch map[string]any
			if err := json.Unmarshal(eventFile(t, strings.TrimSpace(string(parts["base"]))), &body); err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(parts["patch.json"], &patch); err != nil {
				t.Fatal(err)
			}
			merge(body, patch)
			raw, err := json.Marshal(body)
			if err != nil {
				t.Fatal(err)
			}
			sameWithEverything(t, c, raw)
			events, err := c.Parse(&channel.Request{Body: raw})
			if want, ok := parts["error"]; ok {
				if !fault.Is(err, fault.Invalid) || fault.Code(err) != strings.TrimSpace(string(want)) {
					t.Errorf("Parse = %v, want fault.Invalid %q", err, want)
				}
				return
			}
			if err != nil || len(events) != 1 {
				t.Fatalf("Parse = %d events, %v, want one", len(events), err)
			}
			var want map[string]any
			if err := json.Unmarshal(parts["want.json"], &want); err != nil {
				t.Fatal(err)
			}
			got := fields(t, events[0], want)
			for k := range got {
				if _, asked := want[k]; !asked {
					delete(got, k)
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%sParse (-want +got):\n%s", a.Comment, diff)
			}
		})
	}
}

// A text of any length is taken whole up to what Chatwoot allows, and no further.
func TestParseBoundsText(t *testing.T) {
	t.Parallel()
	var body map[string]any
	if err := json.Unmarshal(eventFile(t, "message_created.incoming.whatsapp_text"), &body); err != nil {
		t.Fatal(err)
	}
	for length, want := range map[int]int{maxText: maxText, maxText + 1: maxText} {
		body["content"] = strings.Repeat("é", length)
		raw, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		events, err := parser(t).Parse(&channel.Request{Body: raw})
		if err != nil {
			t.Fatalf("Parse = %v", err)
		}
		if got := utf8.RuneCountInString(events[0].Content.Text); got != want {
			t.Errorf("Parse of %d characters keeps %d, want %d", length, got, want)
		}
	}
}

// A stranger's snapshot keeps its microseconds: versions decide which state is newer.
func TestEpoch(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		in   string
		want time.Time
	}{
		{"1789049007.412271", time.Unix(1789049007, 412271000)},
		{"1789049007", time.Unix(1789049007, 0)},
		{"1789049007.1", time.Unix(1789049007, 100000000)},
		{"1789049007.1234567891234", time.Unix(1789049007, 123456789)},
		{"0", time.Time{}}, {"0.0", time.Time{}}, {"-5", time.Time{}}, {"1e9", time.Time{}}, {"9e999", time.Time{}},
		{"99999999999999999999", time.Time{}}, {"1789049007.-1", time.Time{}}, {"", time.Time{}},
	} {
		if got := epoch(c.in); !got.Equal(c.want) {
			t.Errorf("epoch(%q) = %v, want %v", c.in, got, c.want)
		}
	}
}

// What Parse accepts is storable and bounded, comes from somebody, and reads the same twice.
func FuzzParse(f *testing.F) {
	entries, err := fs.ReadDir(chatwoottest.Events(), ".")
	if err != nil {
		f.Fatal(err)
	}
	for _, e := range entries {
		b, err := fs.ReadFile(chatwoottest.Events(), e.Name())
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	c := parser(f)
	f.Fuzz(func(t *testing.T, body []byte) {
		r := &channel.Request{Header: http.Header{}, Body: body}
		events, err := c.Parse(r)
		if err != nil {
			if !fault.Is(err, fault.Invalid) || len(events) != 0 || len(fault.Code(err)) > 120 {
				t.Fatalf("Parse = %d events, %v, want fault.Invalid with a short cause", len(events), err)
			}
			return
		}
		if len(events) == 0 {
			t.Fatal("Parse gave neither an event nor an error")
		}
		sameWithEverything(t, c, body)
		again, err := c.Parse(r)
		if diff := cmp.Diff(events, again); err != nil || diff != "" {
			t.Fatalf("the second Parse differs, %v (-first +second):\n%s", err, diff)
		}
		for _, e := range events {
			if e.Kind == channel.Received && (len(e.Contact.Identities) == 0 || e.Content.Kind == "" || e.Thread == "") {
				t.Fatalf("received from nobody, of no kind or nowhere: %+v", e)
			}
			if e.Kind == channel.Ignored && e.Reason == "" {
				t.Fatalf("ignored without a reason: %+v", e)
			}
			type bounded struct {
				text  string
				limit int
			}
			texts := []bounded{
				{e.Content.Text, maxText}, {e.Contact.Name, maxName}, {e.Cause, maxCause}, {string(e.Delivery), maxMarker}, {e.Content.ChoiceID, maxName},
				{e.Key, 40}, {e.Target, 40}, {e.Thread, 40}, {e.Chat, 40}, {e.Content.Quoted, 40}, {e.AuthorID, 2 * maxWord},
			}
			for _, v := range e.Content.Detail {
				texts = append(texts, bounded{v, maxURL})
			}
			for _, id := range e.Contact.Identities {
				texts = append(texts, bounded{id.Value, 40})
			}
			for _, b := range texts {
				if !utf8.ValidString(b.text) || strings.ContainsRune(b.text, 0) || utf8.RuneCountInString(b.text) > b.limit {
					t.Fatalf("not storable or longer than %d: %q", b.limit, b.text)
				}
			}
		}
	})
}

// BenchmarkParse reads the message that most webhooks are.
func BenchmarkParse(b *testing.B) {
	c := parser(b)
	body := eventFile(b, "message_created.incoming.whatsapp_text")
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Parse(&channel.Request{Body: body}); err != nil {
			b.Fatal(err)
		}
	}
}
