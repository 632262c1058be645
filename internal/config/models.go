package config

import (
	"cmp"
	"reflect"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"secretaria/internal/app"
	"secretaria/internal/budget"
	"secretaria/internal/invalid"
	"secretaria/internal/llm/gemini"
	"secretaria/internal/llm/openai"
	"secretaria/internal/secret"
	"secretaria/internal/workflow"
)

// sharedFile is what the YAML file holds for all desks and what has no variable.
type sharedFile struct {
	Models modelsFile `key:"models"`
	Prices pricesFile `key:"prices"`
	Budget budgetFile `key:"budget"`
	N8N    n8nFile    `key:"n8n"`
}

// modelsFile is what stands under models beside the keys that have a variable too.
type modelsFile struct {
	Named         table[located[modelFile]] `key:"<name>"`
	Patience      time.Duration             `key:"patience" doc:"How long a question may take, all models of a chain together." default:"45s"`
	StopAtRefusal bool                      `key:"stop_at_refusal" doc:"Whether content that one provider refuses is not shown to the next model." default:"false"`
}

// modelFile is a model under its name.
type modelFile struct {
	Provider string        `key:"provider" doc:"gemini, openai (whatever speaks its API), or offline."`
	Model    string        `key:"model" doc:"The provider's name of the model."`
	Key      secret.String `key:"key" doc:"The key. A server of your own may do without."`
	BaseURL  string        `key:"base_url" doc:"Address, where it is not the provider's own."`
	Price    *priceFile    `key:"price"`
	Timeout  time.Duration `key:"timeout" doc:"For one try." default:"that of models.timeout"`
}

type priceFile struct {
	Input  money `key:"input" doc:"For a million tokens of input."`
	Cached money `key:"cached" doc:"For a million tokens of input that the provider had cached." default:"that of input"`
	Output money `key:"output" doc:"For a million tokens of output."`
}

func (p priceFile) price() budget.Price {
	return budget.Price{Input: budget.Micros(p.Input), Cached: budget.Micros(p.Cached), Output: budget.Micros(p.Output)}
}

type pricesFile struct {
	Currency string                    `key:"currency" doc:"What amounts are in. It is only shown."`
	Of       table[located[priceFile]] `key:"<model>" doc:"Prices by a model's name, in which * stands for anything: gemini-2.5-*"`
}

type budgetFile struct {
	Day          money `key:"day" doc:"What all desks together may spend on models in a day." default:"no limit"`
	Desk         money `key:"desk" doc:"What a desk without one of its own may spend in a day." default:"no limit"`
	Contact      money `key:"contact" doc:"Likewise for one contact." default:"no limit"`
	Conversation money `key:"conversation" doc:"Likewise for one conversation, ever." default:"no limit"`
}

// n8nFile is what stands under n8n beside the keys that have a variable too.
type n8nFile struct {
	Header *headerFile `key:"header"`
}

type headerFile struct {
	Name  string        `key:"name" doc:"The header by which n8n knows its caller, in place of basic authentication."`
	Value secret.String `key:"value" doc:"Its value."`
}

// shared reads sharedFile. It comes after the settings, which have keys in the same places.
func (d *draft) shared() {
	x := &decoder{d: d, file: d.file}
	var f sharedFile
	x.models(&f)
	if d.root != nil {
		x.prices(d.root.get("prices"), &f.Prices)
		x.decodeInto("budget", orEmpty(d.root.get("budget")), &f.Budget)
	}
	m := &d.o.Models
	m.Patience, m.StopAtRefusal, m.Currency = f.Models.Patience, f.Models.StopAtRefusal, f.Prices.Currency
	m.Limits = budget.Limits{Day: budget.Micros(f.Budget.Day), Desk: budget.Micros(f.Budget.Desk), Contact: budget.Micros(f.Budget.Contact), Conversation: budget.Micros(f.Budget.Conversation)}
	m.Zone = d.single.desk.Location
	d.n8n(x)
}

// orEmpty is a node in which there is nothing, where there is none.
func orEmpty(n *yaml.Node) *yaml.Node {
	if n == nil {
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null"}
	}
	return n
}

