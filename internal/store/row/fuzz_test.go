package row_test

import (
	"reflect"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"secretaria/internal/channel"
	"secretaria/internal/conversation"
	"secretaria/internal/store/row"
)

// columns gives what a query would: values of its columns, and nothing for the others.
type columns map[int]any

// Scan implements row.Scanner.
func (c columns) Scan(dest ...any) error {
	for i, v := range c {
		to := reflect.ValueOf(dest[i]).Elem()
		to.Set(reflect.ValueOf(v).Convert(to.Type()))
	}
	return nil
}

// An order comes out of the database as it went in.
func FuzzOrder(f *testing.F) {
	f.Add("Oi", "m1", "vip", "cor", "azul", "vendas", "ana@exemplo.com", int64(1500), "create_lead", `{"a":1}`)
	f.Add("", "", "", "", "", "", "", int64(0), "", "")
	f.Add("a\x00b\u2028<&>", "\"", "é", "\n", "\\", "x", "y", int64(-1), "w", "null")
	f.Fuzz(func(t *testing.T, text, replyTo, label, key, value, team, person string, pause int64, name, arguments string) {
		for _, s := range []string{text, replyTo, label, key, value, team, person, name, arguments} {
			if !utf8.ValidString(s) {
				return // never gets as far as an order
			}
		}
		o := channel.Order{Text: text, ReplyTo: replyTo, Labels: []string{label, text}, Attributes: map[string]string{key: value}, Team: team, Person: person,
			Pause: time.Duration(pause%1e9) * time.Millisecond, Workflow: name, Arguments: arguments}
		body, err := row.Body(o)
		if err != nil {
			t.Fatalf("Body(%+v) = %v", o, err)
		}
		var d row.Delivery
		if err := d.Scan(columns{9: body}); err != nil {
			t.Fatalf("Scan(%s) = %v", body, err)
		}
		if diff := cmp.Diff(o, d.Order, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("an order that was stored (-as it was +as it is):\n%s", diff)
		}
	})
}

// A message's content comes out of the database as it went in; what is no content is an error
// that does not say what stood there.
func FuzzMessage(f *testing.F) {
	f.Add("1", "oi", "type", "image", int64(1789049008123), `{"choice_id":"1"}`)
	f.Add("", "", "", "", int64(0), `{`)
	f.Add("", "", "k", "", int64(-1), `{"detail":[]}`)
	f.Fuzz(func(t *testing.T, choice, quoted, key, value string, at int64, packed string) {
		if utf8.ValidString(choice) && utf8.ValidString(quoted) && utf8.ValidString(key) && utf8.ValidString(value) {
			c := conversation.Content{Kind: conversation.Text, Text: "x", ChoiceID: choice, Quoted: quoted}
			if key != "" {
				c.Detail = map[string]string{key: value}
			}
			kept, err := row.Extra(c)
			if err != nil {
				t.Fatalf("Extra(%+v) = %v", c, err)
			}
			text, _ := kept.(string)
			m, err := row.Message(columns{2: "text", 3: "x", 4: text, 7: at}, 1)
			if err != nil {
				t.Fatalf("Message(%s) = %v", text, err)
			}
			if diff := cmp.Diff(c, m.Content); diff != "" {
				t.Errorf("a content that was stored (-as it was +as it is):\n%s", diff)
			}
			if got := row.Millis(m.SaidAt); got != at {
				t.Errorf("a time of %d ms is %d ms after it was read", at, got)
			}
		}
		if _, err := row.Message(columns{4: packed}, 1); err != nil && len(err.Error()) > 200 {
			t.Errorf("Message(%q) = %v", packed, err)
		}
	})
}
