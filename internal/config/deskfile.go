package config

import (
	"time"

	"go.yaml.in/yaml/v4"

	"secretaria/internal/playbook"
	"secretaria/internal/secret"
	"secretaria/internal/slot"
	"secretaria/internal/workflow"
)

// deskFile is what stands under the name of a desk, or in the desk's own file.
type deskFile struct {
	File     located[string] `key:"file" doc:"A YAML file with these keys, or a folder with a desk.yaml in it; stands alone."`
	Like     located[string] `key:"like" doc:"The built-in desk whose persona and playbook are taken: secretaria or sdr."`
	Persona  located[words]  `key:"persona" doc:"Who the assistant is, Markdown, here or in a file."`
	Language located[string] `key:"language" doc:"What the desk speaks unless the customer speaks another: pt-BR, en or es." default:"pt-BR"`
	Rules    words           `key:"rules" doc:"Rules of the house, Markdown, here or in a file. They stand beside the built-in ones."`

	Hours    located[hoursFile] `key:"hours" doc:"When people are there. A line alone stands for hours.week."`
	Greeting string             `key:"greeting" doc:"Answers a bare greeting at the start, without a model."`
	Closed   string             `key:"closed" doc:"What is said out of hours when a person is needed."`
	OnlyOpen bool               `key:"only_open" doc:"Out of hours, closed is said in place of any answer." default:"false"`

	Handoff   handoffFile           `key:"handoff"`
	Models    located[[]string]     `key:"models" doc:"The models to ask, in this order." default:"all that are configured"`
	Budget    located[deskBudget]   `key:"budget"`
	Memory    memoryFile            `key:"memory"`
	Playbook  located[playbookFile] `key:"playbook" doc:"How the desk qualifies: sdr, sdr_full, none, a YAML file, or the keys below." default:"sdr for the desk sdr"`
	Workflows table[workflowFile]   `key:"workflows"`
	House     located[houseFile]    `key:"house"`
	Loops     loopsFile             `key:"loops"`
	Safety    safetyFile            `key:"safety"`

	// The names of 0.1.0.
	Keywords    located[[]string]      `key:"keywords" doc:"The same as handoff.keywords."`
	Transfer    located[string]        `key:"transfer" doc:"The same as handoff.message."`
	Words       located[string]        `key:"business_hours" doc:"Hours as a line, when they are the same for every week of the year."`
	Zone        located[string]        `key:"timezone" doc:"The same as hours.zone."`
	MaxMessages located[int]           `key:"max_messages" doc:"The same as memory.messages."`
	MaxAge      located[time.Duration] `key:"max_age" doc:"The same as memory.age."`
}

type hoursFile struct {
	Zone     located[string] `key:"zone" doc:"Time zone." default:"America/Sao_Paulo"`
	Week     weekFile        `key:"week" doc:"A line, or days with their hours. Nothing: always open."`
	Holidays []string        `key:"holidays" doc:"Days that are not like their weekday (12-25; 2026-12-24 08:00-12:00) and sets of holidays (br, br-carnaval, br-corpus-christi)."`
}

// fromNode takes a line for the week.
func (h *hoursFile) fromNode(x *decoder, path string, n *yaml.Node) {
	if n.Kind == yaml.ScalarNode {
		x.decodeInto(path, n, &h.Week)
		return
	}
	type plain hoursFile
	x.decodeInto(path, n, (*plain)(h))
}

// weekFile is a line or a table of days.
type weekFile struct {
	Line  string
	ByDay table[string]
}

func (w *weekFile) fromNode(x *decoder, path string, n *yaml.Node) {
	if n.Kind == yaml.ScalarNode {
		x.decodeInto(path, n, &w.Line)
		return
	}
	x.decodeInto(path, n, &w.ByDay)
}

func (weekFile) form() string { return "text, or days with hours" }

