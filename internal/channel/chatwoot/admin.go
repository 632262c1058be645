package chatwoot

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"unicode"

	"secretaria/internal/fault"
	"secretaria/internal/httpclient"
	"secretaria/internal/secret"
)

// Causes that only whoever sets a bot up meets, besides those of a channel.
const (
	causeBotToken     = "token_of_a_bot"
	causeNoAdmin      = "not_an_administrator"
	causeUnknownRoute = "unknown_route" // an older or another program
	causeUnknownThing = "not_found"
)

// Admin is a user of Chatwoot who sets a bot up. It has no mutable state and is safe for
// concurrent use.
//
// Errors carry a kind and a short code. fault.Unauthorized is "invalid_token" (nobody has this
// token), "token_not_received" (a proxy drops the header), "token_of_a_bot",
// "token_of_another_account", "not_an_administrator" (a person who may look but not set up), or
// "unauthorized" where Chatwoot does not say why. fault.NotFound is "unknown_route" where what
// answers does not know the call at all, "not_found" where it does not know the thing asked
// for. fault.Permanent "unexpected_answer" is no Chatwoot, or something in front of it. What
// makes something new, CreateBot and Customer.Say, is fault.Uncertain where it may have
// happened all the same; everything else can simply be called again.
type Admin struct {
	base   *url.URL
	token  secret.String
	client *httpclient.Client
}

// NewAdmin returns the user to whom token belongs, at the Chatwoot at baseURL. The token is
// the one that a person finds under "Profile settings", "Access token". Nothing is called yet.
// The client should read answers of 8 MiB: the list of inboxes holds WhatsApp's templates.
func NewAdmin(baseURL string, token secret.String, client *httpclient.Client) (*Admin, error) {
	u, err := baseURLOf(baseURL)
	if err != nil {
		return nil, err
	}
	if token.IsZero() {
		return nil, fault.Wrap(fault.Invalid, "token", errors.New("is empty"))
	}
	if strings.ContainsFunc(token.Reveal(), func(r rune) bool { return r <= ' ' || r > '~' }) {
		return nil, fault.Wrap(fault.Invalid, "token", errors.New("holds a space or a character that no token has"))
	}
	return &Admin{base: u, token: token, client: client}, nil
}

func baseURLOf(raw string) (*url.URL, error) {
	u, err := baseURL(raw)
	return u, fault.Wrap(fault.Invalid, "address", err)
}

// Office is a Chatwoot as its user sees it: who that is, and who they are in which account.
type Office struct {
	Version  string // "4.15.1"; "" where it is not told
	User     string // the name that they are shown by
	Accounts []Account
}

// Account is one that the user belongs to.
type Account struct{ ID, Name, Role string }

// Roles of a user in an account. A custom role of Chatwoot's paid edition reads as an agent's.
const (
	RoleAdministrator = "administrator"
	RoleAgent         = "agent"
)

// Signs says whether this Chatwoot signs the webhooks of its agent bots and tells their
// secret: since 4.13. A version that is not told is taken for a new one.
func (o Office) Signs() bool { return o.Version == "" || !older(o.Version, "4.13") }

// Look asks who the user is and where they may do what. It only reads.
func (a *Admin) Look(ctx context.Context) (Office, error) {
	var o Office
	// Whoever asks may know the version. A refusal is a proxy's, and the profile will tell.
	told, err := a.read(ctx, "/api")
	if err == nil {
		if v := told.line("version"); isVersion(v) {
			o.Version = v
		}
	} else if !answeredNo(err) {
		return o, fmt.Errorf("look at chatwoot: %w", err)
	}
	told, err = a.read(ctx, "/api/v1/profile")
	if err != nil {
		if o.Version == "" && fault.Code(err) == causeUnknownRoute {
			err = fault.New(fault.Permanent, causeUnexpected)
		}
		return o, fmt.Errorf("look at chatwoot: %w", err)
	}
	if told.id("id") == "" {
		return o, fmt.Errorf("look at chatwoot: %w", fault.New(fault.Permanent, causeUnexpected))
	}
	o.User = cmp.Or(told.line("available_name"), told.line("name"))
	for _, item := range told.list("accounts") {
		t := asObject(item)
		if id := t.id("id"); id != "" {
			o.Accounts = append(o.Accounts, Account{ID: id, Name: t.line("name"), Role: t.line("role")})
		}
	}
	return o, nil
}

