package config

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"secretaria/internal/app"
	"secretaria/internal/channel"
	"secretaria/internal/channel/chatwoot"
	"secretaria/internal/channel/whaticket"
	"secretaria/internal/secret"
)

// read gives set the value of a key, where there is one, and turns its error into a problem.
func read(s *section, key string, set func(value) error) {
	if v, ok := s.value(key); ok {
		if err := set(v); err != nil {
			s.d.problem(v.path, v.where, "%v", err)
		}
	}
}

// inboxes are those that the environment makes, one of each channel, and those of the file.
func (d *draft) inboxes() {
	d.single.whaticket.Auth = whaticket.BySignature
	d.ofEnvironment(channel.Whaticket, "SHARED_SECRET", "WEBHOOK_TOKEN_OPTIONAL", "WHATSAPP_API_URL", "WHATSAPP_BEARER_TOKEN", "WHATICKET_JWT_EMAIL", "WHATICKET_JWT_PASSWORD")
	d.ofEnvironment(channel.Chatwoot, "CHATWOOT_WEBHOOK_SECRET", "CHATWOOT_BASE_URL", "CHATWOOT_ACCOUNT_ID", "CHATWOOT_ACCESS_TOKEN")
	if d.root == nil {
		return
	}
	file := d.root.section("inboxes")
	for _, k := range file.keys() {
		where := place(d.file, k.Line)
		s := file.section(k.Value)
		switch {
		case !nameForm.MatchString(k.Value):
			d.problem(file.join(k.Value), where, "a name has lower-case letters, digits, '.', '_' and '-', at most 63")
		case slices.ContainsFunc(d.o.Inboxes, func(i app.Inbox) bool { return i.Name == k.Value }):
			d.problem(file.join(k.Value), where, "the environment makes an inbox of this name already (%s); take one of them away", originKey(channel.Kind(k.Value)))
		case s == nil:
			d.problem(file.join(k.Value), where, "needs channel and secrets")
		default:
			d.inbox(k, s)
			continue
		}
		s.keys() // said once is enough
	}
}

func originKey(kind channel.Kind) string {
	if kind == channel.Chatwoot {
		return "CHATWOOT_WEBHOOK_SECRET"
	}
	return "SHARED_SECRET"
}

// ofEnvironment makes the inbox of a channel when its secret is set.
func (d *draft) ofEnvironment(kind channel.Kind, secretKey string, others ...string) {
	if !d.set(secretKey) {
		if set := slices.DeleteFunc(slices.Clone(others), func(k string) bool { return !d.set(k) }); len(set) > 0 {
			d.note("%s: no effect, since %s is not set and so there is no %s inbox", strings.Join(set, ", "), secretKey, kind)
		}
		return
	}
	inbox := app.Inbox{Name: string(kind), Desk: sdrDesk}
	secrets := d.single.chatwoot.Secrets
	if kind == channel.Whaticket {
		inbox.Desk, inbox.Hold, inbox.Whaticket = secretariaDesk, defaultHold, &d.single.whaticket
		secrets = d.single.whaticket.Secrets
		d.complain(inbox.Whaticket.Validate(), nil)
	} else {
		inbox.Chatwoot, inbox.TakeBack = &d.single.chatwoot, defaultTakeBack
		d.complain(inbox.Chatwoot.Validate(), nil)
	}
	d.weak(d.found[secretKey].name(secretKey), secrets)
	d.o.Inboxes = append(d.o.Inboxes, inbox)
}

// activeSecrets are those that the webhooks of an inbox may prove themselves with.
func activeSecrets(i app.Inbox) []secret.String {
	if i.Chatwoot != nil {
		return i.Chatwoot.Secrets
	}
	switch i.Whaticket.Auth {
	case whaticket.ByURL:
		return i.Whaticket.URLSecrets
	case whaticket.ByToken:
		return i.Whaticket.WebhookTokens
	}
	return i.Whaticket.Secrets
}

