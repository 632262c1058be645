package whaticket

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"secretaria/internal/channel"
	"secretaria/internal/conversation"
	"secretaria/internal/fault"
	"secretaria/internal/phone"
)

func parse(t *testing.T, c *Channel, body string) (channel.Event, error) {
	t.Helper()
	events, err := c.Parse(&channel.Request{Body: []byte(body)})
	if err != nil {
		return channel.Event{}, err
	}
	if len(events) != 1 {
		t.Fatalf("Parse(%s) = %d events, want 1", body, len(events))
	}
	return events[0], nil
}

// manifest says of every recorded body what can be read off it.
type manifest struct {
	Events []struct {
		File, Form, Chat string
		Kind, Text       *string
		Media            *string
		SenderRaw        any     `json:"sender_raw"`
		FromMe           bool    `json:"from_me"`
		MessageID        *string `json:"message_id"`
		SentAt           *int64  `json:"sent_at"`
		TicketID         *int64  `json:"ticket_id"`
		TicketStatus     *string `json:"ticket_status"`
		TicketUserID     *int64  `json:"ticket_user_id"`
	}
}

func str(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// Each recorded body comes out as its manifest has it.
func TestParseRecorded(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("testdata/manifest.json")
	if err != nil {
		t.Fatal(err)
	}
	var m manifest
	if err := json.Unmarshal(raw, &m); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("testdata/events/*.json")
	if err != nil || len(files) != len(m.Events) {
		t.Fatalf("%d recorded bodies, %d in the manifest: %v", len(files), len(m.Events), err)
	}
	// Where the kind decides, and not the words.
	decided := map[string]struct {
		kind   channel.EventKind
		reason string
	}{
		"reactionMessage": {channel.Ignored, "reaction"}, "stub:2": {channel.Ignored, "stub"},
		"protocol:EPHEMERAL_SETTING": {channel.Ignored, "protocol"}, "protocol:REVOKE": {channel.Revoked, ""},
		"protocol:MESSAGE_EDIT": {channel.Edited, ""}, "edited": {channel.Edited, ""}, "acao:end": {channel.Changed, ""},
		"action:tag-sync": {channel.Ignored, "tag_sync"}, "meta:status": {channel.Ignored, "status_update"},
	}
	c := mustNew(t, Config{}, nil)
	for _, want := range m.Events {
		t.Run(filepath.Base(want.File), func(t *testing.T) {
			t.Parallel()
			body, err := os.ReadFile(filepath.Join("testdata", want.File))
			if err != nil {
				t.Fatal(err)
			}
			events, err := c.Parse(&channel.Request{Body: body})
			sender := fmt.Sprint(want.SenderRaw)
			if f, ok := want.SenderRaw.(float64); ok {
				sender = fmt.Sprintf("%.0f", f)
			}
			noMessage := want.Form == "flat" && (want.Kind == nil || *want.Kind == "missing" || *want.Kind == "empty")
			noSender := want.Chat == "direct" && (sender == "" || want.SenderRaw == nil && want.Form == "seed")
			if noMessage || noSender {
				if !fault.Is(err, fault.Invalid) {
					t.Fatalf("Parse = %+v, %v, want fault.Invalid", events, err)
				}
				return
			}
			if err != nil || len(events) != 1 {
				t.Fatalf("Parse = %d events, %v, want one", len(events), err)
			}
			e := events[0]

			kind, reason := channel.Received, ""
			if d, ok := decided[*want.Kind]; ok {
				kind, reason = d.kind, d.reason
			} else if want.Chat != "direct" {
				kind, reason = channel.Ignored, want.Chat
			} else if want.FromMe && strings.HasPrefix(str(want.Text), "\u200e") {
				kind, reason = channel.Ignored, "automation"
			} else if want.FromMe {
				kind = channel.Said
			} else if want.Text != nil && strings.TrimSpace(*want.Text) == "" {
				kind, reason = channel.Ignored, "empty"
			}
			if e.Kind != kind || e.Reason != reason {
				t.Errorf("kind %q for %q, want %q for %q", e.Kind, e.Reason, kind, reason)
			}
			if want.SentAt != nil && !e.At.Equal(time.Unix(*want.SentAt, 0)) {
				t.Errorf("At = %v, want %v", e.At, time.Unix(*want.SentAt, 0))
			}
			if want.Chat == "direct" && !want.FromMe {
				if canonical, ok := phone.Canonical(sender, ""); ok {
					if got := e.Contact.Identities; len(got) == 0 || got[0] != (channel.Identity{Kind: channel.Phone, Value: canonical}) {
						t.Errorf("identities = %v, want %s first", got, canonical)
					}
					if e.Address.To != sender {
						t.Errorf("To = %q, want %q as received", e.Address.To, sender)
					}
				} else if len(e.Contact.Identities) == 0 || e.Contact.Identities[0].Kind == channel.Phone {
					t.Errorf("identities = %v, want one that is no phone", e.Contact.Identities)
				}
			}
			if kind == channel.Ignored || kind == channel.Changed {
				if e.Key != "" && kind == channel.Ignored {
					t.Errorf("Key = %q, want none for what is ignored", e.Key)
				}
				return
			}
			if kind != channel.Revoked && e.Content.Text != str(want.Text) {
				t.Errorf("Text = %q, want %q", e.Content.Text, str(want.Text))
			}
			if want.MessageID != nil && e.Key != *want.MessageID {
				t.Errorf("Key = %q, want %q", e.Key, *want.MessageID)
			}
			if want.Media != nil && string(e.Content.Kind) != *want.Media {
				t.Errorf("content is %q, want %q", e.Content.Kind, *want.Media)
			}
			if want.TicketID != nil && e.Address.Thread != fmt.Sprint(*want.TicketID) {
				t.Errorf("Thread = %q, want ticket %d", e.Address.Thread, *want.TicketID)
			}
			if want.TicketStatus != nil {
				status := map[string]conversation.Status{"open": conversation.Open, "pending": conversation.Pending}[*want.TicketStatus]
				if want.TicketUserID != nil {
					status = conversation.Open
				}
				if e.Snapshot == nil || e.Snapshot.Status != status {
					t.Errorf("Snapshot = %+v, want %q", e.Snapshot, status)
				}
			}
		})
	}
}

// The whole event of each recorded body, as a line to review when it changes.
func TestParseOutcomes(t *testing.T) {
	t.Parallel()
	const golden = "testdata/outcomes.jsonl"
	c := mustNew(t, Config{}, nil)
	files, err := filepath.Glob("testdata/events/*.json")
	if err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	for _, f := range files {
		body, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		line := map[string]any{"file": filepath.Base(f)}
		if events, err := c.Parse(&channel.Request{Body: body}); err != nil {
			line["error"] = fault.Code(err)
		} else {
			line["events"] = trim(t, events)
		}
		encoder := json.NewEncoder(&got)
		encoder.SetEscapeHTML(false)
		if err := encoder.Encode(line); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got.String(), "\n")); diff != "" {
		t.Errorf("%s differs (-want +got); where the change is meant, put the new lines there:\n%s", golden, diff)
		if dir := os.Getenv("GOLDEN_DIR"); dir != "" {
			if err := os.WriteFile(filepath.Join(dir, filepath.Base(golden)), got.Bytes(), 0o644); err != nil {
				t.Error(err)
			}
		}
	}
}