// Premises is what an account has.
type Premises struct {
	Inboxes []AdminInbox
	Bots    []Bot
	Teams   []Team
	Labels  []string
}

// Kinds of inboxes that strangers can write to without an app of somebody else's.
const (
	KindAPI     = "Channel::Api"
	KindWebsite = "Channel::WebWidget"
)

// AdminInbox is an inbox as an administrator sees it.
type AdminInbox struct {
	ID, Name string
	Kind     string // "Channel::Api", "Channel::WebWidget", "Channel::Whatsapp", …
	BotID    string // the agent bot that answers there; "" for none
	BotName  string
	// Greets, Closed, Mail and Survey are the messages that Chatwoot writes to customers there
	// by itself; see Templates.
	Greets, Closed, Mail, Survey bool

	Identifier   string // of an API inbox, in its public address; else ""
	WebsiteToken string // of a website inbox; else ""
	// Identified says that customers must prove who they are (HMAC), so that no stranger can
	// write there, nor a Customer.
	Identified bool
}

// Bot is an agent bot. Token and Secret are shown to administrators only, and not by a token
// that may only read; Secret is empty before Chatwoot 4.13 and of a system bot.
type Bot struct {
	ID, Name, Description string
	URL                   string // where its events go; "" of a system bot
	System                bool   // of the whole installation: an account can use it, not change it
	Token                 secret.String
	Secret                secret.String
}

// Team is a group of people.
type Team struct{ ID, Name string }

// Premises reads what an account has: inboxes with their bots, bots, teams and labels. Whoever
// is no administrator there is refused, or shown bots without their secrets. What was read is
// returned beside an error.
func (a *Admin) Premises(ctx context.Context, account string) (Premises, error) {
	var p Premises
	if !isID(account) {
		return p, invalid("account", "a number expected")
	}
	wrapped := func(err error) (Premises, error) { return p, fmt.Errorf("look around in chatwoot: %w", err) }
	base := "/api/v1/accounts/" + account
	bots, err := a.readList(ctx, base+"/agent_bots")
	if err != nil {
		return wrapped(err)
	}
	for _, o := range bots {
		if b := botOf(o); b.ID != "" {
			p.Bots = append(p.Bots, b)
		}
	}
	inboxes, err := a.readList(ctx, base+"/inboxes")
	if err != nil {
		return wrapped(err)
	}
	for _, o := range inboxes {
		in := inboxOf(o)
		if in.ID == "" {
			continue
		}
		told, err := a.read(ctx, base+"/inboxes/"+in.ID+"/agent_bot")
		if err != nil {
			return wrapped(err)
		}
		bot := told.object("agent_bot")
		in.BotID, in.BotName = bot.id("id"), bot.line("name")
		p.Inboxes = append(p.Inboxes, in)
	}
	teams, err := a.readList(ctx, base+"/teams")
	if err != nil {
		return wrapped(err)
	}
	for _, o := range teams {
		if id := o.id("id"); id != "" {
			p.Teams = append(p.Teams, Team{ID: id, Name: o.line("name")})
		}
	}
	labels, err := a.readList(ctx, base+"/labels")
	if err != nil {
		return wrapped(err)
	}
	for _, o := range labels {
		if title := o.line("title"); title != "" {
			p.Labels = append(p.Labels, title)
		}
	}
	return p, nil
}

func inboxOf(o object) AdminInbox {
	return AdminInbox{
		ID: o.id("id"), Name: o.line("name"), Kind: o.line("channel_type"),
		Greets: o.flag("greeting_enabled"), Mail: o.flag("enable_email_collect"), Survey: o.flag("csat_survey_enabled"),
		Closed:     o.flag("working_hours_enabled") && o.text("out_of_office_message", 1) != "",
		Identifier: o.word("inbox_identifier"), WebsiteToken: o.word("website_token"), Identified: o.flag("hmac_mandatory"),
	}
}

