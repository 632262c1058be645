package inbound

import (
	"bytes"

	"secretaria/internal/channel"
	"secretaria/internal/conversation"
	"secretaria/internal/store"
	"secretaria/internal/store/outcome"
	"secretaria/internal/store/row"
)

// said is what somebody else said to the customer: we, a person, an automation.
func (r *Event) said() error {
	d, found, err := r.mentioned()
	if err != nil {
		return err
	}
	if found {
		if err := r.Records.Learn(r.Reported.AuthorID); err != nil {
			return err
		}
		return r.confirmed(d.Seq, d.ID, d.Order.Kind, r.Identity)
	}
	if r.Reported.Author != conversation.Person {
		return r.insert(conversation.System, r.Reported.Key, r.Identity, false)
	}
	ours, err := r.echo()
	if ours || err != nil {
		return err
	}
	reason := conversation.ByMessage
	if r.Reported.ByPhone {
		reason = conversation.ByPhone
	}
	if err := r.insert(conversation.Person, r.Reported.Key, r.Identity, false); err != nil {
		return err
	}
	return r.moved(r.c.State.TakeOver(reason, row.HeldUntil(r.Arrival.Now, r.Arrival.Hold)))
}

// mentioned is the delivery of this conversation whose mark the event carries.
func (r *Event) mentioned() (d row.Delivery, found bool, err error) {
	if r.Reported.Delivery == "" {
		return d, false, nil
	}
	err = r.Records.Many("delivery_by_id", []any{string(r.Reported.Delivery)}, func(sc row.Scanner) error {
		found = true
		return d.Scan(sc)
	})
	return d, found && d.Conversation == r.c.ID, err
}

// noted is the echo of a private note of ours, or a person's word to us in one.
func (r *Event) noted() error {
	switch r.Reported.Command {
	case channel.HandBack:
		if r.c.State.Holder != conversation.Human {
			return nil
		}
		if r.Arrival.CanOpen {
			return outcome.GiveBack(r.Records, &r.c, channel.Pend, outcome.Hash("command", r.Arrival.Inbox, r.Reported.Chat, r.Reported.Key), 0, r.moment(), r.Result)
		}
		if err := r.moved(r.c.State.HandBack(conversation.ByCommand)); err != nil {
			return err
		}
		return outcome.Resume(r.Records, &r.c, r.moment(), r.Result)
	case channel.TakeOver:
		return r.moved(r.c.State.TakeOver(conversation.ByCommand, row.HeldUntil(r.Arrival.Now, r.Arrival.Hold)))
	}
	d, found, err := r.mentioned()
	if err != nil || !found {
		return err
	}
	return r.confirmed(d.Seq, d.ID, d.Order.Kind, nil)
}

// confirmed notes the echo of a delivery: proof that it arrived, whatever its attempt said.
func (r *Event) confirmed(seq int64, id conversation.DeliveryID, kind channel.OrderKind, identity []byte) error {
	if err := r.Records.Later("delivery_sent", seq, 0, r.Reported.Key, row.Millis(r.Arrival.Now)); err != nil {
		return err
	}
	if err := r.Records.Later("delivery_echoed", seq); err != nil {
		return err
	}
	if r.c.DeliverAt.After(r.Arrival.Now) {
		// What stood behind a delivery in doubt need not wait for the time to ask about it.
		r.c.DeliverAt, r.Result.Deliver = r.Arrival.Now, true
	}
	if identity == nil {
		return nil
	}
	n, err := r.Records.Exec("message_confirm", string(id), r.Reported.Key, identity)
	if err != nil || n > 0 || kind != channel.Say {
		return err
	}
	// A repeat arrived as well as the first try: the customer has it twice.
	return r.insert(conversation.Ours, r.Reported.Key, identity, false)
}

// echo recognises our own words where the channel gives our messages no mark (WhatsApp).
// Each delivery has one echo: the same words once more are a person's.
func (r *Event) echo() (bool, error) {
	if r.Reported.Delivery != "" {
		return false, nil
	}
	want := conversation.Fingerprint(r.Reported.Content.Text)
	if want == nil {
		return false, nil
	}
	var seq int64
	var id conversation.DeliveryID
	err := r.Records.Many("delivery_echoes", []any{int64(r.c.ID), row.Millis(r.Arrival.Now.Add(-echoWindow))}, func(sc row.Scanner) error {
		var n int64
		var d conversation.DeliveryID
		var fingerprint []byte
		err := sc.Scan(&n, &d, &fingerprint)
		if seq == 0 && bytes.Equal(fingerprint, want) {
			seq, id = n, d
		}
		return err
	})
	if err != nil || seq == 0 {
		return false, err
	}
	return true, r.confirmed(seq, id, channel.Say, r.Identity)
}

