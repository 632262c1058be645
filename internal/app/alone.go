package app

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"secretaria/internal/agent"
	"secretaria/internal/budget"
	"secretaria/internal/fault"
	"secretaria/internal/telemetry"
	"secretaria/internal/workflow"
)

// Alone is a desk without helpdesk and database, to be talked to in the terminal: the same
// agent with the same models as in a server. What it knows and what it spends is kept in
// memory.
type Alone struct {
	*agent.Agent
	Config agent.Config
	app    *App
}

// NewAlone builds a desk of the configuration by itself. Inboxes and database are not looked at.
func NewAlone(o Options, name string) (*Alone, error) {
	i := slices.IndexFunc(o.Desks, func(d agent.Config) bool { return d.Name == name })
	if i < 0 {
		var names []string
		for _, d := range o.Desks {
			names = append(names, d.Name)
		}
		return nil, fmt.Errorf("there is no desk %q; there is: %s", name, strings.Join(names, ", "))
	}
	a := &App{o: o, log: slog.New(slog.DiscardHandler), registry: prometheus.NewRegistry(), apart: &budget.Memory{}}
	a.metrics = telemetry.NewMetrics(a.registry, telemetry.Build{Version: o.Version})
	if err := a.buildModels(); err != nil {
		return nil, err
	}
	a.setLimits(o.Desks)
	model, err := a.model(o.Desks[i])
	if err != nil {
		return nil, err
	}
	desk, err := agent.New(o.Desks[i], agent.Deps{Model: model})
	if err != nil {
		return nil, err
	}
	return &Alone{Agent: desk, Config: o.Desks[i], app: a}, nil
}

// Start starts a workflow of the desk once: it is really called.
func (a *Alone) Start(ctx context.Context, name, key, arguments string) (workflow.Declared, workflow.Answer, error) {
	i := slices.IndexFunc(a.Config.Workflows, func(w workflow.Declared) bool { return w.Name == name })
	if i < 0 {
		return workflow.Declared{}, workflow.Answer{}, fault.New(fault.NotFound, "workflow not declared")
	}
	w := a.Config.Workflows[i]
	f, err := a.app.newFlows([]agent.Config{a.Config}, nil)
	if err != nil {
		return w, workflow.Answer{}, err
	}
	defer f.client.Close()
	ctx, cancel := context.WithTimeout(ctx, w.Limit())
	defer cancel()
	answer, err := f.engine.Call(ctx, workflow.Request{Workflow: w, Key: key, Arguments: json.RawMessage(arguments)})
	return w, answer, err
}
