package house

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"secretaria/internal/hours"
	"secretaria/internal/portuguese"
)

// analysis is raised when the terms of the same text change, so that every index is made anew.
const analysis = "1"

// Passages are the house cut into what can be found: a passage for each row of a table, and
// for each piece of a page. The same house has the same passages.
func (h *House) Passages() []Passage {
	var out []Passage
	for _, f := range h.facts(newAnalyser(h.Synonyms)) {
		out = append(out, f.Passage)
	}
	return out
}

// fact is a passage with the terms of what names it, and of what it says.
type fact struct {
	Passage
	title, body []string
}

func (h *House) facts(a analyser) []fact {
	var out []fact
	for _, t := range h.Tables {
		s := schemas[t.Kind]
		for _, r := range t.Rows {
			title, text := s.tell(r, h.Language)
			f := fact{Passage: Passage{Kind: t.Kind, Title: title, Text: text, Source: r.Source}}
			if s.about != "" {
				f.title = append(f.title, s.about)
			}
			f.body = a.terms(s.days(r))
			out = append(out, f)
		}
	}
	for _, p := range h.Pages {
		for _, piece := range p.passages() {
			out = append(out, fact{Passage: piece})
		}
	}
	seen := map[string]int{}
	for i := range out {
		f := &out[i]
		f.Title, f.Text, f.Source = tidy(f.Title), tidy(f.Text), Source{File: tidy(f.Source.File), Line: f.Source.Line, Heading: tidy(f.Source.Heading)}
		f.ID = digest(string(f.Kind), f.Source.File, f.Title, f.Text)
		if seen[f.ID]++; seen[f.ID] > 1 {
			f.ID += "-" + strconv.Itoa(seen[f.ID])
		}
		f.title = append(f.title, a.terms(f.Title)...)
		f.body = append(f.body, a.terms(f.Text)...)
		// Twice what names the passage: an index knows no fields.
		f.Terms = strings.Join(slices.Concat(f.title, f.title, f.body), " ")
	}
	return out
}

// tidy makes text that every database takes.
func tidy(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "")
}

// Version names what the house says: another version says, or is found by, something else.
func (h *House) Version() string {
	return version(h.Passages())
}

func version(passages []Passage) string {
	parts := []string{analysis}
	for _, p := range passages {
		parts = append(parts, p.ID, p.Source.String(), p.Source.Heading, p.Terms)
	}
	return digest(parts...)
}

func digest(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%d:%s", len(p), p)
	}
	return hex.EncodeToString(h.Sum(nil)[:12])
}

// tell says a row in words that stand by themselves, in one line.
func (s schema) tell(r Row, language string) (title, text string) {
	values, _ := s.values(r)
	var names, facts, more []string
	for _, v := range values {
		said := strings.Join(strings.Fields(v.text), " ")
		switch {
		case v.titles:
			names = append(names, said)
			continue
		case v.form == days && s.hours(r) != "":
			continue // told with the hours
		case v.form == clock:
			said = s.opening(r, language)
		case v.form == money:
			said = withCurrency(said)
		}
		if v.label == "" {
			facts = append(facts, said)
		} else {
			more = append(more, v.label+": "+said)
		}
	}
	title = strings.Join(names, ", ")
	subject, mark := title, ": "
	if subject == "" {
		subject = s.label
	}
	if len(facts) == 0 {
		mark = ". "
	}
	told := strings.TrimRight(strings.Join(append(facts, more...), "; "), ".")
	if told == "" {
		mark = ""
	}
	return title, subject + mark + told + "."
}

// week are the hours of a row, where they can be read.
func (s schema) week(r Row) (hours.Hours, bool) {
	on, from := s.inColumn(r, days), s.hours(r)
	if from == "" {
		return hours.Hours{}, false
	}
	form := hours.Form{Week: from}
	if on != "" {
		form = hours.Form{ByDay: map[string]string{on: from}}
	}
	h, err := hours.Parse(form)
	return h, err == nil
}

// opening tells the hours of a row: "segunda a sexta, das 8h às 18h", or as they are written.
func (s schema) opening(r Row, language string) string {
	if h, ok := s.week(r); ok {
		if text := h.Text(language); text != "" {
			return text
		}
	}
	if on := s.inColumn(r, days); on != "" {
		return on + ": " + s.hours(r)
	}
	return s.hours(r)
}

// days names the days on which a row's hours are: whoever asks for a Thursday does not find
// "seg-sex".
func (s schema) days(r Row) string {
	h, ok := s.week(r)
	if !ok {
		return ""
	}
	var out []string
	for i, name := range []string{"domingo", "segunda", "terça", "quarta", "quinta", "sexta", "sábado"} {
		if len(h.Week[i]) > 0 {
			out = append(out, name)
		}
	}
	return strings.Join(out, " ")
}

func (s schema) hours(r Row) string { return s.inColumn(r, clock) }

// inColumn is what stands in the column of a form.
func (s schema) inColumn(r Row, f form) string {
	for _, key := range sortedKeys(r.Columns) {
		if c, ok := s.columnOf(key); ok && c.form == f {
			if text := strings.Join(strings.Fields(r.Columns[key]), " "); text != "" {
				return text
			}
		}
	}
	return ""
}

// withCurrency says of a bare number that it is money; other prices stay as they were written.
func withCurrency(text string) string {
	p, err := ParsePrice(text)
	folded := portuguese.Fold(text)
	if err != nil || p.Free || p.OnRequest || strings.Contains(folded, "r$") || strings.Contains(folded, "brl") || strings.Contains(folded, "reais") {
		return text
	}
	if strings.Trim(text, "0123456789.,") == "" {
		return p.String()
	}
	first := strings.IndexAny(text, "0123456789")
	return text[:first] + "R$ " + text[first:]
}
