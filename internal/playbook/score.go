package playbook

import (
	"slices"
	"strconv"
	"strings"

	"secretaria/internal/slot"
)

// Score is the table of points.
type Score struct {
	Name, Version string
	Rules         []Rule
}

// Rule gives points for what a slot holds. Of the rules with the same group and slot only
// the first that holds counts, so that bands are written from the best to the least.
type Rule struct {
	ID    string
	Group string // budget, authority, need, timing, or a word of one's own
	Slot  string // key
	Test  Test
	// Words are what AnyWord looks for: whole words or phrases, without case and accents.
	Words []string
	// From and To bound Between, both included; To 0 is no bound. AtLeast uses From.
	From, To int
	Points   int    // may be negative
	Label    string // why, for people: "Decide a compra"
}

// Test is what a rule looks at: a closed list.
type Test string

// The tests.
const (
	Present       Test = "present"
	AnyWord       Test = "words"
	Between       Test = "between"   // the number lies between From and To
	AtLeast       Test = "at_least"  // the list has From items or more
	CorporateMail Test = "corporate" // an e-mail at a domain of its own
	FreeMail      Test = "free"      // an e-mail at a provider that is free for everybody
)

// Scored is a score with its reasons.
type Scored struct {
	Version string  `json:"version"`
	Points  int     `json:"points"`
	Max     int     `json:"max"` // what the table can give
	Rules   []Point `json:"rules"`
}

// Point is a rule that holds, with the customer's words behind it: never without.
type Point struct {
	Rule   string       `json:"rule"`
	Group  string       `json:"group"`
	Slot   string       `json:"slot"`
	Label  string       `json:"label,omitempty"`
	Points int          `json:"points"`
	Quotes []slot.Quote `json:"quotes"`
}

// Rate returns the score of a lead: the points of the rules that hold, in the order of the
// table, each with its quotes. A value without quotes gives no points.
func (p *Playbook) Rate(lead Lead) Scored {
	table := p.score()
	out := Scored{Version: table.Name + "/" + table.Version, Max: table.Max(), Rules: []Point{}}
	type band struct{ group, slot string }
	counted := map[band]bool{}
	for _, rule := range table.Rules {
		v, ok := lead.Value(rule.Slot)
		if !ok || len(v.Quotes) == 0 || counted[band{rule.Group, rule.Slot}] || !rule.holds(v) {
			continue
		}
		counted[band{rule.Group, rule.Slot}] = true
		out.Points += rule.Points
		out.Rules = append(out.Rules, Point{
			Rule: rule.ID, Group: rule.Group, Slot: rule.Slot, Label: rule.Label, Points: rule.Points, Quotes: slices.Clone(v.Quotes),
		})
	}
	return out
}

func (p *Playbook) score() Score {
	if len(p.Score.Rules) == 0 {
		return BANT()
	}
	return p.Score
}

// Max is what the table can give: the best rule of each band.
func (s Score) Max() int {
	best := map[[2]string]int{}
	for _, r := range s.Rules {
		key := [2]string{r.Group, r.Slot}
		best[key] = max(best[key], r.Points)
	}
	sum := 0
	for _, n := range best {
		sum += n
	}
	return sum
}

func (r Rule) holds(v slot.Value) bool {
	switch r.Test {
	case Present:
		return v.Text != "" || len(v.List) > 0
	case AnyWord:
		return r.spoken(v)
	case Between:
		n, err := strconv.Atoi(v.Text)
		return err == nil && n >= r.From && (r.To == 0 || n <= r.To)
	case AtLeast:
		return len(v.List) >= r.From
	case CorporateMail, FreeMail:
		_, domain, ok := strings.Cut(v.Text, "@")
		return ok && freeMail(domain) == (r.Test == FreeMail)
	}
	return false
}

// spoken looks for the rule's words in a value. In a role, what stands behind "do" or "da" is
// somebody else: "assistente do diretor".
func (r Rule) spoken(v slot.Value) bool {
	texts := v.List
	if texts == nil {
		texts = []string{v.Text}
	}
	for _, text := range texts {
		said := words(text)
		for _, phrase := range r.Words {
			w := words(phrase)
			for i := 0; len(w) > 0 && i+len(w) <= len(said); i++ {
				if !slices.Equal(said[i:i+len(w)], w) {
					continue
				}
				if v.Kind == slot.Role && i > 0 && slices.Contains([]string{"do", "da", "dos", "das", "ao", "pro", "pra"}, said[i-1]) {
					continue
				}
				return true
			}
		}
	}
	return false
}

// freeMail says whether everybody can have an address at a domain.
func freeMail(domain string) bool {
	switch domain {
	case "gmail.com", "googlemail.com", "hotmail.com", "hotmail.com.br", "outlook.com", "outlook.com.br", "live.com", "msn.com", "yahoo.com", "yahoo.com.br",
		"ymail.com", "rocketmail.com", "icloud.com", "me.com", "mac.com", "aol.com", "bol.com.br", "uol.com.br", "terra.com.br", "ig.com.br", "globo.com", "globomail.com",
		"r7.com", "zipmail.com.br", "oi.com.br", "proton.me", "protonmail.com", "pm.me", "gmx.com", "gmx.net", "zoho.com", "mail.com", "tutanota.com", "hey.com", "sapo.pt":
		return true
	}
	return false
}
