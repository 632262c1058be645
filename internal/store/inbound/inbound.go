// Package inbound is what an event from a helpdesk means for our memory: which message it
// is, whose conversation it belongs to, what it moves there. The stores call it within a
// transaction, so that both databases follow the same rules; what is a database's own
// (reading, locking, writing) it asks of them through Records.
package inbound

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"secretaria/internal/channel"
	"secretaria/internal/conversation"
	"secretaria/internal/store"
	"secretaria/internal/store/forget"
	"secretaria/internal/store/outcome"
	"secretaria/internal/store/row"
)

const (
	// replayAge is when a message counts as old: a WhatsApp client that reconnects brings
	// back what was said long ago. It is recorded, and answered only where the
	// conversation has not moved on since.
	replayAge = 10 * time.Minute
	// editWindow is how long WhatsApp lets people edit a message.
	editWindow = 15 * time.Minute
	// echoWindow is how far back the echo of something we said is looked for.
	echoWindow = 15 * time.Minute
)

// Records is one transaction of a store, as far as one event of one inbox needs it.
type Records interface {
	outcome.Records

	// Text is a text as the database would give it back.
	Text(string) string
	// Token is the keyed hash of what its parts say together.
	Token(parts ...string) string
	// Self is our own bot's id at the inbox. shown is the id of a bot that the event shows
	// and that may turn out to be us, "" for none.
	Self(shown string) (string, error)
	Learn(self string) error

	// Known returns what became of the message with an identity. One that was erased, or whose
	// time was over, is known and belongs to no conversation.
	Known(identity []byte) (store.Result, bool, error)
	// ByThread and ByPerson find a conversation: the helpdesk's, or the one that a contact
	// is where the channel has no threads. The conversation is a copy, for Save.
	ByThread(thread string) (row.Conversation, bool, error)
	ByPerson(channel.Identity) (row.Conversation, bool, error)
	// Contact is whose an id is, 0 for nobody's.
	Contact(channel.Identity) (conversation.ContactID, error)
	// Unite makes an id the contact's, whosever it was.
	Unite(channel.Identity, conversation.ContactID) error
	Rename(contact conversation.ContactID, name string) error
	// NewContact stores somebody whose ids are all unknown.
	NewContact(name string, ids []channel.Identity, now time.Time) (conversation.ContactID, error)
	// NewConversation stores a conversation and sets its ID.
	NewConversation(*row.Conversation) error

	// Many reads all rows.
	Many(query string, args []any, scan func(row.Scanner) error) error
}

// Event is the storing of one event.
type Event struct {
	Records  Records
	Arrival  *store.Arrival
	Reported *channel.Event
	// Identity is what Identity says of the event.
	Identity []byte
	Result   *store.Result

	c row.Conversation
}

// Identity is what makes the message of an arrival's event the same message for ever:
// inbox, chat and the channel's id; without an id, the signed request and the event's place
// in it. Nil where there is neither, or where the event is not a message of its own.
func Identity(a *store.Arrival, index int) []byte {
	ev := &a.Events[index]
	if ev.Kind != channel.Received && ev.Kind != channel.Said {
		return nil
	}
	switch {
	case ev.Key != "":
		return outcome.Hash("key", a.Inbox, ev.Chat, ev.Key)
	case a.Fallback != nil:
		return outcome.Hash("request", a.Inbox, string(a.Fallback), strconv.Itoa(index))
	}
	return nil
}

