package chatwoot

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"secretaria/internal/channel"
	"secretaria/internal/fault"
)

const (
	// pageSize is how many messages GET messages lists.
	pageSize = 20
	// maxPages bounds how far back a list is followed.
	maxPages = 10
	// ownSlack: deliveries of a conversation go out one after the other, each after the
	// one before was acknowledged. Another message of ours from about the time of the first
	// attempt is therefore an earlier one; those that came after it, in case this order is
	// replayed by hand, are further away than the shortest pause between two attempts.
	ownSlack = 2 * time.Second
)

// Reconcile implements channel.Channel. For what creates something it looks for our marker
// in GET conversation, which a bot token may read since Chatwoot 4.14.2 and which shows the
// newest message, and, with a user token, in the list of messages.
//
// A message can only be called absent when the newest one is not newer than the message
// that it answers, or older than the first attempt: whatever is newer may hide it. Clocks are compared by the peer's Date header; a message
// from the same moment as the first attempt counts as newer. Private notes need not show in
// GET conversation, so that without a user token it cannot tell their absence.
//
// Orders of the other kinds do no harm twice and are reported as absent.
func (c *Channel) Reconcile(ctx context.Context, o channel.Order) (channel.Verdict, channel.Receipt, error) {
	if !c.Supports(o.Kind) {
		return channel.CannotTell, channel.Receipt{}, nil
	}
	if o.Kind != channel.Say && o.Kind != channel.Note {
		return channel.Absent, channel.Receipt{}, nil
	}
	path, err := conversationPath(o.Address.Thread)
	if err != nil || o.Delivery == "" {
		return channel.CannotTell, channel.Receipt{}, nil
	}
	verdict, receipt, err := c.newest(ctx, path, o)
	if err == nil && verdict == channel.CannotTell && !c.user.IsZero() {
		verdict, receipt, err = c.search(ctx, path, o)
	}
	if err != nil {
		return channel.CannotTell, channel.Receipt{}, fmt.Errorf("reconcile with chatwoot: %w", err)
	}
	return verdict, receipt, nil
}

// newest looks at the newest message, as GET conversation shows it.
func (c *Channel) newest(ctx context.Context, path string, o channel.Order) (channel.Verdict, channel.Receipt, error) {
	resp, err := c.do(ctx, call{method: http.MethodGet, path: path, token: c.token})
	if err != nil {
		// A 500 is what a conversation with a team gives (#15612): it does not pass.
		if !fault.KindOf(err).Retryable() || fault.StatusOf(err) == http.StatusInternalServerError {
			err = nil
		}
		return channel.CannotTell, channel.Receipt{}, err
	}
	v, err := value(resp.Body)
	if err != nil {
		return channel.CannotTell, channel.Receipt{}, nil
	}
	conv := asObject(v)
	list, told := conv["messages"].([]any)
	shown := []object{}
	for _, m := range list {
		shown = append(shown, asObject(m))
	}
	if last := conv.object("last_non_activity_message"); last != nil {
		shown = append(shown, last)
	}
	for _, m := range shown {
		if carries(m, o) {
			return channel.Arrived, receipt(m, resp.Status), nil
		}
	}
	if o.Kind == channel.Note || !told {
		return channel.CannotTell, channel.Receipt{}, nil
	}
	if len(shown) == 0 {
		return channel.Absent, channel.Receipt{}, nil
	}
	since := o.Since.Add(skew(resp.Header.Get("Date"), time.Now()))
	for _, m := range shown {
		// Each of them is at least as new as ours would be.
		if before(m, since) || notAfter(m, o.After) {
			return channel.Absent, channel.Receipt{}, nil
		}
	}
	return channel.CannotTell, channel.Receipt{}, nil
}

// search looks through the list of messages, newest page first.
func (c *Channel) search(ctx context.Context, path string, o channel.Order) (channel.Verdict, channel.Receipt, error) {
	query := ""
	for range maxPages {
		resp, err := c.do(ctx, call{method: http.MethodGet, path: path + "/messages", query: query, token: c.user})
		if err != nil {
			if !fault.KindOf(err).Retryable() { // not a user's token, or not one that may see this inbox
				err = nil
			}
			return channel.CannotTell, channel.Receipt{}, err
		}
		v, err := value(resp.Body)
		page, ok := asObject(v)["payload"].([]any)
		if err != nil || !ok {
			return channel.CannotTell, channel.Receipt{}, nil
		}
		since := o.Since.Add(skew(resp.Header.Get("Date"), time.Now()))
		reached := len(page) < pageSize
		var oldest object
		for i := len(page) - 1; i >= 0; i-- {
			m := asObject(page[i])
			if carries(m, o) {
				return channel.Arrived, receipt(m, resp.Status), nil
			}
			reached = reached || before(m, since) || notAfter(m, o.After)
			oldest = m
		}
		if reached {
			return channel.Absent, channel.Receipt{}, nil
		}
		if oldest.id("id") == "" {
			break
		}
		query = "before=" + oldest.id("id")
	}
	return channel.CannotTell, channel.Receipt{}, nil
}

// notAfter says whether a message is not newer than the one with the id after: ids grow
// over the whole installation, and need no clock.
func notAfter(m object, after string) bool {
	known, err := strconv.ParseInt(after, 10, 64)
	if err != nil {
		return false // none, or not a message's id ("9010:submitted")
	}
	id, err := strconv.ParseInt(m.id("id"), 10, 64)
	return err == nil && id <= known
}

func carries(m object, o channel.Order) bool {
	return marker(m) == string(o.Delivery) && m.id("id") != ""
}

func marker(m object) string { return m.object("content_attributes").text(Marker, maxMarker) }

// before says whether a message was certainly there before since, by the peer's clock.
// created_at has whole seconds; updated_at, never earlier than it, has milliseconds.
func before(m object, since time.Time) bool {
	created := m.when("created_at")
	if created.IsZero() {
		return false
	}
	latest := created.Add(time.Second)
	if updated := m.when("updated_at"); !updated.Before(created) && updated.Add(time.Millisecond).Before(latest) {
		latest = updated.Add(time.Millisecond)
	}
	if marker(m) != "" {
		since = since.Add(ownSlack)
	}
	return !latest.After(since)
}

// skew returns how far the peer's clock is ahead of ours, rather too little than too much.
// The Date header has whole seconds, so that a difference within one of them is none.
func skew(date string, now time.Time) time.Duration {
	peer, err := http.ParseTime(date)
	if err != nil {
		return 0
	}
	ahead := peer.Sub(now)
	if ahead > -time.Second && ahead <= 0 {
		return 0
	}
	return ahead
}
