// Package command is the command line: what each command of secretaria does, between flags
// on one side and streams and an exit code on the other.
//
// A command returns 0 only on success. What went wrong is said on standard error, a line
// for each thing, or, for serve without a terminal, a JSON object for each. No command
// creates a file except serve, demo (in a folder of its own), migrate and connect.
package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"strings"

	"github.com/alecthomas/kong"

	"secretaria/internal/app"
	"secretaria/internal/config"
	"secretaria/internal/redact"
	"secretaria/internal/store"
	"secretaria/internal/store/postgres"
	"secretaria/internal/store/sqlite"
	"secretaria/internal/telemetry"
)

// Env is all that commands see of the process.
type Env struct {
	Program        string    // as it was started
	Environ        []string  // "KEY=value" each
	Dir            string    // the working directory; "" is the process's own
	Stdin          io.Reader // nil: nothing is typed
	Stdout, Stderr io.Writer
	// Terminal says that standard output is one: serve then logs in words.
	Terminal bool
	Version  string // "" where it is not known
	// Hangup asks serve to look for a changed configuration at once. May be nil.
	Hangup <-chan os.Signal
	// Step asks serve to step between the configured level of its log and debug. May be nil.
	Step <-chan os.Signal
	// Hide keeps what is typed from being shown until the function that it returns is called.
	// May be nil: then it is shown.
	Hide func() (show func())
	// SetDefault receives serve's logger, so that libraries that log by themselves use it. May be nil.
	SetDefault func(*slog.Logger)
}

// The exit codes.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

// grammar is the command line. Its tags are the help.
type grammar struct {
	Help helpFlag `short:"h" help:"Show help, with an example."`

	Serve      serveCmd      `cmd:"" help:"Receive webhooks and answer them, until SIGTERM or Ctrl-C."`
	Demo       demoCmd       `cmd:"" help:"Play three conversations with fake helpdesks; needs no configuration."`
	Send       sendCmd       `cmd:"" help:"Send a running server a message, as the helpdesk would."`
	Chat       chatCmd       `cmd:"" help:"Talk to a desk in the terminal; needs neither helpdesk nor database."`
	Connect    connectCmd    `cmd:"" help:"Set up a helpdesk and this configuration for each other, and try it."`
	Check      checkCmd      `cmd:"" help:"Explain the configuration and try the helpdesks."`
	Health     healthCmd     `cmd:"" help:"Ask a running server whether it is well."`
	Migrate    migrateCmd    `cmd:"" help:"Bring the database to this program's version."`
	Backup     backupCmd     `cmd:"" help:"Write everything that is remembered into one file."`
	Restore    restoreCmd    `cmd:"" help:"Bring back what a backup holds."`
	Move       moveCmd       `cmd:"" help:"Copy the embedded database to a PostgreSQL."`
	Deliveries deliveriesCmd `cmd:"" help:"List, show and replay what is sent."`

	Conversations conversationsCmd `cmd:"" help:"List conversations, hand them back to the bot or take them over."`
	Leads         leadsCmd         `cmd:"" help:"List leads and show what is known of them."`

	Contact contactCmd `cmd:"" help:"Find, export and erase what is kept of a person."`
	Audit   auditCmd   `cmd:"" help:"List what was done by hand with people's data."`
	Privacy privacyCmd `cmd:"" help:"Write the register of processing."`

	Guard guardCmd `cmd:"" help:"Measure and train what judges customers' messages."`

	Version versionCmd `cmd:"" help:"Show the version."`
}

const description = `An AI front desk for Whaticket and Chatwoot.

Configuration comes from the environment, from .env and from secretaria.yaml; see .env.example. Begin with: secretaria demo`

// helpFlag prints help and ends the parsing, wherever it stands.
type helpFlag bool

var errHelp = errors.New("help")

// BeforeReset implements kong's hook of this name.
func (helpFlag) BeforeReset(ctx *kong.Context) error {
	if err := ctx.PrintUsage(false); err != nil {
		return err
	}
	return errHelp
}

// IgnoreDefault keeps kong from resetting the flag; it has no value.
func (helpFlag) IgnoreDefault() {}

