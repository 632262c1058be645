package gate

import "secretaria/internal/portuguese"

// A cell is one of a table in Markdown: tokens[from:to], with the words of the first cell of its
// row and those of the head of its column.
type cell struct {
	from, to  int
	row       int // from 1
	name, top []string
}

// cells returns the cells of the tables of a text, first columns and heads aside, in order.
func (r *reader) cells() []cell {
	var out []cell
	var head [][2]int
	var last [][2]int // of the line before
	for from, row := 0, 1; from < len(r.tokens); row++ {
		to := from
		for to < len(r.tokens) && r.tokens[to].Kind != portuguese.Break {
			to++
		}
		line := r.columns(from, to)
		switch {
		case len(line) < 2:
			head = nil
		case r.rule(from, to):
			head = last
		case head != nil:
			for c := 1; c < len(line); c++ {
				one := cell{row: row, from: line[c][0], to: line[c][1], name: r.words(nil, line[0][0], line[0][1])}
				if c < len(head) {
					one.top = r.words(nil, head[c][0], head[c][1])
				}
				out = append(out, one)
			}
		}
		last = line
		from = to + 1
	}
	return out
}

// columns cuts tokens[from:to] at its bars; nil without any.
func (r *reader) columns(from, to int) [][2]int {
	if is(r.tokens, from, "|") {
		from++
	}
	if is(r.tokens, to-1, "|") {
		to--
	}
	var out [][2]int
	start := from
	for i := from; i < to; i++ {
		if is(r.tokens, i, "|") {
			out = append(out, [2]int{start, i})
			start = i + 1
		}
	}
	if out == nil {
		return nil
	}
	return append(out, [2]int{start, max(start, to)})
}

// rule says whether a line only parts the head of a table from its rows: "|---|:--:|".
func (r *reader) rule(from, to int) bool {
	dashes := 0
	for i := from; i < to; i++ {
		switch {
		case is(r.tokens, i, "-", "–", "—"):
			dashes++
		case !is(r.tokens, i, "|", ":"):
			return false
		}
	}
	return dashes > 0
}
