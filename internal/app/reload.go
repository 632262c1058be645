package app

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"

	"secretaria/internal/agent"
)

// answering is what answers customers: the desks, and the inboxes with the desks they have.
type answering struct {
	desks   []agent.Config
	inboxes []inbox
}

// Reloaded says what became of a changed configuration.
type Reloaded struct {
	// Desks and Inboxes are the names of those that are different from now on.
	Desks, Inboxes []string
	// Restart names the keys that changed and wait for a restart.
	Restart []string
}

// Reload takes up what can change while the program runs: the desks, and of each inbox its
// desk with the team, the person and the labels of a handoff. Turns that begin from now on
// have the new desks; one that is under way ends with the desk it began with. When it fails
// everything stays as it was. It is safe for concurrent use.
func (a *App) Reload(o Options) (Reloaded, error) {
	r, err := a.reload(o)
	switch {
	case err != nil:
		a.metrics.ConfigReloaded("refused")
	case len(r.Desks)+len(r.Inboxes) == 0:
		a.metrics.ConfigReloaded("unchanged")
	default:
		a.metrics.ConfigReloaded("taken_up")
	}
	return r, err
}

// NotReloaded counts a changed configuration that could not even be read.
func (a *App) NotReloaded() { a.metrics.ConfigReloaded("refused") }

func (a *App) reload(o Options) (Reloaded, error) {
	if err := o.Validate(); err != nil {
		return Reloaded{}, err
	}
	o = o.filled()
	a.reloading.Lock()
	defer a.reloading.Unlock()
	r := Reloaded{Restart: a.o.waiting(o)}
	for _, d := range o.Desks {
		i := slices.IndexFunc(a.now.desks, func(old agent.Config) bool { return old.Name == d.Name })
		if i < 0 || !reflect.DeepEqual(a.now.desks[i], d) {
			r.Desks = append(r.Desks, d.Name)
		}
	}
	inboxes := slices.Clone(a.now.inboxes)
	for i := range inboxes {
		in := &inboxes[i]
		n := slices.IndexFunc(o.Inboxes, func(next Inbox) bool { return next.Name == in.Name })
		if n < 0 {
			continue // it stays until the restart that waiting asks for
		}
		next := o.Inboxes[n]
		if in.Desk != next.Desk || in.Team != next.Team || in.Person != next.Person || !slices.Equal(in.Labels, next.Labels) {
			in.Desk, in.Team, in.Person, in.Labels = next.Desk, next.Team, next.Person, next.Labels
			r.Inboxes = append(r.Inboxes, in.Name)
		}
	}
	desks, err := a.desks(o.Desks)
	if err != nil {
		return Reloaded{}, err
	}
	for _, in := range inboxes {
		if desks[in.Desk] == nil {
			return Reloaded{}, fmt.Errorf("inbox %s: there is no desk %q any more, and the inbox goes only with a restart", in.Name, in.Desk)
		}
	}
	f, err := a.newFlows(o.Desks, inboxes)
	if err != nil {
		return Reloaded{}, err
	}
	a.setLimits(o.Desks)
	a.setFlows(f)
	a.now = answering{o.Desks, inboxes}
	a.presence.changed()
	a.turns.SetInboxes(a.forTurns(desks, inboxes))
	a.sends.SetInboxes(a.forSends(f, inboxes))
	return r, nil
}

// waiting names the keys in which another configuration differs and which are read only at
// the start.
func (o Options) waiting(next Options) []string {
	var keys []string
	differ := func(key string, a, b any) {
		if !bytes.Equal(digest(a), digest(b)) { // an empty list and none mean the same
			keys = append(keys, key)
		}
	}
	differ("APP_HOST", o.Host, next.Host)
	differ("APP_PORT", o.Port, next.Port)
	differ("DATABASE_URL", [2]any{o.Database, o.Postgres}, [2]any{next.Database, next.Postgres})
	differ("spool", o.Spool, next.Spool)
	differ("OTEL_*", o.Traces, next.Traces)
	after := next.common()
	for i, p := range o.common() {
		differ(p.key, p.value, after[i].value)
	}
	for _, in := range o.Inboxes {
		i := slices.IndexFunc(next.Inboxes, func(n Inbox) bool { return n.Name == in.Name })
		if i < 0 {
			keys = append(keys, "inboxes."+in.Name)
			continue
		}
		differ("inboxes."+in.Name, in.connection(), next.Inboxes[i].connection())
	}
	for _, in := range next.Inboxes {
		if !slices.ContainsFunc(o.Inboxes, func(old Inbox) bool { return old.Name == in.Name }) {
			keys = append(keys, "inboxes."+in.Name)
		}
	}
	return keys
}

// connection is an inbox without what Reload takes up.
func (i Inbox) connection() Inbox {
	i.Desk, i.Team, i.Person, i.Labels = "", "", "", nil
	return i
}
