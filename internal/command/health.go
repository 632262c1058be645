package command

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"secretaria/internal/httpclient"
	"secretaria/internal/telemetry"
)

// healthWithin bounds the whole question. A server gives each of its parts two seconds.
const healthWithin = 5 * time.Second

type healthCmd struct {
	configFlag
	URL  string `help:"Address of the server; without it this machine and APP_PORT." placeholder:"URL"`
	Live bool   `help:"Only whether webhooks are accepted, not whether database and worker answer."`
}

// Help implements kong.HelpProvider.
func (healthCmd) Help() string {
	return `Asks a running server for /healthz, or with --live for /api/v1/health, and says the answer in one line. Ends with 1 when it is not well or does not answer in five seconds. For containers without a shell, and for scripts.

Example:

	secretaria health --live`
}

// Run asks.
func (c healthCmd) Run(ctx context.Context, env *Env) error {
	base, err := c.base(env)
	if err != nil {
		return err
	}
	path := "/healthz"
	if c.Live {
		path = "/api/v1/health"
	}
	ctx, cancel := context.WithTimeoutCause(ctx, healthWithin, errors.New("no answer in time"))
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, base+path, nil)
	if err != nil {
		return err
	}
	client := httpclient.New(httpclient.Options{Timeout: healthWithin, Policy: httpclient.Policy{All: true}})
	defer client.Close()
	answer, err := client.Do(req)
	if answer == nil {
		return fmt.Errorf("no answer from %s: %w", base+path, err)
	}
	var report telemetry.Report
	if jerr := json.Unmarshal(answer.Body, &report); jerr != nil || report.Status == "" {
		return fmt.Errorf("what answers at %s is not secretaria: HTTP %d", base, answer.Status)
	}
	words := healthWords(report)
	if answer.Status != http.StatusOK {
		return errors.New(words)
	}
	env.printf("%s\n", words)
	return nil
}

// base is the address to ask. Where it is given the configuration is not read: it may be
// that of another machine.
func (c healthCmd) base(env *Env) (string, error) {
	base := strings.TrimRight(c.URL, "/")
	if base == "" {
		cfg, err := c.load(env, nil)
		if err != nil {
			return "", err
		}
		if cfg.Options.Port == 0 {
			return "", errors.New("APP_PORT is 0, so that the port is not known: name the address with --url")
		}
		return own(cfg.Options), nil
	}
	if u, err := url.Parse(base); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil {
		return "", errors.New("--url: want an address such as http://127.0.0.1:8080")
	}
	return base, nil
}

// healthWords is a report in a line: "degraded: postgres timeout, rq_worker ok". What a
// server says is quoted where it is not a plain word.
func healthWords(r telemetry.Report) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(r.Dependencies)) {
		state, _ := r.Dependencies[name]["status"].(string)
		if cause, _ := r.Dependencies[name]["error"].(string); cause != "" {
			state = cause
		}
		parts = append(parts, plainWords(name)+" "+plainWords(state))
	}
	if len(parts) == 0 {
		return plainWords(r.Status)
	}
	return plainWords(r.Status) + ": " + strings.Join(parts, ", ")
}

func plainWords(s string) string {
	if s == "" || strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' }) || len(s) > 200 {
		return strconv.Quote(s[:min(len(s), 200)])
	}
	return s
}
