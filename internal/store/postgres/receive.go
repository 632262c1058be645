package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"secretaria/internal/channel"
	"secretaria/internal/conversation"
	"secretaria/internal/store"
	"secretaria/internal/store/forget"
	"secretaria/internal/store/inbound"
	"secretaria/internal/store/outcome"
	"secretaria/internal/store/row"
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
		e := newEvent(a, i, &out[i])
		k, err := q.know("conversations_lock", []*event{e})
		if err != nil {
			return err
		}
		e.records.session, e.records.k = q, k
		if err := e.Store(); err != nil {
			return err
		}
	}
	return nil
}

// event is the storing of one event with its records.
type event struct {
	inbound.Event
	records
}

func newEvent(a *store.Arrival, index int, out *store.Result) *event {
	e := &event{records: records{inbox: a.Inbox, ids: a.Events[index].Contact.Identities}}
	e.Event = inbound.Event{Records: &e.records, Arrival: a, Reported: &a.Events[index], Identity: inbound.Identity(a, index), Result: out}
	return e
}

// place is where the helpdesk, or a contact, has a conversation.
type place struct{ inbox, thread string }

type person struct{ inbox, kind, value string }

// known is what there was about events before they came, with their conversations locked.
type known struct {
	conversations map[place]*held
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
func (q *session) know(lock string, rs []*event) (*known, error) {
	k := &known{conversations: map[place]*held{}, contacts: map[person]conversation.ContactID{}, messages: map[string]store.Result{}}
	var threads, people, homes columns
	identities, tokens := [][]byte{}, [][]byte{}
	for _, r := range rs {
		if r.Reported.Thread != "" {
			threads.add(r.inbox, "", r.Reported.Thread)
		}
		for _, id := range r.Reported.Contact.Identities {
			people.add(r.inbox, string(id.Kind), id.Value)
			if r.Reported.Thread == "" {
				homes.add(r.inbox, string(id.Kind), id.Value)
			}
		}
		if sought := r.Sought(); sought != nil {
			identities = append(identities, sought)
			tokens = append(tokens, q.s.key.Sum(forget.Message, string(sought)))
		}
	}
	each(q.later(lock, threads.inbox, threads.value, homes.inbox, homes.kind, homes.value), func(rows pgx.Rows) error {
		c := new(held)
		err := c.scan(rows)
		k.conversations[place{c.Inbox, c.Thread}] = c
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
		each(q.later("messages_known", identities, tokens), func(rows pgx.Rows) error {
			var identity []byte
			res := store.Result{Duplicate: true}
			err := rows.Scan(&identity, &res.Message, &res.Conversation)
			k.messages[string(identity)] = res
			return err
		})
	}
	return k, q.wait(lock)
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

// records are what an event finds and leaves behind. What it finds was read and locked
// before; a session that is shut gives nothing else.
type records struct {
	*session
	k     *known
	inbox string
	ids   []channel.Identity // of the event's person
}

var _ inbound.Records = (*records)(nil)

// records are those of a step that no event has brought, and that has locked its conversation.
func (q *session) records(inbox string) *records { return &records{session: q, inbox: inbox} }

func (r *records) Text(s string) string { return tidy(s) }

func (r *records) Token(parts ...string) string { return r.s.key.Of(parts...) }

// token is the keyed hash of an id as the database keeps it.
func (r *records) token(id channel.Identity) string {
	return forget.Token(r.s.key, tidy(r.inbox), channel.Identity{Kind: id.Kind, Value: tidy(id.Value)})
}

func (r *records) Self(shown string) (string, error) { return r.isSelf(r.inbox, shown) }

func (r *records) Learn(self string) error {
	r.learn(r.inbox, self)
	return nil
}

func (r *records) Known(identity []byte) (store.Result, bool, error) {
	res, found := r.k.messages[string(identity)]
	return res, found, nil
}

func (r *records) at(thread string) (c row.Conversation, found bool, err error) {
	h, found := r.k.conversations[place{tidy(r.inbox), thread}]
	if found {
		c = h.Conversation
	}
	return c, found, nil
}

func (r *records) ByThread(thread string) (row.Conversation, bool, error) { return r.at(tidy(thread)) }

func (r *records) ByPerson(id channel.Identity) (c row.Conversation, found bool, err error) {
	contact, found := r.k.contacts[r.person(id)]
	if !found {
		return c, false, nil
	}
	return r.at(inbound.Home(contact))
}

func (r *records) person(id channel.Identity) person {
	return person{tidy(r.inbox), string(id.Kind), tidy(id.Value)}
}

func (r *records) Contact(id channel.Identity) (conversation.ContactID, error) {
	return r.k.contacts[r.person(id)], nil
}

func (r *records) Unite(id channel.Identity, contact conversation.ContactID) error {
	was, found := r.k.contacts[r.person(id)]
	switch {
	case found && was == contact:
	case found:
		n, err := r.exec("identity_move", r.inbox, string(id.Kind), id.Value, contact, was)
		if err != nil {
			return err
		}
		if n == 0 {
			return errRace
		}
		return outcome.United(r, was, contact)
	case r.shut:
		return errAlone
	default:
		r.later("identity_insert", r.inbox, string(id.Kind), id.Value, contact, r.token(id))
		return outcome.United(r, 0, contact)
	}
	return nil
}

func (r *records) Rename(contact conversation.ContactID, name string) error {
	if r.shut {
		return errAlone // contacts have rows of their own, which a group has no order for
	}
	return r.Later("contact_rename", contact, name)
}

// fresh are the ids for somebody new.
func (r *records) fresh() (ids, error) {
	if len(r.k.spare) == 0 {
		if err := r.draw(r.k, 1); err != nil {
			return ids{}, err
		}
	}
	return r.k.spare[0], nil
}

func (r *records) NewContact(name string, all []channel.Identity, now time.Time) (conversation.ContactID, error) {
	fresh, err := r.fresh()
	if err != nil {
		return 0, err
	}
	r.later("contact_insert", fresh.contact, r.inbox, name, row.Millis(now))
	for _, id := range all {
		r.later("identity_insert", r.inbox, string(id.Kind), id.Value, fresh.contact, r.token(id))
	}
	return fresh.contact, nil
}

func (r *records) NewConversation(c *row.Conversation) error {
	fresh, err := r.fresh()
	if err != nil {
		return err
	}
	r.k.spare = r.k.spare[1:]
	c.ID = fresh.conversation
	return r.Later("conversation_insert", c.ID, c.Inbox, string(c.Channel), c.Thread, c.Contact, c.ContactName, string(c.State.Holder), row.Millis(c.CreatedAt))
}

// Save writes the conversation, or leaves that to the end of the group.
func (r *records) Save(c *row.Conversation) error {
	if !r.shut {
		r.save(c)
		return nil
	}
	r.k.conversations[place{c.Inbox, c.Thread}] = &held{Conversation: *c, dirty: true}
	for _, id := range r.ids {
		r.k.contacts[r.person(id)] = c.Contact
	}
	return nil
}

func (r *records) One(query string, args []any, dest ...any) (bool, error) {
	return r.one(query, args, dest...)
}

func (r *records) Many(query string, args []any, scan func(row.Scanner) error) error {
	return r.many(query, args, func(rows pgx.Rows) error { return scan(rows) })
}

func (r *records) Exec(query string, args ...any) (int64, error) { return r.exec(query, args...) }

func (r *records) Later(query string, args ...any) error {
	r.later(query, args...)
	return nil
}

func (r *records) LaterCount(n *int, query string, args ...any) error {
	counted(r.later(query, args...), func(rows int64) { *n += int(rows) })
	return nil
}

func (r *records) LaterID(id *conversation.MessageID, query string, args ...any) error {
	var found bool
	single(r.later(query, args...), &found, id)
	r.message = &message{args, id}
	return nil
}
