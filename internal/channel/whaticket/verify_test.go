package whaticket

import (
	"bytes"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"secretaria/internal/channel"
	"secretaria/internal/channel/whaticket/whatickettest"
	"secretaria/internal/fault"
	"secretaria/internal/secret"
)

// The published example: secret, timestamp, body and signature.
const (
	vectorTime      = 1700000000
	vectorSignature = "6145f8bc1f3c1b7ab0868e0dd6308a16c6cc35f3be094ba2314afb88d033053b"
)

func vector(t testing.TB) *channel.Request {
	t.Helper()
	body, err := os.ReadFile("testdata/events/seed-4-signing-example.json")
	if err != nil {
		t.Fatal(err)
	}
	h := http.Header{}
	h.Set("X-Timestamp", strconv.Itoa(vectorTime))
	h.Set("X-Signature", vectorSignature)
	return &channel.Request{Header: h, Body: body, Received: time.Unix(vectorTime, 0)}
}

func TestAuthenticateVector(t *testing.T) {
	t.Parallel()
	for _, secrets := range [][]string{{testSecret}, {"old", testSecret}, {testSecret, "new"}} {
		var cfg Config
		for _, s := range secrets {
			cfg.Secrets = append(cfg.Secrets, secret.New(s))
		}
		if err := mustNew(t, cfg, nil).Authenticate(vector(t)); err != nil {
			t.Errorf("secrets %q: Authenticate = %v, want nil", secrets, err)
		}
	}
	if err := mustNew(t, Config{Secrets: []secret.String{secret.New("another")}}, nil).Authenticate(vector(t)); fault.Code(err) != invalidSignature {
		t.Errorf("another secret: Authenticate = %v, want %q", err, invalidSignature)
	}
	if err := Stranger().Authenticate(vector(t)); fault.Code(err) != invalidSignature {
		t.Errorf("stranger: Authenticate = %v, want %q", err, invalidSignature)
	}
}

func TestAuthenticateTime(t *testing.T) {
	t.Parallel()
	c := mustNew(t, Config{}, nil)
	for _, tc := range []struct {
		arrived int64
		want    bool
	}{{vectorTime + 300, true}, {vectorTime - 300, true}, {vectorTime + 301, false}, {vectorTime - 301, false}} {
		r := vector(t)
		r.Received = time.Unix(tc.arrived, 999e6)
		if err := c.Authenticate(r); (err == nil) != tc.want {
			t.Errorf("%d s away: Authenticate = %v, want accepted %v", tc.arrived-vectorTime, err, tc.want)
		}
	}
	wide := mustNew(t, Config{Window: 1000 * time.Hour}, nil)
	r := vector(t)
	r.Received = r.Received.Add(999 * time.Hour)
	if err := wide.Authenticate(r); err != nil {
		t.Errorf("inside a window of 1000 h: Authenticate = %v, want nil", err)
	}
	// Signed correctly, but not plain Unix seconds.
	for _, timestamp := range []string{"", "nan", "1e9", "+1700000000", "-1700000000", " 1700000000", "1700000000 ", "1700000000.0", "0x6553f100", "1700000000000000", "٠١٢٣٤٥٦٧٨٩", "1_700_000_000", "1700000000\x00"} {
		r := vector(t)
		r.Header.Set("X-Timestamp", timestamp)
		r.Header.Set("X-Signature", whatickettest.Sign(testSecret, timestamp, r.Body))
		if err := c.Authenticate(r); fault.Code(err) != invalidSignature {
			t.Errorf("timestamp %q: Authenticate = %v, want %q", timestamp, err, invalidSignature)
		}
	}
}

func TestAuthenticateHeaders(t *testing.T) {
	t.Parallel()
	c := mustNew(t, Config{}, nil)
	for name, change := range map[string]func(http.Header){
		"two timestamps":      func(h http.Header) { h.Add("X-Timestamp", h.Get("X-Timestamp")) },
		"two signatures":      func(h http.Header) { h.Add("X-Signature", h.Get("X-Signature")) },
		"upper-case hex":      func(h http.Header) { h.Set("X-Signature", strings.ToUpper(vectorSignature)) },
		"a scheme in front":   func(h http.Header) { h.Set("X-Signature", "sha256="+vectorSignature) },
		"half a signature":    func(h http.Header) { h.Set("X-Signature", vectorSignature[:32]) },
		"an empty signature":  func(h http.Header) { h.Set("X-Signature", "") },
		"a space at its end":  func(h http.Header) { h.Set("X-Signature", vectorSignature+" ") },
		"no signature at all": func(h http.Header) { h.Del("X-Signature") },
	} {
		r := vector(t)
		change(r.Header)
		if err := c.Authenticate(r); fault.Code(err) != invalidSignature {
			t.Errorf("%s: Authenticate = %v, want %q", name, err, invalidSignature)
		}
	}
}

