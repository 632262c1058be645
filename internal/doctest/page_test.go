package doctest

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
)

// top is the root of the repository, seen from this package.
const top = "../.."

const (
	english    = "README.md"
	portuguese = "README.pt-BR.md"
)

// page is a Markdown file, read as far as these tests need it.
type page struct {
	name     string // from the top of the repository
	sections []section
}

// section is a heading with what follows it, up to the next heading. The first has level 0
// and no title.
type section struct {
	level  int
	title  string
	prose  []string // lines outside of fences
	blocks []block
	rows   [][]string // of all its tables, heads included, the line beneath the head left out
}

// block is a fenced block.
type block struct {
	lang  string
	lines []string
}

func (b block) text() string { return strings.Join(b.lines, "\n") + "\n" }

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(top, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

var headingLine = regexp.MustCompile(`^(#{1,6})\s+(.+?)\s*$`)

func open(t *testing.T, name string) *page {
	t.Helper()
	p := &page{name: name, sections: []section{{}}}
	var fence *block
	for line := range strings.Lines(read(t, name)) {
		line = strings.TrimRight(line, "\n")
		s := &p.sections[len(p.sections)-1]
		switch lang, isFence := strings.CutPrefix(strings.TrimSpace(line), "```"); {
		case isFence && fence == nil:
			fence = &block{lang: lang}
		case isFence:
			s.blocks = append(s.blocks, *fence)
			fence = nil
		case fence != nil:
			fence.lines = append(fence.lines, line)
		case headingLine.MatchString(line):
			m := headingLine.FindStringSubmatch(line)
			p.sections = append(p.sections, section{level: len(m[1]), title: m[2]})
		default:
			s.prose = append(s.prose, line)
			if cells, ok := row(line); ok {
				s.rows = append(s.rows, cells)
			}
		}
	}
	if fence != nil {
		t.Fatalf("%s: a fence is not closed", name)
	}
	return p
}

// row reads a line of a table.
func row(line string) ([]string, bool) {
	line = strings.TrimSpace(line)
	if !strings.HasPrefix(line, "|") || strings.Trim(line, "|-: ") == "" && strings.Contains(line, "---") {
		return nil, false
	}
	var cells []string
	for _, c := range strings.Split(strings.Trim(line, "|"), "|") {
		cells = append(cells, strings.TrimSpace(c))
	}
	return cells, true
}

// section returns the one with a title.
func (p *page) section(t *testing.T, title string) section {
	t.Helper()
	i := slices.IndexFunc(p.sections, func(s section) bool { return s.title == title })
	if i < 0 {
		t.Fatalf("%s has no section %q", p.name, title)
	}
	return p.sections[i]
}

// table returns the rows of the section's table whose first head is given, without the head.
func (s section) table(t *testing.T, head string) [][]string {
	t.Helper()
	i := slices.IndexFunc(s.rows, func(r []string) bool { return r[0] == head })
	if i < 0 {
		t.Fatalf("section %q has no table of %q", s.title, head)
	}
	return s.rows[i+1:]
}

var codeSpan = regexp.MustCompile("`([^`]+)`")

// spans are the pieces of inline code in a text, in order.
func spans(text string) []string {
	var out []string
	for _, m := range codeSpan.FindAllStringSubmatch(text, -1) {
		out = append(out, m[1])
	}
	return out
}

var linkForm = regexp.MustCompile(`\]\(([^)\s]+)\)`)

// links are the targets of the section's links, in order.
func (s section) links() []string {
	var out []string
	for _, m := range linkForm.FindAllStringSubmatch(strings.Join(s.prose, "\n"), -1) {
		out = append(out, m[1])
	}
	return out
}

// slug is the anchor that a heading gets on the usual hosts.
func slug(title string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsLetter(r), unicode.IsDigit(r), r == '-', r == '_':
			return unicode.ToLower(r)
		case r == ' ':
			return '-'
		}
		return -1
	}, title)
}

// pages are all Markdown files for people.
func pages(t *testing.T) []*page {
	t.Helper()
	var out []*page
	for _, pattern := range []string{"*.md", "docs/*.md", "docs/*/*.md"} {
		found, err := filepath.Glob(filepath.Join(top, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range found {
			name, err := filepath.Rel(top, path)
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, open(t, filepath.ToSlash(name)))
		}
	}
	if len(out) < 10 {
		t.Fatalf("only %d pages found", len(out))
	}
	return out
}

// code is everything that is set as code for a reader to type or to recognise: lines of
// shell blocks without comments, and inline code.
func (p *page) code() []string {
	var out []string
	for _, s := range p.sections {
		for _, b := range s.blocks {
			if b.lang == "sh" {
				out = append(out, b.commands()...)
			}
		}
		out = append(out, spans(strings.Join(s.prose, "\n"))...)
	}
	return out
}

// commands are a block's lines without comments and empty lines.
func (b block) commands() []string {
	var out []string
	for _, line := range b.lines {
		line = strings.TrimSpace(line)
		if line != "" && !strings.HasPrefix(line, "#") {
			out = append(out, line)
		}
	}
	return out
}
