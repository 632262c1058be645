package whaticket

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"secretaria/internal/channel"
	"secretaria/internal/fault"
	"secretaria/internal/httpclient"
	"secretaria/internal/phone"
)

const (
	// lookBack is how much older than the first attempt a message may be by Whaticket's
	// clock and still be the one that was sent.
	lookBack = 2 * time.Minute
	// maxPages bounds how far a ticket is read back; a page has 20 messages.
	maxPages = 3
	// tail is how many last digits both forms of a Brazilian mobile share.
	tail = 8
)

// ticket is what we need of a Whaticket ticket.
type ticket struct {
	id, status, user, queue string
}

func newTicket(o object) *ticket {
	id := ticketID(o.id("id"))
	if id == "" {
		return nil
	}
	return &ticket{id: id, status: o.text("status"), user: o.id("userId"), queue: o.id("queueId")}
}

func (t *ticket) closed() bool { return t.status == "closed" }

// taken says whether a person works on it.
func (t *ticket) taken() bool { return t.status == "open" && t.user != "" }

// ticketID returns an id that is safe in a path, "" for anything but digits.
func ticketID(id string) string {
	if strings.Trim(id, "0123456789") != "" {
		return ""
	}
	return id
}

// ticketOf returns the ticket that an address leads to; nil when the number has none.
func (c *Channel) ticketOf(ctx context.Context, to channel.Address) (*ticket, error) {
	var byThread *ticket
	if id := ticketID(to.Thread); id != "" {
		resp, err := c.call(ctx, http.MethodGet, "/tickets/"+id, nil)
		if err == nil {
			if byThread = newTicket(answerObject(resp)); byThread == nil {
				return nil, unexpected(resp)
			}
		} else if !fault.Is(err, fault.NotFound) || to.To == "" {
			return nil, harmless(err)
		}
	}
	// A closed ticket may have been followed by another.
	if byThread != nil && !byThread.closed() || to.To == "" {
		return byThread, nil
	}
	t, err := c.findTicket(ctx, phone.Digits(to.To))
	if err != nil || t == nil || byThread != nil && t.closed() {
		return byThread, err
	}
	return t, nil
}

// findTicket returns the newest ticket of a number that is not closed, else the newest;
// nil when it has none. Whaticket may know the number in its other form, with or without
// the ninth digit.
func (c *Channel) findTicket(ctx context.Context, digits string) (*ticket, error) {
	if digits == "" {
		return nil, nil
	}
	queues, err := c.queueIDs(ctx)
	if err != nil {
		return nil, err
	}
	for _, search := range searches(digits) {
		// Without showAll and every queue's id, only our own user's tickets come.
		query := url.Values{"searchParam": {search}, "showAll": {"true"}, "queueIds": {queues}, "pageNumber": {"1"}}
		resp, err := c.call(ctx, http.MethodGet, "/tickets?"+query.Encode(), nil)
		if err != nil {
			return nil, harmless(err)
		}
		answer := answerObject(resp)
		if answer == nil {
			return nil, unexpected(resp)
		}
		var closed *ticket
		for _, item := range answer.list("tickets") {
			m, _ := item.(map[string]any)
			o := object(m)
			t := newTicket(o)
			if t == nil || o.flag("isGroup") || !sameNumber(o.object("contact").id("number"), digits) {
				continue // the search also matches names and words
			}
			if !t.closed() {
				return t, nil
			}
			if closed == nil {
				closed = t
			}
		}
		if closed != nil {
			return closed, nil
		}
	}
	return nil, nil
}

// searches are the strings under which a number is looked for.
func searches(digits string) []string {
	if strings.HasPrefix(digits, "55") && len(digits) > tail {
		return []string{digits, digits[len(digits)-tail:]}
	}
	return []string{digits}
}

func sameNumber(a, b string) bool {
	if a = phone.Digits(a); a == b {
		return a != ""
	}
	x, ok := phone.Canonical(a, "")
	y, ok2 := phone.Canonical(b, "")
	return ok && ok2 && x == y
}

// queueIDs returns the ids of all queues as the JSON list that /tickets wants.
func (c *Channel) queueIDs(ctx context.Context) (string, error) {
	resp, err := c.call(ctx, http.MethodGet, "/queue", nil)
	if err != nil {
		return "", harmless(err)
	}
	ids := []int64{}
	v, err := decode(resp.Body)
	list, ok := v.([]any)
	if err != nil || !ok {
		return "", unexpected(resp)
	}
	for _, item := range list {
		m, _ := item.(map[string]any)
		if id, err := number(object(m).id("id")); err == nil {
			ids = append(ids, id)
		}
	}
	text, err := json.Marshal(ids)
	return string(text), err
}

// createTicket opens a ticket for a number that has none, pending and nobody's.
func (c *Channel) createTicket(ctx context.Context, digits string) (*ticket, error) {
	contact, err := c.contactID(ctx, digits)
	if err != nil {
		return nil, err
	}
	// To repeat this is harmless: the next look finds the ticket.
	resp, err := c.call(ctx, http.MethodPost, "/tickets", map[string]any{"contactId": contact, "status": "pending", "userId": nil})
	if err != nil {
		return nil, harmless(err)
	}
	t := newTicket(answerObject(resp))
	if t == nil {
		return nil, unexpected(resp)
	}
	return t, nil
}

