package postgres

import (
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

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

// Receive implements store.Store. What most webhooks are, one message of somebody who is
// known, shares a transaction with its neighbours.
func (s *Store) Receive(ctx context.Context, a store.Arrival) ([]store.Result, error) {
	if groupable(&a) {
		if out, err := s.groups.receive(ctx, &a); err != errAlone {
			return out, err
		}
	}
	var out []store.Result
	err := s.do(ctx, "receive", func(q *session) error {
		out = make([]store.Result, len(a.Events))
		return q.receive(&a, out)
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// receive stores events one after the other, since each may change what the next finds.
func (q *session) receive(a *store.Arrival, out []store.Result) error {
	for i := range a.Events {
		ev := a.Events[i] // a step may run twice and starts from what was given
		r := &receiving{session: q, a: a, ev: &ev, index: i, res: &out[i]}
		r.identity = r.identify()
		k, err := q.know("conversations_lock", []*receiving{r})
		if err != nil {
			return err
		}
		if err := r.run(k); err != nil {
			return err
		}
	}
	return nil
}

// receiving is the storing of one event.
type receiving struct {
	*session
	a        *store.Arrival
	ev       *channel.Event
	index    int
	identity []byte
	res      *store.Result
	c        row
}

// place is where the helpdesk, or a contact, has a conversation.
type place struct{ inbox, thread string }

type person struct{ inbox, kind, value string }

// known is what there was about events before they came, with their conversations locked.
type known struct {
	conversations map[place]*row
	contacts      map[person]conversation.ContactID
	messages      map[string]store.Result // by identity
	spare         []ids
}

// ids are for a new person with a new conversation.
type ids struct {
	contact      conversation.ContactID
	conversation conversation.ID
}

// columns are rows turned on their side, as unnest takes them.
type columns struct{ inbox, kind, value []string }

func (c *columns) add(inbox, kind, value string) {
	c.inbox, c.kind, c.value = append(c.inbox, inbox), append(c.kind, kind), append(c.value, value)
}

// know reads and locks, in one go, what a few events need.
func (q *session) know(lock string, rs []*receiving) (*known, error) {
	k := &known{conversations: map[place]*row{}, contacts: map[person]conversation.ContactID{}, messages: map[string]store.Result{}}
	var threads, people, homes columns
	identities := [][]byte{}
	for _, r := range rs {
		if r.ev.Thread != "" {
			threads.add(r.a.Inbox, "", r.ev.Thread)
		}
		for _, id := range r.ev.Contact.Identities {
			people.add(r.a.Inbox, string(id.Kind), id.Value)
			if r.ev.Thread == "" {
				homes.add(r.a.Inbox, string(id.Kind), id.Value)
			}
		}
		if r.identity != nil {
			identities = append(identities, r.identity)
		}
	}
	each(q.later(lock, threads.inbox, threads.value, homes.inbox, homes.kind, homes.value), func(rows pgx.Rows) error {
		r := new(row)
		err := scanConversation(rows, r)
		k.conversations[place{r.Inbox, r.Thread}] = r
		return err
	})
	// These see what was committed while the lock was waited for.
	if len(people.value) > 0 {
		each(q.later("identities_known", people.inbox, people.kind, people.value), func(rows pgx.Rows) error {
			var p person
			var id conversation.ContactID
			err := rows.Scan(&p.inbox, &p.kind, &p.value, &id)
			k.contacts[p] = id
			return err
		})
	}
	if len(identities) > 0 {
		each(q.later("messages_known", identities), func(rows pgx.Rows) error {
			var identity []byte
			res := store.Result{Duplicate: true}
			err := rows.Scan(&identity, &res.Message, &res.Conversation)
			k.messages[string(identity)] = res
			return err
		})
	}
	return k, q.wait(lock)
}

func (r *receiving) run(k *known) error {
	if repeat, ok := k.messages[string(r.identity)]; ok && r.identity != nil {
		*r.res = repeat
		return r.seen(k)
	}
	found, err := r.find(k)
	if err != nil {
		return err
	}
	if !found {
		// Only somebody saying something starts a conversation; its state alone does not.
		if e := r.ev.Kind; e != channel.Received && e != channel.Edited && !(e == channel.Said && r.ev.Author == conversation.Person) {
			return nil
		}
		if r.ev.Thread == "" && len(r.ev.Contact.Identities) == 0 {
			return nil // nobody could be found by it again
		}
		if err := r.create(k); err != nil {
			return err
		}
	}
	r.res.Conversation = r.c.ID
	if r.ev.Kind == channel.Received && r.identity == nil && r.a.Fallback == nil {
		repeated, err := r.repeated()
		if err != nil {
			return err
		}
		if repeated {
			r.res.Duplicate = true
			return nil
		}
	}
	if err := r.observe(); err != nil {
		return err
	}
	switch r.ev.Kind {
	case channel.Received:
		err = r.received()
	case channel.Said:
		err = r.said()
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
	r.keep(k)
	return nil
}

// keep writes the conversation, or leaves that to the end of the group.
func (r *receiving) keep(k *known) {
	if !r.shut {
		r.save(&r.c)
		return
	}
	r.c.dirty = true
	c := r.c
	k.conversations[place{c.Inbox, c.Thread}] = &c
	for _, id := range r.ev.Contact.Identities {
		k.contacts[r.person(id)] = c.Contact
	}
}

// seen is what a repeat still tells: nothing, but for an update of our own message, which
// may be the only carrier of a change of hands whose event was lost.
func (r *receiving) seen(k *known) error {
	if r.ev.Kind != channel.Said || r.ev.Author != conversation.Ours || r.ev.Snapshot == nil {
		return nil
	}
	found, err := r.find(k)
	if err != nil || !found {
		return err
	}
	if err := r.observe(); err != nil {
		return err
	}
	r.keep(k)
	return nil
}

func (r *receiving) observe() error {
	if r.ev.Snapshot == nil {
		return nil
	}
	self := r.selfID(r.a.Inbox)
	if r.ev.Snapshot.Assignee == conversation.SomeBot {
		var err error
		if self, err = r.isSelf(r.a.Inbox, r.ev.Snapshot.AssigneeID); err != nil {
			return err
		}
	}
	return r.moved(r.c.State.Observe(*r.ev.Snapshot, self))
}

// identify is what makes a message the same message for ever: inbox, chat and the
// channel's id; without an id, the signed request and the event's place in it. Nil where
// there is neither, or where the event is not a message of its own.
func (r *receiving) identify() []byte {
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

func (r *receiving) person(id channel.Identity) person {
	return person{tidy(r.a.Inbox), string(id.Kind), tidy(id.Value)}
}

func home(contact conversation.ContactID) string { return fmt.Sprintf("contact:%d", contact) }

func (r *receiving) find(k *known) (bool, error) {
	inbox := tidy(r.a.Inbox)
	if r.ev.Thread != "" {
		c, found := k.conversations[place{inbox, tidy(r.ev.Thread)}]
		if found {
			r.c = *c
		}
		return found, nil
	}
	for _, id := range r.ev.Contact.Identities {
		contact, found := k.contacts[r.person(id)]
		if !found {
			continue
		}
		c, found := k.conversations[place{inbox, home(contact)}]
		if !found {
			continue
		}
		r.c = *c
		// The ids in one payload are one person's; the strongest that is known decides.
		return true, r.unite(k, contact)
	}
	return false, nil
}

// unite makes all ids of the event the contact's, where they are not yet.
func (r *receiving) unite(k *known, contact conversation.ContactID) error {
	for _, id := range r.ids() {
		was, found := k.contacts[r.person(id)]
		switch {
		case found && was == contact:
		case found:
			n, err := r.exec("identity_move", r.a.Inbox, string(id.Kind), id.Value, contact, was)
			if err != nil {
				return err
			}
			if n == 0 {
				return errRace
			}
		case r.shut:
			return errAlone
		default:
			r.later("identity_insert", r.a.Inbox, string(id.Kind), id.Value, contact)
		}
	}
	return nil
}

// ids are the event's, each once and in one order, whoever stores them.
func (r *receiving) ids() []channel.Identity {
	ids := slices.SortedFunc(slices.Values(r.ev.Contact.Identities), func(a, b channel.Identity) int {
		return cmp.Or(strings.Compare(string(a.Kind), string(b.Kind)), strings.Compare(a.Value, b.Value))
	})
	return slices.Compact(ids)
}

// create makes a conversation, and its contact where none of the ids is known.
func (r *receiving) create(k *known) error {
	if len(k.spare) == 0 {
		if err := r.draw(k, 1); err != nil {
			return err
		}
	}
	fresh := k.spare[0]
	k.spare = k.spare[1:]
	now, contact := millis(r.a.Now), conversation.ContactID(0)
	for _, id := range r.ev.Contact.Identities {
		if contact = k.contacts[r.person(id)]; contact != 0 {
			break
		}
	}
	if contact == 0 {
		contact = fresh.contact
		r.later("contact_insert", contact, r.a.Inbox, r.ev.Contact.Name, now)
		for _, id := range r.ids() {
			r.later("identity_insert", r.a.Inbox, string(id.Kind), id.Value, contact)
		}
	} else if err := r.unite(k, contact); err != nil {
		return err
	}
	r.c = row{Conversation: store.Conversation{ID: fresh.conversation, Inbox: tidy(r.a.Inbox), Channel: r.a.Channel, Thread: tidy(r.ev.Thread), Contact: contact,
		ContactName: tidy(r.ev.Contact.Name), State: conversation.New(), CreatedAt: r.a.Now}}
	if r.c.Thread == "" {
		r.c.Thread = home(contact)
	}
	r.later("conversation_insert", r.c.ID, r.c.Inbox, string(r.c.Channel), r.c.Thread, contact, r.c.ContactName, string(r.c.State.Holder), now)
	return nil
}

// draw takes ids for n new people.
func (q *session) draw(k *known, n int) error {
	return q.many("ids_draw", []any{n}, func(rows pgx.Rows) error {
		var id ids
		err := rows.Scan(&id.contact, &id.conversation)
		k.spare = append(k.spare, id)
		return err
	})
}

// repeated tells a repeat from a new utterance where nothing identifies the message: the
// same words by the same person within the window, and nobody has said anything since.
func (r *receiving) repeated() (bool, error) {
	packed, err := packContent(r.ev.Content)
	if err != nil {
		return false, err
	}
	want, _ := packed.(string)
	said, err := r.lastSaid()
	if err != nil {
		return false, err
	}
	for _, m := range said {
		if m.author != conversation.Customer || r.a.Now.Sub(m.at) > r.a.DedupeWindow {
			return false, nil
		}
		if m.key == "" && m.kind == r.ev.Content.Kind && m.text == tidy(r.ev.Content.Text) && m.extra == tidy(want) {
			return true, nil
		}
	}
	return false, nil
}

// utterance is one of the last things said.
type utterance struct {
	author           conversation.Author
	kind             conversation.Kind
	text, extra, key string
	at               time.Time
}

func (r *receiving) lastSaid() ([]utterance, error) {
	var out []utterance
	err := r.many("message_last_said", []any{r.c.ID}, func(rows pgx.Rows) error {
		var u utterance
		var id, at int64
		err := rows.Scan(&id, &u.author, &u.kind, &u.text, &u.extra, &at, &u.key)
		u.at = fromMillis(at)
		out = append(out, u)
		return err
	})
	return out, err
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
	var found bool
	single(r.later("message_insert", r.c.ID, string(author), string(r.ev.Content.Kind), r.ev.Content.Text, packed, r.ev.Key, identity, nil, millis(said), millis(r.a.Now), pending),
		&found, &r.res.Message)
	return nil
}

func (r *receiving) received() error {
	if to := r.ev.Address.To; to != "" {
		r.c.Address.To = to
	}
	if thread := r.ev.Address.Thread; thread != "" {
		r.c.Address.Thread = thread
	}
	if name := tidy(r.ev.Contact.Name); name != "" && name != r.c.ContactName {
		if r.shut {
			return errAlone // contacts have rows of their own, which a group has no order for
		}
		r.c.ContactName = name
		r.later("contact_rename", r.c.Contact, name)
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
	if err := r.insert(conversation.Customer, r.identity, pending); err != nil {
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

// moved carries out what a move of the conversation means for what is under way.
func (r *receiving) moved(change conversation.Change) error {
	if change.Moved() || change.TakenOver {
		r.res.Change = change
	}
	if change.To == conversation.Human && (change.Moved() || change.TakenOver) || change.To == conversation.Closed && change.Moved() {
		r.later("messages_settle", r.c.ID)
		r.later("turn_forget", r.c.ID)
		r.c.dueAt, r.c.firstPending = time.Time{}, time.Time{}
		r.res.Pending, r.res.Stale = false, true
	}
	if change.TakenOver {
		res := r.res
		counted(r.later("delivery_cancel_says", r.c.ID, string(change.Reason), "", millis(r.a.Now)), func(n int64) { res.Cancelled += int(n) })
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
	r.later("delivery_insert", id.String(), r.c.ID, 0, string(channel.OpenUp), "{}", nil, r.c.State.Epoch, r.a.Correlation, millis(r.a.Now), 0)
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
