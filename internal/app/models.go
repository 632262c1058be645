package app

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"secretaria/internal/agent"
	"secretaria/internal/budget"
	"secretaria/internal/invalid"
	"secretaria/internal/llm/gemini"
	"secretaria/internal/llm/openai"
	"secretaria/internal/llm/resilient"
)

// Models are the configured language models; none of them: the offline model answers.
type Models struct {
	// Gemini and OpenAI are those of the environment, by the names "gemini" and "openai".
	Gemini *gemini.Config
	OpenAI *openai.Config
	// Named are further ones, for desks to list in their chains.
	Named []NamedModel
	// Resilience holds for each of them.
	Resilience resilient.Config
	// Patience bounds what a question to a chain of models takes; default resilient.DefaultPatience.
	Patience time.Duration
	// StopAtRefusal keeps content that one provider refuses from being shown to the next.
	StopAtRefusal bool
	// Prices are what models cost, in units of Currency, which is only ever shown.
	Prices   budget.Prices
	Currency string
	// Limits are what may be spent: Day by all desks together, the others by each desk that has
	// none of its own.
	Limits budget.Limits
	// Zone is the one in which days of budgets begin; nil: UTC.
	Zone *time.Location
}

// NamedModel is a model that desks may list. Exactly one of Gemini, OpenAI and Offline is set.
type NamedModel struct {
	Name    string
	Gemini  *gemini.Config
	OpenAI  *openai.Config
	Offline bool // rules and knowledge only: answers always, and costs nothing
	// Price goes before the price table.
	Price *budget.Price
	// Timeout bounds one try; 0: Resilience's.
	Timeout time.Duration
}

// OfflineModel is the name of the built-in offline model, which every chain may list.
const OfflineModel = "offline"

