package render

import (
	"bytes"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	east "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// maxParsed is the longest text that is parsed, in bytes. It is far above a bubble's size
// and keeps the parser's worst cases, which grow with the square, below half a second.
// Beyond it text passes as it is.
const maxParsed = 16 << 10

// WhatsApp renders CommonMark, with GFM's strikethrough and tables, as a WhatsApp message
// for Whaticket: *bold*, _italic_, ~strike~, code, "> " quotes, "- " and "1. " lists,
// headings as bold lines, a link as "text (address)". Line breaks stay where they were
// written. The result cannot act as a Mustache template and never begins with U+200E.
// It is "" when nothing readable is left, which must not be sent.
//
// Three things of CommonMark are left out because in a chat they are accidents that cost
// words: code by indentation, headings by underlining (a rule under a line is a rule), and
// link definitions. HTML elements are dropped and their text kept; what only looks like an
// element, "<seu nome>", is text.
func WhatsApp(markdown string) string {
	src := clean(markdown)
	if len(src) > maxParsed {
		return noMustache(strings.TrimSpace(src))
	}
	r := renderer{src: []byte(src)}
	doc := chat.Parse(text.NewReader(r.src))
	out := clean(settle(r.blocks(doc)))
	return noMustache(strings.Trim(out, " \t\n"))
}

// chat is the parser; it is safe for concurrent use and never changes.
var chat = parser.NewParser(
	parser.WithBlockParsers(
		util.Prioritized(parser.NewThematicBreakParser(), 200),
		util.Prioritized(parser.NewListParser(), 300),
		util.Prioritized(parser.NewListItemParser(), 400),
		util.Prioritized(parser.NewATXHeadingParser(), 600),
		util.Prioritized(parser.NewFencedCodeBlockParser(), 700),
		util.Prioritized(parser.NewBlockquoteParser(), 800),
		util.Prioritized(paragraph{parser.NewParagraphParser()}, 1000),
	),
	parser.WithInlineParsers(
		util.Prioritized(parser.NewCodeSpanParser(), 100),
		util.Prioritized(parser.NewLinkParser(), 200),
		util.Prioritized(parser.NewAutoLinkParser(), 300),
		util.Prioritized(parser.NewRawHTMLParser(), 400),
		util.Prioritized(parser.NewEmphasisParser(), 500),
		util.Prioritized(extension.NewStrikethroughParser(), 500),
		util.Prioritized(bareURL{}, 999),
	),
	parser.WithParagraphTransformers(util.Prioritized(tables{extension.NewTableParagraphTransformer()}, 200)),
	parser.WithASTTransformers(util.Prioritized(extension.NewTableASTTransformer(), 0)),
)

// paragraph takes indented lines too, since there is no code by indentation here.
type paragraph struct{ parser.BlockParser }

// CanAcceptIndentedLine implements parser.BlockParser.
func (paragraph) CanAcceptIndentedLine() bool { return true }

// tables finds tables only where columns are drawn: by GFM a lone "-" under a line makes a
// table of one column.
type tables struct{ parser.ParagraphTransformer }

// Transform implements parser.ParagraphTransformer.
func (t tables) Transform(p *ast.Paragraph, reader text.Reader, pc parser.Context) {
	for i := range p.Lines().Len() {
		line := p.Lines().At(i)
		if v := line.Value(reader.Source()); bytes.ContainsRune(v, '|') && bytes.ContainsRune(v, '-') && len(bytes.Trim(v, "|:- \t\n")) == 0 {
			t.ParagraphTransformer.Transform(p, reader, pc)
			return
		}
	}
}

// renderer renders one document. The text of it carries hidden marks; see literal.
type renderer struct {
	src                  []byte
	bold, italic, strike bool // WhatsApp has no nesting of the same mark
	skip                 string
	anchor               anchor
}

func (r *renderer) blocks(parent ast.Node) string {
	var b strings.Builder
	for n := parent.FirstChild(); n != nil; n = n.NextSibling() {
		s := r.block(n)
		if s == "" {
			continue
		}
		if b.Len() > 0 {
			b.WriteByte('\n')
			if r.apart(n) {
				b.WriteByte('\n')
			}
		}
		b.WriteString(s)
	}
	return b.String()
}

// apart says whether an empty line stands before a block. goldmark says so of everything
// that follows a fenced block, and of no table.
func (r *renderer) apart(n ast.Node) bool {
	if _, ok := n.(*east.Table); ok {
		return true
	}
	if _, ok := n.PreviousSibling().(*ast.FencedCodeBlock); ok {
		first := n
		for first.FirstChild() != nil && first.Type() == ast.TypeBlock && first.Lines().Len() == 0 {
			first = first.FirstChild()
		}
		if _, ok := first.(*ast.FencedCodeBlock); !ok && first.Type() == ast.TypeBlock && first.Lines().Len() > 0 {
			head := r.src[:first.Lines().At(0).Start]
			head = head[:bytes.LastIndexByte(head, '\n')+1]
			head = bytes.TrimSuffix(head, []byte("\n"))
			return len(bytes.Trim(head[bytes.LastIndexByte(head, '\n')+1:], "> \t")) == 0
		}
	}
	return n.HasBlankPreviousLines()
}

func (r *renderer) block(n ast.Node) string {
	r.skip, r.anchor = "", anchor{}
	switch n := n.(type) {
	case *ast.Heading:
		return r.boldly(n)
	case *ast.ThematicBreak:
		return "———"
	case *ast.Blockquote:
		return prefixed(r.blocks(n), "> ", "> ", true)
	case *ast.List:
		return r.list(n)
	case *ast.FencedCodeBlock:
		return fence(n.Lines().Value(r.src))
	case *east.Table:
		return r.table(n)
	}
	if n.Type() == ast.TypeBlock && n.FirstChild() != nil && n.FirstChild().Type() == ast.TypeBlock {
		return r.blocks(n)
	}
	return strings.Trim(r.inlines(n, '\n', '\n'), " \t\n")
}

// boldly renders the inline content of a block as bold lines.
func (r *renderer) boldly(n ast.Node) string {
	r.bold = true
	s := strings.Trim(r.inlines(n, '*', '*'), " \t\n")
	r.bold = false
	return marked(s, "*")
}

func (r *renderer) list(l *ast.List) string {
	var b strings.Builder
	counted := true
	for n := l.FirstChild(); n != nil && counted; n = n.NextSibling() {
		written, ok := r.written(n)
		counted = !ok || written == l.Start
	}
	number := l.Start - 1
	for n := l.FirstChild(); n != nil; n = n.NextSibling() {
		marker := "- "
		if l.IsOrdered() {
			// People choose by number, so the numbers stay as written; only "1. 1. 1." is counted up.
			number++
			if written, ok := r.written(n); ok && !counted {
				number = written
			}
			marker = fmt.Sprintf("%d%c ", number, l.Marker)
		}
		if b.Len() > 0 {
			b.WriteByte('\n')
			if n.HasBlankPreviousLines() {
				b.WriteByte('\n')
			}
		}
		b.WriteString(prefixed(r.blocks(n), marker, strings.Repeat(" ", len(marker)), false))
	}
	return b.String()
}

// written reads the number in front of a list item.
func (r *renderer) written(item ast.Node) (int, bool) {
	first := item.FirstChild()
	if first == nil || first.Type() != ast.TypeBlock || first.Lines() == nil || first.Lines().Len() == 0 {
		return 0, false
	}
	start := first.Lines().At(0).Start
	line := r.src[bytes.LastIndexByte(r.src[:start], '\n')+1 : start]
	m := itemNumber.FindSubmatch(line)
	if m == nil {
		return 0, false
	}
	n, err := strconv.Atoi(string(m[1]))
	return n, err == nil
}

var itemNumber = regexp.MustCompile(`(?:^|[\s>])(\d{1,9})[.)]\s*$`)

// prefixed puts first before the first line and rest before the others; empty lines get
// one only where every line needs it.
func prefixed(s, first, rest string, empty bool) string {
	lines := strings.Split(s, "\n")
	for i, line := range lines {
		switch {
		case i == 0:
			lines[i] = first + line
		case line != "" || empty:
			lines[i] = rest + line
		}
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return strings.Join(lines, "\n")
}

func fence(code []byte) string {
	s := strings.Trim(string(code), "\n")
	if s == "" {
		return ""
	}
	if strings.Contains(s, "```") {
		return s
	}
	return "```\n" + s + "\n```"
}

// table renders for a narrow screen: two columns as a list of "name: value", more as one
// group of lines a row.
func (r *renderer) table(t *east.Table) string {
	var head []string
	var groups []string
	columns := 0
	for row := t.FirstChild(); row != nil; row = row.NextSibling() {
		var cells []string
		for c := row.FirstChild(); c != nil; c = c.NextSibling() {
			r.bold = true // names are set in bold below; inside, bold would end it
			cells = append(cells, strings.Join(strings.Fields(r.inlines(c, '\n', '\n')), " "))
			r.bold = false
		}
		if _, ok := row.(*east.TableHeader); ok {
			head, columns = cells, len(cells)
			continue
		}
		groups = append(groups, group(head, cells))
	}
	names := strings.Trim(strings.Join(head, " | "), " |")
	if columns > 2 && len(groups) > 0 {
		return strings.Join(groups, "\n\n")
	}
	lines := groups
	if names != "" {
		lines = append([]string{marked(names, "*")}, groups...)
	}
	return strings.Join(lines, "\n")
}

func group(head, cells []string) string {
	var lines []string
	switch {
	case len(head) == 1:
		return "- " + cells[0]
	case len(head) == 2:
		return strings.TrimSuffix("- "+cells[0]+": "+cells[1], ": ")
	}
	for i, c := range cells {
		if c == "" {
			continue
		}
		if i < len(head) && head[i] != "" {
			c = head[i] + ": " + c
		}
		if i == 0 {
			lines = append(lines, marked(c, "*"))
		} else {
			lines = append(lines, "- "+c)
		}
	}
	return strings.Join(lines, "\n")
}

// inlines renders the children of a node that stands between the runes before and after.
func (r *renderer) inlines(parent ast.Node, before, after rune) string {
	var b strings.Builder
	for n := parent.FirstChild(); n != nil; n = n.NextSibling() {
		prev := before
		if b.Len() > 0 {
			prev = lastRune(b.String())
		}
		r.inline(&b, n, prev, r.peek(n.NextSibling(), after))
	}
	return b.String()
}

// peek returns the rune with which a node will begin.
func (r *renderer) peek(n ast.Node, after rune) rune {
	switch n := n.(type) {
	case nil:
		return after
	case *ast.Text:
		if v := n.Segment.Value(r.src); len(v) > 0 {
			return firstRune(string(v))
		}
		return '\n'
	case *ast.AutoLink:
		return firstRune(string(n.Label(r.src)))
	case *ast.RawHTML:
		if _, ok := element(string(n.Segments.Value(r.src))); ok {
			return r.peek(n.NextSibling(), after)
		}
		return '<'
	case *ast.Link:
		return r.peek(n.FirstChild(), ' ')
	}
	return '*'
}

func (r *renderer) inline(b *strings.Builder, n ast.Node, before, after rune) {
	if raw, ok := n.(*ast.RawHTML); ok {
		r.html(b, string(raw.Segments.Value(r.src)))
		return
	}
	if r.skip != "" {
		return
	}
	switch n := n.(type) {
	case *ast.Text:
		b.WriteString(literal(unescape(string(n.Segment.Value(r.src)))))
		if n.SoftLineBreak() || n.HardLineBreak() {
			b.WriteByte('\n')
		}
	case *ast.String:
		b.WriteString(literal(string(n.Value)))
	case *ast.CodeSpan:
		b.WriteString(r.code(n))
	case *ast.AutoLink:
		b.WriteString(unescape(string(n.Label(r.src))))
	case *ast.Emphasis:
		if n.Level == 2 {
			r.span(b, n, &r.bold, "*", 2, before, after)
		} else {
			r.span(b, n, &r.italic, "_", 1, before, after)
		}
	case *east.Strikethrough:
		r.span(b, n, &r.strike, "~", 1, before, after)
	case *ast.Link:
		r.link(b, r.inlines(n, before, after), n.Destination)
	case *ast.Image:
		r.link(b, r.inlines(n, before, after), n.Destination)
	default:
		b.WriteString(r.inlines(n, before, after))
	}
}

// span sets a mark around the content of n, unless the mark was no formatting: WhatsApp
// formats whole words only, so "5*3*2" stays what it is, and so does a masked "***.456-**".
func (r *renderer) span(b *strings.Builder, n ast.Node, style *bool, mark string, width int, before, after rune) {
	outer := *style
	*style = true
	m := firstRune(mark)
	content := r.inlines(n, m, m)
	*style = outer

	first, last := firstRune(content), lastRune(content)
	source := mark
	if p := n.Pos(); p >= 0 && p < len(r.src) && strings.IndexByte("*_~", r.src[p]) >= 0 {
		source = string(r.src[p])
	}
	source = literal(strings.Repeat(source, width))
	switch {
	case masked(content):
		b.WriteString(source + content + source)
	case isWord(before) || isWord(after):
		arithmetic := unicode.IsDigit(before) && unicode.IsDigit(first) || unicode.IsDigit(last) && unicode.IsDigit(after)
		if width == 1 && mark == "_" || arithmetic {
			b.WriteString(source + content + source)
		} else {
			b.WriteString(content)
		}
	case outer:
		b.WriteString(content)
	default:
		b.WriteString(marked(content, mark))
	}
}

// masked says whether a supposedly emphasised text is part of something like ***.456.789-**.
func masked(s string) bool {
	if strings.ContainsFunc(s, unicode.IsLetter) {
		return false
	}
	if !strings.ContainsFunc(s, unicode.IsDigit) {
		return !strings.ContainsFunc(s, func(r rune) bool { return r > unicode.MaxASCII }) // an emoji may be bold
	}
	return strings.ContainsRune("./", firstRune(s)) || strings.ContainsRune("./-", lastRune(s))
}

// marked puts a mark around every line, since WhatsApp ends formatting with the line, and
// leaves the white space at its edges outside.
func marked(s, mark string) string {
	lines := strings.Split(s, "\n")
	for i, line := range lines {
		core := strings.TrimSpace(line)
		if core == "" {
			continue
		}
		at := strings.Index(line, core)
		lines[i] = line[:at] + mark + core + mark + line[at+len(core):]
	}
	return strings.Join(lines, "\n")
}

func (r *renderer) code(n ast.Node) string {
	var b strings.Builder
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		if t, ok := c.(*ast.Text); ok {
			b.Write(t.Segment.Value(r.src))
		}
	}
	s := strings.ReplaceAll(b.String(), "\n", " ")
	switch {
	case strings.TrimSpace(s) == "", strings.Contains(s, "```"):
		return literal(s)
	case strings.Contains(s, "`"):
		return "```" + s + "```"
	}
	return "`" + s + "`"
}

func (r *renderer) link(b *strings.Builder, label string, destination []byte) {
	url := target(unescape(string(destination)))
	label = strings.TrimSpace(label)
	switch {
	case url == "":
		b.WriteString(label)
	case label == "" || sameTarget(settle(label), url):
		b.WriteString(url)
	default:
		b.WriteString(label + " (" + url + ")")
	}
}

// unescape resolves backslash escapes and character references.
func unescape(s string) string {
	if !strings.ContainsAny(s, `\&`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\' && i+1 < len(s) && isPunct(s[i+1]):
			i++
			b.WriteByte(s[i])
		case s[i] == '&':
			end := strings.IndexByte(s[i:min(len(s), i+34)], ';')
			if end < 0 {
				b.WriteByte('&')
				continue
			}
			ref := s[i : i+end+1]
			got := string(util.ResolveEntityNames(util.ResolveNumericReferences([]byte(ref))))
			if got == ref {
				b.WriteByte('&')
				continue
			}
			b.WriteString(strings.Map(func(r rune) rune {
				if unwanted(r) {
					return -1
				}
				return r
			}, strings.ToValidUTF8(got, "")))
			i += end
		default:
			b.WriteByte(s[i])
		}
	}
	return b.String()
}