// Run parses the arguments, without the program's name, and runs the command. When ctx ends
// the command stops in good order.
func Run(ctx context.Context, env Env, args []string) int {
	report := env.plain
	if !env.Terminal && asksToServe(args) {
		report = env.structured
	}
	parser, err := kong.New(&grammar{}, kong.Name("secretaria"), kong.Description(description), kong.NoDefaultHelp(),
		kong.Writers(env.Stdout, env.Stderr), kong.ConfigureHelp(kong.HelpOptions{Compact: true, NoExpandSubcommands: true, WrapUpperBound: 100}),
		kong.Bind(&env), kong.BindTo(ctx, (*context.Context)(nil)))
	if err != nil {
		report(err)
		return exitFailed
	}
	parsed, err := parser.Parse(args)
	if errors.Is(err, errHelp) {
		return exitOK
	}
	if err != nil {
		command := "secretaria"
		if pe := (*kong.ParseError)(nil); errors.As(err, &pe) && pe.Context != nil && pe.Context.Command() != "" {
			command += " " + bare(pe.Context.Command())
		}
		report(fmt.Errorf("%w (%s --help)", err, command))
		return exitUsage
	}
	if err := parsed.Run(); err != nil {
		if !errors.Is(err, errSaid) {
			report(err)
		}
		if ue := (*usageError)(nil); errors.As(err, &ue) {
			return exitUsage
		}
		return exitFailed
	}
	return exitOK
}

// errSaid ends a command that has said on its own what is wrong.
var errSaid = errors.New("said already")

// bare drops the arguments from a command's path.
func bare(path string) string {
	path, _, _ = strings.Cut(path, " <")
	return path
}

func asksToServe(args []string) bool {
	for _, a := range args {
		if !strings.HasPrefix(a, "-") {
			return a == "serve"
		}
	}
	return false
}

// plain reports for people: a line for each thing that is wrong.
func (e *Env) plain(err error) {
	for _, line := range lines(err) {
		_, _ = fmt.Fprintln(e.Stderr, "secretaria:", line)
	}
}

// structured reports for programs.
func (e *Env) structured(err error) {
	log := telemetry.NewLogger(e.Stderr, slog.LevelInfo, "json")
	var ce *config.Error
	if !errors.As(err, &ce) {
		log.Error("secretaria stopped", "error", said(err))
		return
	}
	for _, p := range ce.Problems {
		log.Error("configuration is wrong", "key", p.Key, "where", p.Where, "error", p.String())
	}
}

func lines(err error) []string {
	var ce *config.Error
	if !errors.As(err, &ce) {
		return []string{said(err)}
	}
	var out []string
	for _, p := range ce.Problems {
		out = append(out, "configuration: "+oneLine(maskedProblem(p).String()))
	}
	return out
}

// said is what an error says in one line, with what is somebody's or opens a door masked.
func said(err error) string { return oneLine(redact.Error(err).Error()) }

// maskedProblem leaves the names of keys alone: "N8N_BASIC_AUTH_PASSWORD: is needed" tells no
// password.
func maskedProblem(p config.Problem) config.Problem {
	p.Text = redact.Text(p.Text)
	return p
}

// oneLine is a text that may be somebody else's, as one line of a terminal.
func oneLine(s string) string { return tame(strings.Join(strings.Fields(s), " ")) }

// printf writes to standard output; who reads it may be gone.
func (e *Env) printf(format string, args ...any) {
	_, _ = fmt.Fprintf(e.Stdout, format, args...)
}

// configFlag is shared by the commands that read the configuration.
type configFlag struct {
	Config string `help:"YAML file to read; without it secretaria.yaml, where it exists." placeholder:"FILE"`
}

func (f configFlag) load(env *Env, flags map[string]string) (*config.Config, error) {
	cfg, err := config.Load(config.Source{Environ: env.Environ, Flags: flags, Dir: env.Dir, File: f.Config})
	if err != nil {
		return nil, err
	}
	cfg.Options.Version = buildOf(env.Version).Version
	return cfg, nil
}

// openStore opens the memory beside a server: it is neither created, nor migrated, nor
// locked.
func openStore(ctx context.Context, o app.Options) (store.Store, error) {
	if !o.Postgres.IsZero() {
		db, err := postgres.Open(ctx, o.Postgres.Reveal())
		if err != nil {
			return nil, err
		}
		st, err := postgres.New(ctx, db, nil)
		if err != nil {
			return nil, errors.Join(stale(o, err), db.Close())
		}
		return st, nil
	}
	db, err := sqlite.Open(ctx, o.Database, true)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no database %s: start the server once, or name the right one in DATABASE_URL", o.Database)
	}
	if err != nil {
		return nil, err
	}
	st, err := sqlite.New(ctx, db, nil)
	if err != nil {
		return nil, errors.Join(stale(o, err), db.Close())
	}
	return st, nil
}

func stale(o app.Options, err error) error {
	return fmt.Errorf("the database %s is not of this program's version (run: secretaria migrate): %w", databaseName(o), err)
}

// databaseName is what may be shown of where the database is.
func databaseName(o app.Options) string {
	if o.Postgres.IsZero() {
		return o.Database
	}
	u, err := url.Parse(o.Postgres.Reveal())
	if err != nil {
		return "PostgreSQL"
	}
	return "PostgreSQL " + u.Host + u.Path
}
