package chatwoottest

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"
)

// attempts is how often a webhook is tried in all; only 429 and 500 are tried again.
const attempts = 3

// Webhook is one delivery of an event, with its last answer.
type Webhook struct {
	Event        string
	Conversation int64
	Delivery     string // X-Chatwoot-Delivery, the same for every attempt
	Attempts     int
	Status       int // 0: no answer
	Body         []byte
	Answer       []byte
}

// Webhooks returns the deliveries that came to an end, in that order.
func (s *Server) Webhooks() []Webhook {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.webhooks)
}

// lane delivers the events of one conversation one after the other. Chatwoot promises no
// order; a test that wants another one posts by hand.
type lane struct {
	queue  []*pending
	active bool
}

// pending is a delivery under way.
type pending struct {
	webhook Webhook
	bot     int64
	opens   bool // a final failure opens a pending conversation
	done    chan struct{}
}

func (p *pending) wait(ctx context.Context) (Webhook, error) {
	select {
	case <-p.done:
		return p.webhook, nil
	case <-ctx.Done():
		return Webhook{}, context.Cause(ctx)
	}
}

// emit queues an event; nil when nobody listens. The lock is held.
func (s *Server) emit(c *Conversation, payload map[string]any, opens bool) *pending {
	b := s.botOf(c)
	if b == nil || b.URL == "" || s.ctx.Err() != nil {
		return nil
	}
	name, _ := payload["event"].(string)
	p := &pending{bot: b.ID, opens: opens, done: make(chan struct{}), webhook: Webhook{
		// json.Marshal escapes < > & and U+2028/9 as Rails does.
		Event: name, Conversation: c.ID, Delivery: uuid.NewString(), Body: encode(payload),
	}}
	l := s.lanes[c.ID]
	if l == nil {
		l = &lane{}
		s.lanes[c.ID] = l
	}
	l.queue = append(l.queue, p)
	if !l.active {
		l.active = true
		s.running.Go(func() { s.drain(l) })
	}
	return p
}

func (s *Server) drain(l *lane) {
	for {
		s.mu.Lock()
		if len(l.queue) == 0 {
			l.active = false
			s.mu.Unlock()
			return
		}
		p := l.queue[0]
		l.queue = l.queue[1:]
		s.mu.Unlock()
		s.deliver(p)
	}
}

func (s *Server) deliver(p *pending) {
	for p.webhook.Attempts < attempts {
		if p.webhook.Attempts > 0 {
			select {
			case <-time.After(s.options.RetryDelay):
			case <-s.ctx.Done():
			}
		}
		p.webhook.Attempts++
		s.attempt(&p.webhook, p.bot)
		if p.webhook.Status != http.StatusTooManyRequests && p.webhook.Status != http.StatusInternalServerError || s.ctx.Err() != nil {
			break
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.webhooks = append(s.webhooks, p.webhook)
	if c := s.conversations[p.webhook.Conversation]; p.opens && p.webhook.Status/100 != 2 && c != nil && c.Status == Pending {
		s.setStatus(c, Open)
		s.add(c, &Message{Type: Activity, Content: "Conversation was marked open by system due to an error with the agent bot."})
	}
	close(p.done)
	s.touch()
}

func (s *Server) attempt(w *Webhook, bot int64) {
	w.Status, w.Answer = 0, nil
	url, secret := "", ""
	s.mu.Lock()
	if b := s.bots[bot]; b != nil {
		url, secret = b.URL, b.Secret
	}
	bodyForm := s.options.BodyForm
	s.mu.Unlock()
	if url == "" || s.options.BlocksPrivate && private(url) {
		return
	}
	req, err := http.NewRequestWithContext(s.ctx, http.MethodPost, url, bytes.NewReader(w.Body))
	if err != nil {
		return
	}
	req.Header = Headers(secret, w.Body, time.Now(), bodyForm)
	req.Header.Set("X-Chatwoot-Delivery", w.Delivery)
	resp, err := s.client.Do(req)
	if err != nil {
		return
	}
	defer resp.Body.Close()
	w.Answer, _ = io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	w.Status = resp.StatusCode
}

// Headers are those of a webhook with this body: signed as Chatwoot ≥ 4.13 does, or over
// the body alone; unsigned without a secret.
func Headers(secret string, body []byte, at time.Time, bodyForm bool) http.Header {
	h := http.Header{}
	h.Set("Content-Type", "application/json")
	h.Set("Accept", "application/json")
	h.Set("X-Chatwoot-Delivery", uuid.NewString())
	if secret == "" {
		return h
	}
	mac := hmac.New(sha256.New, []byte(secret))
	if bodyForm {
		mac.Write(body)
		h.Set("X-Chatwoot-Signature", hex.EncodeToString(mac.Sum(nil)))
		return h
	}
	timestamp := strconv.FormatInt(at.Unix(), 10)
	mac.Write([]byte(timestamp + "."))
	mac.Write(body)
	h.Set("X-Chatwoot-Timestamp", timestamp)
	h.Set("X-Chatwoot-Signature", "sha256="+hex.EncodeToString(mac.Sum(nil)))
	return h
}
