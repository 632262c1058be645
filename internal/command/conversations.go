package command

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/google/uuid"

	"secretaria/internal/app"
	"secretaria/internal/channel"
	"secretaria/internal/conversation"
	"secretaria/internal/fault"
	"secretaria/internal/store"
)

type conversationsCmd struct {
	List     conversationsListCmd `cmd:"" help:"List conversations, the last changed first."`
	Show     conversationShowCmd  `cmd:"" help:"Show a conversation with what was said, decided and delivered."`
	HandBack handBackCmd          `cmd:"" name:"hand-back" help:"Give conversations that people hold to the bot again."`
	TakeOver takeOverCmd          `cmd:"" name:"take-over" help:"Give conversations to people: the bot is silent there."`
	OptIn    optInCmd             `cmd:"" name:"opt-in" help:"Take back an opt-out, on the customer's own wish."`
}

// Help implements kong.HelpProvider.
func (conversationsCmd) Help() string {
	return `Works beside a running server, from the same directory and environment.

Example:

	secretaria conversations list --holder human`
}

type conversationsListCmd struct {
	configFlag
	Inbox  string `help:"Only this inbox." placeholder:"NAME"`
	Holder string `help:"Only those held by: bot, human or closed." placeholder:"HOLDER"`
	Limit  int    `help:"At most so many." default:"100"`
	JSON   bool   `help:"As a JSON array."`
}

// Help implements kong.HelpProvider.
func (conversationsListCmd) Help() string {
	return `Example:

	secretaria conversations list --holder human --json`
}

// shownConversation is a conversation as it is printed.
type shownConversation struct {
	ID        int64      `json:"id"`
	Inbox     string     `json:"inbox"`
	Channel   string     `json:"channel"`
	Contact   int64      `json:"contact"`
	Name      string     `json:"name"`
	Holder    string     `json:"holder"`
	Reason    string     `json:"reason"`
	HeldUntil *time.Time `json:"held_until"`
	Episode   int64      `json:"episode"`
	CreatedAt *time.Time `json:"created_at"`
	// CorrelationID is of the request that the next turn answers, or that the last one did.
	CorrelationID string `json:"correlation_id"`
	// Messages, Turns and Deliveries are left to show.
	Messages   []shownMessage `json:"messages,omitempty"`
	Turns      []shownTurn    `json:"turns,omitempty"`
	Deliveries []shownSend    `json:"deliveries,omitempty"`
}

type shownMessage struct {
	At     *time.Time `json:"at"`
	Author string     `json:"author"`
	Kind   string     `json:"kind"`
	Text   string     `json:"text"`
}

func showConversation(c store.Conversation) shownConversation {
	return shownConversation{
		ID: int64(c.ID), Inbox: c.Inbox, Channel: string(c.Channel), Contact: int64(c.Contact), Name: c.ContactName, Holder: string(c.State.Holder), Reason: string(c.State.Reason),
		HeldUntil: moment(c.State.HeldUntil), Episode: c.State.Episode, CreatedAt: moment(c.CreatedAt), CorrelationID: c.Correlation,
	}
}

// Run lists.
func (c conversationsListCmd) Run(ctx context.Context, env *Env) (err error) {
	if c.Limit < 1 {
		return fmt.Errorf("--limit: %d is not more than 0", c.Limit)
	}
	holder := conversation.Holder(c.Holder)
	if all := []conversation.Holder{"", conversation.Bot, conversation.Human, conversation.Closed}; !slices.Contains(all, holder) {
		return fmt.Errorf("--holder: %q is not one of %s", c.Holder, all[1:])
	}
	st, err := c.store(ctx, env)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	found, err := st.Conversations(ctx, store.ConversationFilter{Inbox: c.Inbox, Holder: holder, Limit: c.Limit})
	if err != nil {
		return err
	}
	list := make([]shownConversation, 0, len(found))
	for _, one := range found {
		list = append(list, showConversation(one))
	}
	if c.JSON {
		return env.json(list)
	}
	if len(list) == 0 {
		env.printf("no conversations\n")
		return nil
	}
	w := tabwriter.NewWriter(env.Stdout, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "ID\tBEGUN\tINBOX\tNAME\tHOLDER\tREASON\tUNTIL")
	for _, one := range list {
		_, _ = fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%s\t%s\t%s\n", one.ID, timeOf(one.CreatedAt), one.Inbox, cmp.Or(one.Name, "-"), one.Holder, cmp.Or(one.Reason, "-"), timeOf(one.HeldUntil))
	}
	return w.Flush()
}