// models reads the models that have names of their own, and the prices of the two that the
// environment may name.
func (x *decoder) models(f *sharedFile) {
	d := x.d
	if d.root == nil {
		return
	}
	s := d.root.section("models")
	x.decodeInto("models.patience", orEmpty(s.get("patience")), &f.Models.Patience)
	x.decodeInto("models.stop_at_refusal", orEmpty(s.get("stop_at_refusal")), &f.Models.StopAtRefusal)
	d.o.Models.Prices = budget.Prices{}
	for _, name := range []string{"gemini", "openai"} {
		n := s.section(name).get("price")
		if isNull(n) {
			continue
		}
		var p priceFile
		x.decodeInto("models."+name+".price", n, &p)
		model := cmp.Or(d.single.gemini.Model, gemini.DefaultModel)
		if name == "openai" {
			model = cmp.Or(d.single.openai.Model, openai.DefaultModel)
		}
		d.o.Models.Prices[name+"/"+model] = p.price()
	}
	for _, k := range s.keys() {
		path, n := s.join(k.Value), s.get(k.Value)
		if n == nil || n.Kind != yaml.MappingNode {
			d.problem(path, place(x.file, k.Line), "unknown key%s", didYouMean(k.Value, []string{"timeout", "attempts", "breaker_threshold", "breaker_reset", "patience", "stop_at_refusal"}))
			continue
		}
		var m modelFile
		before := len(d.problems)
		x.decodeInto(path, n, &m)
		made := app.NamedModel{Name: k.Value, Timeout: m.Timeout}
		switch m.Provider {
		case "gemini":
			made.Gemini = &gemini.Config{APIKey: m.Key, Model: m.Model, BaseURL: m.BaseURL}
		case "openai":
			made.OpenAI = &openai.Config{APIKey: m.Key, Model: m.Model, BaseURL: m.BaseURL}
		case "offline":
			made.Offline = true
		case "":
			d.problem(path, place(x.file, k.Line), "needs a provider: gemini, openai or offline%s", didYouMean(k.Value, []string{"gemini", "openai"}))
			continue
		default:
			x.problem(path+".provider", locate(n, "provider"), "%q is not one of gemini, openai and offline", m.Provider)
			continue
		}
		if m.Price != nil {
			p := m.Price.price()
			made.Price = &p
		}
		if len(d.problems) == before {
			x.complain(path, n, made.Validate())
		}
		d.o.Models.Named = append(d.o.Models.Named, made)
	}
}

// prices reads the price table.
func (x *decoder) prices(n *yaml.Node, f *pricesFile) {
	if isNull(n) {
		return
	}
	if n.Kind != yaml.MappingNode {
		x.problem("prices", n, "expected names of models with prices")
		return
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], follow(n.Content[i+1])
		if k.Value == "currency" {
			x.decodeInto("prices.currency", v, &f.Currency)
			continue
		}
		var p priceFile
		x.decodeInto("prices."+k.Value, v, &p)
		if _, twice := x.d.o.Models.Prices[k.Value]; twice {
			x.problem("prices."+k.Value, k, "has a price already")
		}
		x.d.o.Models.Prices[k.Value] = p.price()
	}
	for _, p := range invalid.Fields(x.d.o.Models.Prices.Validate()) {
		x.problem("prices", n, "%s", p.Error())
	}
}

// n8n is how the workflows of all desks are reached.
func (d *draft) n8n(x *decoder) {
	c := &d.o.Workflows.Config
	var header located[*headerFile]
	if d.root != nil {
		x.decodeInto("n8n.header", orEmpty(d.root.section("n8n").get("header")), &header)
	}
	basic := d.set("N8N_BASIC_AUTH_USER") && d.set("N8N_BASIC_AUTH_PASSWORD")
	switch {
	case header.node != nil && basic:
		x.problem(header.path, header.node, "is set, and so is N8N_BASIC_AUTH_USER: which of them is meant?")
	case basic:
		c.Auth = workflow.Auth{Mode: workflow.AuthBasic, Name: d.found["N8N_BASIC_AUTH_USER"].text, Secret: secret.New(d.found["N8N_BASIC_AUTH_PASSWORD"].text)}
	case header.node != nil && header.Value != nil:
		c.Auth = workflow.Auth{Mode: workflow.AuthHeader, Name: header.Value.Name, Secret: header.Value.Value}
		x.complain(header.path, header.node, c.Auth.Validate())
		return
	}
	d.complain(c.Validate(), nil)
}

// askedFor checks the models that desks name, when all are known.
func (d *draft) askedFor() {
	known := d.o.Models.Names()
	if d.src.DesksAlone {
		for i := range d.o.Desks {
			desk := &d.o.Desks[i]
			desk.Models = slices.DeleteFunc(slices.Clone(desk.Models), func(name string) bool { return !slices.Contains(known, name) })
		}
		return
	}
	for _, a := range d.modelsAsked {
		for i, name := range a.models.Value {
			if slices.Contains(known, name) {
				continue
			}
			n := locate(a.models.node, locatePath("", i))
			text := ""
			switch name {
			case "gemini", "openai":
				text = "; set " + strings.ToUpper(name) + "_API_KEY"
			default:
				text = didYouMean(name, known)
			}
			a.x.problem(a.models.path, n, "there is no model %q%s", name, text)
		}
	}
}

// SharedKeys lists the keys of the YAML file that hold for all desks and have no variable.
func SharedKeys() []DeskKey {
	return keysBeneath("", reflect.TypeFor[sharedFile]())
}