// trim drops from the JSON of v what is empty.
func trim(t *testing.T, v any) any {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var tree any
	if err := json.Unmarshal(raw, &tree); err != nil {
		t.Fatal(err)
	}
	prune(tree)
	return tree
}

// prune says whether anything is left of v.
func prune(v any) bool {
	switch v := v.(type) {
	case map[string]any:
		for k, item := range v {
			if !prune(item) {
				delete(v, k)
			}
		}
		return len(v) > 0
	case []any:
		for _, item := range v {
			prune(item)
		}
		return len(v) > 0
	case string:
		return v != "" && v != "0001-01-01T00:00:00Z"
	case bool:
		return v
	}
	return v != nil
}

func TestParseDecisions(t *testing.T) {
	t.Parallel()
	c := mustNew(t, Config{}, nil)
	const key = `"key":{"remoteJid":"5511988877766@s.whatsapp.net","id":"K1"}`
	for _, tc := range []struct {
		name, body string
		want       channel.Event // Kind, Reason, Key, Target, Text, Kind of content, Address, Chat
		err        string
	}{
		{name: "empty object", body: `{}`, err: "message: required"},
		{name: "message is a list", body: `{"message":[],"number":"5511988877766"}`, err: "message: required"},
		{name: "message is text", body: `{"message":"oi","number":"5511988877766"}`, err: "message: required"},
		{name: "number without digits", body: `{"message":{"conversation":"oi"},"number":"abc"}`, err: "number: no digits"},
		{name: "conversation is a number", body: `{"message":{"conversation":7},"number":"5511988877766"}`, err: "message.conversation: not a string"},
		{name: "only nulls", body: `{"message":{"conversation":null,"imageMessage":null},"number":"5511988877766"}`, err: "message: empty"},
		{name: "known kind of a wrong type", body: `{"message":{"imageMessage":"x"},"number":"5511988877766"}`, err: "message.imageMessage: not an object"},
		{name: "key without a chat", body: `{"key":{"id":"A"},"message":{"conversation":"oi"}}`, err: "key.remoteJid: required"},
		{name: "list", body: `[1]`, err: "body: not an object"},
		{name: "empty list", body: `[]`, err: "body: empty list"},
		{
			name: "keys of another case are other keys",
			body: `{"MESSAGE":{"conversation":"oi"},"Number":"5511988877766"}`, err: "message: required",
		},
		{
			name: "nulls beside the one kind", body: `{"message":{"conversation":"","imageMessage":{"caption":"foto","mimetype":null},"audioMessage":null},"number":"5511988877766"}`,
			want: channel.Event{Kind: channel.Received, Content: conversation.Content{Kind: conversation.Image, Text: "foto"}},
		},
		{
			name: "n8n body", body: `{"headers":{},"params":{},"body":{"message":{"conversation":"oi"},"number":"5511988877766"}}`,
			want: channel.Event{Kind: channel.Received, Content: conversation.Content{Kind: conversation.Text, Text: "oi"}},
		},
		{
			name: "n8n list", body: `[{"body":{"message":{"conversation":"oi"},"number":"5511988877766"}}]`,
			want: channel.Event{Kind: channel.Received, Content: conversation.Content{Kind: conversation.Text, Text: "oi"}},
		},
		{
			name: "nested wrappers", body: `{` + key + `,"message":{"ephemeralMessage":{"message":{"viewOnceMessageV2":{"message":{"imageMessage":{"caption":"dentro"}}}}}}}`,
			want: channel.Event{Kind: channel.Received, Key: "K1", Content: conversation.Content{Kind: conversation.Image, Text: "dentro"}},
		},
		{
			name: "edit without a target of its own", body: `{` + key + `,"message":{"editedMessage":{"message":{"conversation":"novo"}}}}`,
			want: channel.Event{Kind: channel.Edited, Key: "K1", Target: "K1", Content: conversation.Content{Kind: conversation.Text, Text: "novo"}},
		},
		{
			name: "edit of what our side said", body: `{"key":{"remoteJid":"5511988877766@s.whatsapp.net","id":"K1","fromMe":true},"message":{"protocolMessage":{"key":{"id":"T"},"type":"MESSAGE_EDIT","editedMessage":{"conversation":"novo"}}}}`,
			want: channel.Event{Kind: channel.Ignored, Reason: "protocol"},
		},
		{
			name: "edit by number", body: `{` + key + `,"message":{"protocolMessage":{"key":{"id":"T"},"type":14,"editedMessage":{"conversation":"novo"}}}}`,
			want: channel.Event{Kind: channel.Edited, Key: "K1", Target: "T", Content: conversation.Content{Kind: conversation.Text, Text: "novo"}},
		},
		{
			name: "revoke by number", body: `{` + key + `,"message":{"protocolMessage":{"key":{"id":"T"},"type":0}}}`,
			want: channel.Event{Kind: channel.Revoked, Key: "K1", Target: "T", Content: conversation.Content{Kind: conversation.Unknown}},
		},
		{
			name: "flat revoke of nothing", body: `{"message":{"protocolMessage":{"type":"REVOKE"}},"number":"5511988877766"}`,
			want: channel.Event{Kind: channel.Ignored, Reason: "protocol"},
		},
		{
			name: "keys for the phone only", body: `{` + key + `,"message":{"messageContextInfo":{},"senderKeyDistributionMessage":{}}}`,
			want: channel.Event{Kind: channel.Ignored, Reason: "protocol"},
		},
		{
			name: "flat echo", body: `{"message":{"conversation":"oi"},"number":"5511988877766","fromMe":true}`,
			want: channel.Event{Kind: channel.Said, Content: conversation.Content{Kind: conversation.Text, Text: "oi"}},
		},
		{
			name: "interactive reply with broken parameters", body: `{` + key + `,"message":{"interactiveResponseMessage":{"nativeFlowResponseMessage":{"paramsJson":"{"}}}}`,
			want: channel.Event{Kind: channel.Received, Key: "K1", Content: conversation.Content{Kind: conversation.Unknown}},
		},
		{
			name: "lone surrogate and NUL", body: `{` + key + `,"message":{"conversation":"a\ud83d\u0000b"}}`,
			want: channel.Event{Kind: channel.Received, Key: "K1", Content: conversation.Content{Kind: conversation.Text, Text: "a\ufffdb"}},
		},
		{
			name: "chamado without words", body: `{"mensagem":"","sender":"5511988877766","chamadoId":9}`,
			want: channel.Event{Kind: channel.Received, Content: conversation.Content{Kind: conversation.Unknown}},
		},
		{
			name: "whatsapp-web.js call log", body: `{"id":{"remote":"5511988877766@c.us","id":"W"},"type":"call_log","from":"5511988877766@c.us"}`,
			want: channel.Event{Kind: channel.Ignored, Reason: "protocol"},
		},
		{
			name: "whazing deleted", body: `{"messageId":"Z","messageBody":"oi","isDeleted":true,"contact":{"phoneNumber":"5511988877766"}}`,
			want: channel.Event{Kind: channel.Revoked, Key: "Z", Target: "Z", Content: conversation.Content{Kind: conversation.Unknown}},
		},
		{
			name: "meta unknown type", body: `{"object":"whatsapp_business_account","entry":[{"changes":[{"value":{"messages":[{"from":"5511988877766","id":"M","type":"unsupported"}]}}]}]}`,
			want: channel.Event{Kind: channel.Received, Key: "M", Content: conversation.Content{Kind: conversation.Unknown}},
		},
		{
			name: "meta about something else", body: `{"object":"whatsapp_business_account","entry":[{"changes":[{"field":"account_update","value":{}}]}]}`,
			want: channel.Event{Kind: channel.Ignored, Reason: "unknown_event"},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			e, err := parse(t, c, tc.body)
			if tc.err != "" {
				if !fault.Is(err, fault.Invalid) || fault.Code(err) != tc.err {
					t.Fatalf("Parse(%s) = %+v, %v, want %q", tc.body, e, err, tc.err)
				}
				return
			}
			if err != nil {
				t.Fatalf("Parse(%s) = %v", tc.body, err)
			}
			got := channel.Event{Kind: e.Kind, Reason: e.Reason, Key: e.Key, Target: e.Target, Content: e.Content}
			got.Content.Detail, got.Content.Quoted = nil, ""
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("Parse(%s) (-want +got):\n%s", tc.body, diff)
			}
		})
	}
}

