package slot

import (
	_ "embed"
	"strings"
	"sync"
)

var (
	//go:embed lexicon/first_names.txt
	firstNamesText string
	//go:embed lexicon/roles.txt
	rolesText string
	//go:embed lexicon/companies.txt
	companiesText string
	//go:embed lexicon/people.txt
	peopleText string
	//go:embed lexicon/things.txt
	thingsText string
	//go:embed lexicon/common.txt
	commonText string
	//go:embed lexicon/tools.txt
	toolsText string
)

// lexicon holds word lists, folded: no accents, lower case. They are for telling words
// apart, not for knowing all: a name that is not listed is read all the same where a name is
// asked for.
type lexicon struct {
	firstNames, roles, companies, people, things, common, tools map[string]bool
}

var words = sync.OnceValue(func() *lexicon {
	return &lexicon{
		firstNames: set(firstNamesText),
		roles:      set(rolesText),
		companies:  set(companiesText),
		people:     set(peopleText),
		things:     set(thingsText),
		common:     set(commonText),
		tools:      set(toolsText),
	}
})

func set(text string) map[string]bool {
	fields := strings.Fields(text)
	m := make(map[string]bool, len(fields))
	for _, w := range fields {
		m[w] = true
	}
	return m
}

// anyOf says whether w is one of the list.
func anyOf(w string, list ...string) bool {
	for _, s := range list {
		if s == w {
			return true
		}
	}
	return false
}
