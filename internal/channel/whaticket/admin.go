package whaticket

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"secretaria/internal/fault"
	"secretaria/internal/httpclient"
	"secretaria/internal/secret"
)

// Family is a line of Whatickets, as far as it can be told from what its API shows.
type Family string

// The families. What each posts by itself decides how it is connected.
const (
	// FamilyCommunity is one company's installation of canove's build. It posts nothing.
	FamilyCommunity Family = "community"
	// FamilySaaS has integrations that a queue is bound to.
	FamilySaaS Family = "saas"
	// FamilyMulti has integrations that a connection can be bound to, and queues too: the
	// commercial line of v10 and later.
	FamilyMulti Family = "multi100"
	// FamilyHosted has a field "Webhook" in its connections.
	FamilyHosted Family = "hosted"
	// FamilyCompanies knows companies and shows no way to post by itself: ticketz' open
	// edition, and builds that have taken integrations away.
	FamilyCompanies Family = "companies"
)

// PersonOf is a user of a Whaticket.
type PersonOf struct {
	ID, Name string
	Profile  string // admin, user, supervisor, …
}

// Administrator says whether Whaticket lets them set things up.
func (p PersonOf) Administrator() bool { return p.Profile == "admin" || p.Profile == "super" }

// Line is a WhatsApp connection as a user sees it.
type Line struct {
	Connection
	ID      string
	Default bool
	Queues  []string // the ids of its queues
	// Token is the connection's own API token, of the builds that have one for each.
	Token secret.String
	// Binds says that an integration can be bound to it, Integration which one is: "" for none.
	Binds       bool
	Integration string
	// Hooks says that it has a field for the address of a webhook.
	Hooks bool
}

// Queue is a queue of tickets.
type Queue struct {
	ID, Name    string
	Greets      bool // it has a greeting of its own
	Binds       bool // as of a Line
	Integration string
}

// Integration is where a Whaticket posts what customers write.
type Integration struct {
	ID, Name, Type string
	// URL may hold what opens our webhook, or another's.
	URL secret.String
}

// Posts says whether it posts customers' messages as they came.
func (i Integration) Posts() bool { return i.Type == "n8n" || i.Type == "webhook" }

// LeadsTo says whether its address begins with prefix, which holds no secret.
func (i Integration) LeadsTo(prefix string) bool {
	return prefix != "" && strings.HasPrefix(i.URL.Reveal(), prefix)
}

// Place is what its user sees of a Whaticket. What that user may not see is empty.
type Place struct {
	Family  Family
	Version string // "" where it is not told
	User    PersonOf
	Lines   []Line
	Queues  []Queue
	People  []PersonOf
	// PeopleHidden says that the list of users is not for this user.
	PeopleHidden bool
	Integrations []Integration
	// IntegrationsHidden says why there are integrations that cannot be seen: "" where there
	// are none, or all are seen.
	IntegrationsHidden string
	// Token is the static token of the whole installation, of the builds that have one and
	// show it to this user.
	Token secret.String
}

// Admin is a user of a Whaticket who looks around there and connects it to a webhook. It is
// not safe for concurrent use.
//
// Errors carry a kind and a short code: fault.Unauthorized with ERR_INVALID_CREDENTIALS for
// a wrong e-mail or password, with ERR_NO_PERMISSION for a user who may not; fault.Permanent
// where the address is not that of a Whaticket's API; fault.Conflict with "not kept" where a
// Whaticket said yes to a change and did not make it.
//
// What it knows of the set-up API was read from the sources of launcherbr/whaticketsaas,
// winlinux872/Whaticketv.6.6.1, isaqueks/solving-whaticket (QueueIntegrationController,
// QueueController, UpdateQueueService), whaticketgoldbruno/versao-27-08-2025
// (WhatsAppController, UpdateWhatsAppService, the screens that call them) and
// canove/whaticket-community (SettingController, UserController).
type Admin struct{ c *Channel }

// NewAdmin returns the user with this e-mail and password at the Whaticket at baseURL, which
// is WHATSAPP_API_URL. Nothing is called.
func NewAdmin(baseURL, email string, password secret.String, client *httpclient.Client) (*Admin, error) {
	if email == "" || password.IsZero() {
		return nil, fault.New(fault.Invalid, "e-mail and password are needed")
	}
	c, err := outbound(Config{BaseURL: baseURL, Email: email, Password: password}, client)
	if err != nil {
		return nil, err
	}
	return &Admin{c}, nil
}

