package config_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"secretaria/internal/config"
)

// What Follow calls back with, in words.
func follow(t *testing.T, dir string, at chan os.Signal) (events chan string, stop func()) {
	t.Helper()
	cfg := load(t, config.Source{Dir: dir})
	ctx, cancel := context.WithCancel(t.Context())
	events, done := make(chan string, 100), make(chan struct{})
	go func() {
		defer close(done)
		cfg.Follow(ctx, at, func(c *config.Config, err error) {
			var ce *config.Error
			switch {
			case errors.As(err, &ce):
				events <- ce.Problems[0].String()
			case err != nil:
				events <- err.Error()
			default:
				events <- c.Options.Desks[0].Persona
			}
		})
	}()
	return events, func() { cancel(); <-done }
}

func TestFollow(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	persona, yaml := filepath.Join(dir, "bia.md"), filepath.Join(dir, config.DefaultFile)
	write(t, persona, "Você é a Bia.")
	write(t, yaml, "desks:\n  secretaria:\n    persona: bia.md\n")
	synctest.Test(t, func(t *testing.T) {
		at := make(chan os.Signal)
		events, stop := follow(t, dir, at)
		defer stop()
		quiet := func() {
			t.Helper()
			time.Sleep(10 * time.Second) // of the bubble: no time passes
			synctest.Wait()
			select {
			case e := <-events:
				t.Errorf("nothing changed, and Follow says %q", e)
			default:
			}
		}
		next := func(want string) {
			t.Helper()
			time.Sleep(10 * time.Second)
			synctest.Wait()
			select {
			case got := <-events:
				if !strings.Contains(got, want) {
					t.Errorf("Follow says %q, want %q", got, want)
				}
			default:
				t.Errorf("Follow says nothing, want %q", want)
			}
		}
		quiet()
		write(t, persona, "Você é a Ana.")
		next("Ana")
		quiet()
		write(t, yaml, "desks:\n  secretaria:\n    persona: bia.md\n    greting: oi\n")
		next("secretaria.yaml:4: desks.secretaria.greting: unknown key; did you mean greeting?")
		quiet()
		write(t, yaml, "desks:\n  secretaria:\n    persona: ana.md\n")
		next(`"ana.md" cannot be read`)
		write(t, filepath.Join(dir, "ana.md"), "Você é outra.")
		next("outra")
		write(t, filepath.Join(dir, ".env"), "LOG_LEVEL=loud\n")
		next("LOG_LEVEL")
		if err := os.Remove(filepath.Join(dir, ".env")); err != nil {
			t.Fatal(err)
		}
		next("outra")
		at <- os.Interrupt // asked, it looks at once, whatever it finds
		synctest.Wait()
		if got := <-events; got != "Você é outra." {
			t.Errorf("asked to look, Follow says %q", got)
		}
	})
}