type conversationShowCmd struct {
	configFlag
	ID       int64 `arg:"" help:"Id, as list shows it."`
	Messages int   `help:"How many of the last messages." default:"50"`
	JSON     bool  `help:"As a JSON object."`
}

// Help implements kong.HelpProvider.
func (conversationShowCmd) Help() string {
	return `Prints what the customer wrote, and between that each turn and each delivery with the correlation id by which logs and traces know them.

Example:

	secretaria conversations show 7 --messages 20`
}

// Run shows.
func (c conversationShowCmd) Run(ctx context.Context, env *Env) (err error) {
	if c.Messages < 0 {
		return fmt.Errorf("--messages: %d is less than 0", c.Messages)
	}
	st, err := c.store(ctx, env)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	found, err := st.Conversation(ctx, conversation.ID(c.ID))
	if err != nil {
		return aboutConversation(c.ID, err)
	}
	shown := showConversation(found)
	if c.Messages > 0 {
		said, err := st.Transcript(ctx, found.ID, c.Messages)
		if err != nil {
			return err
		}
		for _, m := range said {
			shown.Messages = append(shown.Messages, shownMessage{At: moment(m.At), Author: string(m.Author), Kind: string(m.Content.Kind), Text: m.Content.Text})
		}
		if err := shown.follow(ctx, st, found); err != nil {
			return err
		}
	}
	if c.JSON {
		return env.json(shown)
	}
	w := tabwriter.NewWriter(env.Stdout, 0, 0, 2, ' ', 0)
	row := func(name string, v any) { _, _ = fmt.Fprintf(w, "%s\t%v\n", name, v) }
	row("id", shown.ID)
	row("inbox", shown.Inbox+" ("+shown.Channel+")")
	row("name", cmp.Or(shown.Name, "-"))
	row("held by", heldBy(shown))
	row("begun", timeOf(shown.CreatedAt))
	row("correlation", cmp.Or(shown.CorrelationID, "-"))
	if err := w.Flush(); err != nil {
		return err
	}
	env.printf("%s", shown.timeline())
	return nil
}

func heldBy(c shownConversation) string {
	text := c.Holder
	if c.Reason != "" {
		text += ", because of: " + c.Reason
	}
	if c.HeldUntil != nil {
		text += ", until " + timeOf(c.HeldUntil)
	}
	return text
}

// aboutConversation says what went wrong with one of them.
func aboutConversation(id int64, err error) error {
	switch {
	case fault.Is(err, fault.NotFound):
		return fmt.Errorf("there is no conversation %d", id)
	case fault.Is(err, fault.Conflict):
		return fmt.Errorf("conversation %d: %s", id, fault.Code(err))
	}
	return fmt.Errorf("conversation %d: %w", id, err)
}

// each does something to every conversation that is named; one that fails does not keep the
// others back.
func (f configFlag) each(ctx context.Context, env *Env, ids []int64, done string, do func(store.Store, app.Options, conversation.ID) error) (err error) {
	cfg, err := f.load(env, nil)
	if err != nil {
		return err
	}
	if cfg.Trial {
		// Not there where the server was never started, and then there is no conversation either.
		_ = cfg.AddTrial(false)
	}
	st, err := openStore(ctx, cfg.Options)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	failed := false
	for _, id := range ids {
		if err := do(st, cfg.Options, conversation.ID(id)); err != nil {
			env.plain(aboutConversation(id, err))
			failed = true
			continue
		}
		env.printf("conversation %d %s\n", id, done)
	}
	if failed {
		return errSaid
	}
	return nil
}