// weak hints at secrets that can be guessed.
func (d *draft) weak(key string, secrets []secret.String) {
	const enough = 16
	for _, s := range secrets {
		if len(s.Reveal()) < enough {
			d.note("%s: a secret of less than %d characters can be guessed", key, enough)
			return
		}
	}
}

// The keys of an inbox in the file that only one channel has.
func ofWhaticket() []string {
	return []string{"auth", "webhook_token", "email", "password", "default_country"}
}
func ofChatwoot() []string {
	return []string{"signature", "account_id", "user_token", "bot_id", "take_back"}
}

// inbox reads one of the file.
func (d *draft) inbox(name *yaml.Node, s *section) {
	where := place(d.file, name.Line)
	inbox := app.Inbox{Name: name.Value}
	kind, ok := s.value("channel")
	switch channel.Kind(kind.text) {
	case channel.Whaticket:
		inbox.Desk, inbox.Hold, inbox.Whaticket = secretariaDesk, defaultHold, &whaticket.Config{Auth: whaticket.BySignature}
		s.foreign = owned(ofChatwoot(), channel.Chatwoot)
	case channel.Chatwoot:
		inbox.Desk, inbox.Chatwoot, inbox.TakeBack = sdrDesk, &chatwoot.Config{}, defaultTakeBack
		s.foreign = owned(ofWhaticket(), channel.Whaticket)
	default:
		if !ok {
			d.problem(s.join("channel"), where, "is required: %q or %q", channel.Whaticket, channel.Chatwoot)
		} else {
			d.problem(kind.path, kind.where, "%q is not one of %q and %q", kind.text, channel.Whaticket, channel.Chatwoot)
		}
		s.keys() // nothing more can be said about them
		return
	}
	read(s, "desk", func(v value) error {
		inbox.Desk = v.text
		if names := d.deskNames(); !slices.Contains(names, v.text) {
			return fmt.Errorf("there is no desk %q%s", v.text, didYouMean(v.text, names))
		}
		return nil
	})
	read(s, "hold", func(v value) (err error) { inbox.Hold, err = duration(v.text); return err })
	if inbox.Chatwoot != nil {
		read(s, "take_back", func(v value) (err error) { inbox.TakeBack, err = duration(v.text); return err })
	}
	d.inboxQuiet(s, &inbox)
	if h := s.section("handoff"); h != nil {
		read(h, "team", func(v value) error { inbox.Team = v.text; return nil })
		read(h, "person", func(v value) error { inbox.Person = v.text; return nil })
		read(h, "labels", func(v value) error { inbox.Labels = v.items(); return nil })
	}
	var err error
	if inbox.Whaticket != nil {
		d.readWhaticket(s, inbox.Whaticket)
		inbox.Whaticket.HandoffQueue, inbox.Whaticket.HandoffUser = inbox.Team, inbox.Person
		err = inbox.Whaticket.Validate()
	} else {
		d.readChatwoot(s, inbox.Chatwoot)
		err = inbox.Chatwoot.Validate()
	}
	d.complain(err, func(key string) (string, string) {
		yamlKey, ok := fileNames()[key]
		if inbox.Whaticket != nil && inbox.Whaticket.Auth == whaticket.ByToken && key == "WEBHOOK_TOKEN_OPTIONAL" && s.get("webhook_token") == nil {
			yamlKey = "secrets"
		}
		if !ok {
			return s.join(key), where
		}
		holder, leaf := s, yamlKey
		if rest, nested := strings.CutPrefix(yamlKey, "handoff."); nested {
			holder, leaf = s.section("handoff"), rest
		}
		if n := holder.get(leaf); n != nil {
			return s.join(yamlKey), place(d.file, n.Line)
		}
		return s.join(yamlKey), where
	})
	if n := s.get("secrets"); n != nil {
		d.weak(s.join("secrets"), activeSecrets(inbox))
	}
	d.o.Inboxes = append(d.o.Inboxes, inbox)
}

