package phrase

import (
	"regexp"
	"regexp/syntax"
)

// Filter tells cheaply which of several expressions cannot match a text: each can only match
// where one of the literals that it is built of stands, and those are looked for together in one
// pass. It is not changed after it was made and is safe for concurrent use.
type Filter struct {
	grams  [gram + 1]map[string]uint64
	always uint64
}

// gram is how much of a literal is looked for, in bytes.
const gram = 4

// NewFilter makes a filter of at most 64 expressions; it panics on more.
func NewFilter(exprs ...*regexp.Regexp) *Filter {
	if len(exprs) > 64 {
		panic("phrase: more than 64 expressions in a filter")
	}
	f := &Filter{}
	for i, e := range exprs {
		re, err := syntax.Parse(e.String(), syntax.Perl)
		if err != nil {
			panic(err) // it was compiled before
		}
		literals := required(re.Simplify())
		if len(literals) == 0 {
			f.always |= 1 << i
			continue
		}
		for _, l := range literals {
			l = l[:min(len(l), gram)]
			if f.grams[len(l)] == nil {
				f.grams[len(l)] = map[string]uint64{}
			}
			f.grams[len(l)][l] |= 1 << i
		}
	}
	return f
}

// May returns the expressions that may match, bit i for the i-th; all others do not.
func (f *Filter) May(text string) uint64 {
	may := f.always
	for i := range len(text) {
		for n, grams := range f.grams {
			if grams != nil && i+n <= len(text) {
				may |= grams[text[i:i+n]]
			}
		}
	}
	return may
}

// required returns literals one of which stands in whatever the expression matches; nil where
// none can be told.
func required(re *syntax.Regexp) []string {
	switch re.Op {
	case syntax.OpLiteral:
		if re.Flags&syntax.FoldCase == 0 {
			return []string{string(re.Rune)}
		}
	case syntax.OpCapture, syntax.OpPlus:
		return required(re.Sub[0])
	case syntax.OpRepeat:
		if re.Min > 0 {
			return required(re.Sub[0])
		}
	case syntax.OpConcat:
		var best []string
		for _, sub := range re.Sub {
			if l := required(sub); shortest(l) > shortest(best) || shortest(l) == shortest(best) && len(l) < len(best) {
				best = l
			}
		}
		return best
	case syntax.OpAlternate:
		var all []string
		for _, sub := range re.Sub {
			l := required(sub)
			if l == nil {
				return nil
			}
			all = append(all, l...)
		}
		return all
	}
	return nil
}

// shortest is how long the shortest literal is, up to what is looked for; 0 for none.
func shortest(literals []string) int {
	if len(literals) == 0 {
		return 0
	}
	n := gram
	for _, l := range literals {
		n = min(n, len(l))
	}
	return n
}
