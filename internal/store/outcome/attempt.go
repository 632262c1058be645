package outcome

import (
	"cmp"
	"fmt"
	"maps"
	"strconv"
	"time"

	"github.com/google/uuid"

	"secretaria/internal/channel"
	"secretaria/internal/conversation"
	"secretaria/internal/store"
	"secretaria/internal/store/row"
)

// Finish writes how an attempt ended, or the reconciliation of one.
func Finish(r Records, a *store.Attempt, c *row.Conversation, d *row.Delivery) error {
	now := row.Millis(a.Now)
	if err := r.Later("attempt_end", d.Seq, a.Number, now, string(a.Outcome), a.HTTPStatus, a.Cause); err != nil {
		return err
	}
	switch {
	case a.Outcome == store.AttemptSent:
		// A fact, whoever holds the lane by now.
		if err := r.Later("delivery_sent", d.Seq, a.HTTPStatus, a.Key, now); err != nil {
			return err
		}
		return news(r, a, c, d, "sent")
	case d.Status == store.Cancelled && a.Outcome == store.AttemptAbsent && d.Attempts == a.Number:
		return r.Later("delivery_settled", d.Seq, 0, now) // no longer in doubt
	case d.Status != store.Pending && d.Status != store.FailedTemporary || d.Attempts != a.Number:
		return nil // its echo or a takeover was quicker, or a later try has begun
	}
	switch a.Outcome {
	case store.AttemptRetry:
		return r.Later("delivery_retry", d.Seq, d.Uncertain, a.Cause, a.HTTPStatus, row.Millis(a.NextAt))
	case store.AttemptUncertain:
		return r.Later("delivery_retry", d.Seq, true, a.Cause, a.HTTPStatus, row.Millis(a.NextAt))
	case store.AttemptAbsent:
		return r.Later("delivery_settled", d.Seq, 0, now)
	case store.AttemptUnknown:
		return r.Later("delivery_settled", d.Seq, 1, now)
	case store.AttemptCancelled:
		return r.Later("delivery_cancel", d.Seq, a.Cause, now)
	case store.AttemptFailed:
		if err := dead(r, a, c, d); err != nil {
			return err
		}
		return news(r, a, c, d, strconv.Itoa(a.Number)) // a replay may fail anew
	default:
		return fmt.Errorf("attempt outcome %q", a.Outcome)
	}
}

// dead ends a delivery for good. What the bot wanted to say after it makes no sense
// without it and is cancelled, to come back with it if somebody replays it.
func dead(r Records, a *store.Attempt, c *row.Conversation, d *row.Delivery) error {
	if err := r.Later("delivery_failed", d.Seq, a.Cause, a.HTTPStatus, row.Millis(a.Now)); err != nil {
		return err
	}
	if d.Order.Kind == channel.Say {
		if err := r.Later("delivery_cancel_says", int64(c.ID), "an earlier message failed", string(d.ID), row.Millis(a.Now)); err != nil {
			return err
		}
	}
	if a.HandOver == "" || c.State.Holder != conversation.Bot {
		return nil
	}
	from := origin{turn: d.Turn, correlation: d.Correlation, now: a.Now}
	if err := handOver(r, c, a.HandOver, a.Hold, from); err != nil {
		return err
	}
	if err := r.Later("turn_forget", int64(c.ID)); err != nil {
		return err
	}
	if _, err := add(r, c, a.Orders, from); err != nil {
		return err
	}
	c.ChangedAt = a.Now
	return r.Save(c)
}

// news stores what came of a call, once for each end of it.
func news(r Records, a *store.Attempt, c *row.Conversation, d *row.Delivery, end string) error {
	if a.News == nil || d.Order.Kind != channel.Call {
		return nil
	}
	return tell(r, c, Hash("news", string(d.ID), end), *a.News, a.Note, Moment{Now: a.Now, Correlation: d.Correlation}, new(store.Result))
}

