package app

import (
	"cmp"
	"context"
	"net/http"
	"strings"

	"secretaria/internal/agent"
	"secretaria/internal/callback"
	"secretaria/internal/channel"
	"secretaria/internal/conversation"
	"secretaria/internal/delivery"
	"secretaria/internal/fault"
	"secretaria/internal/httpclient"
	"secretaria/internal/intake"
	"secretaria/internal/workflow"
	"secretaria/internal/workflow/n8n"
)

const callbackPath = "/api/v1/workflows/callback"

// flows are the workflows that can be started, and what starts them.
type flows struct {
	engine *n8n.Engine
	client *httpclient.Client
	// declared are those of each inbox's desk, by name.
	declared map[string]map[string]workflow.Declared
	// notes are the inboxes where people can be left notes of what came of a call.
	notes map[string]bool
}

// newFlows builds the engine for what these desks declare. Like every peer it has a client
// of its own.
func (a *App) newFlows(desks []agent.Config, inboxes []inbox) (*flows, error) {
	cfg := a.o.Workflows.Config
	f := &flows{declared: map[string]map[string]workflow.Declared{}, notes: map[string]bool{}}
	byDesk := map[string]map[string]workflow.Declared{}
	for _, d := range desks {
		byDesk[d.Name] = map[string]workflow.Declared{}
		for _, w := range d.Workflows {
			byDesk[d.Name][w.Name] = w
			cfg.BaseURL = cmp.Or(cfg.BaseURL, baseOf(w.URL))
		}
	}
	for _, in := range inboxes {
		f.declared[in.Name] = byDesk[in.Desk]
		f.notes[in.Name] = in.channel.Supports(channel.Note)
	}
	// Each call has its own limit, which is meant to strike first. The public API answers with
	// whole executions, so more is read than a webhook may answer.
	f.client = httpclient.New(httpclient.Options{Timeout: workflow.MaxTimeout + a.o.SendTimeout, MaxBody: 4 << 20, Policy: a.o.Addresses})
	var err error
	if f.engine, err = n8n.New(cfg, f.client); err != nil {
		return nil, err
	}
	return f, nil
}

// baseOf is the n8n behind a production webhook, "" where it has an address of another form.
func baseOf(webhook string) string {
	base, _, ok := strings.Cut(webhook, "/webhook/")
	if !ok {
		return ""
	}
	return base
}

// setFlows takes up workflows, and closes what was used before once it is idle.
func (a *App) setFlows(f *flows) {
	if old := a.flows.Swap(f); old != nil {
		old.client.Close()
	}
}

// forSends is what a delivery needs of each inbox.
func (a *App) forSends(f *flows, inboxes []inbox) map[string]delivery.Inbox {
	sends := map[string]delivery.Inbox{}
	for _, in := range inboxes {
		sends[in.Name] = delivery.Inbox{Sender: a.hands(in), Dry: in.Dry(), Hold: in.Hold, Engine: f.engine, Workflows: f.declared[in.Name]}
	}
	return sends
}

// botHolds is delivery's question before it shows that the bot types.
func (a *App) botHolds(ctx context.Context, id conversation.ID) bool {
	c, err := a.store.Conversation(ctx, id)
	return err == nil && c.State.Holder == conversation.Bot
}

// callback is where workflows report.
func (a *App) callback(failures intake.Limiter) http.Handler {
	return callback.New(callback.Config{Secrets: a.o.Workflows.CallbackSecrets, Memory: a.store, Declared: func(inbox, name string) (workflow.Declared, bool) {
		d, ok := a.flows.Load().declared[inbox][name]
		return d, ok
	}, Notes: func(inbox string) bool { return a.flows.Load().notes[inbox] }, Failures: failures, ClientIP: intake.ClientIP(a.o.TrustedProxies), Wake: a.due, Stale: a.moved, Logger: a.log, Traces: a.traces})
}

// n8nReady says what readiness shows of n8n. Calls wait for it in the database, so an error
// is shown and keeps no traffic away.
func (a *App) n8nReady(ctx context.Context) string {
	switch err := a.flows.Load().engine.Probe(ctx); {
	case fault.Is(err, fault.Unsupported):
		return "not_configured"
	case err != nil:
		a.log.Warn("n8n not ready", "cause", fault.Code(err), "http_status", fault.StatusOf(err))
		return "error"
	}
	return "connected"
}