// fileNames are the YAML keys of what the channels call by the key of the environment.
func fileNames() map[string]string {
	return map[string]string{
		"SHARED_SECRET": "secrets", "url_secrets": "secrets", "WEBHOOK_TOKEN_OPTIONAL": "webhook_token", "WHATSAPP_API_URL": "base_url",
		"WHATSAPP_BEARER_TOKEN": "token", "WHATICKET_JWT_EMAIL": "email", "WHATICKET_JWT_PASSWORD": "password", "handoff_queue": "handoff.team", "handoff_user": "handoff.person",
		"CHATWOOT_WEBHOOK_SECRET": "secrets", "CHATWOOT_BASE_URL": "base_url", "CHATWOOT_ACCESS_TOKEN": "token", "CHATWOOT_USER_TOKEN": "user_token",
		"CHATWOOT_ACCOUNT_ID": "account_id", "CHATWOOT_BOT_ID": "bot_id", "CHATWOOT_SIGNATURE_FORM": "signature", "CHATWOOT_SIGNATURE_WINDOW": "window",
		"auth": "auth", "window": "window", "default_country": "default_country",
	}
}

func owned(keys []string, kind channel.Kind) map[string]string {
	out := map[string]string{}
	for _, k := range keys {
		out[k] = string(kind) + " inboxes"
	}
	return out
}

func (d *draft) deskNames() []string {
	var names []string
	for _, desk := range d.o.Desks {
		names = append(names, desk.Name)
	}
	return names
}

func (d *draft) inboxQuiet(s *section, inbox *app.Inbox) {
	quiet := d.o.Quiet
	set, capped := false, false
	read(s, "quiet", func(v value) (err error) { set = true; quiet.Window, err = duration(v.text); return err })
	read(s, "quiet_max", func(v value) (err error) { set, capped = true, true; quiet.Max, err = duration(v.text); return err })
	if !set {
		return
	}
	if !capped && quiet.Max > 0 && quiet.Window > quiet.Max {
		quiet.Max = min(quiet.Window, forever/5) * 5
	}
	inbox.Quiet = &quiet
}

func (d *draft) readWhaticket(s *section, c *whaticket.Config) {
	read(s, "auth", func(v value) error { c.Auth = whaticket.Auth(v.text); return nil })
	// One key for what a webhook proves itself with, whatever the way.
	readSecrets(s, "secrets", func(all []secret.String) {
		switch c.Auth {
		case whaticket.ByToken:
			c.WebhookTokens = all
		case whaticket.ByURL:
			c.URLSecrets = all
		default:
			c.Secrets = all
		}
	})
	readSecrets(s, "webhook_token", func(all []secret.String) { c.WebhookTokens = append(c.WebhookTokens, all...) })
	read(s, "base_url", func(v value) error { c.BaseURL = v.text; return nil })
	readSecret(s, "token", &c.Token)
	read(s, "email", func(v value) error { c.Email = v.text; return nil })
	readSecret(s, "password", &c.Password)
	read(s, "default_country", func(v value) error { c.DefaultCountry = v.text; return nil })
	window(s, &c.Window)
}

func (d *draft) readChatwoot(s *section, c *chatwoot.Config) {
	readSecrets(s, "secrets", func(all []secret.String) { c.Secrets = all })
	if s.get("secrets") == nil {
		d.problem(s.join("secrets"), place(d.file, s.node.Line), "is required: the webhook secret of the agent bot")
	}
	read(s, "signature", func(v value) error { c.Form = chatwoot.Form(v.text); return nil })
	read(s, "base_url", func(v value) error { c.BaseURL = v.text; return nil })
	read(s, "account_id", func(v value) error { c.AccountID = v.text; return nil })
	readSecret(s, "token", &c.Token)
	readSecret(s, "user_token", &c.UserToken)
	read(s, "bot_id", func(v value) error { c.BotID = v.text; return nil })
	window(s, &c.Window)
}

// window reads how old a signature may be.
func window(s *section, field *time.Duration) {
	read(s, "window", func(v value) (err error) {
		*field, err = positive(duration(v.text))
		return err
	})
}
