package command

import (
	"context"
	"errors"
	"fmt"
	"text/tabwriter"
	"time"

	"secretaria/internal/channel"
	"secretaria/internal/store"
)

type auditCmd struct {
	List auditListCmd `cmd:"" help:"List what was done by hand with people's data, the last first."`
}

// Help implements kong.HelpProvider.
func (auditCmd) Help() string {
	return `Who exported, erased, opted somebody in again or replayed a delivery, and when. People stand in it as keyed hashes.

Example:

	secretaria audit list --phone "+55 11 98765-4321"`
}

type auditListCmd struct {
	configFlag
	Action string `help:"Only this: contact.export, contact.erase, conversations.opt-in or deliveries.replay." placeholder:"ACTION"`
	Phone  string `help:"Only what is about who has, or had, this number." placeholder:"NUMBER"`
	Limit  int    `help:"At most so many." default:"100"`
	JSON   bool   `help:"As a JSON array."`
}

// Help implements kong.HelpProvider.
func (auditListCmd) Help() string {
	return `Example:

	secretaria audit list --json`
}

// shownAct is an entry as it is printed.
type shownAct struct {
	ID      int64      `json:"id"`
	At      *time.Time `json:"at"`
	Actor   string     `json:"actor"`
	Action  string     `json:"action"`
	Subject string     `json:"subject"`
	Detail  string     `json:"detail"`
}

// Run lists.
func (c auditListCmd) Run(ctx context.Context, env *Env) (err error) {
	if c.Limit < 1 {
		return fmt.Errorf("--limit: %d is not more than 0", c.Limit)
	}
	f := store.ActFilter{Action: c.Action, Limit: c.Limit}
	if c.Phone != "" {
		values := phoneValues(c.Phone)
		if len(values) == 0 {
			return errors.New("--phone: that is no telephone number")
		}
		f.Person = channel.Identity{Kind: channel.Phone, Value: values[0]}
	}
	st, err := c.store(ctx, env)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	found, err := st.Acts(ctx, f)
	if err != nil {
		return err
	}
	list := make([]shownAct, 0, len(found))
	for _, a := range found {
		list = append(list, shownAct{a.ID, moment(a.At), a.Actor, a.Action, a.Subject, a.Detail})
	}
	if c.JSON {
		return env.json(list)
	}
	if len(list) == 0 {
		env.printf("nothing\n")
		return nil
	}
	w := tabwriter.NewWriter(env.Stdout, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "AT\tWHO\tWHAT\tOF WHOM\tDETAIL")
	for _, a := range list {
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", timeOf(a.At), a.Actor, a.Action, a.Subject, a.Detail)
	}
	return w.Flush()
}
