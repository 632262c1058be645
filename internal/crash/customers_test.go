package crash

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"secretaria/internal/channel/chatwoot/chatwoottest"
	"secretaria/internal/channel/whaticket/whatickettest"
)

// desk is which way a customer's messages come and answers go.
type desk int

// The desks.
const (
	echoed   desk = iota // Chatwoot with a bot's token: echoes tell what arrived, else the newest message
	searched             // Chatwoot with a user's token beside it, where messages can be searched
	lookedUp             // a Whaticket where the program may look into tickets
	blind                // a Whaticket where it can only send
)

func (d desk) String() string {
	return [...]string{"Chatwoot", "Chatwoot with a user's token", "Whaticket with look-ups", "Whaticket without look-ups"}[d]
}

// chatwoot says whether the desk is one in Chatwoot.
func (d desk) chatwoot() bool { return d == echoed || d == searched }

// customer writes messages, each with a word of its own that the model repeats in its answer.
type customer struct {
	desk   desk
	number string // on WhatsApp
	thread int64  // in Chatwoot
	prefix string
	todo   chan letter

	mu      sync.Mutex
	said    []string             // all words so far
	arrived []string             // in the order in which their webhooks set out
	acked   map[string]time.Time // when their webhooks were acknowledged
	excused map[string]bool      // people had the conversation before they were answered
	letters map[string]letter
	parked  *parked // a webhook that waits to be overtaken
}

var word = regexp.MustCompile(`\bassunto-\d+-\d+\b`)

// next is a new word of the customer.
func (c *customer) next(l letter) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	said := fmt.Sprintf("%s%d", c.prefix, len(c.said))
	c.said = append(c.said, said)
	c.letters[said] = l
	return said
}

func (c *customer) letter(said string) letter {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.letters[said]
}

// sets records that the webhook of a word sets out.
func (c *customer) sets(said string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !slices.Contains(c.arrived, said) {
		c.arrived = append(c.arrived, said)
	}
}

func (c *customer) acknowledged(said string, at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, known := c.acked[said]; !known {
		c.acked[said] = at
	}
}

// open lists the acknowledged words that are neither in got nor excused.
func (c *customer) open(got map[string]bool) []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var missing []string
	for _, said := range c.said {
		if _, ok := c.acked[said]; ok && !got[said] && !c.excused[said] {
			missing = append(missing, said)
		}
	}
	return missing
}

// excuse notes that people had the conversation: nobody answers for the bot what was said
// so far.
func (c *customer) excuse() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, said := range c.said {
		c.excused[said] = true
	}
}

// writing is customers at work.
type writing struct {
	waiting atomic.Int64 // letters that are not written yet
	all     sync.WaitGroup
}

// begin lets every customer write what they are given, one message after the other.
func (w *town) begin(ctx context.Context) *writing {
	var work writing
	for _, c := range w.customers {
		work.all.Go(func() {
			for l := range c.todo {
				w.write(ctx, c, l)
				work.waiting.Add(-1)
			}
		})
	}
	return &work
}

func (work *writing) give(c *customer, l letter) {
	work.waiting.Add(1)
	c.todo <- l
}

// end returns when everything is written.
func (w *town) end(work *writing) {
	for _, c := range w.customers {
		close(c.todo)
	}
	work.all.Wait()
}

// write lets a customer say something new, and returns when its webhook has an end.
func (w *town) write(ctx context.Context, c *customer, l letter) {
	if c.desk.chatwoot() {
		w.handBack(ctx, c)
	}
	said := c.next(l)
	w.note(c, "writes %s", said)
	if !l.swapped {
		w.speak(ctx, c, said, time.Now())
		return
	}
	second := l
	second.swapped, second.trouble = false, none
	if c.desk.chatwoot() {
		// The webhook of the first waits at the balancer until that of the second is through.
		w.speak(ctx, c, said, time.Now())
		later := c.next(second)
		w.note(c, "writes %s, which overtakes %s", later, said)
		w.speak(ctx, c, later, time.Now())
		return
	}
	later := c.next(second)
	w.note(c, "writes %s, which overtakes %s", later, said)
	w.speak(ctx, c, later, time.Now())
	w.speak(ctx, c, said, time.Now().Add(-2*time.Second))
}

func (w *town) speak(ctx context.Context, c *customer, said string, at time.Time) {
	text := "Queria saber do " + said
	if c.desk.chatwoot() {
		if _, err := w.chatwoot.Customer(ctx, c.thread, text); err != nil {
			w.note(c, "cannot write %s: %v", said, err)
		}
		return
	}
	w.whaticket[c.desk].CustomerWrote(c.number, text)
	path := "/webhook/whaticket/" + inboxes[c.desk]
	req, err := whatickettest.SignedRequest(w.balancer.url()+path, sharedSecret, whatickettest.Baileys{JID: c.number, ID: uuid.NewString(), Text: text, At: at}.Body())
	if err != nil {
		w.note(c, "cannot write %s: %v", said, err)
		return
	}
	req.Header.Set("X-Correlation-ID", said)
	// Whether it was acknowledged, the balancer notes.
	if resp, err := w.client.Do(req.WithContext(ctx)); err == nil {
		resp.Body.Close()
	}
}

// handBack sets a conversation to pending that Chatwoot opened by itself because a webhook
// was refused, as a person would who looks at it.
func (w *town) handBack(ctx context.Context, c *customer) {
	if w.chatwoot.Conversation(c.thread).Status == chatwoottest.Pending {
		return
	}
	c.excuse()
	hook, err := w.chatwoot.SetStatus(ctx, c.thread, chatwoottest.Pending)
	w.note(c, "is handed back to the bot: answered %d, %v", hook.Status, err)
	if err == nil && hook.Status != http.StatusOK {
		// Nobody told the program; the next message brings the status along.
		w.note(c, "the hand-back did not arrive")
	}
}

func (w *town) by(words []string) *customer {
	if len(words) == 0 {
		return nil
	}
	prefix := words[0][:strings.LastIndexByte(words[0], '-')+1]
	return w.byPrefix[prefix]
}
