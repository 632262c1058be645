package sqlite

import (
	"context"
	"crypto/sha256"
	"fmt"
	"strconv"
	"time"

	"github.com/google/uuid"

	"secretaria/internal/channel"
	"secretaria/internal/conversation"
	"secretaria/internal/store"
)

const (
	// replayAge is when a message counts as old: a WhatsApp client that reconnects brings
	// back what was said long ago. It is recorded, and answered only where the
	// conversation has not moved on since.
	replayAge = 10 * time.Minute
	// editWindow is how long WhatsApp lets people edit a message.
	editWindow = 15 * time.Minute
)

// Receive implements store.Store.
func (s *Store) Receive(ctx context.Context, a store.Arrival) ([]store.Result, error) {
	var out []store.Result
	err := s.do(ctx, "receive", func(q session) error {
		out = make([]store.Result, len(a.Events))
		for i := range a.Events {
			r := receiving{session: q, a: &a, ev: &a.Events[i], index: i, res: &out[i]}
			if err := r.run(); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// receiving is the storing of one event.
type receiving struct {
	session
	a     *store.Arrival
	ev    *channel.Event
	index int
	res   *store.Result
	c     row
}

func (r *receiving) run() error {
	identity := r.identity()
	if identity != nil {
		var m struct {
			id              conversation.MessageID
			conversation    conversation.ID
			pending, revoke bool
			author          conversation.Author
		}
		found, err := r.one("message_by_identity", []any{identity}, &m.id, &m.conversation, &m.pending, &m.author, &m.revoke)
		if err != nil {
			return err
		}
		if found {
			*r.res = store.Result{Conversation: m.conversation, Message: m.id, Duplicate: true}
			return r.seen()
		}
	}
	known, err := r.find()
	if err != nil {
		return err
	}
	if !known {
		// Only somebody saying something starts a conversation; its state alone does not.
		if k := r.ev.Kind; k != channel.Received && k != channel.Edited && !(k == channel.Said && r.ev.Author == conversation.Person) {
			return nil
		}
		if r.ev.Thread == "" && len(r.ev.Contact.Identities) == 0 {
			return nil // nobody could be found by it again
		}
		if err := r.create(); err != nil {
			return err
		}
	}
	r.res.Conversation = r.c.ID
	if r.ev.Kind == channel.Received && identity == nil && r.a.Fallback == nil {
		repeated, err := r.repeated()
		if err != nil {
			return err
		}
		if repeated {
			r.res.Duplicate = true
			return nil
		}
	}
	if r.ev.Snapshot != nil {
		if err := r.moved(r.c.State.Observe(*r.ev.Snapshot, r.selfID(r.a.Inbox))); err != nil {
			return err
		}
	}
	switch r.ev.Kind {
	case channel.Received:
		err = r.received(identity)
	case channel.Said:
		err = r.said(identity)
	case channel.Edited:
		err = r.edited()
	case channel.Revoked:
		err = r.revoked()
	case channel.Failed:
		err = r.failed()
	case channel.Ignored:
		err = r.noted()
	}
	if err != nil {
		return err
	}
	return r.save(&r.c)
}

// seen is what a repeat still tells: nothing, but for an update of our own message, which
// may be the only carrier of a change of hands whose event was lost.
func (r *receiving) seen() error {
	if r.ev.Kind != channel.Said || r.ev.Author != conversation.Ours || r.ev.Snapshot == nil {
		return nil
	}
	known, err := r.find()
	if err != nil || !known {
		return err
	}
	if err := r.moved(r.c.State.Observe(*r.ev.Snapshot, r.selfID(r.a.Inbox))); err != nil {
		return err
	}
	return r.save(&r.c)
}

// identity is what makes a message the same message for ever: inbox, chat and the
// channel's id; without an id, the signed request and the event's place in it. Nil where
// there is neither, or where the event is not a message of its own.
func (r *receiving) identity() []byte {
	if r.ev.Kind != channel.Received && r.ev.Kind != channel.Said {
		return nil
	}
	switch {
	case r.ev.Key != "":
		return hash("key", r.a.Inbox, r.ev.Chat, r.ev.Key)
	case r.a.Fallback != nil:
		return hash("request", r.a.Inbox, string(r.a.Fallback), strconv.Itoa(r.index))
	}
	return nil
}

func hash(parts ...string) []byte {
	h := sha256.New()
	for _, p := range parts {
		// The length keeps ("ab","c") and ("a","bc") apart.
		fmt.Fprintf(h, "%d:%s", len(p), p)
	}
	return h.Sum(nil)[:16]
}

func (r *receiving) find() (bool, error) {
	var err error
	var found bool
	if r.ev.Thread != "" {
		r.c, found, err = r.conversation("conversation_by_thread", r.a.Inbox, r.ev.Thread)
		return found, err
	}
	for i, id := range r.ev.Contact.Identities {
		r.c, found, err = r.conversation("conversation_by_identity", r.a.Inbox, string(id.Kind), id.Value)
		if err != nil {
			return false, err
		}
		if !found {
			continue
		}
		if i > 0 || len(r.ev.Contact.Identities) > 1 {
			// The ids in one payload are one person's; the strongest that is known decides.
			return true, r.identify(r.c.Contact)
		}
		return true, nil
	}
	return false, nil
}

func (r *receiving) identify(contact conversation.ContactID) error {
	for _, id := range r.ev.Contact.Identities {
		if _, err := r.exec("identity_upsert", r.a.Inbox, string(id.Kind), id.Value, contact); err != nil {
			return err
		}
	}
	return nil
}

func (r *receiving) create() error {
	var contact conversation.ContactID
	for _, id := range r.ev.Contact.Identities {
		found, err := r.one("contact_by_identity", []any{r.a.Inbox, string(id.Kind), id.Value}, &contact)
		if err != nil {
			return err
		}
		if found {
			break
		}
	}
	now := millis(r.a.Now)
	if contact == 0 {
		if _, err := r.one("contact_insert", []any{r.a.Inbox, r.ev.Contact.Name, now}, &contact); err != nil {
			return err
		}
	}
	if err := r.identify(contact); err != nil {
		return err
	}
	r.c = row{Conversation: store.Conversation{Inbox: r.a.Inbox, Channel: r.a.Channel, Thread: r.ev.Thread, Contact: contact,
		ContactName: r.ev.Contact.Name, State: conversation.New(), CreatedAt: r.a.Now}}
	if r.c.Thread == "" {
		r.c.Thread = fmt.Sprintf("contact:%d", contact)
	}
	_, err := r.one("conversation_insert", []any{r.a.Inbox, string(r.a.Channel), r.c.Thread, contact, r.ev.Contact.Name, string(conversation.Bot), now}, &r.c.ID)
	return err
}

// repeated tells a repeat from a new utterance where nothing identifies the message: the
// same words by the same person within the window, and nobody has said anything since.
func (r *receiving) repeated() (bool, error) {
	packed, err := packContent(r.ev.Content)
	if err != nil {
		return false, err
	}
	want, _ := packed.(string)
	rows, err := r.stmt("message_last_said").QueryContext(r.ctx, r.c.ID)
	if err != nil {
		return false, err
	}
	defer rows.Close()
	for rows.Next() {
		var id, at int64
		var author conversation.Author
		var kind conversation.Kind
		var text, have, key string
		if err := rows.Scan(&id, &author, &kind, &text, &have, &at, &key); err != nil {
			return false, err
		}
		if author != conversation.Customer || r.a.Now.Sub(fromMillis(at)) > r.a.DedupeWindow {
			return false, nil
		}
		if key == "" && kind == r.ev.Content.Kind && text == r.ev.Content.Text && have == want {
			return true, nil
		}
	}
	return false, rows.Err()
}

func (r *receiving) insert(author conversation.Author, identity []byte, pending bool) error {
	packed, err := packContent(r.ev.Content)
	if err != nil {
		return err
	}
	said := r.ev.At
	if said.IsZero() {
		said = r.a.Now
	}
	var id any
	if identity != nil {
		id = identity
	}
	_, err = r.one("message_insert", []any{r.c.ID, string(author), string(r.ev.Content.Kind), r.ev.Content.Text, packed, r.ev.Key, id, nil, millis(said), millis(r.a.Now), pending}, &r.res.Message)
	return err
}

func (r *receiving) received(identity []byte) error {
	if to := r.ev.Address.To; to != "" {
		r.c.Address.To = to
	}
	if thread := r.ev.Address.Thread; thread != "" {
		r.c.Address.Thread = thread
	}
	if name := r.ev.Contact.Name; name != "" && name != r.c.ContactName {
		r.c.ContactName = name
		if _, err := r.exec("contact_rename", r.c.Contact, name); err != nil {
			return err
		}
	}
	var shown conversation.Status
	if r.ev.Snapshot != nil {
		shown = r.ev.Snapshot.Status
	}
	if err := r.moved(r.c.State.CustomerWrote(r.a.Now, shown)); err != nil {
		return err
	}
	overtaken := !r.ev.At.IsZero() && r.a.Now.Sub(r.ev.At) > replayAge && r.ev.At.Before(r.c.lastAt)
	pending := r.c.State.Holder == conversation.Bot && !overtaken
	if err := r.insert(conversation.Customer, identity, pending); err != nil {
		return err
	}
	if r.ev.At.After(r.c.lastAt) {
		r.c.lastAt = r.ev.At
	}
	if pending {
		r.due(r.ev.Content.Text)
	}
	return nil
}

// due moves the time of the next turn: which is all that a quiet window is.
func (r *receiving) due(text string) {
	if r.c.firstPending.IsZero() {
		r.c.firstPending = r.a.Now
	}
	r.c.dueAt = r.a.Quiet.Due(r.c.firstPending, r.a.Now, text)
	r.c.Revision++
	r.c.Correlation = r.a.Correlation
	r.res.Pending, r.res.Stale = true, true
}

func (r *receiving) edited() error {
	var m struct {
		id, conversation int64
		pending, revoked bool
		author           conversation.Author
	}
	found, err := r.one("message_by_identity", []any{hash("key", r.a.Inbox, r.ev.Chat, r.ev.Target)}, &m.id, &m.conversation, &m.pending, &m.author, &m.revoked)
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
	r.res.Message, r.res.Duplicate = conversation.MessageID(m.id), changed == 0
	// Another conversation: it was said before the person's two ids were known to be one's.
	if m.pending && changed > 0 && conversation.ID(m.conversation) == r.c.ID {
		r.due(r.ev.Content.Text)
	}
	return nil
}

// editedUnknown is an edit of a message that we do not know by its id. Where the channel
// gives our messages no ids, the original is one of the last ones and was or will be
// answered; otherwise it was lost on its way, and the edit is all that we have of it.
func (r *receiving) editedUnknown() error {
	rows, err := r.stmt("message_last_said").QueryContext(r.ctx, r.c.ID)
	if err != nil {
		return err
	}
	defer rows.Close()
	keyless := false
	for rows.Next() {
		var id, at int64
		var author, kind, text, packed, key string
		if err := rows.Scan(&id, &author, &kind, &text, &packed, &at, &key); err != nil {
			return err
		}
		if conversation.Author(author) == conversation.Customer && key == "" && r.a.Now.Sub(fromMillis(at)) <= editWindow {
			keyless = true
		}
	}
	if err := rows.Close(); err != nil {
		return err
	}
	identity := hash("key", r.a.Inbox, r.ev.Chat, r.ev.Target)
	r.ev.Key = r.ev.Target
	if keyless {
		return r.insert(conversation.Customer, identity, false)
	}
	return r.received(identity)
}

func (r *receiving) revoked() error {
	var m struct {
		id, conversation int64
		pending, revoked bool
		author           conversation.Author
	}
	found, err := r.one("message_by_identity", []any{hash("key", r.a.Inbox, r.ev.Chat, r.ev.Target)}, &m.id, &m.conversation, &m.pending, &m.author, &m.revoked)
	if err != nil || !found || m.author != conversation.Customer || conversation.ID(m.conversation) != r.c.ID {
		return err
	}
	if _, err := r.exec("message_revoke", m.id); err != nil {
		return err
	}
	r.res.Message = conversation.MessageID(m.id)
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
	d, found, err := r.delivery("delivery_by_id", string(r.ev.Delivery))
	if err != nil || !found || d.Conversation != r.c.ID || d.Status == store.FailedPermanent {
		return err
	}
	if d.Key != "" && r.ev.Key != "" && d.Key != r.ev.Key {
		return nil // of an earlier copy: it has been sent anew since
	}
	if _, err := r.exec("delivery_failed", d.seq, "not delivered by the channel", 0, millis(r.a.Now)); err != nil {
		return err
	}
	if d.Order.Kind == channel.Say {
		if _, err := r.exec("delivery_cancel_says", r.c.ID, "an earlier message failed", string(d.ID), millis(r.a.Now)); err != nil {
			return err
		}
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

// moved carries out what a move of the conversation means for what is under way.
func (r *receiving) moved(change conversation.Change) error {
	if change.Moved() || change.TakenOver {
		r.res.Change = change
	}
	if change.To == conversation.Human && (change.Moved() || change.TakenOver) || change.To == conversation.Closed && change.Moved() {
		if _, err := r.exec("messages_settle", r.c.ID); err != nil {
			return err
		}
		if _, err := r.exec("turn_forget", r.c.ID); err != nil {
			return err
		}
		r.c.dueAt, r.c.firstPending = time.Time{}, time.Time{}
		r.res.Pending, r.res.Stale = false, true
	}
	if change.TakenOver {
		n, err := r.exec("delivery_cancel_says", r.c.ID, string(change.Reason), "", millis(r.a.Now))
		if err != nil {
			return err
		}
		r.res.Cancelled += int(n)
	}
	if change.TakenOver && change.ShouldOpen {
		return r.open()
	}
	return nil
}

// open asks for the conversation to be made visible to people, where the channel can.
func (r *receiving) open() error {
	if !r.a.CanOpen {
		return nil
	}
	var one int
	if waiting, err := r.one("delivery_opening", []any{r.c.ID}, &one); err != nil || waiting {
		return err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return err
	}
	if _, err := r.exec("delivery_insert", id.String(), r.c.ID, 0, string(channel.OpenUp), "{}", nil, r.c.State.Epoch, r.a.Correlation, millis(r.a.Now), 0); err != nil {
		return err
	}
	if r.c.deliverAt.IsZero() || r.c.deliverAt.After(r.a.Now) {
		r.c.deliverAt = r.a.Now
	}
	r.res.Deliver = true
	return nil
}

// end is when a human's hold ends; zero: when somebody hands back.
func end(now time.Time, hold time.Duration) time.Time {
	if hold <= 0 {
		return time.Time{}
	}
	return now.Add(hold)
}