func TestAuthenticateToken(t *testing.T) {
	t.Parallel()
	both := Config{WebhookTokens: []secret.String{secret.New("old-token"), secret.New(testToken)}}
	alone := both
	alone.Auth = ByToken
	header := func(pairs ...string) http.Header {
		h := http.Header{}
		for i := 0; i < len(pairs); i += 2 {
			h.Add(pairs[i], pairs[i+1])
		}
		return h
	}
	for _, tc := range []struct {
		name   string
		cfg    Config
		header http.Header
		sign   bool
		want   string
	}{
		{"signed and token", both, header("X-Webhook-Token", testToken), true, ""},
		{"signed and old token", both, header("X-Webhook-Token", "old-token"), true, ""},
		{"signed without token", both, header(), true, invalidToken},
		{"signed with wrong token", both, header("X-Webhook-Token", "x"), true, invalidToken},
		{"signed with two tokens", both, header("X-Webhook-Token", testToken, "X-Webhook-Token", testToken), true, invalidToken},
		{"signed with bearer", both, header("Authorization", "Bearer "+testToken), true, invalidToken},
		{"token without signature", both, header("X-Webhook-Token", testToken), false, invalidSignature},
		{"token alone", alone, header("X-Webhook-Token", testToken), false, ""},
		{"bearer alone", alone, header("Authorization", "Bearer "+testToken), false, ""},
		{"bearer in lower case", alone, header("Authorization", "bearer "+testToken), false, ""},
		{"basic alone", alone, header("Authorization", "Basic "+testToken), false, invalidToken},
		{"bare authorization", alone, header("Authorization", testToken), false, invalidToken},
		{"two bearers", alone, header("Authorization", "Bearer "+testToken, "Authorization", "Bearer "+testToken), false, invalidToken},
		{"wrong token beside right bearer", alone, header("X-Webhook-Token", "x", "Authorization", "Bearer "+testToken), false, invalidToken},
		{"right token beside a proxy's basic", alone, header("X-Webhook-Token", testToken, "Authorization", "Basic eA=="), false, ""},
		{"nothing", alone, header(), false, invalidToken},
		{"empty token", alone, header("X-Webhook-Token", ""), false, invalidToken},
	} {
		r := vector(t)
		if !tc.sign {
			r.Header = http.Header{}
		}
		for k, v := range tc.header {
			r.Header[k] = v
		}
		err := mustNew(t, tc.cfg, nil).Authenticate(r)
		if code := fault.Code(err); code != tc.want {
			t.Errorf("%s: Authenticate = %q, want %q", tc.name, code, tc.want)
		}
	}
}

func TestAuthenticateURL(t *testing.T) {
	t.Parallel()
	right := strings.Repeat("u", minURLSecret)
	c := mustNew(t, Config{Auth: ByURL, URLSecrets: []secret.String{secret.New(right)}}, nil)
	for given, want := range map[string]string{right: "", right + "x": invalidSignature, right[:31]: invalidSignature, "": invalidSignature} {
		r := &channel.Request{Header: http.Header{}, Body: []byte("{}"), PathSecret: given}
		if code := fault.Code(c.Authenticate(r)); code != want {
			t.Errorf("Authenticate(path secret of %d characters) = %q, want %q", len(given), code, want)
		}
	}
	// A path secret is no way around a signature.
	r := &channel.Request{Header: http.Header{}, Body: []byte("{}"), PathSecret: right}
	if err := mustNew(t, Config{}, nil).Authenticate(r); fault.Code(err) != invalidSignature {
		t.Errorf("Authenticate(unsigned, with a path secret) = %v, want %q", err, invalidSignature)
	}
}

// One changed byte of body, timestamp or signature is refused, wherever it is.
func FuzzAuthenticate(f *testing.F) {
	body, err := os.ReadFile("testdata/events/seed-4-signing-example.json")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(body, uint32(vectorTime), uint16(3), byte(1))
	f.Add([]byte{}, uint32(0), uint16(0), byte(0x20))
	f.Add([]byte(`{"a":1}`), uint32(1), uint16(70), byte(0x80))
	c := &Channel{window: DefaultWindow, secrets: [][]byte{[]byte(testSecret)}}
	f.Fuzz(func(t *testing.T, body []byte, at uint32, where uint16, flip byte) {
		timestamp := strconv.FormatUint(uint64(at), 10)
		signature := whatickettest.Sign(testSecret, timestamp, body)
		request := func(timestamp, signature string, body []byte) *channel.Request {
			return &channel.Request{
				Header: http.Header{"X-Timestamp": {timestamp}, "X-Signature": {signature}},
				Body:   body, Received: time.Unix(int64(at), 0),
			}
		}
		if err := c.Authenticate(request(timestamp, signature, body)); err != nil {
			t.Fatalf("Authenticate(%q at %s) = %v, want nil", body, timestamp, err)
		}
		if flip == 0 {
			return
		}
		changed := func(s string) string {
			b := []byte(s)
			b[int(where)%len(b)] ^= flip
			return string(b)
		}
		if c.Authenticate(request(changed(timestamp), signature, body)) == nil {
			t.Fatalf("timestamp %q was taken for %q", changed(timestamp), timestamp)
		}
		if c.Authenticate(request(timestamp, changed(signature), body)) == nil {
			t.Fatalf("signature %q was taken for %q", changed(signature), signature)
		}
		if len(body) > 0 && c.Authenticate(request(timestamp, signature, []byte(changed(string(body))))) == nil {
			t.Fatalf("body %q was taken for %q", changed(string(body)), body)
		}
		if c.Authenticate(request(timestamp, signature, append(bytes.Clone(body), flip))) == nil {
			t.Fatalf("%q with a byte more was taken for itself", body)
		}
	})
}
