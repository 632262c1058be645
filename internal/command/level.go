package command

import (
	"context"
	"log/slog"
	"os"
	"sync"
)

// verbosity is the level of serve's log: the one of the configuration, or debug while
// somebody looks closer. The logger reads it for each line. It is safe for concurrent use.
type verbosity struct {
	now slog.LevelVar

	mu         sync.Mutex
	configured slog.Level
	closer     bool // somebody asked for debug
}

func newVerbosity(configured slog.Level) *verbosity {
	v := &verbosity{configured: configured}
	v.now.Set(configured)
	return v
}

// Level implements slog.Leveler.
func (v *verbosity) Level() slog.Level { return v.now.Level() }

// configure takes up the level of a changed configuration. It ends a closer look: who writes
// a level down wants to see it.
func (v *verbosity) configure(log *slog.Logger, level slog.Level) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if level == v.configured {
		return
	}
	v.configured, v.closer = level, false
	v.set(log, level, "configuration")
}

// step goes from the configured level to debug, or back. Where debug is configured already
// it goes to info, so that the signal always does something.
func (v *verbosity) step(log *slog.Logger) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.closer = !v.closer
	level := v.configured
	if v.closer {
		if level = slog.LevelDebug; v.configured <= level {
			level = slog.LevelInfo
		}
	}
	v.set(log, level, "signal")
}

// set changes the level, and says so at whatever level the log is and will be.
func (v *verbosity) set(log *slog.Logger, level slog.Level, by string) {
	before := v.now.Level()
	v.now.Set(level) // before it is said: whoever reads the line may count on it
	log = slog.New(always{log.Handler()})
	log.Info("log level changed", "from", before.String(), "to", level.String(), "by", by)
}

// always is a handler that takes a line at any level.
type always struct{ slog.Handler }

// Enabled implements slog.Handler.
func (always) Enabled(context.Context, slog.Level) bool { return true }

// stepping steps the level with each signal until the function that it returns is called.
func stepping(ctx context.Context, at <-chan os.Signal, log *slog.Logger, level *verbosity) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var following sync.WaitGroup
	following.Go(func() {
		for {
			select {
			case <-ctx.Done():
				return
			case _, open := <-at:
				if !open {
					return
				}
				level.step(log)
			}
		}
	})
	return func() {
		cancel()
		following.Wait()
	}
}
