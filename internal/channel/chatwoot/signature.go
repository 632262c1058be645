package chatwoot

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"
	"time"

	"secretaria/internal/channel"
	"secretaria/internal/fault"
)

const (
	signatureHeader = "X-Chatwoot-Signature"
	timestampHeader = "X-Chatwoot-Timestamp"
	signaturePrefix = "sha256="
	timestampDigits = 12 // more seconds than this are no date that we live to see
)

// Authenticate implements channel.Channel. It accepts a request when all of this holds:
//
//   - there is exactly one X-Chatwoot-Signature and at most one X-Chatwoot-Timestamp;
//   - with a timestamp: it is decimal digits only and within the window of our clock, either
//     way and inclusive, and the signature is "sha256=" and 64 lower-case hex digits of
//     HMAC-SHA256(secret, timestamp + "." + body) (lib/webhooks/trigger.rb, Chatwoot ≥ 4.13);
//   - without one: the signature is 64 lower-case hex digits of HMAC-SHA256(secret, body);
//   - the inbox is not pinned to the other form;
//   - one of the configured secrets fits; all are tried, whatever the first ones say.
//
// The secret is used as text, also where it looks like base64. The MAC is computed for
// every request, malformed headers included, and compared in constant time.
func (c *Channel) Authenticate(r *channel.Request) error {
	signatures, timestamps := r.Header.Values(signatureHeader), r.Header.Values(timestampHeader)
	sound := len(signatures) == 1 && len(timestamps) <= 1

	var given, timestamp string
	if len(signatures) > 0 {
		given = signatures[0]
	}
	prefix := ""
	if len(timestamps) > 0 {
		timestamp = timestamps[0]
		prefix = timestamp + "."
		sound = sound && c.form != BodyOnly && c.fresh(timestamp, r.Received)
		var ok bool
		given, ok = strings.CutPrefix(given, signaturePrefix)
		sound = sound && ok
	} else {
		sound = sound && c.form != Timestamped
	}

	fits := false
	for _, s := range c.secrets {
		mac := hmac.New(sha256.New, []byte(s.Reveal()))
		mac.Write([]byte(prefix))
		mac.Write(r.Body)
		if hmac.Equal([]byte(hex.EncodeToString(mac.Sum(nil))), []byte(given)) {
			fits = true
		}
	}
	if !sound || !fits || c.refusing {
		return fault.New(fault.Unauthorized, "invalid signature")
	}
	return nil
}

func (c *Channel) fresh(timestamp string, now time.Time) bool {
	if timestamp == "" || len(timestamp) > timestampDigits || strings.Trim(timestamp, "0123456789") != "" {
		return false
	}
	n, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil {
		return false
	}
	if now.IsZero() {
		now = time.Now()
	}
	apart := now.Unix() - n
	return max(apart, -apart) <= int64(c.window/time.Second)
}
