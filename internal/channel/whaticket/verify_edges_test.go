package whaticket

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"secretaria/internal/channel"
	"secretaria/internal/channel/whaticket/whatickettest"
	"secretaria/internal/fault"
	"secretaria/internal/secret"
)

// A timestamp has at most twelve digits, and one that is no number is not taken for zero.
func TestAuthenticateDigits(t *testing.T) {
	t.Parallel()
	c := mustNew(t, Config{}, nil)
	for _, tc := range []struct {
		timestamp string
		arrived   int64
		want      bool
	}{
		{strings.Repeat("9", 11), 99_999_999_999, true},
		{strings.Repeat("9", 12), 999_999_999_999, true},
		{"1" + strings.Repeat("0", 12), 1_000_000_000_000, false},
		{"0", 0, true},
		{"", 0, false},
		{"x", 0, false},
		{"-0", 0, false},
	} {
		body := []byte(`{"a":1}`)
		h := http.Header{"X-Timestamp": {tc.timestamp}, "X-Signature": {whatickettest.Sign(testSecret, tc.timestamp, body)}}
		r := &channel.Request{Header: h, Body: body, Received: time.Unix(tc.arrived, 0)}
		if err := c.Authenticate(r); (err == nil) != tc.want {
			t.Errorf("timestamp %q at %d: Authenticate = %v, want accepted %v", tc.timestamp, tc.arrived, err, tc.want)
		}
	}
}

// Whatever is wrong, and in every mode, it is the kind that limits count as a failed try.
func TestRefusalsAreUnauthorized(t *testing.T) {
	t.Parallel()
	token := []secret.String{secret.New(testToken)}
	for name, tc := range map[string]struct {
		cfg    Config
		header http.Header
		want   string
	}{
		"signature":                        {Config{}, http.Header{}, invalidSignature},
		"url":                              {Config{Auth: ByURL, URLSecrets: []secret.String{secret.New(strings.Repeat("u", minURLSecret))}}, http.Header{}, invalidSignature},
		"token":                            {Config{Auth: ByToken, WebhookTokens: token}, http.Header{}, invalidToken},
		"token beside a signature":         {Config{WebhookTokens: token}, vector(t).Header, invalidToken},
		"two tokens beside a right bearer": {Config{Auth: ByToken, WebhookTokens: token}, http.Header{"X-Webhook-Token": {testToken, testToken}, "Authorization": {"Bearer " + testToken}}, invalidToken},
	} {
		r := vector(t)
		r.Header = tc.header
		if err := mustNew(t, tc.cfg, nil).Authenticate(r); !fault.Is(err, fault.Unauthorized) || fault.Code(err) != tc.want {
			t.Errorf("%s: Authenticate = %v, want unauthorized, %q", name, err, tc.want)
		}
	}
}
