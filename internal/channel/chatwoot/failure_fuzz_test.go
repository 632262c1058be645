package chatwoot

import (
	"net/http"
	"regexp"
	"testing"

	"secretaria/internal/fault"
	"secretaria/internal/httpclient"
)

// Whatever a Chatwoot, or what stands before it, answers has a kind and one of our codes; what
// may have had an effect is never said to have had none.
func FuzzFailure(f *testing.F) {
	for _, s := range []string{`{"error":"Invalid Access Token"}`, `{"errors":["You are not authorized for bots"]}`, `{"message":"PG::Timeout"}`, `{"error":"Too many messages"}`, `<html>`, ``, `{"errors":{}}`, `{"id":1}`} {
		for _, status := range []int{200, 302, 400, 401, 404, 422, 429, 500, 504} {
			f.Add(status, s, "application/json", status%2 == 0)
		}
	}
	word := regexp.MustCompile(`\A[a-z0-9_]{4,40}\z`)
	f.Fuzz(func(t *testing.T, status int, body, media string, creates bool) {
		resp := &httpclient.Response{Status: 100 + (status%500+500)%500, Header: http.Header{"Content-Type": {media}}, Body: []byte(body)}
		err := classify(resp, creates)
		if err == nil {
			if resp.Status < 200 || resp.Status > 299 {
				t.Errorf("classify(%d, %q) = nil", resp.Status, body)
			}
			return
		}
		if !word.MatchString(fault.Code(err)) {
			t.Errorf("classify(%d, %q) has the code %q", resp.Status, body, fault.Code(err))
		}
		if creates && resp.Status >= 500 && !fault.Is(err, fault.Uncertain) || !creates && fault.Is(err, fault.Uncertain) {
			t.Errorf("classify(%d, %q, creates %v) = %v", resp.Status, body, creates, err)
		}
	})
}
