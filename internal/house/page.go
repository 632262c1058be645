package house

import (
	"path"
	"sort"
	"strings"
	"unicode"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	tables "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// The size of a piece of a page, in words. A piece never crosses a heading, so a short section
// is a short piece.
const (
	enough = 80
	most   = 200
)

// piece is a block of a page.
type piece struct {
	text string
	line int
}

// passages cuts a page at its headings and paragraphs. A table becomes lines that stand by
// themselves: each cell with its column's name.
func (p Page) passages() []Passage {
	src := []byte(strings.ReplaceAll(tidy(p.Text), "\r\n", "\n"))
	doc := goldmark.New(goldmark.WithExtensions(extension.Table)).Parser().Parse(text.NewReader(src))
	r := reader{src: src, first: max(p.Source.Line, 1)}
	for i, b := range src {
		if b == '\n' {
			r.ends = append(r.ends, i)
		}
	}
	name := p.title()
	var out []Passage
	var heads []string // by level
	var section []piece
	flush := func() {
		for _, s := range pack(section) {
			source := p.Source
			source.Line, source.Heading = s.line, chain(heads)
			title := source.Heading
			if len(heads) == 0 || heads[0] == "" {
				title = chain([]string{name, title}) // no heading names the page
			}
			out = append(out, Passage{Title: title, Text: s.text, Source: source})
		}
		section = nil
	}
	for n := doc.FirstChild(); n != nil; n = n.NextSibling() {
		if h, ok := n.(*ast.Heading); ok {
			flush()
			heads = append(heads[:min(len(heads), h.Level-1)], make([]string, max(0, h.Level-1-len(heads)))...)
			heads = append(heads, r.plain(h))
			continue
		}
		section = append(section, r.blocks(n)...)
	}
	flush()
	return out
}

// title is what a page is called.
func (p Page) title() string {
	if p.Name != "" {
		return p.Name
	}
	base := path.Base(strings.ReplaceAll(p.Source.File, `\`, "/"))
	return strings.NewReplacer("-", " ", "_", " ").Replace(strings.TrimSuffix(base, path.Ext(base)))
}

func chain(heads []string) string {
	var out []string
	for _, h := range heads {
		if h != "" {
			out = append(out, h)
		}
	}
	return strings.Join(out, " > ")
}

// reader takes texts out of a page.
type reader struct {
	src   []byte
	ends  []int // offsets of line ends
	first int   // number of the first line
}

// lineAt is the index of the line that an offset is in.
func (r *reader) lineAt(offset int) int { return sort.SearchInts(r.ends, offset) }

// starts is the offset where a line begins.
func (r *reader) starts(line int) int {
	if line == 0 {
		return 0
	}
	if line > len(r.ends) {
		return len(r.src)
	}
	return r.ends[line-1] + 1
}

// span is where a block's own text begins and ends; found is false for a block without any.
func (r *reader) span(n ast.Node) (from, to int, found bool) {
	from, to = len(r.src), 0
	_ = ast.Walk(n, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if entering && n.Type() == ast.TypeBlock {
			for i := range n.Lines().Len() {
				s := n.Lines().At(i)
				from, to, found = min(from, s.Start), max(to, s.Stop), true
			}
		}
		return ast.WalkContinue, nil
	})
	return from, to, found
}

// blocks are the pieces of a block: a list has one for each item, a table one for each row.
func (r *reader) blocks(n ast.Node) []piece {
	switch n := n.(type) {
	case *ast.HTMLBlock, *ast.ThematicBreak:
		return nil // a comment of whoever wrote the page
	case *tables.Table:
		return r.table(n)
	case *ast.List:
		var out []piece
		for item := n.FirstChild(); item != nil; item = item.NextSibling() {
			out = append(out, r.raw(item)...)
		}
		return out
	}
	return r.raw(n)
}

// raw is a block as it is written, from the beginning of its first line to the end of its last.
func (r *reader) raw(n ast.Node) []piece {
	from, to, found := r.span(n)
	if !found {
		return nil
	}
	first, last := r.lineAt(from), r.lineAt(max(from, to-1))
	written := strings.Trim(string(r.src[r.starts(first):r.starts(last+1)]), "\n")
	if strings.TrimSpace(written) == "" {
		return nil
	}
	return split(piece{text: strings.TrimRightFunc(written, unicode.IsSpace), line: r.first + first})
}

func (r *reader) table(n *tables.Table) []piece {
	var names []string
	var out []piece
	for row := n.FirstChild(); row != nil; row = row.NextSibling() {
		var cells []string
		for cell := row.FirstChild(); cell != nil; cell = cell.NextSibling() {
			cells = append(cells, r.plain(cell))
		}
		if _, ok := row.(*tables.TableHeader); ok {
			names = cells
			continue
		}
		var said []string
		for i, c := range cells {
			if c == "" {
				continue
			}
			if i > 0 && i < len(names) && names[i] != "" {
				c = names[i] + ": " + c
			}
			said = append(said, c)
		}
		from, _, found := r.span(row)
		if len(said) > 0 && found {
			out = append(out, piece{text: "- " + strings.Join(said, "; "), line: r.first + r.lineAt(from)})
		}
	}
	return out
}

// plain is a block's text without marks.
func (r *reader) plain(n ast.Node) string {
	var b strings.Builder
	_ = ast.Walk(n, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.Text:
			b.Write(n.Segment.Value(r.src))
			if n.SoftLineBreak() || n.HardLineBreak() {
				b.WriteByte(' ')
			}
		case *ast.String:
			b.Write(n.Value)
		case *ast.AutoLink:
			b.Write(n.URL(r.src))
		}
		return ast.WalkContinue, nil
	})
	return strings.Join(strings.Fields(string(util.UnescapePunctuations([]byte(b.String())))), " ")
}

// pack puts neighbouring pieces together until they are enough.
func pack(pieces []piece) []piece {
	var out []piece
	size := most
	for _, p := range pieces {
		n := len(strings.Fields(p.text))
		if size >= enough || size+n > most {
			out = append(out, p)
			size = n
			continue
		}
		last := &out[len(out)-1]
		last.text += "\n" + p.text
		size += n
	}
	return out
}

// split parts a piece that is too long at the ends of its sentences, and where there are none
// at a word.
func split(p piece) []piece {
	var out []piece
	words, from, good, goodWords := 0, 0, 0, 0
	line := p.line
	cut := func(to int) {
		if t := strings.TrimSpace(p.text[from:to]); t != "" {
			lead := len(p.text[from:to]) - len(strings.TrimLeftFunc(p.text[from:to], unicode.IsSpace))
			out = append(out, piece{text: t, line: line + strings.Count(p.text[from:from+lead], "\n")})
		}
		line += strings.Count(p.text[from:to], "\n")
		from, good = to, 0
	}
	blank := true
	for i, r := range p.text {
		space := unicode.IsSpace(r)
		if blank && !space {
			if words == most {
				if good > from {
					words -= goodWords
					cut(good)
				} else {
					words = 0
					cut(i)
				}
			}
			words++
		}
		if !blank && space && (r == '\n' || strings.ContainsRune(".!?;", rune(p.text[i-1]))) {
			good, goodWords = i, words
		}
		blank = space
	}
	cut(len(p.text))
	return out
}
