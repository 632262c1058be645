package command

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"secretaria/internal/config"
)

// plan is everything that would be changed, in the order in which it is done. It is shown
// before the first step is taken.
type plan struct {
	steps []planned
	// notes are shown with the steps: what is not done, and why.
	notes []string
	// ready are looks at what a later step needs, taken before the first one.
	ready []func() error
}

// planned is one step.
type planned struct {
	where string   // "Chatwoot", ".env"
	what  string   // what is done there, in words
	lines []string // shown below it: the difference in a file
	do    func(context.Context) error
}

func (p *plan) add(where, what string, do func(context.Context) error) {
	p.steps = append(p.steps, planned{where: where, what: what, do: do})
}

func (p *plan) note(format string, args ...any) {
	p.notes = append(p.notes, fmt.Sprintf(format, args...))
}

// addEntry adds the writing of an inbox into the configuration, and returns what would be
// written as far as it is known now. entry is called once more when the step is taken: a
// secret that a step before it brought is known then, and stands in now as anything at all.
// done may be nil; it is handed what was written.
func (c *connecting) addEntry(p *plan, entry func() config.Entry, done func(*config.Edit)) (*config.Edit, error) {
	e, err := config.PlanEdit(c.source, entry())
	if err != nil {
		return nil, err
	}
	if err := overruled(e); err != nil {
		return nil, err
	}
	shown := e.Files
	step := planned{do: func(context.Context) error {
		e, err := config.PlanEdit(c.source, entry())
		if err == nil {
			err = overruled(e)
		}
		if err == nil && !slices.EqualFunc(shown, e.Files, sameToSee) {
			err = errors.New("somebody has changed the files meanwhile, and something else than was shown would be written: run the command again (alguém mudou os arquivos: rode de novo)")
		}
		if err == nil {
			err = e.Write()
		}
		if err == nil && done != nil {
			done(e)
		}
		return err
	}}
	var names []string
	for _, f := range e.Files {
		verb := "changes (muda)"
		if f.Created {
			verb = "is new, for its owner alone (é novo, só para o dono)"
		}
		step.lines = append(step.lines, f.Name+" "+verb)
		for _, l := range f.Lines {
			if l.Old != "" {
				step.lines = append(step.lines, fmt.Sprintf("%4d - %s", l.Number, l.Old))
			}
			if l.New != "" {
				step.lines = append(step.lines, fmt.Sprintf("%4d + %s", l.Number, l.New))
			}
		}
		names = append(names, f.Name)
	}
	if len(names) == 0 {
		return e, nil
	}
	p.ready = append(p.ready, e.Rehearse)
	step.where, step.what = strings.Join(names, ", "), fmt.Sprintf("write the inbox %s (gravar a caixa %s)", e.Inbox.Name, e.Inbox.Name)
	p.steps = append(p.steps, step)
	return e, nil
}

// sameToSee says whether two changes of a file are shown alike.
func sameToSee(a, b config.FileEdit) bool {
	return a.Name == b.Name && a.Created == b.Created && slices.Equal(a.Lines, b.Lines)
}

// overruled refuses to write what would have no effect.
func overruled(e *config.Edit) error {
	if len(e.Overruled) == 0 {
		return nil
	}
	keys := strings.Join(e.Overruled, ", ")
	return fmt.Errorf("the environment of this process sets %s to something else, and wins over every file: take it away there first "+
		"(o ambiente deste processo define %s com outro valor e vence os arquivos: retire de lá primeiro)", keys, keys)
}

// carryOut shows the plan, asks, and takes the steps. errEnough: nothing was done, and that
// was wanted. After a failure it says what was done and what was not.
func (c *connecting) carryOut(ctx context.Context, p *plan) error {
	c.say("")
	if len(p.steps) == 0 {
		c.say("Nothing has to be changed (nada a mudar).")
		c.notes(p)
		if c.flags.DryRun {
			return errEnough
		}
		return nil
	}
	c.say("This will be done (isto será feito):")
	for i, s := range p.steps {
		c.say("  %d. %s: %s", i+1, s.where, s.what)
		for _, l := range s.lines {
			c.say("       %s", l)
		}
	}
	c.notes(p)
	if c.flags.DryRun {
		c.say("Nothing was changed: --dry-run (nada foi mudado).")
		return errEnough
	}
	if !c.yes {
		agreed, err := c.confirm(ctx, question{flag: "--yes", text: "Continue? (Continuar?)"})
		if err != nil {
			return err
		}
		if !agreed {
			c.say("Nothing was changed (nada foi mudado).")
			return errEnough
		}
	}
	for _, look := range p.ready {
		if err := look(); err != nil {
			return fmt.Errorf("nothing was changed (nada foi mudado): %w", err)
		}
	}
	for i, s := range p.steps {
		if err := s.do(ctx); err != nil {
			c.say("  ✗ %s: %s", s.where, s.what)
			for _, rest := range p.steps[i+1:] {
				c.say("  – %s: %s (not done, não feito)", rest.where, rest.what)
			}
			if i > 0 {
				c.say("What has a ✓ stays done; once the cause is mended the same command goes on from there (o que tem ✓ fica feito; resolvida a causa, o mesmo comando continua daí).")
			}
			return fmt.Errorf("%s: %w", s.where, err)
		}
		c.say("  ✓ %s: %s", s.where, s.what)
	}
	return nil
}

func (c *connecting) notes(p *plan) {
	for _, n := range slices.Compact(p.notes) {
		c.say("  note: %s", n)
	}
}

// enough turns the good end of a run without changes into none.
func enough(err error) error {
	if errors.Is(err, errEnough) {
		return nil
	}
	return err
}