type handoffFile struct {
	Keywords located[[]string] `key:"keywords" doc:"Words and phrases that bring a person at once, without a model." default:"falar com humano, atendente, supervisor …"`
	Message  located[string]   `key:"message" doc:"What the customer reads when the conversation goes to a person."`
	Failures located[int]      `key:"failures" doc:"Answers in a row that did not help before a person gets the conversation." default:"3"`
	Angry    located[bool]     `key:"angry" doc:"Whether what sounds angry goes to a person." default:"true"`
	Topics   table[[]string]   `key:"topics" doc:"Subjects that are for people: the reason that the note gives, with the words and phrases that show it."`
	Team     string            `key:"team" doc:"Team or queue, by the helpdesk's id; takes the place of the inbox's."`
	Person   string            `key:"person" doc:"Person, by the helpdesk's id; takes the place of the inbox's."`
	Labels   []string          `key:"labels" doc:"Labels that are set; take the place of the inbox's."`
}

type deskBudget struct {
	Desk         money `key:"desk" doc:"What the desk may spend on models in a day, in the unit of the prices." default:"no limit"`
	Contact      money `key:"contact" doc:"What one contact may cost in a day." default:"no limit"`
	Conversation money `key:"conversation" doc:"What one conversation may cost, ever." default:"no limit"`
}

type memoryFile struct {
	Messages located[int]           `key:"messages" doc:"How many of the last messages the model sees." default:"20"`
	Age      located[time.Duration] `key:"age" doc:"Older ones are not shown; 0s: any age." default:"0s"`
	Tokens   located[int]           `key:"tokens" doc:"How many tokens the messages shown may come to, by estimate." default:"3000"`
	Answer   located[int]           `key:"answer_tokens" doc:"How long one answer may be." default:"1024"`
}

type loopsFile struct {
	Exchanges int `key:"exchanges" doc:"Exchanges in a row that look automatic before the bot stops and tells a person." default:"3"`
	Turns     int `key:"turns" doc:"Turns of one conversation within an hour before a person has to look." default:"60"`
}

// safetyFile is what a desk decides about what comes in and goes out.
type safetyFile struct {
	Message    located[int]      `key:"message" doc:"How much of one message the model sees, in characters; the rest is kept and named." default:"1000"`
	Links      located[[]string] `key:"links" doc:"Hosts that answers may link to with any path (exemplo.com.br). Addresses that stand in the house, the persona or the rules may be told anyway."`
	Deflection string            `key:"deflection" doc:"What whoever tries to take the assistant over reads." default:"Desculpe, não posso executar esse tipo de comando."`
	SecondLook bool              `key:"second_look" doc:"Whether a model looks again at what the guard restricts. It may lift the restriction and never blocks." default:"false"`
	Disclosure string            `key:"disclosure" doc:"Ends the first answer: that an assistant writes, and how to get a person. none: nothing." default:"added where the answer does not say so"`
	Pseudonyms bool              `key:"pseudonyms" doc:"Whether documents, phones, e-mail addresses, cards and keys are replaced by tokens before a model sees them, and put back into its answer." default:"false"`
}

// workflowFile is a workflow under its name. What create_lead and schedule_meeting leave out is
// as it is built in.
type workflowFile struct {
	URL         located[secret.String] `key:"url" doc:"The production address of its webhook. Required."`
	Description string                 `key:"description" doc:"For the model: when to use it."`
	Arguments   rawJSON                `key:"arguments" doc:"JSON Schema of what it is given."`
	Result      rawJSON                `key:"result" doc:"JSON Schema of what it answers; without it nothing is expected."`
	Reply       string                 `key:"reply" doc:"What the customer reads when it is done, with {keys} of the result."`
	On          []string               `key:"on" doc:"States of the playbook that start it: qualified, scheduled …"`
	Tool        bool                   `key:"tool" doc:"Whether the model may start it." default:"false"`
	Repeatable  bool                   `key:"repeatable" doc:"Whether it drops repeats by the idempotency key itself, so that a call of unknown outcome may be repeated." default:"false"`
	Timeout     time.Duration          `key:"timeout" doc:"For one call." default:"30s"`
	Auth        *authFile              `key:"auth"`
}

type authFile struct {
	Mode   workflow.AuthMode `key:"mode" doc:"none, basic or header, where this webhook knows its caller in another way than all."`
	Name   string            `key:"name" doc:"The user of basic, the header of header."`
	Secret secret.String     `key:"secret" doc:"The password or the header's value."`
}

