package chatwoot

import (
	"net/http"
	"strings"
	"testing"
	"unicode"

	"secretaria/internal/fault"
	"secretaria/internal/httpclient"
)

// Whatever a Chatwoot tells about what it has, numbers are numbers, names stay in their line,
// what stands in a path leads nowhere else, tokens fit a header, and nobody hears what was not
// said to them.
func FuzzAdminAnswers(f *testing.F) {
	for _, s := range []string{
		`{"id":7,"name":"Lia","outgoing_url":"https://x","access_token":"t","secret":"s","system_bot":false,"channel_type":"Channel::Api","inbox_identifier":"abc"}`,
		`[{"id":"7","name":"a\u001b[2J\u202eb","website_token":"../..","access_token":"a\nb"}]`,
		`{"payload":[{"id":1,"message_type":1,"content":"oi"},{"id":2,"message_type":1,"private":true,"content":"nota secreta"},{"id":3,"message_type":0,"content":"eu"}]}`,
		`{"id":-1}`, `{"id":1e3}`, `[[]]`, `null`, `"x"`, `{"payload":{}}`, ``, `<html>`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		resp := &httpclient.Response{Status: http.StatusOK, Body: body}
		all := []object{}
		o, err := answered(resp, true)
		if err == nil {
			all = append(all, o)
		} else if !fault.Is(err, fault.Uncertain) {
			t.Errorf("answered(%q) = %v, want uncertain", body, err)
		}
		list, err := answeredList(resp)
		if err != nil && fault.Code(err) != causeUnreadable {
			t.Errorf("answeredList(%q) = %v", body, err)
		}
		oneLine := func(s string) {
			if s != strings.TrimSpace(s) || strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) || r == '\u202e' || r == '\u2028' }) {
				t.Errorf("%q gives the line %q", body, s)
			}
		}
		for _, o := range append(all, list...) {
			in, b := inboxOf(o), botOf(o)
			for _, id := range []string{in.ID, b.ID} {
				if id != "" && !isID(id) {
					t.Errorf("%q gives the number %q", body, id)
				}
			}
			for _, s := range []string{in.Name, b.Name, b.Description, b.URL} {
				oneLine(s)
			}
			for _, s := range []string{in.Identifier, in.WebsiteToken} {
				if strings.ContainsAny(s, "/.?#%\\ ") {
					t.Errorf("%q gives the identifier %q", body, s)
				}
			}
			for _, s := range []string{b.Token.Reveal(), b.Secret.Reveal()} {
				if strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }) {
					t.Errorf("%q gives the token %q", body, s)
				}
			}
		}
		said := map[string]bool{}
		for _, o := range list {
			if !o.flag("private") {
				said[paragraph(o.text("content", 4000))] = true
			}
		}
		texts := heard(list)
		if len(texts) > len(list) {
			t.Errorf("heard(%q) = %q, more than there are messages", body, texts)
		}
		for _, text := range texts {
			if !said[text] || text == "" || strings.ContainsRune(text, '\x1b') {
				t.Errorf("heard(%q) = %q, which nobody said in public", body, text)
			}
		}
	})
}

// A visitor's token gives a name that fits into a path, or none.
func FuzzSource(f *testing.F) {
	f.Add("e30.eyJzb3VyY2VfaWQiOiJhLWIifQ.x")
	f.Add("a.b")
	f.Add("..")
	f.Fuzz(func(t *testing.T, token string) {
		if got := sourceOf(token); got != "" && !isWord(got) {
			t.Errorf("sourceOf(%q) = %q", token, got)
		}
	})
}
