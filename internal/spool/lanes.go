package spool

import (
	"strings"

	"secretaria/internal/channel"
	"secretaria/internal/store"
)

// read is an entry that was read again.
type read struct {
	Entry
	arrival store.Arrival
}

// lanes parts entries so that what may be of one conversation is in one lane, in order.
//
// What two entries have in common, a thread or an id of the person, makes them one lane. A
// person may be known by a number in one webhook and by a hidden id alone in another, and
// only the database could tell that they are the same: where both occur in an inbox, those
// who have just one of the two are one lane.
func lanes(entries []read) [][]read {
	u := union{}
	numbered, hidden := map[string]bool{}, map[string]bool{}
	for i := range entries {
		inbox := entries[i].arrival.Inbox
		for _, ev := range entries[i].arrival.Events {
			number, lid := has(ev, channel.Phone), has(ev, channel.LID)
			numbered[inbox] = numbered[inbox] || number && !lid
			hidden[inbox] = hidden[inbox] || lid && !number
		}
	}
	at := make([]string, len(entries))
	for i := range entries {
		a := &entries[i].arrival
		keys := []string{}
		for _, ev := range a.Events {
			if ev.Thread != "" {
				keys = append(keys, key(a.Inbox, "thread", ev.Thread))
			}
			for _, id := range ev.Contact.Identities {
				keys = append(keys, key(a.Inbox, string(id.Kind), id.Value))
			}
			if ev.Thread == "" && numbered[a.Inbox] && hidden[a.Inbox] && has(ev, channel.Phone) != has(ev, channel.LID) {
				keys = append(keys, key(a.Inbox, "either"))
			}
		}
		if len(keys) == 0 {
			keys = append(keys, key(a.Inbox)) // nobody's: in order with its like
		}
		for _, k := range keys[1:] {
			u.join(keys[0], k)
		}
		at[i] = keys[0]
	}
	var out [][]read
	place := map[string]int{}
	for i := range entries {
		root := u.root(at[i])
		n, ok := place[root]
		if !ok {
			n = len(out)
			place[root] = n
			out = append(out, nil)
		}
		out[n] = append(out[n], entries[i])
	}
	return out
}

func key(parts ...string) string { return strings.Join(parts, "\x00") }

func has(ev channel.Event, kind channel.IdentityKind) bool {
	for _, id := range ev.Contact.Identities {
		if id.Kind == kind {
			return true
		}
	}
	return false
}

// union tells which keys belong together: each points to another one, or is a root.
type union map[string]string

func (u union) root(k string) string {
	for {
		next, ok := u[k]
		if !ok {
			return k
		}
		k = next
	}
}

func (u union) join(a, b string) {
	if a, b = u.root(a), u.root(b); a != b {
		u[b] = a
	}
}
