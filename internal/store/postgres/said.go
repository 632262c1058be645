package postgres

import (
	"bytes"
	"time"

	"github.com/jackc/pgx/v5"

	"secretaria/internal/channel"
	"secretaria/internal/conversation"
	"secretaria/internal/store"
)

// echoWindow is how far back the echo of something we said is looked for.
const echoWindow = 15 * time.Minute

// said is what somebody else said to the customer: we, a person, an automation.
func (r *receiving) said() error {
	d, found, err := r.mentioned()
	if err != nil {
		return err
	}
	if found {
		r.learn(r.a.Inbox, r.ev.AuthorID)
		return r.confirmed(d.seq, d.ID, d.Order.Kind, r.identity)
	}
	if r.ev.Author != conversation.Person {
		return r.insert(conversation.System, r.identity, false)
	}
	ours, err := r.echo()
	if ours || err != nil {
		return err
	}
	reason := conversation.ByMessage
	if r.ev.ByPhone {
		reason = conversation.ByPhone
	}
	if err := r.insert(conversation.Person, r.identity, false); err != nil {
		return err
	}
	return r.moved(r.c.State.TakeOver(reason, end(r.a.Now, r.a.Hold)))
}

// mentioned is the delivery of this conversation whose mark the event carries.
func (r *receiving) mentioned() (d delivery, found bool, err error) {
	if r.ev.Delivery == "" {
		return d, false, nil
	}
	r.delivery("delivery_by_id", string(r.ev.Delivery), &d, &found)
	err = r.wait("delivery_by_id")
	return d, found && d.Conversation == r.c.ID, err
}

// noted is the echo of a private note of ours.
func (r *receiving) noted() error {
	d, found, err := r.mentioned()
	if err != nil || !found {
		return err
	}
	return r.confirmed(d.seq, d.ID, d.Order.Kind, nil)
}

// confirmed notes the echo of a delivery: proof that it arrived, whatever its attempt said.
func (r *receiving) confirmed(seq int64, id conversation.DeliveryID, kind channel.OrderKind, identity []byte) error {
	r.later("delivery_sent", seq, 0, r.ev.Key, millis(r.a.Now))
	r.later("delivery_echoed", seq)
	if r.c.deliverAt.After(r.a.Now) {
		// What stood behind a delivery in doubt need not wait for the time to ask about it.
		r.c.deliverAt, r.res.Deliver = r.a.Now, true
	}
	if identity == nil {
		return nil
	}
	n, err := r.exec("message_confirm", string(id), r.ev.Key, identity)
	if err != nil || n > 0 || kind != channel.Say {
		return err
	}
	// A repeat arrived as well as the first try: the customer has it twice.
	return r.insert(conversation.Ours, identity, false)
}

// echo recognises our own words where the channel gives our messages no mark (WhatsApp).
// Each delivery has one echo: the same words once more are a person's.
func (r *receiving) echo() (bool, error) {
	if r.ev.Delivery != "" {
		return false, nil
	}
	want := conversation.Fingerprint(r.ev.Content.Text)
	if want == nil {
		return false, nil
	}
	var seq int64
	var id conversation.DeliveryID
	err := r.many("delivery_echoes", []any{r.c.ID, millis(r.a.Now.Add(-echoWindow))}, func(rows pgx.Rows) error {
		var n int64
		var d conversation.DeliveryID
		var fingerprint []byte
		err := rows.Scan(&n, &d, &fingerprint)
		if seq == 0 && bytes.Equal(fingerprint, want) {
			seq, id = n, d
		}
		return err
	})
	if err != nil || seq == 0 {
		return false, err
	}
	return true, r.confirmed(seq, id, channel.Say, r.identity)
}

// target is the message that an edit or a revocation is about.
type target struct {
	id               conversation.MessageID
	conversation     conversation.ID
	pending, revoked bool
	author           conversation.Author
}

func (r *receiving) target() (m target, found bool, err error) {
	found, err = r.one("message_by_identity", []any{r.meant()}, &m.id, &m.conversation, &m.pending, &m.author, &m.revoked)
	return m, found, err
}

func (r *receiving) meant() []byte { return hash("key", r.a.Inbox, r.ev.Chat, r.ev.Target) }

func (r *receiving) edited() error {
	m, found, err := r.target()
	if err != nil {
		return err
	}
	if !found {
		return r.editedUnknown()
	}
	if m.author != conversation.Customer || m.revoked {
		return nil
	}
	packed, err := packContent(r.ev.Content)
	if err != nil {
		return err
	}
	changed, err := r.exec("message_edit", m.id, string(r.ev.Content.Kind), r.ev.Content.Text, packed)
	if err != nil {
		return err
	}
	r.res.Message, r.res.Duplicate = m.id, changed == 0
	// Another conversation: it was said before the person's two ids were known to be one's.
	if m.pending && changed > 0 && m.conversation == r.c.ID {
		r.due(r.ev.Content.Text)
	}
	return nil
}

// editedUnknown is an edit of a message that we do not know by its id. Where the channel
// gives our messages no ids, the original is one of the last ones and was or will be
// answered; otherwise it was lost on its way, and the edit is all that we have of it.
func (r *receiving) editedUnknown() error {
	said, err := r.lastSaid()
	if err != nil {
		return err
	}
	r.identity = r.meant()
	r.ev.Key = r.ev.Target
	for _, m := range said {
		if m.author == conversation.Customer && m.key == "" && r.a.Now.Sub(m.at) <= editWindow {
			return r.insert(conversation.Customer, r.identity, false)
		}
	}
	return r.received()
}

func (r *receiving) revoked() error {
	m, found, err := r.target()
	if err != nil || !found || m.author != conversation.Customer || m.conversation != r.c.ID {
		return err
	}
	r.later("message_revoke", m.id)
	r.res.Message = m.id
	if !m.pending {
		return nil
	}
	var first int64
	if _, err := r.one("messages_pending_first", []any{r.c.ID}, &first); err != nil {
		return err
	}
	r.c.Revision++
	r.res.Stale = true
	if r.c.firstPending = fromMillis(first); first == 0 {
		r.c.dueAt = time.Time{}
	}
	return nil
}

// failed is the channel's late word that our message did not reach the customer, although
// its helpdesk took it. The customer is without an answer, so a person gets it.
func (r *receiving) failed() error {
	d, found, err := r.mentioned()
	if err != nil || !found || d.Status == store.FailedPermanent {
		return err
	}
	if d.Key != "" && r.ev.Key != "" && d.Key != r.ev.Key {
		return nil // of an earlier copy: it has been sent anew since
	}
	r.later("delivery_failed", d.seq, "not delivered by the channel", 0, millis(r.a.Now))
	if d.Order.Kind == channel.Say {
		r.later("delivery_cancel_says", r.c.ID, "an earlier message failed", string(d.ID), millis(r.a.Now))
	}
	if r.c.State.Holder != conversation.Bot {
		return nil
	}
	change := r.c.State.HandOver(conversation.ByFailure)
	r.c.State.HeldUntil = end(r.a.Now, r.a.Hold)
	if err := r.moved(change); err != nil {
		return err
	}
	return r.open()
}