// Several items in one body are several events, and a broken one does not cost the others.
func TestParseList(t *testing.T) {
	t.Parallel()
	c := mustNew(t, Config{}, nil)
	body := `[{"message":{"conversation":"um"},"number":"5511988877766"},{"broken":1},{"message":{"conversation":"dois"},"number":"5511988877766"}]`
	events, err := c.Parse(&channel.Request{Body: []byte(body)})
	if err != nil || len(events) != 2 || events[0].Content.Text != "um" || events[1].Content.Text != "dois" {
		t.Errorf("Parse(%s) = %+v, %v, want both messages", body, events, err)
	}
	body = `[{},{"message":{}}]`
	if _, err = c.Parse(&channel.Request{Body: []byte(body)}); fault.Code(err) != "[0].message: required" {
		t.Errorf("Parse(%s) = %v, want the first item's error with its place", body, err)
	}
}

func TestParsePeople(t *testing.T) {
	t.Parallel()
	var (
		maria  = channel.Identity{Kind: channel.Phone, Value: "+5531988887777"}
		hidden = channel.Identity{Kind: channel.LID, Value: "184729305518472"}
	)
	type who struct {
		IDs      []channel.Identity
		To, Chat string
		Reason   string
	}
	for _, tc := range []struct {
		name, country, body string
		want                who
	}{
		{"12 digits", "", `{"message":{"conversation":"oi"},"number":"553188887777"}`, who{[]channel.Identity{maria}, "553188887777", "553188887777@s.whatsapp.net", ""}},
		{"13 digits", "", `{"message":{"conversation":"oi"},"number":"5531988887777"}`, who{[]channel.Identity{maria}, "5531988887777", "5531988887777@s.whatsapp.net", ""}},
		{"as people write", "", `{"message":{"conversation":"oi"},"number":"+55 (31) 8888-7777"}`, who{[]channel.Identity{maria}, "553188887777", "553188887777@s.whatsapp.net", ""}},
		{"local with a default", "55", `{"message":{"conversation":"oi"},"number":"31988887777"}`, who{[]channel.Identity{maria}, "5531988887777", "5531988887777@s.whatsapp.net", ""}},
		{"local without", "", `{"message":{"conversation":"oi"},"number":"11988877766"}`, who{[]channel.Identity{{Kind: channel.RawNumber, Value: "11988877766"}}, "11988877766", "11988877766@s.whatsapp.net", ""}},
		{"device", "", `{"key":{"remoteJid":"553188887777:12@s.whatsapp.net"},"message":{"conversation":"oi"}}`, who{[]channel.Identity{maria}, "553188887777", "553188887777@s.whatsapp.net", ""}},
		{"phone beside a LID", "", `{"key":{"remoteJid":"184729305518472@lid","remoteJidAlt":"553188887777@s.whatsapp.net"},"message":{"conversation":"oi"}}`, who{[]channel.Identity{maria, hidden}, "553188887777", "553188887777@s.whatsapp.net", ""}},
		{"LID beside a phone", "", `{"key":{"remoteJid":"553188887777@s.whatsapp.net","remoteJidAlt":"184729305518472@lid"},"message":{"conversation":"oi"}}`, who{[]channel.Identity{maria, hidden}, "553188887777", "553188887777@s.whatsapp.net", ""}},
		{"senderPn", "", `{"key":{"remoteJid":"184729305518472@lid","senderPn":"553188887777@s.whatsapp.net"},"message":{"conversation":"oi"}}`, who{[]channel.Identity{maria, hidden}, "553188887777", "553188887777@s.whatsapp.net", ""}},
		{"senderPn of our own is ours", "", `{"key":{"fromMe":true,"remoteJid":"184729305518472@lid","senderPn":"5511933334444@s.whatsapp.net"},"message":{"conversation":"oi"}}`, who{[]channel.Identity{hidden}, "", "184729305518472@lid", ""}},
		{"masked LID", "", `{"key":{"remoteJid":"184729305518472@s.whatsapp.net"},"message":{"conversation":"oi"}}`, who{[]channel.Identity{hidden}, "", "184729305518472@lid", ""}},
		{"LID as chamado's sender", "", `{"mensagem":"oi","sender":"184729305518472","chamadoId":9}`, who{[]channel.Identity{hidden}, "", "184729305518472@lid", ""}},
		{"group whose domain was cut off", "", `{"mensagem":"oi","sender":"120363041234567890","chamadoId":9}`, who{nil, "", "120363041234567890", "group"}},
		{"too long to dial", "", `{"message":{"conversation":"oi"},"number":"7000000000000001"}`, who{[]channel.Identity{{Kind: channel.RawNumber, Value: "7000000000000001"}}, "", "7000000000000001", ""}},
		{"Meta AI", "", `{"key":{"remoteJid":"13135550002@bot"},"message":{"conversation":"oi"}}`, who{nil, "", "13135550002@bot", "bot"}},
		{"hosted", "", `{"key":{"remoteJid":"5511988877766@hosted.lid"},"message":{"conversation":"oi"}}`, who{nil, "", "5511988877766@hosted.lid", "hosted"}},
		{"a chat of a kind to come", "", `{"key":{"remoteJid":"1@future"},"message":{"conversation":"oi"}}`, who{nil, "", "1@future", "unknown_chat"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			e, err := parse(t, mustNew(t, Config{DefaultCountry: tc.country}, nil), tc.body)
			if err != nil {
				t.Fatalf("Parse(%s) = %v", tc.body, err)
			}
			got := who{e.Contact.Identities, e.Address.To, e.Chat, e.Reason}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("Parse(%s) (-want +got):\n%s", tc.body, diff)
			}
		})
	}
}

