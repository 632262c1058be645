package command

import (
	"context"
	"log/slog"
	"strings"

	"secretaria/internal/demo"
	"secretaria/internal/telemetry"
)

type demoCmd struct {
	Port     int    `help:"Port to listen on; without it any that is free." placeholder:"PORT"`
	Once     bool   `help:"End after the conversations."`
	Verbose  bool   `help:"Show the server's log, on standard error."`
	Helpdesk string `help:"Serve nothing but a fake helpdesk, to practise setting up a bot: chatwoot." enum:",chatwoot" default:"" placeholder:"NAME"`
}

// Help implements kong.HelpProvider.
func (demoCmd) Help() string {
	return `The server is the real one, on a database in a temporary folder; only the helpdesks are fakes. It stays up after the conversations, until Ctrl-C. With --helpdesk there is no server: a fake Chatwoot waits for "connect", with a page on which to write as a customer.

Example:

	secretaria demo --once
	secretaria demo --helpdesk chatwoot --port 3000`
}

// Run plays.
func (c demoCmd) Run(ctx context.Context, env *Env) error {
	if c.Helpdesk != "" {
		return demo.Practice(ctx, demo.PracticeOptions{Out: env.Stdout, Port: c.Port, Command: env.command()})
	}
	log := slog.New(slog.DiscardHandler)
	if c.Verbose {
		log = telemetry.NewLogger(env.Stderr, slog.LevelInfo, "text")
	}
	return demo.Run(ctx, demo.Options{Out: env.Stdout, Port: c.Port, Stay: !c.Once, Logger: log, Version: buildOf(env.Version).Version, Command: env.command()})
}

// command is how this program can be started once more.
func (e *Env) command() string {
	// "go run" builds into a folder that is gone afterwards.
	if e.Program == "" || strings.Contains(e.Program, "go-build") {
		return "go run ./cmd/secretaria"
	}
	return e.Program
}