// outbound returns a channel that only calls: its webhooks are open to nobody.
func outbound(cfg Config, client *httpclient.Client) (*Channel, error) {
	if cfg.BaseURL == "" {
		return nil, fault.New(fault.Invalid, "the address is needed")
	}
	cfg.Auth, cfg.URLSecrets = ByURL, []secret.String{secret.New(rand.Text() + rand.Text())}
	return New(cfg, client)
}

// Try looks at a Whaticket with nothing but its static token, as Examine does.
func Try(ctx context.Context, baseURL string, token secret.String, client *httpclient.Client) (Examination, error) {
	c, err := outbound(Config{BaseURL: baseURL, Token: token}, client)
	if err != nil {
		return Examination{}, err
	}
	return c.Examine(ctx)
}

// Examine looks as Channel.Examine does, with this user and a static token, "" for none.
func (a *Admin) Examine(ctx context.Context, token secret.String) (Examination, error) {
	with := *a.c
	with.token = token
	return with.Examine(ctx)
}

// Look logs in and looks around. It changes nothing. An error is returned where the login
// fails or the connections cannot be read; of what else cannot be seen the Place tells.
func (a *Admin) Look(ctx context.Context) (Place, error) {
	var p Place
	who, err := a.who(ctx)
	if err != nil {
		return p, fmt.Errorf("look at whaticket: %w", err)
	}
	p.User = userOf(who)
	lines, err := a.list(ctx, "/whatsapp/?session=0", "")
	if err != nil {
		return p, fmt.Errorf("look at whaticket's connections: %w", err)
	}
	for _, o := range lines {
		p.Lines = append(p.Lines, line(o))
	}
	queues, err := a.list(ctx, "/queue", "")
	if err != nil {
		return p, fmt.Errorf("look at whaticket's queues: %w", err)
	}
	for _, o := range queues {
		q := Queue{ID: o.id("id"), Name: o.short("name"), Greets: !blank(o.text("greetingMessage")), Integration: o.id("integrationId")}
		_, q.Binds = o["integrationId"]
		p.Queues = append(p.Queues, q)
	}
	people, err := a.list(ctx, "/users", "users")
	if err != nil {
		p.PeopleHidden = true
	}
	for _, o := range people {
		p.People = append(p.People, userOf(o))
	}
	p.Family, p.IntegrationsHidden = FamilyCommunity, ""
	if who.has("companyId") {
		p.Family = FamilyCompanies
	}
	integrations, err := a.list(ctx, "/queueIntegration", "queueIntegrations")
	switch {
	case err == nil:
		p.Family = FamilySaaS
	case fault.Is(err, fault.Unauthorized):
		p.Family, p.IntegrationsHidden = FamilySaaS, fault.Code(err)
	case !fault.Is(err, fault.Permanent) && p.Family != FamilyCommunity:
		// A plan without them, or a bad moment: words that are not an unknown route's.
		p.Family, p.IntegrationsHidden = FamilySaaS, fault.Code(err)
	}
	for _, o := range integrations {
		p.Integrations = append(p.Integrations, integration(o))
	}
	for _, l := range p.Lines {
		switch {
		case p.Family == FamilySaaS && l.Binds:
			p.Family = FamilyMulti
		case l.Hooks && p.Family == FamilyCompanies:
			p.Family = FamilyHosted
		}
	}
	p.Version = a.version(ctx)
	if p.Family == FamilyCommunity && p.User.Administrator() {
		p.Token = a.installationToken(ctx)
	}
	return p, nil
}

// who logs in, and tells as whom.
func (a *Admin) who(ctx context.Context) (object, error) {
	s := a.c.session
	if _, _, err := s.access(ctx, ""); err != nil {
		return nil, err
	}
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-ctx.Done():
		return nil, cancelled(ctx)
	}
	return s.user, nil
}

func userOf(o object) PersonOf {
	p := PersonOf{ID: o.id("id"), Name: o.short("name"), Profile: strings.ToLower(o.short("profile"))}
	if o.flag("super") && p.Profile == "" {
		p.Profile = "super"
	}
	return p
}

func line(o object) Line {
	l := Line{
		Connection: connection(o), ID: o.id("id"), Default: o.flag("isDefault"),
		Token: secret.New(o.text("token")), Integration: o.id("integrationId"),
	}
	_, l.Binds = o["integrationId"]
	_, l.Hooks = o["webhook"]
	for _, q := range objects(o.list("queues")) {
		l.Queues = append(l.Queues, q.id("id"))
	}
	return l
}

