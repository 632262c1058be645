package house

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"secretaria/internal/hours"
	"secretaria/internal/invalid"
	"secretaria/internal/phone"
	"secretaria/internal/portuguese"
	"secretaria/internal/slot"
)

// The bounds of a house.
const (
	maxRows    = 5000    // of all tables
	maxValue   = 4000    // characters of a value
	maxPage    = 1 << 20 // bytes
	maxGroups  = 500     // of synonyms
	maxGroup   = 30      // words of one
	maxPhrase  = 3       // words of a synonym
	maxColumns = 30
)

// Validate checks everything that a house says of itself. Errors are fields: those of a
// table's rows under "tables[0]", the rest under "pages" and "synonyms". Whoever has a table
// in a file of its own may check it by its own Validate, and the rest by Check.
func (h *House) Validate() error {
	var errs []error
	for i, t := range h.Tables {
		errs = append(errs, invalid.Under("tables["+strconv.Itoa(i)+"]", t.Validate()))
	}
	return errors.Join(append(errs, h.Check())...)
}

// Check checks what concerns the house as a whole: rows that two tables have, pages, synonyms.
func (h *House) Check() error {
	var errs []error
	seen := map[TableKind]map[string]Source{}
	rows := 0
	for i, t := range h.Tables {
		if seen[t.Kind] == nil {
			seen[t.Kind] = map[string]Source{}
		}
		own := map[string]bool{}
		rows += len(t.Rows)
		for j, r := range t.Rows {
			key := t.Kind.key(r)
			if key == "" || own[key] {
				continue // told by the table itself
			}
			own[key] = true
			if first, ok := seen[t.Kind][key]; ok {
				errs = append(errs, invalid.At(fmt.Sprintf("tables[%d][%d]", i, j), "is in %s already: keep one of the two", first))
				continue
			}
			seen[t.Kind][key] = r.Source
		}
	}
	if rows > maxRows {
		errs = append(errs, invalid.At("tables", "have %d rows, at most %d are taken: put long lists into pages", rows, maxRows))
	}
	for i, p := range h.Pages {
		path := "pages[" + strconv.Itoa(i) + "]"
		switch {
		case strings.TrimSpace(p.Text) == "":
			errs = append(errs, invalid.At(path, "is empty: write something into it or leave it out"))
		case len(p.Text) > maxPage:
			errs = append(errs, invalid.At(path, "has %d bytes, at most %d are taken: part it into several pages", len(p.Text), maxPage))
		case !utf8.ValidString(p.Text):
			errs = append(errs, invalid.At(path, "is no UTF-8 text: save it as UTF-8"))
		}
	}
	return errors.Join(append(errs, checkSynonyms(h.Synonyms))...)
}

func checkSynonyms(groups [][]string) error {
	var errs []error
	if len(groups) > maxGroups {
		errs = append(errs, invalid.At("synonyms", "has %d groups, at most %d are taken", len(groups), maxGroups))
	}
	seen := map[string]int{}
	for i, group := range groups {
		path := "synonyms[" + strconv.Itoa(i) + "]"
		if len(group) < 2 || len(group) > maxGroup {
			errs = append(errs, invalid.At(path, "wants two words or more (at most %d) that mean the same: [consulta, atendimento]", maxGroup))
		}
		for j, text := range group {
			at := path + "[" + strconv.Itoa(j) + "]"
			stems := phrase(text)
			switch n := len(strings.Fields(stems)); {
			case n == 0:
				errs = append(errs, invalid.At(at, "has no letters"))
			case n > maxPhrase:
				errs = append(errs, invalid.At(at, "has %d words, at most %d are taken", n, maxPhrase))
			default:
				if k, ok := seen[stems]; ok && k != i {
					errs = append(errs, invalid.At(at, "is in synonyms[%d] already: put the two groups together", k))
				}
				seen[stems] = i
			}
		}
	}
	return errors.Join(errs...)
}

// Validate checks a table by itself. Errors are fields under "[2].price", with the column as
// the file calls it.
func (t Table) Validate() error {
	s, ok := schemas[t.Kind]
	if !ok {
		return invalid.At("", "%q is no kind of table: use one of %s", string(t.Kind), kindList())
	}
	var errs []error
	if len(t.Rows) == 0 {
		errs = append(errs, invalid.At("", "has no rows: write some or leave the table out"))
	}
	first := map[string]int{}
	for i, r := range t.Rows {
		at := "[" + strconv.Itoa(i) + "]"
		errs = append(errs, invalid.Under(at, s.check(r)))
		if key := t.Kind.key(r); key != "" {
			if j, ok := first[key]; ok {
				errs = append(errs, invalid.At(at, "is the same as row %d: keep one of the two", j+1))
			} else {
				first[key] = i
			}
		}
	}
	return errors.Join(errs...)
}

