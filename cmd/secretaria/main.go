// Command secretaria is an AI front desk for Whaticket and Chatwoot in one program.
//
// It does what package command says; here the process is handed to it: arguments,
// environment, streams and signals in, exit code out.
package main

import (
	"context"
	"log/slog"
	"os"
	"os/signal"
	"slices"
	"syscall"
	_ "time/tzdata" // time zones where the machine has none

	"secretaria/internal/command"
	"secretaria/internal/tracing"
)

// version is set by the linker.
var version string

func main() { os.Exit(run()) }

func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// The first signal asks for an orderly end. After it signals are the system's again, so
	// that a second one ends the process at once.
	defer context.AfterFunc(ctx, stop)()
	return command.Run(ctx, command.Env{
		Program:    os.Args[0],
		Environ:    os.Environ(),
		Stdin:      os.Stdin,
		Stdout:     os.Stdout,
		Stderr:     os.Stderr,
		Terminal:   terminal(os.Stdout),
		Hide:       hider(os.Stdin),
		Version:    version,
		SetDefault: func(log *slog.Logger) { slog.SetDefault(log); tracing.SetDefault(log) },
		Hangup:     forServe(os.Args[1:], syscall.SIGHUP),
		Step:       forServe(os.Args[1:], stepSignals()...),
	}, os.Args[1:])
}

// forServe delivers signals to serve: with SIGHUP it looks at its configuration. Every other
// command does what is usual with them, as it should: it ends when its terminal is closed.
func forServe(args []string, signals ...os.Signal) <-chan os.Signal {
	if len(signals) == 0 || !slices.Contains(args, "serve") {
		return nil
	}
	c := make(chan os.Signal, 1)
	signal.Notify(c, signals...)
	return c
}

// terminal says whether a person is likely to read f: it is a device, and not the null one.
func terminal(f *os.File) bool {
	info, err := f.Stat()
	if err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return false
	}
	null, err := os.Stat(os.DevNull)
	return err != nil || !os.SameFile(info, null)
}
