package chatwoot

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"secretaria/internal/channel"
	"secretaria/internal/channel/chatwoot/chatwoottest"
	"secretaria/internal/fault"
)

// A timestamp has at most twelve digits, and one that is no number is not taken for zero.
func TestAuthenticateDigits(t *testing.T) {
	t.Parallel()
	body := []byte(`{"event":"message_created"}`)
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
		r := &channel.Request{Header: http.Header{}, Body: body, Received: time.Unix(tc.arrived, 0)}
		r.Header.Set(signatureHeader, signaturePrefix+mac(tc.timestamp+"."+string(body)))
		r.Header.Set(timestampHeader, tc.timestamp)
		if err := listener(t, AnyForm, testSecret).Authenticate(r); (err == nil) != tc.want {
			t.Errorf("timestamp %q at %d: Authenticate = %v, want accepted %v", tc.timestamp, tc.arrived, err, tc.want)
		}
	}
}

// A request that nobody has dated is compared with the clock.
func TestAuthenticateUndated(t *testing.T) {
	t.Parallel()
	body := []byte(`{}`)
	for _, tc := range []struct {
		away time.Duration
		want bool
	}{{0, true}, {-time.Hour, false}, {time.Hour, false}} {
		r := &channel.Request{Header: chatwoottest.Headers(testSecret, body, time.Now().Add(tc.away), false), Body: body}
		if err := listener(t, AnyForm, testSecret).Authenticate(r); (err == nil) != tc.want {
			t.Errorf("%v away: Authenticate = %v, want accepted %v", tc.away, err, tc.want)
		}
	}
}

// Two signatures are refused in either form, though both are right.
func TestAuthenticateTwoSignatures(t *testing.T) {
	t.Parallel()
	body := []byte(`{}`)
	r := &channel.Request{Header: http.Header{}, Body: body}
	r.Header.Add(signatureHeader, mac(string(body)))
	r.Header.Add(signatureHeader, mac(string(body)))
	for _, form := range []Form{AnyForm, BodyOnly} {
		if err := listener(t, form, testSecret).Authenticate(r); !fault.Is(err, fault.Unauthorized) {
			t.Errorf("form %v: Authenticate(two bare signatures) = %v, want unauthorized", form, err)
		}
	}
}

// An inbox that does not exist refuses also who knows what it compares with.
func TestStrangerRefusesItsOwnSecret(t *testing.T) {
	t.Parallel()
	for _, c := range []*Channel{Stranger(), listener(t, AnyForm)} {
		now := time.Unix(1789049008, 0)
		for _, s := range c.secrets {
			r := &channel.Request{Header: chatwoottest.Headers(s.Reveal(), []byte("{}"), now, false), Body: []byte("{}"), Received: now}
			if err := c.Authenticate(r); !fault.Is(err, fault.Unauthorized) {
				t.Errorf("Authenticate at %s = %v, want unauthorized", strconv.Quote(r.Header.Get(timestampHeader)), err)
			}
		}
		if len(c.secrets) == 0 {
			t.Error("nothing to compare with: the answer comes sooner than that of a wrong signature")
		}
	}
}