type handBackCmd struct {
	configFlag
	IDs []int64 `arg:"" name:"id" help:"Ids, as list shows them."`
}

// Help implements kong.HelpProvider.
func (handBackCmd) Help() string {
	return `A new episode begins: what was handed over before is not handed over again because of it. In Chatwoot the conversation is set to pending.

Example:

	secretaria conversations hand-back 7`
}

// Run hands back.
func (c handBackCmd) Run(ctx context.Context, env *Env) error {
	return c.each(ctx, env, c.IDs, "is the bot's again", func(st store.Store, o app.Options, id conversation.ID) error {
		found, err := st.Conversation(ctx, id)
		if err != nil {
			return err
		}
		orders, err := pend(o, found.Inbox)
		if err != nil {
			return err
		}
		return st.HandBack(ctx, id, orders, time.Now())
	})
}

// pend tells the helpdesk that the conversation is the bot's, where it can be told.
func pend(o app.Options, inbox string) ([]channel.Order, error) {
	i := slices.IndexFunc(o.Inboxes, func(i app.Inbox) bool { return i.Name == inbox })
	if i < 0 {
		return nil, nil // of an inbox that is no longer there
	}
	ch, done, err := connect(o, o.Inboxes[i])
	if err != nil {
		return nil, err
	}
	defer done()
	if !ch.Supports(channel.Pend) {
		return nil, nil
	}
	id, err := uuid.NewV7()
	if err != nil {
		return nil, fmt.Errorf("make delivery id: %w", err)
	}
	return []channel.Order{{Kind: channel.Pend, Delivery: conversation.DeliveryID(id.String())}}, nil
}

type takeOverCmd struct {
	configFlag
	For time.Duration `help:"How long people keep it; without it as long as the inbox says." placeholder:"DURATION"`
	IDs []int64       `arg:"" name:"id" help:"Ids, as list shows them."`
}

// Help implements kong.HelpProvider.
func (takeOverCmd) Help() string {
	return `What the bot has not sent yet is cancelled.

Example:

	secretaria conversations take-over 7 --for 2h`
}

// Run takes over.
func (c takeOverCmd) Run(ctx context.Context, env *Env) error {
	if c.For < 0 {
		return fmt.Errorf("--for: %v is negative", c.For)
	}
	return c.each(ctx, env, c.IDs, "is with people", func(st store.Store, o app.Options, id conversation.ID) error {
		hold := c.For
		if hold == 0 {
			found, err := st.Conversation(ctx, id)
			if err != nil {
				return err
			}
			if i := slices.IndexFunc(o.Inboxes, func(i app.Inbox) bool { return i.Name == found.Inbox }); i >= 0 {
				hold = o.Inboxes[i].Hold
			}
		}
		return st.TakeOver(ctx, id, hold, time.Now())
	})
}

type optInCmd struct {
	configFlag
	IDs []int64 `arg:"" name:"id" help:"Ids, as list shows them."`
}

// Help implements kong.HelpProvider.
func (optInCmd) Help() string {
	return `Only for a customer who has asked for it: an opt-out is for ever otherwise.

Example:

	secretaria conversations opt-in 7`
}

// Run opts in.
func (c optInCmd) Run(ctx context.Context, env *Env) error {
	return c.each(ctx, env, c.IDs, "takes messages again", func(st store.Store, _ app.Options, id conversation.ID) error {
		if err := st.OptIn(ctx, id); err != nil {
			return err
		}
		noted(ctx, env, st, store.Act{Action: "conversations.opt-in", Conversation: id})
		return nil
	})
}
