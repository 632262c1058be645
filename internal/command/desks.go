package command

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"secretaria/internal/agent"
	"secretaria/internal/app"
	"secretaria/internal/budget"
	"secretaria/internal/hours"
	"secretaria/internal/house"
	"secretaria/internal/playbook"
	"secretaria/internal/workflow"
)

// used are the desks that an inbox has.
func used(o app.Options) []agent.Config {
	var out []agent.Config
	for _, d := range o.Desks {
		if slices.ContainsFunc(o.Inboxes, func(i app.Inbox) bool { return i.Desk == d.Name }) {
			out = append(out, d)
		}
	}
	return out
}

// deskFindings explains a desk.
func deskFindings(o app.Options, d agent.Config, now time.Time) []finding {
	about := "desk " + d.Name
	keywords := d.Keywords
	if keywords == nil {
		keywords = agent.DefaultKeywords()
	}
	found := []finding{
		{fine, about, fmt.Sprintf("speaks %s, sees the last %d messages, time zone %v", cmp.Or(d.Language, "pt-BR"), cmp.Or(d.MaxMessages, agent.DefaultMaxMessages), d.Location), ""},
		hoursFinding(about, d, now),
		{fine, about, handoffWords(d, keywords), ""},
	}
	found = append(found, chainFindings(about, o.Models, d)...)
	if d.Playbook != nil {
		found = append(found, playbookFindings(about, d)...)
	}
	for _, w := range d.Workflows {
		found = append(found, workflowFinding(about, d, w))
	}
	if d.House != nil {
		found = append(found, finding{fine, about, houseWords(d.House), ""})
	}
	return found
}

func hoursFinding(about string, d agent.Config, now time.Time) finding {
	f := finding{Level: fine, About: about}
	switch {
	case d.Open.Zone == nil && d.Hours == "":
		f.Text = "has no hours: it is always open"
		return f
	case d.Open.Zone == nil:
		f.Level, f.Text = hint, fmt.Sprintf("tells customers the hours %q and is always open itself", d.Hours)
		f.Remedy = "write hours as in \"seg-sex 08:00-12:00, 13:30-18:00; sáb 8h-12h\" (escreva o horário assim)"
		return f
	}
	f.Text = "is open " + d.Open.Text("en") + "; now " + openWords(d.Open, now)
	if d.OnlyOpen && d.Closed == "" {
		f.Level, f.Remedy = hint, "set closed: with only_open and without it, customers read nothing out of hours (defina closed: sem ele os clientes não leem nada fora do horário)"
	}
	return f
}

const momentForm = "Mon 2006-01-02 15:04"

func openWords(h hours.Hours, now time.Time) string {
	if !h.Open(now) {
		next, ok := h.Next(now)
		if !ok {
			return "closed, and it does not open within two years"
		}
		return "closed, opens " + next.Format(momentForm)
	}
	closes, ok := h.Closes(now)
	if !ok {
		return "open"
	}
	return "open, closes " + closes.Format(momentForm)
}

func handoffWords(d agent.Config, keywords []string) string {
	text := "calls a person at: " + strings.Join(keywords, ", ")
	var topics []string
	for _, t := range d.Handoff.Topics {
		topics = append(topics, t.Reason)
	}
	if len(topics) > 0 {
		text += "; about: " + strings.Join(topics, ", ")
	}
	if !d.Handoff.Patient {
		text += "; when the customer is angry"
	}
	if d.Handoff.Failures > 0 {
		text += fmt.Sprintf("; after %d answers that did not help", d.Handoff.Failures)
	}
	return text
}

// chainFindings names the models in order, each with its price, and what they may cost.
func chainFindings(about string, m app.Models, d agent.Config) []finding {
	var names []string
	for _, name := range m.Chain(d) {
		price, known := m.Price(name)
		switch {
		case !known:
			name += " (price unknown)"
		case price == budget.Price{}:
			name += " (costs nothing)"
		default:
			name += fmt.Sprintf(" (%v in, %v out, %sfor a million tokens)", price.Input, price.Output, strings.TrimSpace(m.Currency)+spaced(m.Currency))
		}
		names = append(names, name)
	}
	text := "asks " + strings.Join(names, ", then ") + ", then a person"
	limits := m.LimitsOf(d)
	if limits.Set() {
		text += "; budget: " + limitWords(limits, m.Currency)
	}
	found := []finding{{fine, about, text, ""}}
	for _, u := range m.Unpriced([]agent.Config{d}) {
		f := finding{hint, about, fmt.Sprintf("the price of the model %s is not known: its cost is not counted", u.Model), "set models." + u.Model + ".price, or an entry of prices (defina uma das duas)"}
		if u.Blocked {
			f.Level, f.Text = problem, fmt.Sprintf("the price of the model %s is not known, and there is a budget: it will not be asked", u.Model)
		}
		found = append(found, f)
	}
	return found
}

