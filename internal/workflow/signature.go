package workflow

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"secretaria/internal/fault"
	"secretaria/internal/secret"
)

// The headers of Standard Webhooks (standardwebhooks.com, version 1).
const (
	HeaderID        = "Webhook-Id"
	HeaderTimestamp = "Webhook-Timestamp"
	HeaderSignature = "Webhook-Signature"
)

// Window is how far a signed timestamp may lie from our clock, either way.
const Window = 5 * time.Minute

// Sign sets the headers of Standard Webhooks for exactly these bytes: one signature for each
// secret, so that a receiver can change secrets without a gap. Without secrets it sets none.
func Sign(h http.Header, secrets []secret.String, id string, at time.Time, body []byte) {
	timestamp := strconv.FormatInt(at.Unix(), 10)
	var signatures []string
	for _, s := range secrets {
		if !s.IsZero() {
			signatures = append(signatures, "v1,"+base64.StdEncoding.EncodeToString(mac(s, id, timestamp, body)))
		}
	}
	if len(signatures) == 0 {
		return
	}
	h.Set(HeaderID, id)
	h.Set(HeaderTimestamp, timestamp)
	h.Set(HeaderSignature, strings.Join(signatures, " "))
}

// mac is HMAC-SHA256 over id, timestamp and body with points between them. A secret that
// begins with "whsec_" is base64, as the standard has it, any other its own bytes.
func mac(s secret.String, id, timestamp string, body []byte) []byte {
	key := []byte(s.Reveal())
	if encoded, ok := strings.CutPrefix(s.Reveal(), "whsec_"); ok {
		if b, err := base64.StdEncoding.DecodeString(encoded); err == nil {
			key = b
		}
	}
	h := hmac.New(sha256.New, key)
	h.Write([]byte(id + "." + timestamp + "."))
	h.Write(body)
	return h.Sum(nil)
}

var (
	// An id without points: with one, what belongs to it and what to the timestamp could be
	// moved without a change of the signature.
	idPattern        = regexp.MustCompile(`^[A-Za-z0-9_-]{1,128}$`)
	timestampPattern = regexp.MustCompile(`^[0-9]{1,12}$`)
)

// Verify checks the headers against the raw body and returns the message's id. It accepts
// one id of letters, digits, "_" and "-", one timestamp in Unix seconds within Window of
// now, and one signature header with up to ten signatures parted by spaces, one of which is
// "v1," and the base64 of the MAC by one of the secrets. Every secret is tried, in constant
// time. The error is fault.Unauthorized, always the same.
func Verify(h http.Header, secrets []secret.String, now time.Time, body []byte) (id string, err error) {
	refused := fault.New(fault.Unauthorized, "invalid signature")
	for _, name := range []string{HeaderID, HeaderTimestamp, HeaderSignature} {
		if len(h.Values(name)) != 1 {
			return "", refused
		}
	}
	id, timestamp := h.Get(HeaderID), h.Get(HeaderTimestamp)
	if !idPattern.MatchString(id) || !timestampPattern.MatchString(timestamp) {
		return "", refused
	}
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil {
		return "", refused
	}
	if age := now.Sub(time.Unix(seconds, 0)); age > Window || age < -Window {
		return "", refused
	}
	var given [][]byte
	for i, item := range strings.Split(h.Get(HeaderSignature), " ") {
		encoded, ok := strings.CutPrefix(item, "v1,")
		if !ok || i >= 10 {
			continue
		}
		if b, err := base64.StdEncoding.Strict().DecodeString(encoded); err == nil {
			given = append(given, b)
		}
	}
	ok := false
	for _, s := range secrets {
		if s.IsZero() {
			continue
		}
		want := mac(s, id, timestamp, body)
		for _, g := range given {
			if hmac.Equal(g, want) {
				ok = true
			}
		}
	}
	if !ok {
		return "", refused
	}
	return id, nil
}
