package sqlite

import (
	"context"
	"time"

	"secretaria/internal/channel"
	"secretaria/internal/conversation"
	"secretaria/internal/store"
	"secretaria/internal/store/forget"
	"secretaria/internal/store/inbound"
	"secretaria/internal/store/outcome"
	"secretaria/internal/store/row"
)

// Receive implements store.Store.
func (s *Store) Receive(ctx context.Context, a store.Arrival) ([]store.Result, error) {
	var out []store.Result
	err := s.do(ctx, "receive", func(q session) error {
		out = make([]store.Result, len(a.Events))
		for i := range a.Events {
			e := inbound.Event{Records: &records{q, a.Inbox}, Arrival: &a, Reported: &a.Events[i], Identity: inbound.Identity(&a, i), Result: &out[i]}
			if err := e.Store(); err != nil {
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

// records are what an event of an inbox finds and leaves behind. Every statement runs at once.
type records struct {
	session
	inbox string
}

var _ inbound.Records = (*records)(nil)

func (r *records) Text(s string) string { return s }

func (r *records) Token(parts ...string) string { return r.s.key.Of(parts...) }

// Self never asks the database: this process is the only one that could have learnt it.
func (r *records) Self(string) (string, error) { return r.selfID(r.inbox), nil }

func (r *records) Learn(self string) error { return r.learn(r.inbox, self) }

func (r *records) Known(identity []byte) (res store.Result, found bool, err error) {
	found, err = r.one("message_known", []any{identity, r.s.key.Sum(forget.Message, string(identity))}, &res.Message, &res.Conversation)
	return res, found, err
}

func (r *records) ByThread(thread string) (row.Conversation, bool, error) {
	return r.conversation("conversation_by_thread", r.inbox, thread)
}

func (r *records) ByPerson(id channel.Identity) (row.Conversation, bool, error) {
	return r.conversation("conversation_by_identity", r.inbox, string(id.Kind), id.Value)
}

func (r *records) Contact(id channel.Identity) (contact conversation.ContactID, err error) {
	_, err = r.one("contact_by_identity", []any{r.inbox, string(id.Kind), id.Value}, &contact)
	return contact, err
}

func (r *records) Unite(id channel.Identity, contact conversation.ContactID) error {
	was, err := r.Contact(id)
	if err != nil || was == contact {
		return err
	}
	if was == 0 {
		err = r.Later("identity_insert", r.inbox, string(id.Kind), id.Value, contact, forget.Token(r.s.key, r.inbox, id))
	} else {
		err = r.Later("identity_move", r.inbox, string(id.Kind), id.Value, contact)
	}
	if err != nil {
		return err
	}
	return outcome.United(r, was, contact)
}

func (r *records) Rename(contact conversation.ContactID, name string) error {
	return r.Later("contact_rename", contact, name)
}

func (r *records) NewContact(name string, ids []channel.Identity, now time.Time) (contact conversation.ContactID, err error) {
	if _, err := r.one("contact_insert", []any{r.inbox, name, row.Millis(now)}, &contact); err != nil {
		return 0, err
	}
	for _, id := range ids {
		if err := r.Later("identity_insert", r.inbox, string(id.Kind), id.Value, contact, forget.Token(r.s.key, r.inbox, id)); err != nil {
			return 0, err
		}
	}
	return contact, nil
}

func (r *records) NewConversation(c *row.Conversation) error {
	_, err := r.one("conversation_insert", []any{c.Inbox, string(c.Channel), c.Thread, c.Contact, c.ContactName, string(c.State.Holder), row.Millis(c.CreatedAt)}, &c.ID)
	return err
}

func (r *records) Save(c *row.Conversation) error { return r.save(c) }

func (r *records) One(query string, args []any, dest ...any) (bool, error) {
	return r.one(query, args, dest...)
}

func (r *records) Many(query string, args []any, scan func(row.Scanner) error) error {
	return r.many(query, args, scan)
}

func (r *records) Exec(query string, args ...any) (int64, error) { return r.exec(query, args...) }

func (r *records) Later(query string, args ...any) error {
	_, err := r.exec(query, args...)
	return err
}

func (r *records) LaterCount(n *int, query string, args ...any) error {
	changed, err := r.exec(query, args...)
	*n += int(changed)
	return err
}

func (r *records) LaterID(id *conversation.MessageID, query string, args ...any) error {
	return r.s.write.use(r.tx.conn, query, args, func(st *statement) error {
		res, err := st.exec()
		if err != nil {
			return err
		}
		last, err := res.LastInsertId()
		*id = conversation.MessageID(last)
		return err
	})
}