func TestParseSnapshot(t *testing.T) {
	t.Parallel()
	at := time.Date(2023, 10, 12, 14, 7, 44, 618e6, time.UTC)
	for ticket, want := range map[string]*conversation.Snapshot{
		`{"id":9,"status":"pending","userId":null}`:                                     {Status: conversation.Pending, Assignee: conversation.Nobody},
		`{"id":9,"status":"pending","userId":3}`:                                        {Status: conversation.Open, Assignee: conversation.APerson, AssigneeID: "3"},
		`{"id":9,"status":"open","userId":"3"}`:                                         {Status: conversation.Open, Assignee: conversation.APerson, AssigneeID: "3"},
		`{"id":9,"status":"open"}`:                                                      {Status: conversation.Open, Assignee: conversation.APerson},
		`{"id":9,"status":"closed","userId":3,"updatedAt":"2023-10-12T14:07:44.618Z"}`:  {Status: conversation.Resolved, Assignee: conversation.APerson, AssigneeID: "3", At: at},
		`{"id":9,"status":"chatbot","userId":null}`:                                     nil,
		`{"id":9,"status":7}`:                                                           nil,
		`{"id":9,"status":"pending","userId":null,"updatedAt":{"seconds":"yesterday"}}`: {Status: conversation.Pending, Assignee: conversation.Nobody},
	} {
		e, err := parse(t, mustNew(t, Config{}, nil), `{"mensagem":"oi","sender":"5511988877766","chamadoId":9,"ticketData":`+ticket+`}`)
		if err != nil {
			t.Errorf("Parse(ticket %s) = %v", ticket, err)
			continue
		}
		if diff := cmp.Diff(want, e.Snapshot); diff != "" {
			t.Errorf("Parse(ticket %s) (-want +got):\n%s", ticket, diff)
		}
		if e.Address.Thread != "9" {
			t.Errorf("Parse(ticket %s): Thread = %q, want 9", ticket, e.Address.Thread)
		}
	}
}

