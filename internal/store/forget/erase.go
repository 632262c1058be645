package forget

import (
	"strconv"
	"strings"
	"time"

	"secretaria/internal/channel"
	"secretaria/internal/conversation"
	"secretaria/internal/store"
	"secretaria/internal/store/row"
)

// Jobs removes the jobs of a conversation from the queue and says how many.
type Jobs func(conversation.ID) (int64, error)

// ledger counts rows by table, in the order in which the tables come.
type ledger struct{ counts []store.Count }

func (l *ledger) add(table string, n int64) {
	for i := range l.counts {
		if l.counts[i].Table == table {
			l.counts[i].Rows += n
			return
		}
	}
	l.counts = append(l.counts, store.Count{Table: table, Rows: n})
}

// without is what was counted at all.
func (l *ledger) some() []store.Count {
	var out []store.Count
	for _, c := range l.counts {
		if c.Rows > 0 {
			out = append(out, c)
		}
	}
	return out
}

// Erase removes a contact. It takes the contact's conversations before the contact, as every
// other step does, and then those that were begun meanwhile.
func (w Work) Erase(e store.Erasure, jobs Jobs) (out store.Erased, err error) {
	id := int64(e.Contact)
	if _, err := w.conversations("erase_lock", e.Contact); err != nil {
		return out, err
	}
	if found, err := w.One("erase_lock_contact", []any{id}, &id); err != nil {
		return out, err
	} else if !found {
		return out, store.ErrNotFound
	}
	mine, err := w.conversations("erase_lock", e.Contact)
	if err != nil {
		return out, err
	}
	var sending int64
	if _, err := w.One("erase_sending", []any{id, row.Millis(e.Now)}, &sending); err != nil {
		return out, err
	}
	if sending > 0 && !e.Force {
		return out, store.ErrBusy
	}
	var removed, kept ledger
	ids, err := w.identities(e.Contact)
	if err != nil {
		return out, err
	}
	var inbox string
	if _, err := w.One("contact_inbox", []any{id}, &inbox); err != nil {
		return out, err
	}
	e.Act.Contact, e.Act.At = e.Contact, e.Now
	e.Act.Detail = strings.TrimSpace(e.Act.Detail + " conversations=" + strconv.Itoa(len(mine)))
	if err := w.Note(e.Act); err != nil {
		return out, err
	}
	kept.add("audit", 1)
	for _, one := range ids {
		if err := w.Later("erased_insert", Token(w.Key, inbox, one), row.Millis(e.Now)); err != nil {
			return out, err
		}
	}
	kept.add("erased", int64(len(ids)))
	if err := w.Later("opt_out_spread", id, int64(0)); err != nil { // by every id that the person will be known by
		return out, err
	}
	for _, c := range mine {
		if err := w.conversation(c, jobs, &removed, &kept); err != nil {
			return out, err
		}
	}
	var wish int64
	if _, err := w.One("opt_outs_count", []any{id}, &wish); err != nil {
		return out, err
	}
	if err := w.contact(id, &removed); err != nil {
		return out, err
	}
	kept.add("opt_outs", wish)
	return store.Erased{Removed: removed.some(), Kept: kept.some()}, nil
}

// conversation removes a conversation with all that belongs to it; its messages stay known.
func (w Work) conversation(id conversation.ID, jobs Jobs, removed, kept *ledger) error {
	known, err := w.known(id)
	if err != nil {
		return err
	}
	for _, identity := range known {
		if err := w.Later("forgotten_insert", w.Key.Sum(Message, string(identity))); err != nil {
			return err
		}
	}
	kept.add("forgotten", int64(len(known)))
	var inbox, thread string
	if _, err := w.One("erase_thread", []any{int64(id)}, &inbox, &thread); err != nil {
		return err
	}
	if !strings.HasPrefix(thread, "contact:") {
		if err := w.Later("opt_out_thread", int64(id), w.Key.Of(Thread, inbox, thread)); err != nil {
			return err
		}
	}
	for _, table := range []string{"attempts", "deliveries", "firings", "turns", "memories", "leads", "messages", "conversations"} {
		n, err := w.Exec("erase_"+table, int64(id))
		if err != nil {
			return err
		}
		removed.add(table, n)
	}
	n, err := w.Exec("erase_budget", "conversation/"+strconv.FormatInt(int64(id), 10))
	if err != nil {
		return err
	}
	removed.add("budget_lines", n)
	if jobs == nil {
		return nil
	}
	if n, err = jobs(id); err != nil {
		return err
	}
	removed.add("river_job", n)
	return nil
}

// known are the identities of a conversation's messages.
func (w Work) known(id conversation.ID) (out [][]byte, err error) {
	err = w.Many("messages_identities", []any{int64(id)}, func(sc row.Scanner) error {
		var one []byte
		err := sc.Scan(&one)
		out = append(out, one)
		return err
	})
	return out, err
}

// contact removes who has no conversation any more.
func (w Work) contact(id int64, removed *ledger) error {
	for _, table := range []string{"profiles", "identities", "contacts"} {
		n, err := w.Exec("erase_"+table, id)
		if err != nil {
			return err
		}
		removed.add(table, n)
	}
	if _, err := w.Exec("erase_contact_opt_out", strconv.FormatInt(id, 10)); err != nil {
		return err
	}
	n, err := w.Exec("erase_contact_budget", "contact/%/"+strconv.FormatInt(id, 10))
	removed.add("budget_lines", n)
	return err
}

// WasErased says whether one of the ids was erased then or later.
func (w Work) WasErased(inbox string, ids []channel.Identity, then time.Time) (bool, error) {
	for _, id := range ids {
		var at int64
		if found, err := w.One("erased_at", []any{Token(w.Key, inbox, id)}, &at); err != nil || found && !row.Time(at).Before(then) {
			return found, err
		}
	}
	return false, nil
}
