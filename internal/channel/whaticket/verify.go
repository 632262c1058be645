package whaticket

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"

	"secretaria/internal/channel"
	"secretaria/internal/fault"
	"secretaria/internal/secret"
)

const (
	invalidSignature = "invalid signature"
	invalidToken     = "invalid token"
)

// Authenticate implements channel.Channel. By signature it accepts a request only when
//   - X-Timestamp is there once, is decimal digits only, and lies within the window around
//     the time of arrival;
//   - X-Signature is there once and is the lower-case hex HMAC-SHA256, under any of the
//     secrets, of the timestamp as sent, a dot, and the raw body;
//   - where webhook tokens are configured, X-Webhook-Token is there once and is one of them.
//
// By token it accepts X-Webhook-Token, or "Authorization: Bearer" in its absence; by URL the
// last path element.
func (c *Channel) Authenticate(r *channel.Request) error {
	switch c.auth {
	case ByURL:
		if !oneOf(c.urlSecrets, r.PathSecret) {
			return fault.New(fault.Unauthorized, invalidSignature)
		}
		return nil
	case ByToken:
		token, ok := single(r.Header, "X-Webhook-Token")
		if !ok && len(r.Header.Values("X-Webhook-Token")) == 0 {
			token, ok = single(r.Header, "Authorization")
			if ok {
				token, ok = bearer(token)
			}
		}
		if !oneOf(c.tokens, token) || !ok {
			return fault.New(fault.Unauthorized, invalidToken)
		}
		return nil
	}
	if !c.signed(r) {
		return fault.New(fault.Unauthorized, invalidSignature)
	}
	if len(c.tokens) > 0 {
		if token, ok := single(r.Header, "X-Webhook-Token"); !oneOf(c.tokens, token) || !ok {
			return fault.New(fault.Unauthorized, invalidToken)
		}
	}
	return nil
}

// signed does the whole work for every request, so that its time tells nothing about which
// part was wrong.
func (c *Channel) signed(r *channel.Request) bool {
	timestamp, ok := single(r.Header, "X-Timestamp")
	at, fresh := seconds(timestamp)
	if away := r.Received.Unix() - at; fresh {
		fresh = max(away, -away) <= int64(c.window.Seconds())
	}
	signature, once := single(r.Header, "X-Signature")
	match := false
	for _, key := range c.secrets {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(timestamp))
		mac.Write([]byte{'.'})
		mac.Write(r.Body)
		want := hex.EncodeToString(mac.Sum(nil))
		if hmac.Equal([]byte(want), []byte(signature)) {
			match = true
		}
	}
	return match && ok && fresh && once
}

// single returns a header that is there exactly once: of two, a proxy and we might each
// believe another one.
func single(h http.Header, name string) (string, bool) {
	if v := h.Values(name); len(v) == 1 {
		return v[0], true
	}
	return "", false
}

// seconds reads Unix seconds: ASCII digits only, no sign, exponent or space.
func seconds(s string) (int64, bool) {
	if s == "" || len(s) > 12 || strings.Trim(s, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil
}

func bearer(header string) (string, bool) {
	scheme, token, ok := strings.Cut(header, " ")
	return token, ok && strings.EqualFold(scheme, "Bearer")
}

func digests(values []secret.String) [][32]byte {
	var sums [][32]byte
	for _, v := range values {
		sums = append(sums, sha256.Sum256([]byte(v.Reveal())))
	}
	return sums
}

func oneOf(sums [][32]byte, value string) bool {
	got := sha256.Sum256([]byte(value))
	match := 0
	for _, sum := range sums {
		match |= subtle.ConstantTimeCompare(sum[:], got[:])
	}
	return match == 1
}
