package command

import (
	"encoding/json"
	"fmt"
	"os"
	"time"

	"secretaria/internal/guard"
)

type guardCmd struct {
	Score guardScoreCmd `cmd:"" help:"Judge known rows and count what is stopped."`
	Train guardTrainCmd `cmd:"" help:"Train the classifier anew."`
}

// Help implements kong.HelpProvider.
func (guardCmd) Help() string {
	return `Rows are a JSON object a line, with text, label (attack or benign) and lang.

Example:

	secretaria guard score rows.jsonl`
}

type guardScoreCmd struct {
	File string `arg:"" help:"The rows." placeholder:"FILE"`
	JSON bool   `help:"A JSON object a row: id, action, score."`
}

// Help implements kong.HelpProvider.
func (guardScoreCmd) Help() string {
	return `Shares come with 95 % Wilson intervals. Portuguese attacks of the tier explicit are judged in fourteen disguises as well.

Example:

	secretaria guard score rows.jsonl --json`
}

// Run judges the rows.
func (c guardScoreCmd) Run(env *Env) error {
	rows, err := guardRows(env, c.File)
	if err != nil {
		return err
	}
	g := guard.New()
	enc := json.NewEncoder(env.Stdout)
	var report guard.Report
	plain, kept := 0, map[string]int{}
	for i := range rows {
		r := &rows[i]
		v := g.Judge(r.Text)
		if c.JSON {
			if err := enc.Encode(guardVerdict{ID: r.ID, Action: v.Action.String(), Score: v.Score}); err != nil {
				return err
			}
			continue
		}
		report.Add(r, v)
		if !r.Attack() || r.Lang != "pt" || r.Tier != "explicit" || v.Action == guard.Allow {
			continue
		}
		plain++
		for _, e := range guard.Encoders() {
			if g.Judge(e.Encode(r.Text)).Action > guard.Allow {
				kept[e.Name]++
			}
		}
	}
	if c.JSON {
		return nil
	}
	env.printf("%s", report.String())
	if plain > 0 {
		env.printf("\nof %d explicit Portuguese attacks that are stopped as they stand, stopped in disguise:\n", plain)
		for _, e := range guard.Encoders() {
			low, high := guard.Wilson(kept[e.Name], plain)
			env.printf("%s: %d, %.1f%% [%.1f, %.1f]\n", e.Name, kept[e.Name], 100*float64(kept[e.Name])/float64(plain), 100*low, 100*high)
		}
	}
	return nil
}

type guardVerdict struct {
	ID     string  `json:"id"`
	Action string  `json:"action"`
	Score  float64 `json:"score"`
}

type guardTrainCmd struct {
	File []string `arg:"" help:"The rows. Those of which the licence says \"do not train\" only measure." placeholder:"FILE"`
	Out  string   `required:"" help:"Where the model goes." placeholder:"FILE"`
	Date string   `required:"" help:"The day, for the model's card." placeholder:"YYYY-MM-DD"`
	Note string   `help:"What readers of its figures should know."`
	Seed uint64   `default:"1" help:"The same rows and seed give the same model."`
}

// Help implements kong.HelpProvider.
func (guardTrainCmd) Help() string {
	return `Prints what models say of sources that were left out of their training. The model is compiled in with the next build, as internal/guard/model.bin.

Example:

	secretaria guard train rows.jsonl --out model.bin --date 2026-11-22`
}

// Run trains.
func (c guardTrainCmd) Run(env *Env) error {
	if _, err := time.Parse(time.DateOnly, c.Date); err != nil {
		return fmt.Errorf("--date %q is no day like 2026-11-22", c.Date)
	}
	var rows []guard.Row
	for _, file := range c.File {
		some, err := guardRows(env, file)
		if err != nil {
			return err
		}
		rows = append(rows, some...)
	}
	m, report, err := guard.Train(rows, guard.Training{Seed: c.Seed, Date: c.Date, Note: c.Note})
	if err != nil {
		return fmt.Errorf("train the guard: %w", err)
	}
	data, err := m.MarshalBinary()
	if err != nil {
		return fmt.Errorf("train the guard: %w", err)
	}
	if err := os.WriteFile(env.path(c.Out), data, 0o644); err != nil {
		return fmt.Errorf("write the model: %w", err)
	}
	env.printf("%s%s: %d bytes\n", report, c.Out, len(data))
	return nil
}

func guardRows(env *Env, file string) ([]guard.Row, error) {
	f, err := os.Open(env.path(file))
	if err != nil {
		return nil, fmt.Errorf("open rows: %w", err)
	}
	defer f.Close() // only read from
	rows, err := guard.ReadRows(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return rows, nil
}