// A ticket that is somebody else's must not get the answer.
func TestParseForeignTicket(t *testing.T) {
	t.Parallel()
	c := mustNew(t, Config{}, nil)
	for body, want := range map[string]string{
		`{"message":{"conversation":"oi"},"number":"5531988887777","ticket":{"id":7,"status":"open","contact":{"number":"5511977776666"}}}`:   "",
		`{"message":{"conversation":"oi"},"number":"5531988887777","ticket":{"id":7,"status":"pending","contact":{"number":"553188887777"}}}`: "7",
		`{"message":{"conversation":"oi"},"number":"5531988887777","ticket":{"id":7,"status":"pending"}}`:                                     "7",
	} {
		e, err := parse(t, c, body)
		if err != nil || e.Address.Thread != want || (e.Snapshot != nil) != (want != "") {
			t.Errorf("Parse(%s) = thread %q, snapshot %v, %v, want thread %q", body, e.Address.Thread, e.Snapshot, err, want)
		}
	}
}

func TestParseBounds(t *testing.T) {
	t.Parallel()
	c := mustNew(t, Config{}, nil)
	long := strings.Repeat("ção", 100_000)
	body, err := json.Marshal(map[string]any{
		"key":     map[string]any{"remoteJid": "5511988877766@s.whatsapp.net", "id": strings.Repeat("K", 10_000)},
		"message": map[string]any{"conversation": long}, "pushName": long,
	})
	if err != nil {
		t.Fatal(err)
	}
	e, err := parse(t, c, string(body))
	if err != nil {
		t.Fatal(err)
	}
	if len(e.Content.Text) > maxText || !strings.HasPrefix(long, e.Content.Text) || len(e.Contact.Name) > maxShort {
		t.Errorf("text of %d and name of %d bytes, want them cut at a character", len(e.Content.Text), len(e.Contact.Name))
	}
	if e.Key != "" {
		t.Errorf("a key of 10,000 bytes became %d bytes, want none: a cut one may be another's", len(e.Key))
	}
}

