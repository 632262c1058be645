package chatwoot

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"secretaria/internal/fault"
)

// Ability is something that the product does with a bot's token, as an operator calls it.
type Ability string

// The abilities that not every Chatwoot gives its bots.
const (
	AbilitySay        Ability = "write messages"
	AbilityStatus     Ability = "change the status"
	AbilityAssign     Ability = "assign"
	AbilityAttributes Ability = "set attributes"
	AbilityTyping     Ability = "show typing"
	AbilityLabels     Ability = "set labels"
	AbilityRead       Ability = "read a conversation"
)

// maxExamined bounds the inboxes whose bots are asked for.
const maxExamined = 20

// Examination is what can be seen of a Chatwoot without changing anything there.
type Examination struct {
	Version string // "4.15.1"; "" where it is not told
	// Person says that the bot's token is a person's.
	Person bool
	// Missing are the abilities that the bot's token lacks; known only with an account.
	Missing []Ability
	// Inboxes are those of the account; nil where no user's token is configured to read them,
	// or that user may not.
	Inboxes []Inbox
}

// Inbox is one of an account's inboxes.
type Inbox struct {
	Name string
	// Bot says that an agent bot answers there, and URL where its events go; "" is not told.
	Bot bool
	URL string
	// Greets, Closed, Mail and Survey say which messages Chatwoot writes there by itself: a
	// greeting, one outside of working hours, the request for an e-mail address, a survey.
	Greets, Closed, Mail, Survey bool
}

// Before says whether the version is older than another one; false where it is not known.
func (e Examination) Before(version string) bool { return e.Version != "" && older(e.Version, version) }

// Examine looks at a Chatwoot. Abilities are tried on conversation 0, which never exists:
// Chatwoot asks whether a bot may before it looks for the conversation, so that nothing is
// changed. It returns what it has seen beside an error.
func (c *Channel) Examine(ctx context.Context) (Examination, error) {
	var e Examination
	if !c.configured() {
		return e, fault.New(fault.Unsupported, causeNotConfigured)
	}
	if told, err := c.shown(ctx, call{method: http.MethodGet, path: "/api", token: c.token}); err != nil {
		return e, err
	} else if v := told.text("version", 40); isVersion(v) {
		e.Version = v
	}
	told, err := c.shown(ctx, call{method: http.MethodGet, path: "/api/v1/profile", token: c.token})
	if err != nil {
		return e, err
	}
	e.Person = told.has("id")
	if c.account == "" {
		return e, nil
	}
	account := "/api/v1/accounts/" + c.account
	if !e.Person {
		if e.Missing, err = c.missing(ctx, account+"/conversations/0"); err != nil {
			return e, err
		}
	}
	if c.user.IsZero() {
		return e, nil
	}
	if told, err = c.shown(ctx, call{method: http.MethodGet, path: account + "/inboxes", token: c.user}); err != nil {
		return e, err
	}
	for i, item := range told.list("payload") {
		o := asObject(item)
		if i == maxExamined {
			break
		}
		in := Inbox{
			Name: o.text("name", 80), Greets: o.flag("greeting_enabled"), Mail: o.flag("enable_email_collect"), Survey: o.flag("csat_survey_enabled"),
			Closed: o.flag("working_hours_enabled") && o.text("out_of_office_message", 1) != "",
		}
		told, err := c.shown(ctx, call{method: http.MethodGet, path: account + "/inboxes/" + o.id("id") + "/agent_bot", token: c.user})
		if err != nil {
			return e, err
		}
		bot := told.object("agent_bot")
		in.Bot, in.URL = bot.has("id"), bot.text("outgoing_url", 2000)
		e.Inboxes = append(e.Inboxes, in)
	}
	return e, nil
}

// shown is what a call shows; nothing where it is refused.
func (c *Channel) shown(ctx context.Context, k call) (object, error) {
	resp, err := c.do(ctx, k)
	switch fault.KindOf(err) {
	case fault.Unauthorized, fault.NotFound, fault.Invalid, fault.Permanent:
		if resp != nil {
			return nil, nil
		}
	}
	if err != nil {
		return nil, fmt.Errorf("examine chatwoot: %w", err)
	}
	v, err := value(resp.Body)
	if err != nil {
		return nil, nil // somebody else's page
	}
	return asObject(v), nil
}

func (c *Channel) missing(ctx context.Context, path string) ([]Ability, error) {
	var missing []Ability
	for _, a := range []struct {
		ability      Ability
		method, path string
	}{
		{AbilitySay, http.MethodPost, "/messages"},
		{AbilityStatus, http.MethodPost, "/toggle_status"},
		{AbilityAssign, http.MethodPost, "/assignments"},
		{AbilityAttributes, http.MethodPost, "/custom_attributes"},
		{AbilityTyping, http.MethodPost, "/toggle_typing_status"},
		{AbilityLabels, http.MethodPost, "/labels"},
		{AbilityRead, http.MethodGet, ""},
	} {
		k := call{method: a.method, path: path + a.path, token: c.token}
		if a.method == http.MethodPost {
			k.body = map[string]any{}
		}
		_, err := c.do(ctx, k)
		if fault.Is(err, fault.Unauthorized) {
			missing = append(missing, a.ability)
		} else if fault.Is(err, fault.Transient) || fault.Is(err, fault.RateLimited) {
			return missing, fmt.Errorf("examine chatwoot: %w", err)
		}
	}
	return missing, nil
}

func isVersion(s string) bool {
	return s != "" && s[0] >= '0' && s[0] <= '9' && strings.Contains(s, ".")
}

// older compares versions by their first three numbers; what follows ("-rc1") is not looked at.
func older(a, b string) bool {
	x, y := numbers(a), numbers(b)
	for i := range x {
		if x[i] != y[i] {
			return x[i] < y[i]
		}
	}
	return false
}

func numbers(version string) (n [3]int) {
	for i, part := range strings.SplitN(version, ".", 3) {
		if end := strings.IndexFunc(part, func(r rune) bool { return r < '0' || r > '9' }); end >= 0 {
			part = part[:end]
		}
		n[i], _ = strconv.Atoi(part)
	}
	return n
}
