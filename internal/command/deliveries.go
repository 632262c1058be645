package command

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"secretaria/internal/conversation"
	"secretaria/internal/fault"
	"secretaria/internal/store"
)

type deliveriesCmd struct {
	List   listCmd   `cmd:"" help:"List deliveries, the newest first."`
	Show   showCmd   `cmd:"" help:"Show deliveries with what they say."`
	Replay replayCmd `cmd:"" help:"Send deliveries that failed for good once more."`
}

// Help implements kong.HelpProvider.
func (deliveriesCmd) Help() string {
	return `Works beside a running server, from the same directory and environment.

Example:

	secretaria deliveries list --status FAILED_PERMANENT`
}

type listCmd struct {
	configFlag
	Status       string `help:"Only this status: PENDING, SENT, FAILED_TEMPORARY, FAILED_PERMANENT or CANCELLED." placeholder:"STATUS"`
	Inbox        string `help:"Only this inbox." placeholder:"NAME"`
	Conversation int64  `help:"Only this conversation." placeholder:"ID"`
	Limit        int    `help:"At most so many." default:"100"`
	JSON         bool   `help:"As a JSON array."`
}

// Help implements kong.HelpProvider.
func (listCmd) Help() string {
	return `Example:

	secretaria deliveries list --status FAILED_PERMANENT --json`
}

// shown is a delivery as it is printed.
type shown struct {
	ID            string     `json:"id"`
	Status        string     `json:"status"`
	Attempts      int        `json:"attempts"`
	Conversation  int64      `json:"conversation"`
	Kind          string     `json:"kind"`
	Inbox         string     `json:"inbox"`
	Channel       string     `json:"channel"`
	Cause         string     `json:"cause"`
	HTTPStatus    int        `json:"http_status"`
	Uncertain     bool       `json:"uncertain"`
	CorrelationID string     `json:"correlation_id"`
	CreatedAt     *time.Time `json:"created_at"`
	NextAt        *time.Time `json:"next_at"`
	DoneAt        *time.Time `json:"done_at"`
	// Key and Text are left to show.
	Key  string `json:"key,omitempty"`
	Text string `json:"text,omitempty"`
}

func show(d store.Delivery) shown {
	return shown{
		ID: string(d.ID), Status: string(d.Status), Attempts: d.Attempts, Conversation: int64(d.Conversation), Kind: string(d.Order.Kind), Inbox: d.Inbox,
		Channel: string(d.Channel), Cause: d.Cause, HTTPStatus: d.HTTPStatus, Uncertain: d.Uncertain, CorrelationID: d.Correlation,
		CreatedAt: moment(d.CreatedAt), NextAt: moment(d.NextAt), DoneAt: moment(d.DoneAt),
	}
}

func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

// Run lists.
func (c listCmd) Run(ctx context.Context, env *Env) (err error) {
	if c.Limit < 1 {
		return fmt.Errorf("--limit: %d is not more than 0", c.Limit)
	}
	status := store.Status(strings.ToUpper(c.Status))
	if all := []store.Status{"", store.Pending, store.Sent, store.FailedTemporary, store.FailedPermanent, store.Cancelled}; !slices.Contains(all, status) {
		return fmt.Errorf("--status: %q is not one of %s", c.Status, all[1:])
	}
	st, err := c.store(ctx, env)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	found, err := st.Deliveries(ctx, store.Filter{Status: status, Inbox: c.Inbox, Conversation: conversation.ID(c.Conversation), Limit: c.Limit})
	if err != nil {
		return err
	}
	list := make([]shown, 0, len(found)) // an empty list is [], not null
	for _, d := range found {
		list = append(list, show(d))
	}
	if c.JSON {
		return env.json(list)
	}
	if len(list) == 0 {
		env.printf("no deliveries\n")
		return nil
	}
	w := tabwriter.NewWriter(env.Stdout, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "ID\tCREATED\tINBOX\tCONVERSATION\tKIND\tSTATUS\tATTEMPTS\tCAUSE")
	for i, d := range list {
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%s\t%s\t%d\t%s\n", d.ID, found[i].CreatedAt.Local().Format(time.DateTime), d.Inbox, d.Conversation, d.Kind, d.Status, d.Attempts, causeOf(d))
	}
	return w.Flush()
}

