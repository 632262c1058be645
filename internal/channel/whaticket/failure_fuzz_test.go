package whaticket

import (
	"net/http"
	"regexp"
	"testing"

	"secretaria/internal/fault"
	"secretaria/internal/httpclient"
)

// Whatever a Whaticket, or what stands before it, answers has a kind and a code of few words
// that are ours, or one of its own words in capitals; nothing else of the answer is kept.
func FuzzFailure(f *testing.F) {
	for _, s := range []string{`{"error":"ERR_WAPP_NOT_INITIALIZED"}`, `{"error":"ERR_INVALID_NUMBER de Ana"}`, `{"error":"whatsapp #7 not found"}`, `<html>`, ``, `{"error":{}}`, `{"error":"ERR_ANA SOUZA"}`, `{"id":1}`} {
		for _, status := range []int{200, 302, 400, 401, 404, 429, 500, 504} {
			f.Add(status, s, "application/json")
		}
	}
	ours := map[string]bool{}
	for _, k := range known {
		ours[first(k.code, k.prefix)] = true
	}
	word := regexp.MustCompile(`\A(?:ERR_[A-Z0-9_]{1,60}|[a-zA-Z :]{4,50})\z`)
	f.Fuzz(func(t *testing.T, status int, body, media string) {
		resp := &httpclient.Response{Status: 100 + (status%500+500)%500, Header: http.Header{"Content-Type": {media}}, Body: []byte(body)}
		err := failure(resp)
		if err == nil {
			if resp.Status < 200 || resp.Status > 299 {
				t.Errorf("failure(%d, %q) = nil", resp.Status, body)
			}
			return
		}
		code := fault.Code(err)
		if code == "" || !ours[code] && !word.MatchString(code) {
			t.Errorf("failure(%d, %q) has the code %q", resp.Status, body, code)
		}
		if fault.KindOf(err) == fault.KindOf(nil) {
			t.Errorf("failure(%d, %q) = %v, of no kind", resp.Status, body, err)
		}
	})
}