func integration(o object) Integration {
	return Integration{ID: o.id("id"), Name: o.short("name"), Type: o.short("type"), URL: secret.New(o.text("urlN8N"))}
}

func objects(list []any) []object {
	var out []object
	for _, item := range list {
		if m, ok := item.(map[string]any); ok {
			out = append(out, m)
		}
	}
	return out
}

// pages bounds how many pages of a list are read; a page has 20 entries.
const pages = 25

// list reads a list: the answer itself, or page after page what stands under key.
func (a *Admin) list(ctx context.Context, path, key string) ([]object, error) {
	if key == "" {
		resp, err := a.c.call(ctx, http.MethodGet, path, nil)
		if err != nil {
			return nil, harmless(err)
		}
		v, err := decode(resp.Body)
		all, ok := v.([]any)
		if err != nil || !ok {
			return nil, notAnAPI(resp)
		}
		return objects(all), nil
	}
	var all []object
	for page := range pages {
		resp, err := a.c.call(ctx, http.MethodGet, fmt.Sprintf("%s?searchParam=&pageNumber=%d", path, page+1), nil)
		if err != nil {
			return nil, harmless(err)
		}
		o := answerObject(resp)
		if _, ok := o[key].([]any); !ok {
			return nil, notAnAPI(resp)
		}
		all = append(all, objects(o.list(key))...)
		if !o.flag("hasMore") {
			break
		}
	}
	return all, nil
}

func notAnAPI(resp *httpclient.Response) error {
	return &fault.Error{Kind: fault.Permanent, Code: "unexpected answer", Status: resp.Status}
}

// version asks a Whaticket what it is; not all tell.
func (a *Admin) version(ctx context.Context) string {
	resp, err := a.c.call(ctx, http.MethodGet, "/version", nil)
	if err != nil {
		return ""
	}
	v := answerObject(resp).short("version")
	if len(v) > 32 {
		return ""
	}
	return v
}

// installationToken reads the token of the whole installation where the community build
// shows it.
func (a *Admin) installationToken(ctx context.Context) secret.String {
	settings, err := a.list(ctx, "/settings", "")
	if err != nil {
		return secret.String{}
	}
	for _, o := range settings {
		if o.short("key") == "userApiToken" {
			return secret.New(o.text("value"))
		}
	}
	return secret.String{}
}

// Point makes an integration post to an address: the one with this id, or where that is ""
// a new one. Doing it again changes nothing.
//
// An update sends everything that the integration has, as Whaticket's own screen does: what
// is left out may be put to its default.
func (a *Admin) Point(ctx context.Context, id, name string, to secret.String) (Integration, error) {
	if u, err := url.Parse(to.Reveal()); err != nil || u.Host == "" {
		return Integration{}, fault.New(fault.Invalid, "the webhook's address is not a URL")
	}
	body := object{"type": "webhook", "jsonContent": "", "language": ""}
	method, path := http.MethodPost, "/queueIntegration"
	if id != "" {
		if ticketID(id) == "" {
			return Integration{}, fault.New(fault.Invalid, "integration: not an id")
		}
		method, path = http.MethodPut, "/queueIntegration/"+id
		was, err := a.show(ctx, path)
		if err != nil {
			return Integration{}, fmt.Errorf("read the integration: %w", err)
		}
		if i := integration(was); i.URL == to && i.Name == name && i.Posts() {
			return i, nil
		}
		body = was
		if !integration(was).Posts() {
			body["type"] = "webhook"
		}
	}
	body["name"], body["projectName"], body["urlN8N"] = name, name, to.Reveal()
	resp, err := a.c.call(ctx, method, path, body)
	if err != nil {
		return Integration{}, fmt.Errorf("save the integration: %w", err)
	}
	made := integration(answerObject(resp))
	if made.ID == "" {
		return Integration{}, fmt.Errorf("save the integration: %w", unexpected(resp))
	}
	// Some answer an update with what was there before, and some hide the address.
	kept, err := a.show(ctx, "/queueIntegration/"+made.ID)
	if err != nil {
		return Integration{}, fmt.Errorf("read the integration back: %w", err)
	}
	if i := integration(kept); i.URL != to || !i.Posts() {
		return i, fmt.Errorf("save the integration: %w", fault.New(fault.Conflict, "not kept"))
	}
	return integration(kept), nil
}

