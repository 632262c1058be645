package forget

import (
	"time"

	"secretaria/internal/conversation"
	"secretaria/internal/store"
	"secretaria/internal/store/row"
)

// stages are what a sweep goes through. Conversations in which nothing has happened go as a
// whole, with what the desk remembers and the lead; of those that go on, what is old goes.
func stages() []string {
	return []string{"conversations", "messages", "deliveries", "turns", "contacts", "audit", "erased"}
}

// Sweep removes one batch.
func (w Work) Sweep(s store.Sweep, jobs Jobs) (out store.Swept, err error) {
	s.Batch = max(s.Batch, 1)
	if s.Stage == "" {
		s.Stage = stages()[0]
	}
	var removed, kept ledger
	seen, last := 0, s.After
	if keep := w.period(s); keep > 0 {
		cut := s.Now.Add(-keep)
		switch s.Stage {
		case "conversations":
			seen, last, err = w.idle(s, cut, jobs, &removed, &kept)
		case "contacts":
			seen, last, err = w.alone(s, cut, &removed)
		case "audit", "erased":
			var n int64
			n, err = w.Exec("sweep_"+s.Stage, row.Millis(cut), s.Batch)
			removed.add(s.Stage, n)
			seen = int(n)
		default:
			seen, last, err = w.old(s, cut, &removed)
		}
	}
	if err != nil {
		return store.Swept{}, err
	}
	out.Removed = removed.some()
	next := s
	next.After = last
	if seen < s.Batch {
		next.Stage, next.After = after(s.Stage), 0
	}
	if next.Stage != "" {
		out.Next = &next
	}
	return out, nil
}

// period is how long what a stage is about may be kept; 0: for ever.
func (w Work) period(s store.Sweep) time.Duration {
	if s.Stage == "audit" || s.Stage == "erased" {
		return s.Audit
	}
	return s.Messages
}

func after(stage string) string {
	all := stages()
	for i, one := range all {
		if one == stage && i+1 < len(all) {
			return all[i+1]
		}
	}
	return ""
}

// idle removes conversations in which nothing is left to be done, and nothing happened since.
func (w Work) idle(s store.Sweep, cut time.Time, jobs Jobs, removed, kept *ledger) (seen int, last int64, err error) {
	last = s.After
	var found []conversation.ID
	err = w.Many("sweep_conversations", []any{s.After, row.Millis(cut), row.Millis(s.Now), s.Batch}, func(sc row.Scanner) error {
		var id conversation.ID
		err := sc.Scan(&id)
		found = append(found, id)
		return err
	})
	if err != nil {
		return 0, last, err
	}
	for _, id := range found {
		last = int64(id)
		if err := w.conversation(id, jobs, removed, kept); err != nil {
			return 0, last, err
		}
	}
	return len(found), last, nil
}

// alone removes contacts that have no conversation.
func (w Work) alone(s store.Sweep, cut time.Time, removed *ledger) (seen int, last int64, err error) {
	last = s.After
	var found []int64
	err = w.Many("sweep_contacts", []any{s.After, row.Millis(cut), s.Batch}, func(sc row.Scanner) error {
		var id int64
		err := sc.Scan(&id)
		found = append(found, id)
		return err
	})
	if err != nil {
		return 0, last, err
	}
	for _, id := range found {
		last = id
		var one int64
		if begun, err := w.One("contact_conversation", []any{id}, &one); err != nil {
			return 0, last, err
		} else if begun {
			continue // while the contact was being locked
		}
		if err := w.contact(id, removed); err != nil {
			return 0, last, err
		}
	}
	return len(found), last, nil
}

// item is a row that may be too old.
type item struct {
	id, at   int64
	status   string
	busy     bool
	identity []byte
}

// old removes rows of a table that are older than they may be, and done with. Rows come in
// the order of their numbers, which is nearly that of time: a batch in which nothing is old
// is the last.
func (w Work) old(s store.Sweep, cut time.Time, removed *ledger) (seen int, last int64, err error) {
	last = s.After
	var batch []item
	err = w.Many("sweep_"+s.Stage, []any{s.After, s.Batch}, func(sc row.Scanner) error {
		var i item
		err := sc.Scan(&i.id, &i.at, &i.status, &i.busy, &i.identity)
		batch = append(batch, i)
		return err
	})
	if err != nil {
		return 0, last, err
	}
	before := row.Millis(cut)
	past := 0
	for _, i := range batch {
		last = i.id
		if i.at >= before {
			continue
		}
		past++
		if i.busy || i.status == string(store.Pending) || i.status == string(store.FailedTemporary) {
			continue
		}
		if s.Stage == "deliveries" {
			n, err := w.Exec("sweep_attempts", i.id)
			if err != nil {
				return 0, last, err
			}
			removed.add("attempts", n)
		}
		n, err := w.Exec("swept_"+s.Stage, i.id)
		if err != nil {
			return 0, last, err
		}
		removed.add(s.Stage, n)
		if n > 0 && i.identity != nil {
			if err := w.Later("forgotten_insert", w.Key.Sum(Message, string(i.identity))); err != nil {
				return 0, last, err
			}
		}
	}
	if past == 0 {
		return 0, last, nil
	}
	return len(batch), last, nil
}