// Report stores what a workflow told later; res is known at the latest with the commit.
// ErrNotFound when the delivery is no call.
func Report(r Records, p *store.Report, c *row.Conversation, d *row.Delivery, res *store.Result) error {
	if d.Order.Kind != channel.Call {
		return store.ErrNotFound
	}
	if d.Status == store.Pending || d.Status == store.FailedTemporary {
		// Whoever reports has run, whatever became of the answer to the call.
		if err := r.Later("delivery_sent", d.Seq, 0, "", row.Millis(p.Now)); err != nil {
			return err
		}
	}
	return tell(r, c, Hash("report", string(d.ID), p.ID), p.Content, p.Note, Moment{Now: p.Now, Correlation: p.Correlation}, res)
}

// tell stores news as a message that the desk answers, where the bot holds the conversation:
// at once, or with what the customer is writing at this moment. A draft that is being made
// does not know of it. Where the bot does not hold it, people read the note in their helpdesk;
// until the desk has answered, the note waits with the news for people to take over.
func tell(r Records, c *row.Conversation, identity []byte, content conversation.Content, note string, m Moment, res *store.Result) error {
	*res = store.Result{Conversation: c.ID}
	var (
		in           conversation.ID
		was, revoked bool
		author       conversation.Author
	)
	found, err := r.One("message_by_identity", []any{identity}, &res.Message, &in, &was, &author, &revoked)
	if res.Duplicate = found; found || err != nil {
		return err
	}
	content.Kind = conversation.Result
	res.Pending = c.State.Holder == conversation.Bot
	if res.Pending && note != "" {
		content.Detail = maps.Clone(content.Detail)
		if content.Detail == nil {
			content.Detail = map[string]string{}
		}
		content.Detail[detailNote] = note
	}
	packed, err := row.Extra(content)
	if err != nil {
		return err
	}
	now := row.Millis(m.Now)
	if err := r.LaterID(&res.Message, "message_insert", int64(c.ID), string(conversation.System), string(content.Kind), content.Text, packed, "", identity, nil,
		now, now, res.Pending); err != nil {
		return err
	}
	c.ChangedAt = m.Now
	if res.Pending {
		res.Before, res.Joins = c.Correlation, !c.FirstPending.IsZero()
		if c.FirstPending.IsZero() {
			c.DueAt = time.Time{} // a time to wake up is none to wait for
		}
		c.FirstPending, c.DueAt = earliest(c.FirstPending, m.Now), earliest(c.DueAt, m.Now)
		c.Revision++
		c.Correlation = cmp.Or(m.Correlation, c.Correlation)
		res.Stale, res.DueAt = true, c.DueAt
	} else if note != "" {
		if err := leaveNote(r, c, note, origin{correlation: m.Correlation, now: m.Now}); err != nil {
			return err
		}
		res.Deliver = true
	}
	return r.Save(c)
}

// detailNote is where news that the desk has not answered yet keeps its note, in the
// message's Detail.
const detailNote = "note"

// settle lets nobody of ours answer what is pending: a person has the conversation, or it is
// closed. News that the desk had not answered are left to people; told says that there were
// any. Saving the conversation is the caller's.
func settle(r Records, c *row.Conversation, from origin) (told bool, err error) {
	var notes []string
	if !c.FirstPending.IsZero() {
		err := r.Many("messages_pending", []any{int64(c.ID)}, func(sc row.Scanner) error {
			m, err := row.Message(sc, c.ID)
			if note := m.Content.Detail[detailNote]; note != "" && m.Content.Kind == conversation.Result && m.Author == conversation.System {
				notes = append(notes, note)
			}
			return err
		})
		if err != nil {
			return false, err
		}
	}
	for _, note := range notes {
		if err := leaveNote(r, c, note, from); err != nil {
			return false, err
		}
	}
	return len(notes) > 0, r.Later("messages_settle", int64(c.ID))
}

// leaveNote orders a note for people. Saving the conversation is the caller's.
func leaveNote(r Records, c *row.Conversation, text string, from origin) error {
	id, err := uuid.NewV7()
	if err != nil {
		return fmt.Errorf("make delivery id: %w", err)
	}
	_, err = add(r, c, []channel.Order{{Delivery: conversation.DeliveryID(id.String()), Kind: channel.Note, Text: text}}, from)
	return err
}

// earliest is at, or where there is none, now.
func earliest(at, now time.Time) time.Time {
	if at.IsZero() {
		return now
	}
	return at
}
