package bench

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// report prints tables as Markdown when they are ready and puts them into the page, where
// there is one.
type report struct {
	out      io.Writer
	page     string
	verdicts [][]string
}

// table is one table of figures with what is to be known about it.
type table struct {
	title, note string
	head        []string
	rows        [][]string
}

func (t *table) row(cells ...string) { t.rows = append(t.rows, cells) }

// String is the table in Markdown, its columns aligned for those who read it in a terminal.
func (t table) String() string {
	width := make([]int, len(t.head))
	for _, r := range append([][]string{t.head}, t.rows...) {
		for i, c := range r {
			width[i] = max(width[i], utf8.RuneCountInString(c))
		}
	}
	var out strings.Builder
	line := func(cells []string) {
		out.WriteByte('|')
		for i, c := range cells {
			out.WriteString(" " + c + strings.Repeat(" ", width[i]-utf8.RuneCountInString(c)) + " |")
		}
		out.WriteByte('\n')
	}
	if t.title != "" {
		out.WriteString("### " + t.title + "\n\n")
	}
	if t.note != "" {
		out.WriteString(t.note + "\n\n")
	}
	line(t.head)
	out.WriteByte('|')
	for _, w := range width {
		out.WriteString(strings.Repeat("-", w+2) + "|")
	}
	out.WriteByte('\n')
	for _, r := range t.rows {
		line(r)
	}
	return out.String()
}

// add prints tables, and puts them into their section's place in the page.
func (r *report) add(section string, tables ...table) error {
	var text strings.Builder
	for _, t := range tables {
		text.WriteString(t.String() + "\n")
	}
	if busy, ok := elsewhere.take(); ok {
		fmt.Fprintf(&text, "What else ran on the machine used %s of its processors while this was measured.\n\n", percent(busy))
	}
	fmt.Fprint(r.out, text.String())
	if r.page == "" {
		return nil
	}
	page, err := os.ReadFile(r.page)
	if err != nil {
		return err
	}
	changed, err := replaced(string(page), section, text.String())
	if err != nil {
		return fmt.Errorf("%s: %w", r.page, err)
	}
	return os.WriteFile(r.page, []byte(changed), 0o644)
}

// replaced is the page with a section's text between its marks.
func replaced(page, section, text string) (string, error) {
	open, shut := "<!-- bench:"+section+" -->\n", "<!-- /bench:"+section+" -->"
	before, rest, ok1 := strings.Cut(page, open)
	_, after, ok2 := strings.Cut(rest, shut)
	if !ok1 || !ok2 {
		return "", fmt.Errorf("no place for %s: want %q and %q", section, open, shut)
	}
	return before + open + "\n" + text + shut + after, nil
}

// judge compares a figure with its target and says so in a few words; it is no assertion.
func (r *report) judge(what string, got float64, least bool, want float64, format func(float64) string) string {
	sign, ok := "≤", got <= want
	if least {
		sign, ok = "≥", got >= want
	}
	verdict := "**missed**"
	if ok {
		verdict = "ok"
	}
	r.verdicts = append(r.verdicts, []string{what, format(got), sign + " " + format(want), verdict})
	return sign + " " + format(want) + " " + verdict
}

// end prints all targets of the run together; the page keeps those of whole runs only.
func (r *report) end(whole bool, took time.Duration) error {
	t := table{note: fmt.Sprintf("All targets of the run, by its medians. It took %s.", took.Round(time.Second)), head: []string{"figure", "measured", "target", ""}, rows: r.verdicts}
	if !whole {
		fmt.Fprintln(r.out, t.String())
		return nil
	}
	return r.add("targets", t)
}

func median(v []float64) float64 {
	s := slices.Sorted(slices.Values(v))
	if len(s) == 0 {
		return 0
	}
	return (s[(len(s)-1)/2] + s[len(s)/2]) / 2
}

// spread is the median of the rounds and, in brackets, the least and the most.
func spread(v []float64, format func(float64) string) string {
	if len(v) == 0 {
		return "–"
	}
	middle, least, most := format(median(v)), format(slices.Min(v)), format(slices.Max(v))
	if least == most {
		return middle
	}
	return middle + " (" + least + "–" + most + ")"
}

