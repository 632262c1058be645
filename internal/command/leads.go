package command

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"text/tabwriter"
	"time"

	"secretaria/internal/agent"
	"secretaria/internal/conversation"
	"secretaria/internal/playbook"
	"secretaria/internal/store"
)

type leadsCmd struct {
	List leadsListCmd `cmd:"" help:"List leads, the last changed first."`
	Show leadShowCmd  `cmd:"" help:"Show a lead: what is known, in whose words, and every point of its score."`
}

// Help implements kong.HelpProvider.
func (leadsCmd) Help() string {
	return `Works beside a running server, from the same directory and environment.

Example:

	secretaria leads list --state qualified`
}

type leadsListCmd struct {
	configFlag
	Inbox string `help:"Only this inbox." placeholder:"NAME"`
	Desk  string `help:"Only this desk." placeholder:"NAME"`
	State string `help:"Only this state: new, qualifying, qualified, disqualified, nurturing, scheduled or handed_over." placeholder:"STATE"`
	Limit int    `help:"At most so many." default:"100"`
	JSON  bool   `help:"As a JSON array."`
}

// Help implements kong.HelpProvider.
func (leadsListCmd) Help() string {
	return `Example:

	secretaria leads list --state qualified --json`
}

// shownLead is a lead as it is printed.
type shownLead struct {
	Conversation int64      `json:"conversation"`
	Inbox        string     `json:"inbox"`
	Desk         string     `json:"desk"`
	Name         string     `json:"name"`
	State        string     `json:"state"`
	Score        int        `json:"score"`
	MaxScore     int        `json:"max_score"`
	ScoreTable   string     `json:"score_table"`
	UpdatedAt    *time.Time `json:"updated_at"`
	// Lead is left to show.
	Lead json.RawMessage `json:"lead,omitempty"`
}

func showLead(l store.Lead) shownLead {
	return shownLead{Conversation: int64(l.Conversation), Inbox: l.Inbox, Desk: l.Desk, Name: l.ContactName, State: l.State, Score: l.Score, MaxScore: l.MaxScore,
		ScoreTable: l.ScoreTable, UpdatedAt: moment(l.UpdatedAt)}
}

// Run lists.
func (c leadsListCmd) Run(ctx context.Context, env *Env) (err error) {
	if c.Limit < 1 {
		return fmt.Errorf("--limit: %d is not more than 0", c.Limit)
	}
	if c.State != "" && !slices.Contains(playbook.States(), playbook.State(c.State)) {
		return fmt.Errorf("--state: %q is not one of %s", c.State, playbook.States())
	}
	st, err := c.store(ctx, env)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	found, err := st.Leads(ctx, store.LeadFilter{Inbox: c.Inbox, Desk: c.Desk, State: c.State, Limit: c.Limit})
	if err != nil {
		return err
	}
	list := make([]shownLead, 0, len(found))
	for _, l := range found {
		list = append(list, showLead(l))
	}
	if c.JSON {
		return env.json(list)
	}
	if len(list) == 0 {
		env.printf("no leads\n")
		return nil
	}
	w := tabwriter.NewWriter(env.Stdout, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "CONVERSATION\tCHANGED\tINBOX\tDESK\tNAME\tSTATE\tSCORE")
	for _, l := range list {
		_, _ = fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%s\t%s\t%d/%d\n", l.Conversation, timeOf(l.UpdatedAt), l.Inbox, l.Desk, cmp.Or(l.Name, "-"), l.State, l.Score, l.MaxScore)
	}
	return w.Flush()
}

type leadShowCmd struct {
	configFlag
	ID   int64 `arg:"" name:"conversation" help:"The conversation, as list shows it."`
	JSON bool  `help:"As a JSON object."`
}

// Help implements kong.HelpProvider.
func (leadShowCmd) Help() string {
	return `Example:

	secretaria leads show 7`
}

// Run shows.
func (c leadShowCmd) Run(ctx context.Context, env *Env) (err error) {
	cfg, err := c.load(env, nil)
	if err != nil {
		return err
	}
	st, err := openStore(ctx, cfg.Options)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	found, err := st.Leads(ctx, store.LeadFilter{Conversation: conversation.ID(c.ID), Limit: 1})
	if err != nil {
		return err
	}
	if len(found) == 0 {
		return fmt.Errorf("there is no lead of conversation %d", c.ID)
	}
	shown := showLead(found[0])
	if c.JSON {
		shown.Lead = found[0].Body
		return env.json(shown)
	}
	w := tabwriter.NewWriter(env.Stdout, 0, 0, 2, ' ', 0)
	row := func(name string, v any) { _, _ = fmt.Fprintf(w, "%s\t%v\n", name, v) }
	row("conversation", shown.Conversation)
	row("desk", shown.Desk+" (inbox "+shown.Inbox+")")
	row("state", shown.State)
	row("score", fmt.Sprintf("%d of %d, by the table %s", shown.Score, shown.MaxScore, shown.ScoreTable))
	row("changed", timeOf(shown.UpdatedAt))
	if err := w.Flush(); err != nil {
		return err
	}
	env.printf("\n%s\n", card(cfg.Options.Desks, shown.Desk, found[0].Body))
	return nil
}

// card is what people read of a lead. One whose desk is no longer there, or no longer
// qualifies, is read by the playbook that is built in: a lead outlives its configuration.
func card(desks []agent.Config, name string, body []byte) string {
	book := playbook.Default()
	if i := slices.IndexFunc(desks, func(d agent.Config) bool { return d.Name == name }); i >= 0 && desks[i].Playbook != nil {
		book = desks[i].Playbook
	}
	var lead playbook.Lead
	if err := json.Unmarshal(body, &lead); err != nil {
		return string(body)
	}
	return book.Card(lead)
}
