package whatickettest

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

// FlatBody is the documented webhook body of a customer's text.
func FlatBody(number, text string) []byte {
	return encode(map[string]any{"message": map[string]any{"conversation": text}, "number": number})
}

// Baileys is a message as the SaaS forks post it. Zero fields are left out.
type Baileys struct {
	JID    string // "5511988877766@s.whatsapp.net"; a number without "@" becomes one
	ID     string
	Name   string
	Text   string
	FromMe bool
	At     time.Time
	// Message replaces Text: {"audioMessage":{…}}.
	Message map[string]any
	// Alt is remoteJidAlt.
	Alt string
}

// Body is the webhook body.
func (b Baileys) Body() []byte {
	jid := b.JID
	if !bytes.ContainsRune([]byte(jid), '@') {
		jid += "@s.whatsapp.net"
	}
	key := map[string]any{"remoteJid": jid, "fromMe": b.FromMe}
	if b.ID != "" {
		key["id"] = b.ID
	}
	if b.Alt != "" {
		key["remoteJidAlt"] = b.Alt
	}
	o := map[string]any{"key": key, "broadcast": false, "message": b.Message}
	if b.Message == nil {
		o["message"] = map[string]any{"conversation": b.Text}
	}
	if b.Name != "" {
		o["pushName"] = b.Name
	}
	if !b.At.IsZero() {
		o["messageTimestamp"] = b.At.Unix()
	}
	return encode(o)
}

// encode marshals what always can be.
func encode(v any) []byte {
	body, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return body
}

// Sign returns X-Signature: the hex HMAC-SHA256 of "<timestamp>." and the raw body.
func Sign(secret, timestamp string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	_, _ = io.WriteString(mac, timestamp+".")
	mac.Write(body)
	return hex.EncodeToString(mac.Sum(nil))
}

// SignedRequest is a webhook signed now. Its context is the background; use WithContext.
func SignedRequest(url, secret string, body []byte) (*http.Request, error) {
	req, err := http.NewRequest(http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("make webhook: %w", err)
	}
	timestamp := strconv.FormatInt(time.Now().Unix(), 10)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Timestamp", timestamp)
	req.Header.Set("X-Signature", Sign(secret, timestamp, body))
	return req, nil
}

// Post signs and posts a webhook and returns status and body of the answer.
func Post(ctx context.Context, url, secret string, body []byte) (status int, answer []byte, err error) {
	req, err := SignedRequest(url, secret, body)
	if err != nil {
		return 0, nil, err
	}
	resp, err := (&http.Client{Timeout: 30 * time.Second}).Do(req.WithContext(ctx))
	if err != nil {
		return 0, nil, fmt.Errorf("post webhook: %w", err)
	}
	defer resp.Body.Close()
	answer, err = io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return resp.StatusCode, nil, fmt.Errorf("read answer: %w", err)
	}
	return resp.StatusCode, answer, nil
}

// PostEcho posts to a webhook what our side said in m, as the forks do that post everything:
// a Baileys message with fromMe. For a message that nobody sent through the API it is a
// reply typed on the phone.
func PostEcho(ctx context.Context, url, secret string, m Message) error {
	at := m.At
	if at.IsZero() {
		at = time.Now()
	}
	status, _, err := Post(ctx, url, secret, Baileys{JID: m.Number, ID: m.ID, Text: m.Body, FromMe: true, At: at}.Body())
	if err != nil {
		return err
	}
	if status/100 != 2 {
		return fmt.Errorf("post echo: status %d", status)
	}
	return nil
}