// whole writes thousands apart: 12,345.
func whole(v float64) string {
	s := strconv.FormatFloat(v, 'f', 0, 64)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func fixed(digits int, unit string) func(float64) string {
	return func(v float64) string { return strconv.FormatFloat(v, 'f', digits, 64) + unit }
}

func ms(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e6 }

// sample is what one round of one cell came to.
type sample struct {
	rate, p50, p99 float64 // a second; ms
	ours, db, load float64 // ms of processor for each: the product, the database server, generator and peers
	memory         float64 // MiB at the highest, of the largest of our processes
	refused        float64
}

// cell is one line of a table, measured once in each round.
type cell struct {
	name    []string
	measure func() sample
	samples []sample
}

// interleave measures all cells, then all of them again, so that what the machine does
// besides falls on all of them alike.
func interleave(b *testing.B, rounds int, cells []*cell) {
	for range rounds {
		for _, c := range cells {
			if b.Failed() {
				return
			}
			c.samples = append(c.samples, c.measure())
		}
	}
}

func (c *cell) of(get func(sample) float64) []float64 {
	out := make([]float64, len(c.samples))
	for i, s := range c.samples {
		out[i] = get(s)
	}
	return out
}

func rate(s sample) float64   { return s.rate }
func p50(s sample) float64    { return s.p50 }
func p99(s sample) float64    { return s.p99 }
func ours(s sample) float64   { return s.ours }
func db(s sample) float64     { return s.db }
func gen(s sample) float64    { return s.load }
func memory(s sample) float64 { return s.memory }

// share is how a figure compares with that of another cell in the same rounds.
func (c *cell) share(of *cell, get func(sample) float64) []float64 {
	var out []float64
	for i := range min(len(c.samples), len(of.samples)) {
		out = append(out, get(c.samples[i])/max(get(of.samples[i]), 1e-9))
	}
	return out
}

var loadHead = []string{"a second", "p50 ms", "p99 ms", "CPU ms each: ours", "database", "generator", "memory MB"}

// figures are a cell's columns under loadHead.
func (c *cell) figures() []string {
	if refused := median(c.of(func(s sample) float64 { return s.refused })); refused > 0 {
		c.name[len(c.name)-1] += fmt.Sprintf(" (%s refused)", whole(refused))
	}
	out := slices.Clone(c.name)
	for _, f := range []struct {
		get    func(sample) float64
		format func(float64) string
	}{{rate, whole}, {p50, fixed(1, "")}, {p99, fixed(1, "")}, {ours, fixed(2, "")}, {db, fixed(2, "")}, {gen, fixed(2, "")}, {memory, fixed(0, "")}} {
		v := c.of(f.get)
		if slices.Max(append(v, 0)) == 0 {
			out = append(out, "–")
			continue
		}
		out = append(out, spread(v, f.format))
	}
	return out
}

func percent(v float64) string { return fixed(0, " %")(100 * v) }

func TestReplaced(t *testing.T) {
	t.Parallel()
	const page = "# A\n<!-- bench:a -->\nold\n<!-- /bench:a -->\nbetween\n<!-- bench:b -->\n<!-- /bench:b -->\nend\n"
	got, err := replaced(page, "b", "new\n")
	if want := strings.Replace(page, "bench:b -->\n", "bench:b -->\n\nnew\n", 1); err != nil || got != want {
		t.Errorf("replaced(b) = %q, %v, want %q", got, err, want)
	}
	again, err := replaced(got, "b", "new\n")
	if err != nil || again != got {
		t.Errorf("replaced twice = %q, %v, want %q", again, err, got)
	}
	if _, err := replaced(page, "c", "new\n"); err == nil {
		t.Error("replaced(c) = nil error, want one: there is no such place")
	}
}

func TestSpread(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		in   []float64
		want string
	}{{nil, "–"}, {[]float64{1234}, "1,234"}, {[]float64{3, 1, 1200000}, "3 (1–1,200,000)"}, {[]float64{2, 4}, "3 (2–4)"}} {
		if got := spread(c.in, whole); got != c.want {
			t.Errorf("spread(%v) = %q, want %q", c.in, got, c.want)
		}
	}
}

func TestJudge(t *testing.T) {
	t.Parallel()
	r := &report{}
	for _, c := range []struct {
		got   float64
		least bool
		want  string
	}{{5, true, "≥ 6 **missed**"}, {6, true, "≥ 6 ok"}, {5, false, "≤ 6 ok"}, {7, false, "≤ 6 **missed**"}} {
		if got := r.judge("it", c.got, c.least, 6, whole); got != c.want {
			t.Errorf("judge(%v, %v) = %q, want %q", c.got, c.least, got, c.want)
		}
	}
	if len(r.verdicts) != 4 {
		t.Errorf("%d verdicts are kept, want 4", len(r.verdicts))
	}
}

// machine says what the figures are of.
func machine(b *testing.B, p plan) table {
	b.Helper()
	t := table{head: []string{"", ""}}
	line := func(path, key string) string {
		raw, _ := os.ReadFile(path)
		for l := range strings.Lines(string(raw)) {
			if name, v, ok := strings.Cut(l, ":"); ok && strings.TrimSpace(name) == key {
				return strings.TrimSpace(v)
			}
		}
		return "unknown"
	}
	kernel, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	t.row("date", time.Now().UTC().Format("2006-01-02 15:04 UTC")+", plan "+p.name+", commit "+cmp.Or(revision(), "unknown"))
	t.row("processor", line("/proc/cpuinfo", "model name")+", "+cores())
	t.row("memory", line("/proc/meminfo", "MemTotal"))
	t.row("kernel", strings.TrimSpace(string(kernel)))
	t.row("Go", goVersion())
	t.row("PostgreSQL", postgresVersion(b))
	if load, err := os.ReadFile("/proc/loadavg"); err == nil {
		t.row("load average before", strings.Join(strings.Fields(string(load))[:3], ", "))
	}
	syncs := syncTimes(b)
	t.row("8 KB written and synced", fmt.Sprintf("p50 %.2f ms, p99 %.2f ms", syncs.p50, syncs.p99))
	return t
}