func causeOf(d shown) string {
	cause := d.Cause
	if d.HTTPStatus >= 400 {
		cause = fmt.Sprintf("%s (HTTP %d)", cause, d.HTTPStatus)
	}
	if d.Uncertain {
		cause += " (outcome unknown)"
	}
	return cause
}

func (f configFlag) store(ctx context.Context, env *Env) (store.Store, error) {
	cfg, err := f.load(env, nil)
	if err != nil {
		return nil, err
	}
	return openStore(ctx, cfg.Options)
}

type showCmd struct {
	configFlag
	IDs  []string `arg:"" name:"id" help:"Ids, as list shows them."`
	JSON bool     `help:"As a JSON array."`
}

// Help implements kong.HelpProvider.
func (showCmd) Help() string {
	return `Example:

	secretaria deliveries show 0199a8f2-7c11-7d5e-9a51-5a2c3f0b7e44`
}

// Run shows.
func (c showCmd) Run(ctx context.Context, env *Env) (err error) {
	st, err := c.store(ctx, env)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	var list []shown
	for _, id := range c.IDs {
		found, err := st.Deliveries(ctx, store.Filter{ID: conversation.DeliveryID(id), Limit: 1})
		if err != nil {
			return err
		}
		if len(found) == 0 {
			return fmt.Errorf("there is no delivery %q", id)
		}
		d := show(found[0])
		d.Key, d.Text = found[0].Key, found[0].Order.Text
		list = append(list, d)
	}
	if c.JSON {
		return env.json(list)
	}
	for _, d := range list {
		w := tabwriter.NewWriter(env.Stdout, 0, 0, 2, ' ', 0)
		row := func(name string, v any) { _, _ = fmt.Fprintf(w, "%s\t%v\n", name, v) }
		row("id", d.ID)
		row("status", d.Status)
		row("kind", d.Kind)
		row("inbox", d.Inbox+" ("+d.Channel+")")
		row("conversation", d.Conversation)
		row("attempts", d.Attempts)
		row("cause", causeOf(d))
		row("helpdesk's id", d.Key)
		row("correlation", d.CorrelationID)
		row("created", timeOf(d.CreatedAt))
		row("next try", timeOf(d.NextAt))
		row("done", timeOf(d.DoneAt))
		if err := w.Flush(); err != nil {
			return err
		}
		if d.Text != "" {
			env.printf("\n%s\n", d.Text)
		}
		env.printf("\n")
	}
	return nil
}

func timeOf(t *time.Time) string {
	if t == nil {
		return "-"
	}
	return t.Local().Format(time.RFC3339)
}

type replayCmd struct {
	configFlag
	IDs []string `arg:"" name:"id" help:"Ids of deliveries that failed for good."`
}

// Help implements kong.HelpProvider.
func (replayCmd) Help() string {
	return `What was cancelled because of them is sent again too. A running server takes them up at once, else the next one does.

Example:

	secretaria deliveries replay 0199a8f2-7c11-7d5e-9a51-5a2c3f0b7e44`
}

// Run replays each; one that cannot be does not keep the others back.
func (c replayCmd) Run(ctx context.Context, env *Env) (err error) {
	st, err := c.store(ctx, env)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	failed := false
	for _, id := range c.IDs {
		switch err := st.Replay(ctx, conversation.DeliveryID(id), time.Now()); {
		case err == nil:
			env.printf("%s is pending again\n", id)
			if found, err := st.Deliveries(ctx, store.Filter{ID: conversation.DeliveryID(id), Limit: 1}); err == nil && len(found) > 0 {
				noted(ctx, env, st, store.Act{Action: "deliveries.replay", Conversation: found[0].Conversation, Detail: string(found[0].Order.Kind)})
			}
			continue
		case fault.Is(err, fault.NotFound):
			env.plain(fmt.Errorf("there is no delivery %q", id))
		case fault.Is(err, fault.Conflict):
			env.plain(fmt.Errorf("%s: %s", id, fault.Code(err)))
		default:
			env.plain(fmt.Errorf("replay %s: %w", id, err))
		}
		failed = true
	}
	if failed {
		return errSaid
	}
	return nil
}
