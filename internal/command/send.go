package command

import (
	"bytes"
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"secretaria/internal/app"
	"secretaria/internal/channel"
	"secretaria/internal/channel/whaticket"
	"secretaria/internal/config"
	"secretaria/internal/fault"
	"secretaria/internal/httpclient"
	"secretaria/internal/secret"
	"secretaria/internal/telemetry"
)

type sendCmd struct {
	Whaticket sendWhaticketCmd `cmd:"" help:"As a customer on WhatsApp, through Whaticket."`
	Chatwoot  sendChatwootCmd  `cmd:"" help:"As a customer in Chatwoot."`
}

// Help implements kong.HelpProvider.
func (sendCmd) Help() string {
	return `Signs a webhook with the secret of the configuration, posts it, and shows what was decided and what became of the answer.

Example:

	secretaria send whaticket --number 5511988877766 "olá"`
}

// sendFlags are those of both channels.
type sendFlags struct {
	configFlag
	URL      string        `help:"Address of the server; without it this machine and APP_PORT." placeholder:"URL"`
	Inbox    string        `help:"Inbox to send to; without it the one of the channel." placeholder:"NAME"`
	Secret   string        `help:"Secret to sign with, instead of the configured one." placeholder:"SECRET"`
	Database string        `help:"SQLite file in which to look for the answer, instead of DATABASE_URL." placeholder:"FILE"`
	Wait     time.Duration `help:"How long to wait for the answer; 0 does not." default:"15s"`
}

// target is a server with the inbox that is meant.
type target struct {
	base     string
	inbox    *app.Inbox // nil: only a secret is known
	secret   secret.String
	database app.Options // the zero value: nowhere to look for the answer
}

func (f sendFlags) target(env *Env, kind channel.Kind) (target, error) {
	t := target{base: strings.TrimRight(f.URL, "/"), secret: secret.New(f.Secret), database: app.Options{Database: f.Database}}
	cfg, err := f.load(env, nil)
	if err != nil {
		// Everything needed may stand on the command line.
		if f.URL != "" && f.Secret != "" {
			return t, nil
		}
		return target{}, err
	}
	if t.base == "" {
		t.base = own(cfg.Options)
	}
	if u, err := url.Parse(t.base); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return target{}, fmt.Errorf("--url: %q is not an address such as http://127.0.0.1:8080", f.URL)
	}
	if f.Database == "" && local(t.base) {
		t.database = cfg.Options
	}
	if cfg.Trial {
		if err := cfg.AddTrial(false); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return target{}, err
		}
	}
	t.inbox, err = f.pick(cfg, kind)
	if err != nil && f.Secret == "" {
		return target{}, err
	}
	if t.secret.IsZero() {
		t.secret = secretOf(t.inbox)
	}
	return t, nil
}

// pick finds the inbox as the server would.
func (f sendFlags) pick(cfg *config.Config, kind channel.Kind) (*app.Inbox, error) {
	var of []*app.Inbox
	for i := range cfg.Options.Inboxes {
		in := &cfg.Options.Inboxes[i]
		if in.Kind() != kind {
			continue
		}
		if in.Name == cmp.Or(f.Inbox, string(kind)) {
			return in, nil
		}
		of = append(of, in)
	}
	var names []string
	for _, in := range of {
		names = append(names, in.Name)
	}
	key := map[channel.Kind]string{channel.Whaticket: "SHARED_SECRET", channel.Chatwoot: "CHATWOOT_WEBHOOK_SECRET"}[kind]
	switch {
	case f.Inbox != "":
		return nil, fmt.Errorf("--inbox: there is no %s inbox %q; there is: %s", kind, f.Inbox, cmp.Or(strings.Join(names, ", "), "none"))
	case len(of) == 1:
		return of[0], nil
	case len(of) > 1:
		return nil, fmt.Errorf("which inbox is meant? --inbox with one of %s", strings.Join(names, ", "))
	case cfg.Trial && kind == channel.Whaticket:
		return nil, fmt.Errorf("no inbox is configured, and no server has made one to try (%s is missing): start one with: secretaria serve", cfg.TrialFile())
	}
	return nil, fmt.Errorf("no %s inbox is configured: set %s, or give --secret", kind, key)
}

func secretOf(in *app.Inbox) secret.String {
	var all []secret.String
	switch {
	case in.Chatwoot != nil:
		all = in.Chatwoot.Secrets
	case in.Whaticket.Auth == whaticket.ByToken:
		all = in.Whaticket.WebhookTokens
	case in.Whaticket.Auth == whaticket.ByURL:
		all = in.Whaticket.URLSecrets
	default:
		all = in.Whaticket.Secrets
	}
	if len(all) == 0 {
		return secret.String{}
	}
	return all[0]
}

// local says whether an address is this machine's.
func local(base string) bool {
	u, err := url.Parse(base)
	if err != nil {
		return false
	}
	addr, err := netip.ParseAddr(u.Hostname())
	return strings.EqualFold(u.Hostname(), "localhost") || err == nil && addr.IsLoopback()
}