// contactID finds the contact of a number, or makes one.
func (c *Channel) contactID(ctx context.Context, digits string) (int64, error) {
	id, err := c.findContact(ctx, digits)
	if err != nil || id != 0 {
		return id, err
	}
	resp, err := c.call(ctx, http.MethodPost, "/contacts", map[string]string{"name": digits, "number": digits})
	if fault.Is(err, fault.Conflict) {
		// Somebody was faster, perhaps with the other form of the number.
		if id, err := c.findContact(ctx, digits); err != nil || id != 0 {
			return id, err
		}
		return 0, &fault.Error{Kind: fault.Transient, Code: "ERR_DUPLICATED_CONTACT", Status: http.StatusBadRequest}
	}
	if err != nil {
		return 0, harmless(err)
	}
	id, err = number(answerObject(resp).id("id"))
	if err != nil {
		return 0, unexpected(resp)
	}
	return id, nil
}

// findContact returns the id of the contact with a number, 0 when there is none.
func (c *Channel) findContact(ctx context.Context, digits string) (int64, error) {
	for _, search := range searches(digits) {
		query := url.Values{"searchParam": {search}, "pageNumber": {"1"}}
		resp, err := c.call(ctx, http.MethodGet, "/contacts?"+query.Encode(), nil)
		if err != nil {
			return 0, harmless(err)
		}
		for _, item := range answerObject(resp).list("contacts") {
			m, _ := item.(map[string]any)
			id, err := number(object(m).id("id"))
			if err == nil && sameNumber(object(m).id("number"), digits) {
				return id, nil
			}
		}
	}
	return 0, nil
}

// findMessage looks in a ticket for our side's newest message with these words that is not
// older than since, and returns its id.
func (c *Channel) findMessage(ctx context.Context, ticketID, words string, since time.Time) (id string, found bool, err error) {
	for page := 1; page <= maxPages; page++ {
		resp, err := c.call(ctx, http.MethodGet, "/messages/"+ticketID+"?pageNumber="+strconv.Itoa(page), nil)
		if err != nil {
			return "", false, harmless(err)
		}
		answer := answerObject(resp)
		if answer == nil {
			return "", false, unexpected(resp)
		}
		after := since.Add(-lookBack)
		if date, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
			// The messages are dated by Whaticket's clock, since by ours.
			after = after.Add(time.Until(date))
		}
		old := false
		list := answer.list("messages")
		// Newest page first, oldest first inside a page.
		for i := len(list) - 1; i >= 0; i-- {
			m, _ := list[i].(map[string]any)
			o := object(m)
			at := o.time("createdAt")
			if !since.IsZero() && !at.IsZero() && at.Before(after) {
				old = true
				continue
			}
			if o.flag("fromMe") && sameWords(o.text("body")) == words {
				return o.id("id"), true, nil
			}
		}
		if old || !answer.flag("hasMore") {
			break
		}
	}
	return "", false, nil
}

// assignment is what a handoff writes into a ticket. A pointer to nothing is null: nobody.
type assignment struct {
	Status string `json:"status"`
	Queue  int64  `json:"queueId,omitempty"`
	User   *int64 `json:"userId"`
}

// waiting is an assignment to nobody yet. Some forks (multi100) go on with their own bot and
// with posting to us until that is turned off by hand; the others do not know these keys. A
// ticket with a user needs none of it.
type waiting struct {
	assignment
	UseIntegration bool   `json:"useIntegration"`
	Integration    *int64 `json:"integrationId"`
	IsBot          bool   `json:"isBot"`
}

// assignment says who gets the conversation: whom the order names, else whom the inbox is
// configured to give it to, else whoever looks at the pending ones.
func (c *Channel) assignment(o channel.Order) (assignment, error) {
	team, person := o.Team, o.Person
	if team == "" && person == "" {
		team, person = c.queue, c.user
	}
	a := assignment{Status: "pending"}
	if team != "" {
		id, err := number(team)
		if err != nil {
			return a, fault.New(fault.Invalid, "team: not an id")
		}
		a.Queue = id
	}
	if person != "" {
		id, err := number(person)
		if err != nil {
			return a, fault.New(fault.Invalid, "person: not an id")
		}
		a.Status, a.User = "open", &id
	}
	return a, nil
}

// met says whether a ticket is already as the assignment wants it.
func (a assignment) met(t *ticket) bool {
	user := ""
	if a.User != nil {
		user = strconv.FormatInt(*a.User, 10)
	}
	return t.status == a.Status && t.user == user && (a.Queue == 0 || t.queue == strconv.FormatInt(a.Queue, 10))
}

// handOver makes a ticket visible to people: pending in a queue, or open with a user. A
// ticket that a person works on already is left to that person.
func (c *Channel) handOver(ctx context.Context, o channel.Order) (*httpclient.Response, error) {
	want, err := c.assignment(o)
	if err != nil {
		return nil, err
	}
	t, err := c.ticketOf(ctx, o.Address)
	if err != nil {
		return nil, err
	}
	if t == nil {
		return nil, fault.New(fault.NotFound, "no ticket")
	}
	if t.taken() || want.met(t) {
		return &httpclient.Response{Status: http.StatusOK}, nil
	}
	if want.User == nil {
		return c.call(ctx, http.MethodPut, "/tickets/"+t.id, waiting{assignment: want})
	}
	return c.call(ctx, http.MethodPut, "/tickets/"+t.id, want)
}

// answerObject returns the object in an answer, nil when it holds none.
func answerObject(resp *httpclient.Response) object {
	v, err := decode(resp.Body)
	if err != nil {
		return nil
	}
	m, _ := v.(map[string]any)
	return m
}

// unexpected is an answer of success that cannot be read.
func unexpected(resp *httpclient.Response) error {
	return &fault.Error{Kind: fault.Transient, Code: "unexpected answer", Status: resp.Status}
}