var modelName = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,62}$`)

// all are the models of the environment and the further ones, each with its name. The
// offline model is among them only where it was given a name of its own.
func (m Models) all() []NamedModel {
	var out []NamedModel
	if m.Gemini != nil {
		out = append(out, NamedModel{Name: "gemini", Gemini: m.Gemini})
	}
	if m.OpenAI != nil {
		out = append(out, NamedModel{Name: "openai", OpenAI: m.OpenAI})
	}
	return append(out, m.Named...)
}

// Names lists what a chain may list, for whoever mistyped one.
func (m Models) Names() []string {
	var out []string
	for _, n := range m.all() {
		out = append(out, n.Name)
	}
	if !slices.Contains(out, OfflineModel) {
		out = append(out, OfflineModel)
	}
	return out
}

// Chain lists the models that a desk asks, in order: its own list; else those of the
// environment, where the SDR asks OpenAI first and everybody else Gemini; else all of Named.
// None at all: the offline model.
func (m Models) Chain(d agent.Config) []string {
	if len(d.Models) > 0 {
		return slices.Clone(d.Models)
	}
	var out []string
	if m.Gemini != nil {
		out = append(out, "gemini")
	}
	if m.OpenAI != nil {
		out = append(out, "openai")
	}
	if d.Name == "sdr" {
		slices.Reverse(out)
	}
	if len(out) == 0 {
		for _, n := range m.Named {
			out = append(out, n.Name)
		}
	}
	if len(out) == 0 {
		out = []string{OfflineModel}
	}
	return out
}

// LimitsOf are what a desk may spend, with what holds for all.
func (m Models) LimitsOf(d agent.Config) budget.Limits { return d.Limits.Or(m.Limits) }

// Price is what a model of the name costs; known is false where nobody said.
func (m Models) Price(name string) (price budget.Price, known bool) {
	for _, n := range m.all() {
		if n.Name == name {
			return n.price(m.Prices)
		}
	}
	return budget.Price{}, name == OfflineModel
}

func (n NamedModel) price(table budget.Prices) (budget.Price, bool) {
	switch {
	case n.Price != nil:
		return *n.Price, true
	case n.Offline:
		return budget.Price{}, true
	}
	return table.Find(n.model())
}

// model is the provider and the model, as llm.Model names it.
func (n NamedModel) model() string {
	switch {
	case n.Gemini != nil:
		name := n.Gemini.Model
		if name == "" {
			name = gemini.DefaultModel
		}
		return "gemini/" + strings.TrimPrefix(name, "models/")
	case n.OpenAI != nil:
		name := n.OpenAI.Model
		if name == "" {
			name = openai.DefaultModel
		}
		return "openai/" + name
	}
	return "offline/rules"
}

// Unpriced is a model that a desk may ask and whose price nobody has said.
type Unpriced struct {
	Desk, Model string
	// Blocked: the desk has a budget, so that the model will not be asked. Otherwise its cost is
	// just not counted.
	Blocked bool
}

// Unpriced lists the models without a price of all desks, in order.
func (m Models) Unpriced(desks []agent.Config) []Unpriced {
	var out []Unpriced
	for _, d := range desks {
		for _, name := range m.Chain(d) {
			if _, known := m.Price(name); !known {
				out = append(out, Unpriced{Desk: d.Name, Model: name, Blocked: m.LimitsOf(d).Set()})
			}
		}
	}
	return out
}

// Validate says what is wrong with the models. What stands in a file is named by its path
// there (package invalid), what stands in the environment by its key.
func (m Models) Validate() error {
	errs := []error{m.Resilience.Validate()}
	if m.Gemini != nil {
		errs = append(errs, m.Gemini.Validate())
	}
	if m.OpenAI != nil {
		errs = append(errs, m.OpenAI.Validate())
	}
	seen := map[string]bool{}
	for _, n := range m.all() {
		if seen[n.Name] {
			errs = append(errs, invalid.At("models."+n.Name, "there are two models of this name: the environment's are called gemini and openai"))
		}
		seen[n.Name] = true
	}
	for _, n := range m.Named {
		if err := n.Validate(); err != nil {
			errs = append(errs, invalid.Under("models."+n.Name, err))
		}
	}
	if m.Patience < 0 {
		errs = append(errs, invalid.At("patience", "must be more than 0"))
	}
	if err := m.Prices.Validate(); err != nil {
		errs = append(errs, invalid.Under("prices", err))
	}
	if err := m.Limits.Validate(); err != nil {
		errs = append(errs, invalid.Under("budget", err))
	}
	return errors.Join(errs...)
}

// Validate says what is wrong with the model; paths are those of its entry in the file.
func (n NamedModel) Validate() error {
	var errs []error
	bad := func(path, format string, args ...any) { errs = append(errs, invalid.At(path, format, args...)) }
	if !modelName.MatchString(n.Name) {
		bad("", "a model's name has lower-case letters, digits, '.', '_' and '-', at most 63")
	}
	kinds := 0
	for _, is := range []bool{n.Gemini != nil, n.OpenAI != nil, n.Offline} {
		if is {
			kinds++
		}
	}
	if kinds != 1 {
		bad("provider", "want one of gemini, openai and offline")
	}
	if n.Gemini != nil {
		errs = append(errs, adapter(n.Gemini.Validate()))
	}
	if n.OpenAI != nil {
		errs = append(errs, adapter(n.OpenAI.Validate()))
	}
	if n.Price != nil {
		if err := n.Price.Validate(); err != nil {
			errs = append(errs, invalid.Under("price", err))
		}
	}
	if n.Timeout < 0 {
		bad("timeout", "must be more than 0")
	}
	return errors.Join(errs...)
}

// adapter turns the environment's key at the front of an adapter's complaint into the key of
// a model's entry in the file.
func adapter(err error) error {
	if err == nil {
		return nil
	}
	key, text, ok := strings.Cut(err.Error(), ": ")
	if !ok {
		return invalid.At("", "%v", err)
	}
	for suffix, path := range map[string]string{"_API_KEY": "key", "_MODEL": "model", "_BASE_URL": "base_url"} {
		if strings.HasSuffix(key, suffix) {
			return invalid.At(path, "%s", text)
		}
	}
	return invalid.At("", "%v", err)
}

// validateDesk checks what a desk says about models.
func (m Models) validateDesk(d agent.Config) error {
	var errs []error
	known, seen := m.Names(), map[string]bool{}
	for i, name := range d.Models {
		path := fmt.Sprintf("models[%d]", i)
		switch {
		case !slices.Contains(known, name):
			text := fmt.Sprintf("there is no model %q: there are %s", name, strings.Join(known, ", "))
			switch name {
			case "gemini":
				text += "; set GEMINI_API_KEY"
			case "openai":
				text += "; set OPENAI_API_KEY"
			}
			errs = append(errs, invalid.At(path, "%s", text))
		case seen[name]:
			errs = append(errs, invalid.At(path, "the model %q is listed twice: a chain asks each once", name))
		}
		seen[name] = true
	}
	if err := d.Limits.Validate(); err != nil {
		errs = append(errs, invalid.Under("budget", err))
	}
	if err := errors.Join(errs...); err != nil {
		return invalid.Under("desks."+d.Name, err)
	}
	return nil
}
