package command

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"strings"

	"secretaria/internal/app"
	"secretaria/internal/secret"
	"secretaria/internal/store/postgres"
	"secretaria/internal/transfer"
)

type moveCmd struct {
	configFlag
	To    string `help:"The PostgreSQL's URL. Who may list processes sees its password: see --to-env." placeholder:"URL" xor:"to" required:""`
	ToEnv string `help:"The environment variable that holds the PostgreSQL's URL." placeholder:"NAME" xor:"to" required:""`
	JSON  bool   `help:"Report as a JSON object."`
}

// Help implements kong.HelpProvider.
func (moveCmd) Help() string {
	return `Copies all of the configured SQLite database to a PostgreSQL that is empty, with the server stopped; tables are made where there are none. Either all of it is there in the end, or nothing. The SQLite file is left as it was: after the move, set DATABASE_URL and start the server.

To move back, make a backup and restore it with DATABASE_URL=sqlite:….

Example, with the URL kept out of the list of processes:

	read -rs NEW_DATABASE && export NEW_DATABASE
	secretaria move --to-env NEW_DATABASE

Without a password in it:

	secretaria move --to postgres://secretaria@db.internal:5432/secretaria`
}

// Run moves.
func (c moveCmd) Run(ctx context.Context, env *Env) (err error) {
	cfg, err := c.load(env, nil)
	if err != nil {
		return err
	}
	if !cfg.Options.Postgres.IsZero() {
		return errors.New("DATABASE_URL names a PostgreSQL: it must name the SQLite file that is to be moved (sqlite:data/secretaria.db)")
	}
	path := cfg.Options.Database
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("there is no database %s: name the right one in DATABASE_URL", path)
	}
	target, shown, err := c.target(env)
	if err != nil {
		return err
	}
	name := databaseName(app.Options{Postgres: target})
	r, err := move(ctx, path, target, name)
	if err != nil {
		return err
	}
	if c.JSON {
		return env.json(copied{Database: path, To: name, Report: r})
	}
	env.table(r)
	env.printf("%s holds all of %s, and was checked\n", name, path)
	env.goesOn(r)
	env.printf("now set %s and start the server; %s is as it was, and not used any more\n", shown, path)
	return nil
}

func move(ctx context.Context, path string, target secret.String, name string) (r transfer.Report, err error) {
	db, err := postgres.Open(ctx, target.Reveal())
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if err := prepare(ctx, db); err != nil {
		return r, err
	}
	return transfer.Move(ctx, path, db, name)
}

// target is where to move, and what to write into the configuration for it, without the
// password. Errors do not repeat the URL.
func (c moveCmd) target(env *Env) (target secret.String, shown string, err error) {
	key, text := "--to", c.To
	if c.ToEnv != "" {
		key, text = c.ToEnv, ""
		for _, entry := range env.Environ {
			if name, value, _ := strings.Cut(entry, "="); name == c.ToEnv {
				text = value
			}
		}
		if text == "" {
			return target, "", fmt.Errorf("--to-env: %s is not set in the environment (export it)", c.ToEnv)
		}
	}
	scheme, rest, _ := strings.Cut(text, ":")
	base, _, _ := strings.Cut(strings.ToLower(scheme), "+")
	u, err := url.Parse("postgres:" + rest)
	if base != "postgres" && base != "postgresql" || err != nil || u.Host == "" || strings.Trim(u.Path, "/") == "" {
		return target, "", fmt.Errorf("%s wants postgres://user:password@host:5432/name", key)
	}
	if c.ToEnv != "" {
		return secret.New("postgres:" + rest), "DATABASE_URL to what " + c.ToEnv + " holds", nil
	}
	return secret.New("postgres:" + rest), "DATABASE_URL=" + masked(*u), nil
}

// masked is a URL with a word in place of its password, to be filled in.
func masked(u url.URL) string {
	if _, has := u.User.Password(); has {
		u.User = url.UserPassword(u.User.Username(), "PASSWORD")
	}
	q := u.Query()
	for _, key := range []string{"password", "sslpassword"} {
		if q.Has(key) {
			q.Set(key, "PASSWORD")
		}
	}
	u.RawQuery = q.Encode()
	return u.String()
}