// playbookFile is a playbook that is described here, or changes one that is built in.
type playbookFile struct {
	Like     string       `key:"like" doc:"The built-in playbook that this one changes: sdr or sdr_full."`
	Name     string       `key:"name" doc:"A word for it."`
	Version  string       `key:"version" doc:"Changes when the playbook does."`
	Greeting *string      `key:"greeting" doc:"Opens the first words of the desk."`
	Asks     int          `key:"asks" doc:"How often a slot may be left unanswered before it is given up." default:"2"`
	Slots    []slotFile   `key:"slots" doc:"What is to be learned, in the order in which it is asked."`
	Moves    []moveFile   `key:"moves" doc:"The first that is allowed is made, then the first from there."`
	Score    scoreFile    `key:"score"`
	Words    playbookWord `key:"words"`

	from *decoder // where it stands, where that is a file of its own
	node *yaml.Node
}

func (p *playbookFile) fromNode(x *decoder, path string, n *yaml.Node) {
	if n.Kind == yaml.ScalarNode {
		name, ok := x.text(path, n)
		if !ok {
			return
		}
		if !isYAML(name) {
			p.Like = name
			return
		}
		if x, n = x.include(path, n, name); n == nil {
			return
		}
		path = ""
	}
	p.from, p.node = x, n
	type plain playbookFile
	x.decodeInto(path, n, (*plain)(p))
}

type slotFile struct {
	Key      string    `key:"key" doc:"A lower-case word: name, company, role, tools, pain, team_size, email, phone, cnpj, times, or one of your own."`
	Kind     slot.Kind `key:"kind" doc:"What it holds; of a slot of your own free or yes_no." default:"that of its key, else free"`
	Question string    `key:"question" doc:"Asked first; {name} and other keys stand for what is known."`
	Again    []string  `key:"again" doc:"Other wordings, when it was not answered."`
	Thanks   string    `key:"thanks" doc:"Opens the words after it was learned."`
	Label    string    `key:"label" doc:"Names it to people."`
	Optional bool      `key:"optional" doc:"Asked once at most, and not needed." default:"false"`
}

type moveFile struct {
	From    []playbook.State `key:"from" doc:"States."`
	To      playbook.State   `key:"to" doc:"State."`
	When    []conditionFile  `key:"when" doc:"Conditions, all of which must hold: complete, score 12, known email …"`
	Say     string           `key:"say" doc:"What the customer reads."`
	Actions []actionFile     `key:"actions" doc:"handoff, note, attributes, label lead, workflow create_lead; each is done once."`
}

// conditionFile is a guard, or a guard with its threshold or slot.
type conditionFile playbook.Condition

func (c *conditionFile) fromNode(x *decoder, path string, n *yaml.Node) {
	if guard, with, ok := x.oneWord(path, n); ok {
		*c = conditionFile(playbook.ParseCondition(guard + " " + with))
	}
}

func (conditionFile) form() string { return "word, or word: value" }

// actionFile is a deed, or a deed with its name.
type actionFile playbook.Action

func (a *actionFile) fromNode(x *decoder, path string, n *yaml.Node) {
	if deed, name, ok := x.oneWord(path, n); ok {
		*a = actionFile(playbook.ParseAction(deed + " " + name))
	}
}

func (actionFile) form() string { return "word, or word: value" }

type scoreFile struct {
	Name    string     `key:"name" doc:"A word for the table."`
	Version string     `key:"version" doc:"Changes when the table does."`
	Rules   []ruleFile `key:"rules" doc:"Of the rules with the same group and slot the first that holds counts."`
}

type ruleFile struct {
	ID     string        `key:"id" doc:"A word for the rule."`
	Group  string        `key:"group" doc:"budget, authority, need, timing, or a word of your own."`
	Slot   string        `key:"slot" doc:"Key of the slot that is looked at."`
	Test   playbook.Test `key:"test" doc:"present, words, between, at_least, corporate or free."`
	Words  []string      `key:"words" doc:"Of words: whole words and phrases, without case and accents."`
	From   int           `key:"from" doc:"Of between and at_least."`
	To     int           `key:"to" doc:"Of between; 0: no bound."`
	Points signed        `key:"points" doc:"May be negative."`
	Label  string        `key:"label" doc:"Why, for people."`
}

type playbookWord struct {
	Corrected string `key:"corrected" doc:"Said when a value took another's place, with {value} and {label}."`
	Refused   string `key:"refused" doc:"Said when a question was refused."`
	Again     string `key:"again" doc:"Said before a question that is repeated in the same words."`
}