func kindList() string {
	var names []string
	for _, k := range Kinds() {
		names = append(names, string(k))
	}
	return strings.Join(names, ", ")
}

// key is what no two rows of a kind may have in common; "" for a row without a name.
func (k TableKind) key(r Row) string {
	values, _ := schemas[k].values(r)
	var parts []string
	for _, v := range values {
		if v.unique {
			parts = append(parts, v.name+"="+strings.Join(strings.Fields(portuguese.Fold(v.text)), " "))
		}
	}
	return strings.Join(parts, "\n")
}

func (s schema) check(r Row) error {
	var errs []error
	values, unknown := s.values(r)
	for _, key := range unknown {
		hint := "put it into notes"
		if near := s.nearest(key); near != "" {
			hint = "did you mean " + near + "?"
		}
		errs = append(errs, invalid.At(key, "is no column of this table: %s", hint))
	}
	have := map[string]string{}
	for _, v := range values {
		if other, ok := have[v.name]; ok {
			errs = append(errs, invalid.At(v.key, "means the same as %s: keep one of the two", other))
			continue
		}
		have[v.name] = v.key
		if text := s.checkValue(v, r); text != "" {
			errs = append(errs, invalid.At(v.key, "%s", text))
		}
	}
	if len(r.Columns) > maxColumns {
		errs = append(errs, invalid.At("", "has %d columns, at most %d are taken", len(r.Columns), maxColumns))
	}
	for _, c := range s.columns {
		if _, ok := have[c.name]; c.required && !ok {
			names := c.name
			if len(c.names) > 0 {
				names += " (or " + c.names[0] + ")"
			}
			errs = append(errs, invalid.At("", "has no %s: write one", names))
		}
	}
	return errors.Join(errs...)
}

var (
	cep = regexp.MustCompile(`^[0-9]{5}-?[0-9]{3}$`)
	// Numbers of services have no area code: 0800 123 4567, 4004-1234, 192.
	serviceNumber = regexp.MustCompile(`^(0[3589]00[0-9]{6,7}|[34]00[0-9]{5}|1[0-9]{2})$`)
)

// checkValue says what is wrong with a value, "" for nothing.
func (s schema) checkValue(v value, r Row) string {
	if n := utf8.RuneCountInString(v.text); n > maxValue {
		return fmt.Sprintf("has %d characters, at most %d are taken: put long texts into a page", n, maxValue)
	}
	switch v.form {
	case money:
		if _, err := ParsePrice(v.text); err != nil {
			return err.Error()
		}
	case web:
		u, err := url.Parse(v.text)
		if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || strings.ContainsAny(v.text, " \t\n<>\"") {
			return `is no address of the web: write it whole, "https://example.com/page"`
		}
	case telephone:
		if !isPhone(v.text) {
			return `is no phone number: write it with its area code, "(11) 91234-5678"`
		}
	case mail:
		if _, err := slot.Parse(slot.Email, v.text, time.Time{}); err != nil {
			return `is no e-mail address: write one, "contato@example.com"`
		}
	case postcode:
		if !cep.MatchString(v.text) {
			return `is no CEP: write eight figures, "01310-100"`
		}
	case clock:
		return checkHours(s.inColumn(r, days), v.text)
	}
	return ""
}

// checkHours takes hours with their days, or the hours alone, which then hold for every day
// that the row means.
func checkHours(days, text string) string {
	form := hours.Form{Week: text}
	if days != "" {
		form = hours.Form{ByDay: map[string]string{days: text}}
	} else if _, err := hours.ParseSpans(text); err == nil {
		return ""
	}
	if _, err := hours.Parse(form); err != nil {
		return invalid.Fields(err)[0].Text
	}
	return ""
}

func isPhone(text string) bool {
	if _, ok := phone.Canonical(text, "55"); ok {
		return true
	}
	digits := strings.Map(func(r rune) rune {
		switch {
		case r >= '0' && r <= '9':
			return r
		case strings.ContainsRune(" -.()", r):
			return -1
		}
		return 'x'
	}, text)
	return serviceNumber.MatchString(digits)
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