func botOf(o object) Bot {
	return Bot{
		ID: o.id("id"), Name: o.line("name"), Description: line(o.text("description", 2000)), URL: line(o.text("outgoing_url", 2000)),
		System: o.flag("system_bot"), Token: o.secret("access_token"), Secret: o.secret("secret"),
	}
}

// BotDraft is what a person says about a bot. UpdateBot leaves alone what is empty.
type BotDraft struct{ Name, Description, URL string }

// body is what is said, in Chatwoot's words.
func (d BotDraft) body() map[string]string {
	said := map[string]string{}
	for key, text := range map[string]string{"name": d.Name, "description": d.Description, "outgoing_url": d.URL} {
		if text != "" {
			said[key] = text
		}
	}
	return said
}

// CreateBot makes a bot of the account and returns it with its token and, since Chatwoot
// 4.13, its secret. It answers in no inbox yet, and its token opens nothing before it does:
// see Seat. fault.Uncertain: it may exist; look before trying again.
func (a *Admin) CreateBot(ctx context.Context, account string, d BotDraft) (Bot, error) {
	if !isID(account) || d.Name == "" || d.URL == "" {
		return Bot{}, invalid("bot", "account, name and address expected")
	}
	return a.writeBot(ctx, call{method: http.MethodPost, path: "/api/v1/accounts/" + account + "/agent_bots", body: d.body(), creates: true})
}

// UpdateBot changes what the draft names and returns the bot as it then is.
func (a *Admin) UpdateBot(ctx context.Context, account, id string, d BotDraft) (Bot, error) {
	if !isID(account) || !isID(id) || d == (BotDraft{}) {
		return Bot{}, invalid("bot", "account, number and a change expected")
	}
	return a.writeBot(ctx, call{method: http.MethodPatch, path: "/api/v1/accounts/" + account + "/agent_bots/" + id, body: d.body()})
}

func (a *Admin) writeBot(ctx context.Context, k call) (Bot, error) {
	what := "change a bot in chatwoot"
	if k.creates {
		what = "make a bot in chatwoot"
	}
	o, err := a.write(ctx, k)
	if err != nil {
		return Bot{}, fmt.Errorf("%s: %w", what, err)
	}
	b := botOf(o)
	if b.ID == "" {
		kind := fault.Permanent
		if k.creates {
			kind = fault.Uncertain
		}
		return Bot{}, fmt.Errorf("%s: %w", what, fault.New(kind, causeUnreadable))
	}
	return b, nil
}

// Seat makes a bot answer in an inbox, in place of whichever did; bot "" takes it away.
func (a *Admin) Seat(ctx context.Context, account, inbox, bot string) error {
	if !isID(account) || !isID(inbox) || bot != "" && !isID(bot) {
		return invalid("inbox", "numbers expected")
	}
	body := map[string]any{"agent_bot": nil}
	if bot != "" {
		body["agent_bot"] = json.Number(bot)
	}
	_, err := a.do(ctx, call{method: http.MethodPost, path: "/api/v1/accounts/" + account + "/inboxes/" + inbox + "/set_agent_bot", body: body})
	if err != nil {
		return fmt.Errorf("seat a bot in chatwoot: %w", err)
	}
	return nil
}

// Templates names messages that Chatwoot writes by itself: a greeting, one outside of working
// hours, the request for an e-mail address, a survey.
type Templates struct{ Greets, Closed, Mail, Survey bool }

// Hush turns those templates of an inbox off and leaves the others as they are. Closed turns
// the working hours of the inbox off; its text stays.
func (a *Admin) Hush(ctx context.Context, account, inbox string, what Templates) error {
	if !isID(account) || !isID(inbox) {
		return invalid("inbox", "numbers expected")
	}
	if what == (Templates{}) {
		return nil
	}
	body := map[string]bool{}
	for key, off := range map[string]bool{
		"greeting_enabled": what.Greets, "working_hours_enabled": what.Closed,
		"enable_email_collect": what.Mail, "csat_survey_enabled": what.Survey,
	} {
		if off {
			body[key] = false
		}
	}
	if _, err := a.do(ctx, call{method: http.MethodPatch, path: "/api/v1/accounts/" + account + "/inboxes/" + inbox, body: body}); err != nil {
		return fmt.Errorf("turn chatwoot's own messages off: %w", err)
	}
	return nil
}