// show reads one thing.
func (a *Admin) show(ctx context.Context, path string) (object, error) {
	resp, err := a.c.call(ctx, http.MethodGet, path, nil)
	if err != nil {
		return nil, harmless(err)
	}
	o := answerObject(resp)
	if o.id("id") == "" {
		return nil, notAnAPI(resp)
	}
	return o, nil
}

// BindLine binds an integration to a connection, "" takes the bound one away, and returns
// what was bound before. Doing it again changes nothing.
//
// Whaticket takes a connection as a whole: fields that are left out are put to their
// defaults, and its queues are taken away. So it is sent back as it was read, as the screen
// does, without its session, and without its status, which may have changed meanwhile.
func (a *Admin) BindLine(ctx context.Context, lineID, integrationID string) (before string, err error) {
	path := "/whatsapp/" + lineID
	return a.bind(ctx, path, path+"?session=0", lineID, integrationID, func(o object) {
		queues := []any{}
		for _, q := range objects(o.list("queues")) {
			queues = append(queues, q["id"])
		}
		o["queueIds"] = queues
		for _, key := range []string{"queues", "session", "status", "qrcode", "company", "prompt"} {
			delete(o, key)
		}
	})
}

// BindQueue binds an integration to a queue, as BindLine does to a connection.
func (a *Admin) BindQueue(ctx context.Context, queueID, integrationID string) (before string, err error) {
	path := "/queue/" + queueID
	return a.bind(ctx, path, path, queueID, integrationID, func(object) {})
}

func (a *Admin) bind(ctx context.Context, path, readPath, id, integrationID string, form func(object)) (before string, err error) {
	if id == "" || ticketID(id) == "" || ticketID(integrationID) != integrationID {
		return "", fault.New(fault.Invalid, "not an id")
	}
	was, err := a.show(ctx, readPath)
	if err != nil {
		return "", fmt.Errorf("read what is to be bound: %w", err)
	}
	if _, ok := was["integrationId"]; !ok {
		return "", fault.New(fault.Unsupported, "takes no integration")
	}
	before = was.id("integrationId")
	if before == integrationID {
		return before, nil
	}
	shape := boundShape(was)
	form(was)
	was["integrationId"] = nil
	if integrationID != "" {
		n, err := number(integrationID)
		if err != nil {
			return before, fault.New(fault.Invalid, "not an id")
		}
		was["integrationId"] = n
	}
	if _, err := a.c.call(ctx, http.MethodPut, path, was); err != nil {
		return before, fmt.Errorf("bind the integration: %w", err)
	}
	now, err := a.show(ctx, readPath)
	if err != nil {
		return before, fmt.Errorf("read back what was bound: %w", err)
	}
	switch {
	case now.id("integrationId") != integrationID:
		err = fault.New(fault.Conflict, "not kept")
	case boundShape(now) != shape:
		err = fault.New(fault.Conflict, "something else changed")
	}
	if err != nil {
		return before, fmt.Errorf("bind the integration: %w", err)
	}
	return before, nil
}

// boundShape is what must be the same before and after a binding.
func boundShape(o object) string {
	parts := []string{o.text("name"), o.text("greetingMessage"), o.text("token"), o.text("color")}
	for _, q := range objects(o.list("queues")) {
		parts = append(parts, q.id("id"))
	}
	return strings.Join(parts, "\x00")
}

// Refusal says of an error that this user may not do what was asked: true for a wrong login
// too, which Credentials tells apart.
func Refusal(err error) bool { return fault.Is(err, fault.Unauthorized) }

// Credentials says of an error that the e-mail or the password is wrong.
func Credentials(err error) bool { return fault.Code(err) == "ERR_INVALID_CREDENTIALS" }

// Elsewhere says of an error that what answered at the address is not a Whaticket's API:
// mostly its front end, which is often another host or port.
func Elsewhere(err error) bool {
	var e *fault.Error
	return errors.As(err, &e) && e.Kind == fault.Permanent &&
		(strings.HasPrefix(e.Code, "not an API") || strings.HasPrefix(e.Code, "no such route") ||
			strings.HasPrefix(e.Code, "redirected") || cmp.Or(e.Code, "") == "unexpected answer" || e.Code == "login gave no token")
}
