// Package forget is how both stores find, show, erase and outlive what they keep of people.
// The stores call it within a transaction, so that both databases forget alike; which rows
// have to be locked for that is their own to know.
package forget

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"secretaria/internal/channel"
	"secretaria/internal/conversation"
	"secretaria/internal/pseudonym"
	"secretaria/internal/store"
	"secretaria/internal/store/outcome"
	"secretaria/internal/store/row"
)

// What keyed hashes begin with, so that no two things have the same.
const (
	Message  = "message"  // the identity of a message
	Identity = "identity" // inbox, kind and value of an id
	Thread   = "thread"   // inbox and thread of a conversation
	subject  = "subject"  // kind and value of an id, whatever the inbox
)

// Token is the keyed hash of an id, as identities and opt-outs keep it.
func Token(key pseudonym.Key, inbox string, id channel.Identity) string {
	return key.Of(Identity, inbox, string(id.Kind), id.Value)
}

// Subject is the keyed hash by which an audit knows somebody, in all inboxes.
func Subject(key pseudonym.Key, id channel.Identity) string {
	return key.Of(subject, string(id.Kind), id.Value)
}

// Work is a transaction with the key of the installation.
type Work struct {
	outcome.Records
	Key pseudonym.Key
}

// find reads a person with ids and conversations.
func (w Work) find(id conversation.ContactID) (p store.Person, found bool, err error) {
	p.Contact = id
	var created, last, out int64
	found, err = w.One("person", []any{int64(id)}, &p.Inbox, &p.Name, &created, &last, &out)
	if !found || err != nil {
		return p, false, err
	}
	p.CreatedAt, p.LastAt, p.OptedOutAt = row.Time(created), row.Time(last), row.Time(out)
	if p.Identities, err = w.identities(id); err != nil {
		return p, false, err
	}
	p.Conversations, err = w.conversations("person_conversations", id)
	return p, true, err
}

func (w Work) identities(id conversation.ContactID) (ids []channel.Identity, err error) {
	err = w.Many("person_identities", []any{int64(id)}, func(sc row.Scanner) error {
		var one channel.Identity
		err := sc.Scan(&one.Kind, &one.Value)
		ids = append(ids, one)
		return err
	})
	return ids, err
}

func (w Work) conversations(query string, id conversation.ContactID) (ids []conversation.ID, err error) {
	err = w.Many(query, []any{int64(id)}, func(sc row.Scanner) error {
		var one conversation.ID
		err := sc.Scan(&one)
		ids = append(ids, one)
		return err
	})
	return ids, err
}

// Name is a contact's name.
type Name struct {
	Contact conversation.ContactID
	Text    string
}

// ScanName reads a contact's name.
func ScanName(sc row.Scanner) (n Name, err error) {
	err = sc.Scan(&n.Contact, &n.Text)
	return n, err
}

// People reads those of the contacts that are there.
func (w Work) People(ids []conversation.ContactID, inbox string, limit int) (out []store.Person, err error) {
	for _, id := range ids {
		p, found, err := w.find(id)
		if err != nil {
			return nil, err
		}
		if found && (inbox == "" || p.Inbox == inbox) && len(out) < limit {
			out = append(out, p)
		}
	}
	return out, nil
}

// subject is by whom an audit knows the contact: the id that names a person best, else the
// number that the contact had with us.
func (w Work) subject(id conversation.ContactID) (string, error) {
	if id == 0 {
		return "", nil
	}
	ids, err := w.identities(id)
	if err != nil {
		return "", err
	}
	for _, kind := range []channel.IdentityKind{channel.Phone, channel.LID, channel.ChannelID, channel.RawNumber} {
		for _, one := range ids {
			if one.Kind == kind {
				return Subject(w.Key, one), nil
			}
		}
	}
	return w.Key.Of(subject, "contact", strconv.FormatInt(int64(id), 10)), nil
}

// Note adds to the audit.
func (w Work) Note(a store.Act) error {
	contact := a.Contact
	if contact == 0 && a.Conversation != 0 {
		if _, err := w.One("contact_of", []any{int64(a.Conversation)}, &contact); err != nil {
			return err
		}
	}
	subject, err := w.subject(contact)
	if err != nil {
		return err
	}
	return w.Later("audit_insert", row.Millis(a.At), a.Actor, a.Action, subject, a.Detail)
}

// ScanAct reads an entry of the audit.
func ScanAct(sc row.Scanner) (a store.Act, err error) {
	var at int64
	err = sc.Scan(&a.ID, &at, &a.Actor, &a.Action, &a.Subject, &a.Detail)
	a.At = row.Time(at)
	return a, err
}

// Search runs the queries that a filter asks for, each with what a name must be to fit.
func Search(f store.PersonFilter, look func(query string, fits func(Name) bool, args ...any) error) error {
	anybody := func(Name) bool { return true }
	for _, value := range f.Values {
		if err := look("people_by_value", anybody, value); err != nil {
			return err
		}
	}
	if part := strings.ToLower(strings.TrimSpace(f.Name)); part != "" {
		if err := look("people_named", func(n Name) bool { return strings.Contains(strings.ToLower(n.Text), part) }); err != nil {
			return err
		}
	}
	if part := strings.ToLower(strings.TrimSpace(f.Text)); part != "" {
		return look("people_mentioning", anybody, "%"+strings.NewReplacer(`\`, `\\`, "%", `\%`, "_", `\_`).Replace(part)+"%")
	}
	return nil
}

// InOrder are the numbers of a set, lowest first.
func InOrder(set map[conversation.ContactID]bool) []conversation.ContactID {
	return slices.Sorted(maps.Keys(set))
}
