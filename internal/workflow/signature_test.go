package workflow_test

import (
	"bytes"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"secretaria/internal/fault"
	"secretaria/internal/secret"
	"secretaria/internal/workflow"
)

var signedAt = time.Unix(1614265330, 0)

// The example of the Standard Webhooks specification.
func TestSignAsTheStandard(t *testing.T) {
	t.Parallel()
	h := http.Header{}
	workflow.Sign(h, []secret.String{secret.New("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")}, "msg_p5jXN8AQM9LWM0D4loKWxJek", signedAt, []byte(`{"test": 2432232314}`))
	if got, want := h.Get("webhook-signature"), "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="; got != want {
		t.Errorf("signature = %s, want %s", got, want)
	}
}

func TestVerify(t *testing.T) {
	t.Parallel()
	body := []byte(`{"a":1}`)
	old, current := secret.New("velho"), secret.New("novo")
	good := func() http.Header {
		h := http.Header{}
		workflow.Sign(h, []secret.String{current, old}, "id-1", signedAt, body)
		return h
	}
	for name, c := range map[string]struct {
		change  func(http.Header)
		secrets []secret.String
		now     time.Duration
		ok      bool
	}{
		"both secrets":         {nil, []secret.String{current, old}, 0, true},
		"the old secret":       {nil, []secret.String{old}, 0, true},
		"the new secret":       {nil, []secret.String{secret.New("x"), current}, 0, true},
		"early and in time":    {nil, []secret.String{current}, -workflow.Window, true},
		"late and in time":     {nil, []secret.String{current}, workflow.Window, true},
		"a version before it":  {func(h http.Header) { h.Set("Webhook-Signature", "v1a,AAAA "+h.Get("Webhook-Signature")) }, []secret.String{current}, 0, true},
		"too late":             {nil, []secret.String{current}, workflow.Window + time.Second, false},
		"too early":            {nil, []secret.String{current}, -workflow.Window - time.Second, false},
		"no secrets":           {nil, nil, 0, false},
		"an empty secret":      {nil, []secret.String{{}}, 0, false},
		"another secret":       {nil, []secret.String{secret.New("x")}, 0, false},
		"another id":           {func(h http.Header) { h.Set("Webhook-Id", "id-2") }, []secret.String{current}, 0, false},
		"no id":                {func(h http.Header) { h.Del("Webhook-Id") }, []secret.String{current}, 0, false},
		"two ids":              {func(h http.Header) { h.Add("Webhook-Id", "id-1") }, []secret.String{current}, 0, false},
		"a later timestamp":    {func(h http.Header) { h.Set("Webhook-Timestamp", strconv.FormatInt(signedAt.Unix()+1, 10)) }, []secret.String{current}, 0, false},
		"a timestamp in words": {func(h http.Header) { h.Set("Webhook-Timestamp", "now") }, []secret.String{current}, 0, false},
		"a signed timestamp":   {func(h http.Header) { h.Set("Webhook-Timestamp", "+"+h.Get("Webhook-Timestamp")) }, []secret.String{current}, 0, false},
		"no signature":         {func(h http.Header) { h.Del("Webhook-Signature") }, []secret.String{current}, 0, false},
		"another version": {func(h http.Header) {
			h.Set("Webhook-Signature", strings.ReplaceAll(h.Get("Webhook-Signature"), "v1,", "v2,"))
		}, []secret.String{current}, 0, false},
		"too many to be looked": {func(h http.Header) {
			h.Set("Webhook-Signature", strings.Repeat("v1,AAAA ", 10)+h.Get("Webhook-Signature"))
		}, []secret.String{current}, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := good()
			if c.change != nil {
				c.change(h)
			}
			id, err := workflow.Verify(h, c.secrets, signedAt.Add(c.now), body)
			if (err == nil) != c.ok || c.ok && id != "id-1" || err != nil && !fault.Is(err, fault.Unauthorized) {
				t.Errorf("Verify = %q, %v, want ok = %v", id, err, c.ok)
			}
		})
	}
	// What belongs to the id and what to the timestamp cannot be moved.
	moved := http.Header{}
	workflow.Sign(moved, []secret.String{current}, "id.1614265330", signedAt, body)
	if _, err := workflow.Verify(moved, []secret.String{current}, signedAt, body); err == nil {
		t.Error("an id with a point is accepted")
	}
}

// One changed byte of body, id, timestamp or signature is refused.
func FuzzVerify(f *testing.F) {
	f.Add([]byte(`{"a":1}`), "id-1", uint(3), byte('x'))
	f.Add([]byte(``), "a", uint(60), byte('='))
	f.Fuzz(func(t *testing.T, body []byte, id string, at uint, with byte) {
		key := []secret.String{secret.New("segredo")}
		h := http.Header{}
		workflow.Sign(h, key, id, signedAt, body)
		got, err := workflow.Verify(h, key, signedAt, body)
		if err != nil {
			return // an id that is none
		}
		if got != id {
			t.Errorf("Verify = %q, want %q", got, id)
		}
		parts := [][]byte{body, []byte(id), []byte(h.Get("Webhook-Timestamp")), []byte(h.Get("Webhook-Signature"))}
		n := at % uint(len(body)+len(id)+len(parts[2])+len(parts[3]))
		for i, p := range parts {
			if n >= uint(len(p)) {
				n -= uint(len(p))
				continue
			}
			changed := bytes.Clone(p)
			if changed[n] == with {
				return
			}
			changed[n] = with
			parts[i] = changed
			break
		}
		h.Set("Webhook-Id", string(parts[1]))
		h.Set("Webhook-Timestamp", string(parts[2]))
		h.Set("Webhook-Signature", string(parts[3]))
		if _, err := workflow.Verify(h, key, signedAt, parts[0]); err == nil {
			t.Errorf("Verify with %q %q %q accepts a changed byte", parts[1], parts[2], parts[3])
		}
	})
}
