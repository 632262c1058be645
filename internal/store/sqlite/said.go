package sqlite

import (
	"bytes"
	"time"

	"secretaria/internal/channel"
	"secretaria/internal/conversation"
	"secretaria/internal/store"
)

// echoWindow is how far back the echo of something we said is looked for.
const echoWindow = 15 * time.Minute

func (r *receiving) said(identity []byte) error {
	if r.ev.Delivery != "" {
		d, found, err := r.delivery("delivery_by_id", string(r.ev.Delivery))
		if err != nil {
			return err
		}
		if found && d.Conversation == r.c.ID {
			if err := r.learn(r.a.Inbox, r.ev.AuthorID); err != nil {
				return err
			}
			return r.confirmed(d.seq, d.ID, d.Order.Kind, identity)
		}
	}
	if r.ev.Author == conversation.Person {
		ours, err := r.echo(identity)
		if ours || err != nil {
			return err
		}
		reason := conversation.ByMessage
		if r.ev.ByPhone {
			reason = conversation.ByPhone
		}
		if err := r.insert(conversation.Person, identity, false); err != nil {
			return err
		}
		return r.moved(r.c.State.TakeOver(reason, end(r.a.Now, r.a.Hold)))
	}
	author := conversation.System
	return r.insert(author, identity, false)
}

// noted is the echo of a private note of ours.
func (r *receiving) noted() error {
	if r.ev.Delivery == "" {
		return nil
	}
	d, found, err := r.delivery("delivery_by_id", string(r.ev.Delivery))
	if err != nil || !found || d.Conversation != r.c.ID {
		return err
	}
	return r.confirmed(d.seq, d.ID, d.Order.Kind, nil)
}

// confirmed notes the echo of a delivery: proof that it arrived, whatever its attempt said.
func (r *receiving) confirmed(seq int64, id conversation.DeliveryID, kind channel.OrderKind, identity []byte) error {
	if _, err := r.exec("delivery_sent", seq, 0, r.ev.Key, millis(r.a.Now)); err != nil {
		return err
	}
	if _, err := r.exec("delivery_echoed", seq); err != nil {
		return err
	}
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
func (r *receiving) echo(identity []byte) (bool, error) {
	if r.ev.Delivery != "" {
		return false, nil
	}
	want := conversation.Fingerprint(r.ev.Content.Text)
	if want == nil {
		return false, nil
	}
	rows, err := r.stmt("delivery_echoes").QueryContext(r.ctx, r.c.ID, millis(r.a.Now.Add(-echoWindow)))
	if err != nil {
		return false, err
	}
	var seq int64
	var id conversation.DeliveryID
	for rows.Next() && seq == 0 {
		var n int64
		var d conversation.DeliveryID
		var status store.Status
		var fp []byte
		if err := rows.Scan(&n, &d, &status, &fp); err != nil {
			rows.Close()
			return false, err
		}
		if bytes.Equal(fp, want) {
			seq, id = n, d
		}
	}
	if err := rows.Close(); err != nil {
		return false, err
	}
	if seq == 0 {
		return false, nil
	}
	return true, r.confirmed(seq, id, channel.Say, identity)
}