func FuzzParse(f *testing.F) {
	files, err := filepath.Glob("testdata/events/*.json")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range files {
		body, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(body)
	}
	c := &Channel{country: "55"}
	f.Fuzz(func(t *testing.T, body []byte) {
		events, err := c.Parse(&channel.Request{Body: body})
		if err != nil {
			if !fault.Is(err, fault.Invalid) || len(events) != 0 {
				t.Fatalf("Parse(%q) = %d events, %v, want fault.Invalid alone", body, len(events), err)
			}
			return
		}
		if len(events) == 0 {
			t.Fatalf("Parse(%q) gave neither an event nor an error", body)
		}
		for _, e := range events {
			checkEvent(t, body, e)
		}
		// Read and written again by a machine in between, it says the same.
		v, err := decode(body)
		if err != nil {
			t.Fatalf("decode(%q) = %v after it was parsed", body, err)
		}
		again, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		second, err := c.Parse(&channel.Request{Body: again})
		if err != nil {
			t.Fatalf("Parse(%q) = %v after %q was taken", again, err, body)
		}
		if diff := cmp.Diff(events, second); diff != "" {
			t.Fatalf("Parse(%q) differs when re-encoded:\n%s", body, diff)
		}
	})
}

func checkEvent(t *testing.T, body []byte, e channel.Event) {
	t.Helper()
	if e.Kind == channel.Received && len(e.Contact.Identities) == 0 {
		t.Fatalf("Parse(%q): received from nobody", body)
	}
	for what, s := range map[string]string{"Text": e.Content.Text, "Name": e.Contact.Name, "Key": e.Key, "Chat": e.Chat, "Target": e.Target, "ChoiceID": e.Content.ChoiceID, "Quoted": e.Content.Quoted, "To": e.Address.To, "Thread": e.Address.Thread} {
		limit := maxShort
		if what == "Text" {
			limit = maxText
		}
		if clean(s, limit) != s {
			t.Fatalf("Parse(%q): %s = %q, want valid UTF-8 without NUL of at most %d bytes", body, what, s, limit)
		}
	}
	if to := e.Address.To; strings.Trim(to, "0123456789") != "" || len(to) > maxDial {
		t.Fatalf("Parse(%q): To = %q, want digits that can be dialled", body, to)
	}
	for _, id := range e.Contact.Identities {
		if id.Kind == channel.LID && id.Value == e.Address.To {
			t.Fatalf("Parse(%q): would dial a LID", body)
		}
	}
}