func spaced(word string) string {
	if word == "" {
		return ""
	}
	return " "
}

func limitWords(l budget.Limits, currency string) string {
	var parts []string
	for _, p := range []struct {
		amount budget.Micros
		words  string
	}{{l.Day, "a day for all desks"}, {l.Desk, "a day for the desk"}, {l.Contact, "a day for a contact"}, {l.Conversation, "for a conversation"}} {
		if p.amount > 0 {
			parts = append(parts, fmt.Sprintf("%s%v %s", currency+spaced(currency), p.amount, p.words))
		}
	}
	return strings.Join(parts, ", ")
}

func playbookFindings(about string, d agent.Config) []finding {
	p := d.Playbook
	var asks []string
	for _, s := range p.Slots {
		word := s.Key
		if s.Optional {
			word += " (optional)"
		}
		asks = append(asks, word)
	}
	text := fmt.Sprintf("qualifies by the playbook %s, version %s: asks for %s", cmp.Or(p.Name, "-"), cmp.Or(p.Version, "-"), strings.Join(asks, ", "))
	if n := len(p.Score.Rules); n > 0 {
		text += fmt.Sprintf("; score %s %s of %d rules, at most %d points", p.Score.Name, p.Score.Version, n, p.Rate(p.Begin()).Max)
	}
	found := []finding{{fine, about, text, ""}}
	for _, m := range p.Moves {
		for _, a := range m.Actions {
			declared := slices.ContainsFunc(d.Workflows, func(w workflow.Declared) bool { return w.Name == a.Name })
			if a.Do == playbook.Workflow && !declared {
				found = append(found, finding{hint, about, fmt.Sprintf("its playbook starts the workflow %s at %s, and the desk declares none of this name", a.Name, m.To), "declare it under workflows, or take the action out (declare em workflows ou retire a ação)"})
			}
		}
	}
	return found
}

// workflowFinding says what starts a workflow.
func workflowFinding(about string, d agent.Config, w workflow.Declared) finding {
	var starts []string
	for _, state := range w.On {
		starts = append(starts, "when a lead is "+state)
	}
	if d.Playbook != nil {
		for _, m := range d.Playbook.Moves {
			for _, a := range m.Actions {
				if text := "when a lead is " + string(m.To); a.Do == playbook.Workflow && a.Name == w.Name && !slices.Contains(starts, text) {
					starts = append(starts, text)
				}
			}
		}
	}
	if w.Tool {
		starts = append(starts, "by the model")
	}
	if len(starts) == 0 {
		return finding{hint, about, "nothing starts the workflow " + w.Name, "give it on: [qualified], or tool: true (dê a ele on: [qualified] ou tool: true)"}
	}
	return finding{fine, about, "starts the workflow " + w.Name + " " + strings.Join(starts, ", "), ""}
}

func houseWords(h *house.House) string {
	var parts []string
	for _, t := range h.Tables {
		parts = append(parts, fmt.Sprintf("%s (%d)", t.Kind, len(t.Rows)))
	}
	text := "knows no tables"
	if len(parts) > 0 {
		text = "knows " + strings.Join(parts, ", ")
	}
	return fmt.Sprintf("%s and %d pages", text, len(h.Pages))
}

// graph prints a playbook.
func (c checkCmd) graph(env *Env) error {
	cfg, err := c.load(env, nil)
	if err != nil {
		return err
	}
	with := slices.DeleteFunc(slices.Clone(cfg.Options.Desks), func(d agent.Config) bool { return d.Playbook == nil })
	var names []string
	for _, d := range with {
		names = append(names, d.Name)
		if d.Name == c.Desk {
			env.printf("%s", d.Playbook.Mermaid())
			return nil
		}
	}
	if c.Desk == "" && len(with) == 1 {
		env.printf("%s", with[0].Playbook.Mermaid())
		return nil
	}
	if c.Desk == "" {
		return fmt.Errorf("--desk: say which of the desks with a playbook: %s", strings.Join(names, ", "))
	}
	return fmt.Errorf("--desk: %q has no playbook; there is: %s", c.Desk, strings.Join(names, ", "))
}