// target is the message that an edit or a revocation is about.
type target struct {
	id               conversation.MessageID
	conversation     conversation.ID
	pending, revoked bool
	author           conversation.Author
}

func (r *Event) target() (m target, found bool, err error) {
	found, err = r.Records.One("message_by_identity", []any{r.meant()}, &m.id, &m.conversation, &m.pending, &m.author, &m.revoked)
	return m, found, err
}

func (r *Event) meant() []byte {
	return outcome.Hash("key", r.Arrival.Inbox, r.Reported.Chat, r.Reported.Target)
}

func (r *Event) edited() error {
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
	content := &r.Reported.Content
	packed, err := row.Extra(*content)
	if err != nil {
		return err
	}
	changed, err := r.Records.Exec("message_edit", int64(m.id), string(content.Kind), content.Text, packed)
	if err != nil {
		return err
	}
	r.Result.Message, r.Result.Duplicate = m.id, changed == 0
	// Another conversation: it was said before the person's two ids were known to be one's.
	if m.pending && changed > 0 && m.conversation == r.c.ID {
		r.due(content.Text)
	}
	return nil
}

// editedUnknown is an edit of a message that we do not know by its id. Where the channel
// gives our messages no ids, the original is one of the last ones and was or will be
// answered; otherwise it was lost on its way, and the edit is all that we have of it.
func (r *Event) editedUnknown() error {
	said, err := r.lastSaid()
	if err != nil {
		return err
	}
	for _, m := range said {
		if m.author == conversation.Customer && m.key == "" && r.Arrival.Now.Sub(m.at) <= editWindow {
			return r.insert(conversation.Customer, r.Reported.Target, r.meant(), false)
		}
	}
	return r.received(r.Reported.Target, r.meant())
}

func (r *Event) revoked() error {
	m, found, err := r.target()
	if err != nil || !found || m.author != conversation.Customer || m.conversation != r.c.ID {
		return err
	}
	if err := r.Records.Later("message_revoke", int64(m.id)); err != nil {
		return err
	}
	r.Result.Message = m.id
	if !m.pending {
		return nil
	}
	var first int64
	if _, err := r.Records.One("messages_pending_first", []any{int64(r.c.ID)}, &first); err != nil {
		return err
	}
	r.c.Revision++
	r.Result.Stale = true
	if r.c.FirstPending = row.Time(first); first > 0 {
		return nil
	}
	// Nothing is left to answer, but what was waited for before is waited for again.
	var wake int64
	if _, err := r.Records.One("turn_wake", []any{int64(r.c.ID)}, &wake); err != nil {
		return err
	}
	r.c.DueAt = row.Time(wake)
	return nil
}

// failed is the channel's late word that our message did not reach the customer, although
// its helpdesk took it. The customer is without an answer, so a person gets it.
func (r *Event) failed() error {
	d, found, err := r.mentioned()
	if err != nil || !found || d.Status == store.FailedPermanent {
		return err
	}
	if d.Key != "" && r.Reported.Key != "" && d.Key != r.Reported.Key {
		return nil // of an earlier copy: it has been sent anew since
	}
	now := row.Millis(r.Arrival.Now)
	if err := r.Records.Later("delivery_failed", d.Seq, "not delivered by the channel", 0, now); err != nil {
		return err
	}
	if d.Order.Kind == channel.Say {
		if err := r.Records.Later("delivery_cancel_says", int64(r.c.ID), "an earlier message failed", string(d.ID), now); err != nil {
			return err
		}
	}
	if r.c.State.Holder != conversation.Bot {
		return nil
	}
	change := r.c.State.HandOver(conversation.ByFailure)
	r.c.State.HeldUntil = row.HeldUntil(r.Arrival.Now, r.Arrival.Hold)
	if err := r.moved(change); err != nil {
		return err
	}
	return outcome.Open(r.Records, &r.c, r.moment(), r.Result)
}