// do makes a call as the user and gives refusals the codes that Admin promises.
func (a *Admin) do(ctx context.Context, k call) (*httpclient.Response, error) {
	k.token = a.token
	resp, err := k.do(ctx, a.client, a.base)
	return resp, refusal(resp, err)
}

// refusal says more exactly than classify what a call of whoever sets up met.
func refusal(resp *httpclient.Response, err error) error {
	var e *fault.Error
	if resp == nil || !errors.As(err, &e) {
		return err
	}
	out := *e
	words := errorText(resp)
	switch {
	case resp.Status == http.StatusNotFound || resp.Status == http.StatusGone:
		out.Kind, out.Code = fault.NotFound, causeUnknownRoute
		if strings.Contains(words, "could not be found") {
			out.Code = causeUnknownThing
		}
	case e.Code == causeNotForBots:
		out.Code = causeBotToken
	case e.Kind == fault.Unauthorized && strings.Contains(words, "not authorized to do this"):
		out.Code = causeNoAdmin
	}
	return &out
}

// read reads an object.
func (a *Admin) read(ctx context.Context, path string) (object, error) {
	resp, err := a.do(ctx, call{method: http.MethodGet, path: path})
	if err != nil {
		return nil, err
	}
	return answered(resp, false)
}

// readList reads a list, which stands alone or in a payload.
func (a *Admin) readList(ctx context.Context, path string) ([]object, error) {
	resp, err := a.do(ctx, call{method: http.MethodGet, path: path})
	if err != nil {
		return nil, err
	}
	return answeredList(resp)
}

func (a *Admin) write(ctx context.Context, k call) (object, error) {
	resp, err := a.do(ctx, k)
	if err != nil {
		return nil, err
	}
	return answered(resp, k.creates)
}

// answeredNo says that somebody answered, and refused for good.
func answeredNo(err error) bool {
	switch fault.KindOf(err) {
	case fault.Unauthorized, fault.NotFound, fault.Invalid, fault.Permanent:
		return fault.Code(err) != httpclient.CodeRefused
	}
	return false
}

// answered is the object of a 2xx. creates as for a call.
func answered(resp *httpclient.Response, creates bool) (object, error) {
	v, err := value(resp.Body)
	o := asObject(v)
	if err != nil || o == nil {
		kind := fault.Permanent
		if creates {
			kind = fault.Uncertain
		}
		return nil, fault.New(kind, causeUnreadable)
	}
	return o, nil
}

func answeredList(resp *httpclient.Response) ([]object, error) {
	v, err := value(resp.Body)
	list, ok := v.([]any)
	if o := asObject(v); o != nil {
		list, ok = o["payload"].([]any)
	}
	if err != nil || !ok {
		return nil, fault.New(fault.Permanent, causeUnreadable)
	}
	all := make([]object, 0, len(list))
	for _, item := range list {
		all = append(all, asObject(item))
	}
	return all, nil
}

// line reads a name for one line of a terminal.
func (o object) line(key string) string { return line(o.text(key, 200)) }

// line takes away what would move the cursor or hide something.
func line(s string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsControl(r), unicode.Is(unicode.Cf, r) && r != '\u200d':
			return -1
		}
		return r
	}, s))
}

// secret reads a token or a secret; none for anything that cannot be one.
func (o object) secret(key string) secret.String {
	s := o.text(key, 4000)
	if strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return secret.String{}
	}
	return secret.New(s)
}

// word reads an identifier that stands in paths: "" for anything that could lead elsewhere.
func (o object) word(key string) string {
	s := o.text(key, 200)
	if !isWord(s) {
		return ""
	}
	return s
}

func isWord(s string) bool {
	return s != "" && len(s) <= 200 && !strings.ContainsFunc(s, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_')
	})
}