// Store stores the event.
func (r *Event) Store() error {
	ev := r.Reported
	if sought := r.Sought(); sought != nil {
		repeat, found, err := r.Records.Known(sought)
		if err != nil {
			return err
		}
		if found && (r.Identity != nil || repeat.Message == 0) {
			*r.Result = store.Result{Conversation: repeat.Conversation, Message: repeat.Message, Duplicate: true}
			return r.seen()
		}
	}
	found, err := r.find()
	if err != nil {
		return err
	}
	if !found {
		// Only somebody saying something starts a conversation; its state alone does not.
		if k := ev.Kind; k != channel.Received && k != channel.Edited && !(k == channel.Said && ev.Author == conversation.Person) {
			return nil
		}
		if ev.Thread == "" && len(ev.Contact.Identities) == 0 {
			return nil // nobody could be found by it again
		}
		if err := r.create(); err != nil {
			return err
		}
	}
	r.Result.Conversation = r.c.ID
	if ev.Kind == channel.Received && r.Identity == nil && r.Arrival.Fallback == nil {
		repeated, err := r.repeated()
		if err != nil {
			return err
		}
		if repeated {
			r.Result.Duplicate = true
			return nil
		}
	}
	if err := r.observe(); err != nil {
		return err
	}
	switch ev.Kind {
	case channel.Received:
		err = r.received(ev.Key, r.Identity)
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
	return r.save()
}

// Sought is the identity of the message that the event is, or that it changes; nil where it
// is about none that could be known.
func (r *Event) Sought() []byte {
	if r.Identity == nil && r.Reported.Kind == channel.Edited {
		return r.meant()
	}
	return r.Identity
}

// seen is what a repeat still tells: nothing, but for an update of our own message, which
// may be the only carrier of a change of hands whose event was lost.
func (r *Event) seen() error {
	if r.Reported.Kind != channel.Said || r.Reported.Author != conversation.Ours || r.Reported.Snapshot == nil {
		return nil
	}
	found, err := r.find()
	if err != nil || !found {
		return err
	}
	if err := r.observe(); err != nil {
		return err
	}
	return r.save()
}

// observe takes over what the event shows of the conversation at the helpdesk.
func (r *Event) observe() error {
	s := r.Reported.Snapshot
	if s == nil {
		return nil
	}
	shown := ""
	if s.Assignee == conversation.SomeBot {
		shown = s.AssigneeID
	}
	self, err := r.Records.Self(shown)
	if err != nil {
		return err
	}
	change := r.c.State.Observe(*s, self)
	if err := r.moved(change); err != nil {
		return err
	}
	switch {
	case change.From == conversation.Bot && change.Reason == conversation.ByOpening && s.Status == conversation.Open && r.Arrival.TakeBack > 0:
		// Nobody was given it: perhaps no person did that.
		return outcome.GiveBack(r.Records, &r.c, channel.TakeBack, nil, r.Arrival.TakeBack, r.moment(), r.Result)
	case change.Moved() && change.Reason == conversation.ByPending:
		return outcome.GivenBack(r.Records, &r.c, r.moment(), r.Result)
	}
	return nil
}

// Locate finds the event's conversation and changes nothing. Where the channel has no
// threads, the strongest of the person's ids that is known decides.
func (r *Event) Locate() (c row.Conversation, found bool, err error) {
	if r.Reported.Thread != "" {
		return r.Records.ByThread(r.Reported.Thread)
	}
	for _, id := range r.Reported.Contact.Identities {
		if c, found, err = r.Records.ByPerson(id); found || err != nil {
			return c, found, err
		}
	}
	return c, false, nil
}

func (r *Event) find() (found bool, err error) {
	if r.c, found, err = r.Locate(); err != nil || !found || r.Reported.Thread != "" {
		return found, err
	}
	if len(r.Reported.Contact.Identities) == 1 {
		return true, nil // the one by which it was found
	}
	return true, r.unite(r.c.Contact)
}

// unite makes all ids of the event the contact's: the ids in one payload are one person's.
func (r *Event) unite(contact conversation.ContactID) error {
	for _, id := range r.ids() {
		if err := r.Records.Unite(id, contact); err != nil {
			return err
		}
	}
	return nil
}

// ids are the event's, each once and in one order, whoever stores them.
func (r *Event) ids() []channel.Identity {
	ids := slices.SortedFunc(slices.Values(r.Reported.Contact.Identities), func(a, b channel.Identity) int {
		return cmp.Or(strings.Compare(string(a.Kind), string(b.Kind)), strings.Compare(a.Value, b.Value))
	})
	return slices.Compact(ids)
}

// create makes a conversation, and its contact where none of the ids is known.
func (r *Event) create() error {
	var contact conversation.ContactID
	var err error
	for _, id := range r.Reported.Contact.Identities {
		if contact, err = r.Records.Contact(id); err != nil {
			return err
		}
		if contact != 0 {
			break
		}
	}
	if contact == 0 {
		contact, err = r.Records.NewContact(r.Reported.Contact.Name, r.ids(), r.Arrival.Now)
	} else {
		err = r.unite(contact)
	}
	if err != nil {
		return err
	}
	r.c = row.Conversation{Conversation: store.Conversation{Inbox: r.Records.Text(r.Arrival.Inbox), Channel: r.Arrival.Channel, Thread: r.Records.Text(r.Reported.Thread),
		Contact: contact, ContactName: r.Records.Text(r.Reported.Contact.Name), State: conversation.New(), CreatedAt: r.Arrival.Now}}
	if r.c.Thread == "" {
		r.c.Thread = Home(contact)
	}
	r.addressed() // where a person wrote first there is something to be done as well: opening it
	if err := r.Records.NewConversation(&r.c); err != nil {
		return err
	}
	if len(r.Reported.Contact.Identities) > 0 || r.Reported.Thread == "" {
		return nil
	}
	// Who has no id is known by the thread alone, also as somebody who wants no more messages.
	return r.Records.Later("opt_out_of_thread", int64(r.c.ID), r.Records.Token(forget.Thread, r.c.Inbox, r.c.Thread))
}

// addressed notes where an answer has to go, as far as the event tells.
func (r *Event) addressed() {
	if to := r.Reported.Address.To; to != "" {
		r.c.Address.To = to
	}
	if thread := r.Reported.Address.Thread; thread != "" {
		r.c.Address.Thread = thread
	}
}

// Home is the thread of a contact's conversation where the channel has no threads.
func Home(contact conversation.ContactID) string {
	return "contact:" + strconv.FormatInt(int64(contact), 10)
}

// repeated tells a repeat from a new utterance where nothing identifies the message: the
// same words by the same person within the window, and nobody has said anything since.
func (r *Event) repeated() (bool, error) {
	content := &r.Reported.Content
	packed, err := row.Extra(*content)
	if err != nil {
		return false, err
	}
	want, _ := packed.(string)
	said, err := r.lastSaid()
	if err != nil {
		return false, err
	}
	for _, m := range said {
		if m.author != conversation.Customer || r.Arrival.Now.Sub(m.at) > r.Arrival.DedupeWindow {
			return false, nil
		}
		if m.key == "" && m.kind == content.Kind && m.text == r.Records.Text(content.Text) && m.extra == r.Records.Text(want) {
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

func (r *Event) lastSaid() ([]utterance, error) {
	var out []utterance
	err := r.Records.Many("message_last_said", []any{int64(r.c.ID)}, func(sc row.Scanner) error {
		var u utterance
		var id, at int64
		err := sc.Scan(&id, &u.author, &u.kind, &u.text, &u.extra, &at, &u.key)
		u.at = row.Time(at)
		out = append(out, u)
		return err
	})
	return out, err
}

func (r *Event) insert(author conversation.Author, key string, identity []byte, pending bool) error {
	content := &r.Reported.Content
	packed, err := row.Extra(*content)
	if err != nil {
		return err
	}
	said := r.Reported.At
	if said.IsZero() {
		said = r.Arrival.Now
	}
	var id any // a nil slice would be an empty blob to one database
	if identity != nil {
		id = identity
	}
	return r.Records.LaterID(&r.Result.Message, "message_insert", int64(r.c.ID), string(author), string(content.Kind), content.Text, packed, key, id, nil,
		row.Millis(said), row.Millis(r.Arrival.Now), pending)
}

func (r *Event) received(key string, identity []byte) error {
	ev, now := r.Reported, r.Arrival.Now
	r.addressed()
	if name := r.Records.Text(ev.Contact.Name); name != "" && name != r.c.ContactName {
		r.c.ContactName = name
		if err := r.Records.Rename(r.c.Contact, name); err != nil {
			return err
		}
	}
	var shown conversation.Status
	if ev.Snapshot != nil {
		shown = ev.Snapshot.Status
	}
	if err := r.moved(r.c.State.CustomerWrote(now, shown)); err != nil {
		return err
	}
	overtaken := !ev.At.IsZero() && now.Sub(ev.At) > replayAge && ev.At.Before(r.c.LastAt)
	pending := r.c.State.Holder == conversation.Bot && !overtaken
	if !overtaken {
		if err := outcome.EndPauses(r.Records, &r.c, now, r.Result); err != nil {
			return err
		}
	}
	if err := r.insert(conversation.Customer, key, identity, pending); err != nil {
		return err
	}
	if ev.At.After(r.c.LastAt) {
		r.c.LastAt = ev.At
	}
	if pending {
		r.due(ev.Content.Text)
	}
	return nil
}

// due moves the time of the next turn: which is all that a quiet window is.
func (r *Event) due(text string) {
	r.Result.Before, r.Result.Joins = r.c.Correlation, !r.c.FirstPending.IsZero()
	if r.c.FirstPending.IsZero() {
		r.c.FirstPending = r.Arrival.Now
	}
	r.c.DueAt = r.Arrival.Quiet.Due(r.c.FirstPending, r.Arrival.Now, text)
	r.c.Revision++
	r.c.Correlation = r.Arrival.Correlation
	r.Result.Pending, r.Result.Stale, r.Result.DueAt = true, true, r.c.DueAt
}

// moved carries out what a move of the conversation means for what is under way.
func (r *Event) moved(change conversation.Change) error {
	return outcome.Move(r.Records, &r.c, change, r.moment(), r.Result)
}

func (r *Event) moment() outcome.Moment {
	return outcome.Moment{Now: r.Arrival.Now, Correlation: r.Arrival.Correlation, CanOpen: r.Arrival.CanOpen}
}

// save writes the conversation down.
func (r *Event) save() error {
	r.c.ChangedAt = r.Arrival.Now
	return r.Records.Save(&r.c)
}
