package gate_test

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"secretaria/internal/gate"
)

var figure = regexp.MustCompile(`\d+`)

// What is found in every answer of the corpus after something small was changed, in it or in what
// it is compared with, is written down in short: a bound that moves, or a condition that is left
// out, shows somewhere. Behind the place of a turn stands one word for each change, in the order
// of changed; "-" is nothing found, and equal words in a row are counted.
//
// There are three of these tests, with a third each: a test that takes long is not asked about
// broken versions of the gate.
func TestFindingsBeside(t *testing.T) { beside(t, 0) }

func TestFindingsBesideSecond(t *testing.T) { beside(t, 1) }

func TestFindingsBesideThird(t *testing.T) { beside(t, 2) }

func beside(t *testing.T, third int) {
	pure(t)
	t.Parallel()
	rec := recorded(t, fmt.Sprintf("testdata/findings-beside-%d.txt", third+1))
	houses := map[string]*gate.House{}
	for i, e := range corpus(t) {
		if i%3 != third {
			continue
		}
		if houses[e.file] == nil {
			houses[e.file] = gate.Prepare(e.ctx.Grounds.House)
		}
		var words []string
		last, times := "", 0
		flush := func() {
			if times > 1 {
				last += "×" + strconv.Itoa(times)
			}
			if times > 0 {
				words = append(words, last)
			}
			times = 0
		}
		changed(e, houses[e.file], func(text string, c *gate.Context) {
			if w := inShort(text, c); w != last || times == 0 {
				flush()
				last, times = w, 1
			} else {
				times++
			}
		})
		flush()
		rec.line("%s:%d %s", e.file, e.line, strings.Join(words, " "))
	}
	rec.end()
}

// inShort is the kind and the reason of each finding, and where it begins.
func inShort(text string, c *gate.Context) string {
	var b strings.Builder
	for _, f := range gate.Check(text, c).Findings {
		why := string(f.Why[:1])
		if f.Why == gate.Contradicted {
			why = "x"
		}
		fmt.Fprintf(&b, "%s%s%d", string(f.Kind)[:2], why, f.From)
	}
	if b.Len() == 0 {
		return "-"
	}
	return b.String()
}

// changed calls f with a turn after each change.
func changed(e example, prepared *gate.House, f func(string, *gate.Context)) {
	base := e.ctx
	base.Grounds.House, base.Grounds.Prepared = nil, prepared
	house := strings.Join(e.ctx.Grounds.House, "\n")
	told := figure.FindAllString(house, -1)
	for n, at := range figure.FindAllStringIndex(e.answer, 4) {
		number := e.answer[at[0]:at[1]]
		with := func(s string) string { return e.answer[:at[0]] + s + e.answer[at[1]:] }
		f(with(add(number, 1)), &base)
		if n == 0 {
			f(with(add(number, -1)), &base)
		}
		// Another figure of the house, as long as this one.
		if i := slices.IndexFunc(told, func(s string) bool { return len(s) == len(number) && s != number }); i >= 0 {
			f(with(told[i]), &base)
		}
	}
	f(strings.TrimRight(e.answer, ".!? ")+"?", &base)
	f("Você disse que "+e.answer, &base)
	f("Não temos: "+e.answer, &base)
	f(strings.ReplaceAll(e.answer, "R$ ", ""), &base)
	f(strings.NewReplacer(", ", ". ", "; ", ". ").Replace(e.answer), &base)
	f(strings.NewReplacer(". ", ", ", "! ", ", ", "? ", ", ").Replace(e.answer), &base)

	other := base
	other.Grounds.Customer = nil
	f(e.answer, &other)
	other = base
	other.Grounds.Tools, other.Grounds.Said, other.Grounds.Done = nil, nil, nil
	f(e.answer, &other)
	other = base
	other.Grounds.Now = base.Grounds.Now.AddDate(0, 0, 1)
	f(e.answer, &other)
	other = base
	other.Grounds.Now = base.Grounds.Now.AddDate(0, 1, 0).Add(-5 * 60 * 60 * 1e9)
	f(e.answer, &other)

	other = base
	other.Grounds.Now = base.Grounds.Now.AddDate(0, 0, 91)
	f(e.answer, &other)

	// One number of the house is another.
	all := figure.FindAllStringIndex(house, -1)
	if len(all) > 0 {
		at := all[e.line%len(all)]
		other = e.ctx
		other.Grounds.House = strings.Split(house[:at[0]]+add(house[at[0]:at[1]], 1)+house[at[1]:], "\n")
		f(e.answer, &other)
	}
}

// add adds to a number as it is written, with as many digits.
func add(number string, n int) string {
	i, err := strconv.Atoi(number)
	if err != nil || i+n < 0 {
		return number + "1"
	}
	return fmt.Sprintf("%0*d", len(number), i+n)
}

var price = regexp.MustCompile(`R\$ \d+(?:\.\d{3})*(?:,\d\d)?`)

// Where a good answer tells one price of the house, every other price of the house in its place is
// that of something else. One in ten may pass: where nothing says what the price is of, or where
// it is what follows from another by reckoning.
func TestSwapped(t *testing.T) {
	pure(t)
	t.Parallel()
	tried, passed := 0, 0
	for _, e := range append(corpus(t), cold(t)...) {
		at := price.FindAllStringIndex(e.answer, -1)
		if len(e.bad) > 0 || len(at) != 1 || !gate.Check(e.answer, &e.ctx).Pass() {
			continue
		}
		house := strings.Join(e.ctx.Grounds.House, "\n")
		own := e.answer[at[0][0]:at[0][1]]
		if !strings.Contains(house, own) {
			continue
		}
		seen := map[string]bool{strings.TrimSuffix(own, ",00"): true}
		for _, other := range price.FindAllString(house, -1) {
			plain := strings.TrimSuffix(other, ",00")
			if seen[plain] || strings.Contains(strings.Join(e.ctx.Grounds.Customer, " "), plain[len("R$ "):]) {
				continue
			}
			seen[plain] = true
			tried++
			if text := e.answer[:at[0][0]] + other + e.answer[at[0][1]:]; gate.Check(text, &e.ctx).Pass() {
				passed++
				t.Logf("%s:%d: %q passes", e.file, e.line, text)
			}
		}
	}
	t.Logf("%d of %d prices of something else pass", passed, tried)
	if tried < 500 || passed*10 > tried {
		t.Errorf("%d of %d prices of something else pass, want at most one in ten of 500", passed, tried)
	}
}