type sendWhaticketCmd struct {
	sendFlags
	Number string `help:"The customer's number, digits only." required:"" placeholder:"NUMBER"`
	Text   string `arg:"" help:"What the customer says."`
}

// Help implements kong.HelpProvider.
func (sendWhaticketCmd) Help() string {
	return `With a real Whaticket configured the answer goes to that number.

Example:

	secretaria send whaticket --number 5511988877766 "olá"`
}

// Run sends.
func (c sendWhaticketCmd) Run(ctx context.Context, env *Env) error {
	t, err := c.target(env, channel.Whaticket)
	if err != nil {
		return err
	}
	body, err := json.Marshal(map[string]any{"message": map[string]string{"conversation": c.Text}, "number": c.Number})
	if err != nil {
		return fmt.Errorf("make webhook: %w", err)
	}
	name := c.Inbox
	if t.inbox != nil {
		name = t.inbox.Name
	}
	path, header := proveWhaticket(t.inbox, name, t.secret, body)
	return c.send(ctx, env, t, path, header, body)
}

// proveWhaticket is the path of an inbox's webhook, "" is the default one's, and the header
// that proves a body there with a secret; in may be nil: then only the secret is known.
func proveWhaticket(in *app.Inbox, name string, key secret.String, body []byte) (path string, header http.Header) {
	path, header = whaticketPath, http.Header{}
	if name != "" {
		path += "/" + url.PathEscape(name)
	}
	switch auth := whaticketAuth(in); auth {
	case whaticket.ByURL:
		path += "/" + url.PathEscape(key.Reveal())
	case whaticket.ByToken:
		header.Set("X-Webhook-Token", key.Reveal())
	default:
		now := strconv.FormatInt(time.Now().Unix(), 10)
		header.Set("X-Timestamp", now)
		header.Set("X-Signature", mac(key, now+".", body))
		if in != nil && len(in.Whaticket.WebhookTokens) > 0 {
			header.Set("X-Webhook-Token", in.Whaticket.WebhookTokens[0].Reveal())
		}
	}
	return path, header
}

func whaticketAuth(in *app.Inbox) whaticket.Auth {
	if in == nil {
		return whaticket.BySignature
	}
	return in.Whaticket.Auth
}

func mac(key secret.String, prefix string, body []byte) string {
	h := hmac.New(sha256.New, []byte(key.Reveal()))
	h.Write([]byte(prefix))
	h.Write(body)
	return hex.EncodeToString(h.Sum(nil))
}

// send posts the webhook, says what came back, and follows what comes of it.
func (f sendFlags) send(ctx context.Context, env *Env, t target, path string, header http.Header, body []byte) error {
	client := httpclient.New(httpclient.Options{Timeout: 10 * time.Second, Policy: httpclient.Policy{All: true}})
	defer client.Close()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, t.base+path, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("--url: %q is not an address such as http://127.0.0.1:8080", t.base)
	}
	req.Header = header
	req.Header.Set("Content-Type", "application/json")
	correlation := telemetry.NewCorrelation()
	req.Header.Set(telemetry.CorrelationHeader, correlation)
	began := time.Now()
	resp, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("no answer from %s (%s): is the server running there? Start it with secretaria serve, or name the right one with --url", t.base, fault.Code(err))
	}
	env.printf("%d %s (%d ms)\n", resp.Status, oneLine(string(resp.Body)), time.Since(began).Milliseconds())
	if resp.Status/100 != 2 {
		return fmt.Errorf("the server refused the message: %s", refusal(resp.Status))
	}
	var answer struct {
		OK        bool   `json:"ok"`
		Queued    bool   `json:"queued"`
		Duplicate bool   `json:"duplicate"`
		Ignored   string `json:"ignored"`
	}
	if err := json.Unmarshal(resp.Body, &answer); err != nil {
		return fmt.Errorf("%s answers, but not like a Secretaria", t.base)
	}
	switch {
	case answer.Duplicate:
		env.printf("a repeat: nothing happens the second time\n")
		return nil
	case answer.Ignored != "":
		env.printf("not for the bot: %s\n", answer.Ignored)
		return nil
	case f.Wait <= 0 || t.database.Database == "" && t.database.Postgres.IsZero():
		return nil
	}
	if _, err := os.Stat(t.database.Database); err != nil && t.database.Postgres.IsZero() {
		env.printf("the answer is not looked for: there is no database %s here (--database)\n", t.database.Database)
		return nil
	}
	return follow(ctx, env, t.database, correlation, f.Wait)
}

func refusal(status int) string {
	switch status {
	case http.StatusUnauthorized:
		return "the secret is not the server's; run this from its directory and environment, or give --secret"
	case http.StatusTooManyRequests:
		return "too many messages in a minute (WEBHOOK_RATE_LIMIT_NUMBER, RATE_LIMIT_REQUESTS, WEBHOOK_RATE_LIMIT_IP); wait, or raise the limit"
	case http.StatusNotFound, http.StatusMethodNotAllowed:
		return "there is no such webhook; is --url the address of a Secretaria, without a path?"
	case http.StatusBadRequest:
		return "it cannot read it; is the number right?"
	}
	return "status " + strconv.Itoa(status) + "; see its log"
}
