package chatwoot

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"secretaria/internal/channel"
	"secretaria/internal/channel/chatwoot/chatwoottest"
	"secretaria/internal/fault"
	"secretaria/internal/secret"
)

const testSecret = "n4Kc8zQh2wTfYp6LrXs9VbDm"

func listener(t testing.TB, form Form, secrets ...string) *Channel {
	t.Helper()
	cfg := Config{Form: form}
	for _, s := range secrets {
		cfg.Secrets = append(cfg.Secrets, secret.New(s))
	}
	c, err := New(cfg, nil)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// The recorded signatures come out as they say, also among other secrets.
func TestAuthenticateVectors(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile("testdata/signature-vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Vectors []struct {
			Name, Secret string
			Headers      map[string]string
			RawBody      string `json:"raw_body"`
			Valid        bool
		}
	}
	if err := json.Unmarshal(b, &file); err != nil || len(file.Vectors) == 0 {
		t.Fatalf("%d vectors, %v", len(file.Vectors), err)
	}
	for _, v := range file.Vectors {
		r := &channel.Request{Header: http.Header{}, Body: []byte(v.RawBody)}
		for k, value := range v.Headers {
			r.Header.Set(k, value)
		}
		n, err := strconv.ParseInt(v.Headers[timestampHeader], 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		r.Received = time.Unix(n+1, 0)
		for _, c := range []*Channel{
			listener(t, AnyForm, v.Secret), listener(t, Timestamped, v.Secret), listener(t, AnyForm, "another", v.Secret), listener(t, AnyForm, v.Secret, "another"),
		} {
			if err := c.Authenticate(r); (err == nil) != v.Valid {
				t.Errorf("%s: Authenticate = %v, want valid %v", v.Name, err, v.Valid)
			}
		}
		for what, c := range map[string]*Channel{
			"another secret": listener(t, AnyForm, "another"), "no secret": listener(t, AnyForm), "stranger": Stranger(), "other form": listener(t, BodyOnly, v.Secret),
		} {
			if err := c.Authenticate(r); !fault.Is(err, fault.Unauthorized) || fault.Code(err) != "invalid signature" {
				t.Errorf("%s: Authenticate with %s = %v, want invalid signature", v.Name, what, err)
			}
		}
		if v.Valid {
			if events, err := listener(t, AnyForm, v.Secret).Parse(r); err != nil || len(events) != 1 {
				t.Errorf("%s: Parse = %d events, %v, want one", v.Name, len(events), err)
			}
		}
	}
}

func TestAuthenticateForms(t *testing.T) {
	t.Parallel()
	now := time.Unix(1789049008, 700_000_000)
	body := []byte(`{"event":"message_created"}`)
	stamp := func(offset int64) string { return strconv.FormatInt(now.Unix()+offset, 10) }
	stamped := func(timestamp string) string { return "sha256=" + mac(timestamp+"."+string(body)) }
	bare := mac(string(body))
	for _, c := range []struct {
		name       string
		signatures []string
		timestamps []string
		form       Form
		want       bool
	}{
		{"timestamped", []string{stamped(stamp(0))}, []string{stamp(0)}, AnyForm, true},
		{"timestamped where it is pinned", []string{stamped(stamp(0))}, []string{stamp(0)}, Timestamped, true},
		{"timestamped where bare is pinned", []string{stamped(stamp(0))}, []string{stamp(0)}, BodyOnly, false},
		{"oldest", []string{stamped(stamp(-300))}, []string{stamp(-300)}, AnyForm, true},
		{"too old", []string{stamped(stamp(-301))}, []string{stamp(-301)}, AnyForm, false},
		{"newest", []string{stamped(stamp(300))}, []string{stamp(300)}, AnyForm, true},
		{"too new", []string{stamped(stamp(301))}, []string{stamp(301)}, AnyForm, false},
		{"bare", []string{bare}, nil, AnyForm, true},
		{"bare where it is pinned", []string{bare}, nil, BodyOnly, true},
		{"bare where timestamped is pinned", []string{bare}, nil, Timestamped, false},
		{"bare with a timestamp", []string{bare}, []string{stamp(0)}, AnyForm, false},
		{"bare over the stamped body", []string{mac(stamp(0) + "." + string(body))}, []string{stamp(0)}, AnyForm, false},
		{"prefixed over the body alone, stamped", []string{"sha256=" + bare}, []string{stamp(0)}, AnyForm, false},
		{"prefixed over the body alone", []string{"sha256=" + bare}, nil, AnyForm, false},
		{"stamp taken away", []string{stamped(stamp(0))}, nil, AnyForm, false},
		{"nothing", nil, nil, AnyForm, false},
		{"empty signature", []string{""}, nil, AnyForm, false},
		{"empty signature, stamped", []string{"sha256="}, []string{stamp(0)}, AnyForm, false},
		{"empty stamp", []string{"sha256=" + mac("."+string(body))}, []string{""}, AnyForm, false},
		{"two signatures", []string{stamped(stamp(0)), stamped(stamp(0))}, []string{stamp(0)}, AnyForm, false},
		{"two stamps", []string{stamped(stamp(0))}, []string{stamp(0), stamp(0)}, AnyForm, false},
		{"upper case", []string{strings.ToUpper(bare)}, nil, AnyForm, false},
		{"upper-case scheme", []string{"SHA256=" + mac(stamp(0)+"."+string(body))}, []string{stamp(0)}, AnyForm, false},
		{"other scheme", []string{"sha512=" + mac(stamp(0)+"."+string(body))}, []string{stamp(0)}, AnyForm, false},
		{"signed stamp with a plus", []string{stamped("+" + stamp(0))}, []string{"+" + stamp(0)}, AnyForm, false},
		{"signed stamp with a space", []string{stamped(" " + stamp(0))}, []string{" " + stamp(0)}, AnyForm, false},
		{"signed stamp with a fraction", []string{stamped(stamp(0) + ".0")}, []string{stamp(0) + ".0"}, AnyForm, false},
		{"signed stamp in other digits", []string{stamped("١٧٨٩٠٤٩٠٠٨")}, []string{"١٧٨٩٠٤٩٠٠٨"}, AnyForm, false},
		{"signed stamp that overflows", []string{stamped(strings.Repeat("9", 30))}, []string{strings.Repeat("9", 30)}, AnyForm, false},
	} {
		r := &channel.Request{Header: http.Header{}, Body: body, Received: now}
		r.Header[signatureHeader] = c.signatures
		r.Header[timestampHeader] = c.timestamps
		if err := listener(t, c.form, testSecret).Authenticate(r); (err == nil) != c.want {
			t.Errorf("%s: Authenticate = %v, want accepted %v", c.name, err, c.want)
		}
	}
}

func mac(message string) string {
	h := hmac.New(sha256.New, []byte(testSecret))
	h.Write([]byte(message))
	return hex.EncodeToString(h.Sum(nil))
}

// An inbox without a secret does not take the empty one.
func TestAuthenticateWithoutSecret(t *testing.T) {
	t.Parallel()
	h := hmac.New(sha256.New, nil)
	body := []byte(`{}`)
	h.Write(body)
	r := &channel.Request{Header: http.Header{signatureHeader: {hex.EncodeToString(h.Sum(nil))}}, Body: body}
	for what, c := range map[string]*Channel{"no secret": listener(t, AnyForm), "stranger": Stranger()} {
		if err := c.Authenticate(r); !fault.Is(err, fault.Unauthorized) {
			t.Errorf("Authenticate with %s = %v, want fault.Unauthorized", what, err)
		}
	}
}

// What is signed is accepted, in either form; with one changed byte in body, signature or
// timestamp it is refused.
func FuzzAuthenticate(f *testing.F) {
	f.Add([]byte(`{"event":"message_created"}`), testSecret, uint(3), byte(1), false)
	f.Add([]byte(""), "s", uint(70), byte(0x20), true)
	f.Fuzz(func(t *testing.T, body []byte, key string, at uint, change byte, bodyForm bool) {
		if key == "" || change == 0 {
			return
		}
		c := listener(t, AnyForm, key)
		now := time.Unix(1789049008, 0)
		signed := func() *channel.Request {
			return &channel.Request{Header: chatwoottest.Headers(key, body, now, bodyForm), Body: bytes.Clone(body), Received: now}
		}
		if err := c.Authenticate(signed()); err != nil {
			t.Fatalf("Authenticate of a signed request = %v, want nil", err)
		}
		changed := func(s string) string {
			b := []byte(s)
			b[at%uint(len(b))] ^= change
			return string(b)
		}
		refused := func(what string, r *channel.Request) {
			t.Helper()
			if err := c.Authenticate(r); !fault.Is(err, fault.Unauthorized) {
				t.Fatalf("Authenticate with a changed %s = %v, want fault.Unauthorized", what, err)
			}
		}
		if len(body) > 0 {
			r := signed()
			r.Body = []byte(changed(string(r.Body)))
			refused("body", r)
		}
		for _, name := range []string{signatureHeader, timestampHeader} {
			r := signed()
			if value := r.Header.Get(name); value != "" {
				r.Header.Set(name, changed(value))
				refused(name, r)
			}
		}
	})
}
