package forget

import (
	"slices"
	"time"

	"secretaria/internal/conversation"
	"secretaria/internal/store"
	"secretaria/internal/store/row"
)

// all is a limit where none is meant.
const all = 1 << 30

// Dossier reads all that is kept of a contact. ErrNotFound when there is none.
func (w Work) Dossier(id conversation.ContactID) (d store.Dossier, err error) {
	var found bool
	if d.Person, found, err = w.find(id); err != nil {
		return d, err
	}
	if !found {
		return d, store.ErrNotFound
	}
	if d.Profile, err = w.body("profile_of", int64(id)); err != nil {
		return d, err
	}
	err = w.Many("conversations_of", []any{int64(id)}, func(sc row.Scanner) error {
		var c row.Conversation
		err := c.Scan(sc)
		d.Conversations = append(d.Conversations, store.CaseFile{Conversation: c.Conversation, LastAt: c.LastAt})
		return err
	})
	if err != nil {
		return d, err
	}
	for i := range d.Conversations {
		if err := w.file(&d.Conversations[i]); err != nil {
			return d, err
		}
	}
	return d, nil
}

func (w Work) file(f *store.CaseFile) (err error) {
	id := f.Conversation.ID
	err = w.Many("messages_transcript", []any{int64(id), all}, func(sc row.Scanner) error {
		m, err := row.Message(sc, id)
		f.Messages = append(f.Messages, m)
		return err
	})
	if err != nil {
		return err
	}
	slices.Reverse(f.Messages)
	if f.Memory, err = w.body("memory_of", int64(id)); err != nil {
		return err
	}
	err = w.Many("lead_list", []any{"", "", "", int64(id), 1}, func(sc row.Scanner) error {
		l, err := row.Lead(sc)
		f.Lead = &l
		return err
	})
	if err != nil {
		return err
	}
	err = w.Many("turns_of", []any{int64(id)}, func(sc row.Scanner) error {
		t, err := turn(sc)
		f.Turns = append(f.Turns, t)
		return err
	})
	if err != nil {
		return err
	}
	err = w.Many("delivery_list", []any{"", "", int64(id), "", all}, func(sc row.Scanner) error {
		var d row.Delivery
		err := d.Scan(sc)
		f.Deliveries = append(f.Deliveries, d.Delivery)
		return err
	})
	if err != nil {
		return err
	}
	slices.Reverse(f.Deliveries)
	f.Tries = map[conversation.DeliveryID][]store.Try{}
	err = w.Many("attempts_of", []any{int64(id)}, func(sc row.Scanner) error {
		delivery, t, err := try(sc)
		f.Tries[delivery] = append(f.Tries[delivery], t)
		return err
	})
	if err != nil {
		return err
	}
	return w.Many("firings_of", []any{int64(id)}, func(sc row.Scanner) error {
		one, err := row.Firing(sc)
		f.Fired = append(f.Fired, one)
		return err
	})
}

func (w Work) body(query string, id int64) ([]byte, error) {
	var text string
	found, err := w.One(query, []any{id}, &text)
	if !found || err != nil {
		return nil, err
	}
	return []byte(text), nil
}

func turn(sc row.Scanner) (t store.Record, err error) {
	var ms, started int64
	err = sc.Scan(&t.Outcome, &t.Reason, &t.Model, &t.InputTokens, &t.CachedTokens, &t.OutputTokens, &ms, &started, &t.Correlation)
	t.ModelTime, t.StartedAt = time.Duration(ms)*time.Millisecond, row.Time(started)
	return t, err
}

func try(sc row.Scanner) (id conversation.DeliveryID, t store.Try, err error) {
	var started, ended int64
	err = sc.Scan(&id, &t.Number, &started, &ended, &t.Outcome, &t.HTTPStatus, &t.Cause)
	t.StartedAt, t.EndedAt = row.Time(started), row.Time(ended)
	return id, t, err
}
