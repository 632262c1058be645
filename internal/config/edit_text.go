package config

import (
	"fmt"
	"regexp"
	"strings"
)

// text is a file that is being edited. Only what is put in, and the value that something new
// stands in place of, differs from what was read.
type text struct {
	shown, path string
	created     bool
	was, is     string
	changed     []LineEdit
}

// newline is how lines end here.
func (t *text) newline() string {
	if first, _, ok := strings.Cut(t.is, "\n"); ok && strings.HasSuffix(first, "\r") {
		return "\r\n"
	}
	return "\n"
}

// insert puts whole lines, without their ends, before line n, counted from 0; n may be the
// number of lines. shown are the lines as they may be seen.
func (t *text) insert(n int, put, shown []string) {
	nl := t.newline()
	at := t.offset(n)
	before, after := t.is[:at], t.is[at:]
	block := strings.Join(put, nl) + nl
	if before != "" && !strings.HasSuffix(before, "\n") {
		before += nl
	}
	t.is = before + block + after
	for i := range t.changed {
		if t.changed[i].Number > n {
			t.changed[i].Number += len(put)
		}
	}
	for i, s := range shown {
		if s != "" {
			t.changed = append(t.changed, LineEdit{Number: n + i + 1, New: s})
		}
	}
}

// offset is where line n begins, counted from 0.
func (t *text) offset(n int) int {
	at := 0
	for ; n > 0; n-- {
		next := strings.IndexByte(t.is[at:], '\n')
		if next < 0 {
			return len(t.is)
		}
		at += next + 1
	}
	return at
}

// count is the number of lines; an empty one after the last line's end is none.
func (t *text) count() int {
	n := strings.Count(t.is, "\n")
	if t.is != "" && !strings.HasSuffix(t.is, "\n") {
		n++
	}
	return n
}

// line is line n without its end, counted from 0.
func (t *text) line(n int) string {
	line, _, _ := strings.Cut(t.is[t.offset(n):], "\n")
	return strings.TrimSuffix(line, "\r")
}

// swap puts something in place of the bytes from..to of line n.
func (t *text) swap(n, from, to int, put, shownOld, shownNew string) {
	at := t.offset(n)
	t.is = t.is[:at+from] + put + t.is[at+to:]
	t.changed = append(t.changed, LineEdit{Number: n + 1, Old: shownOld, New: shownNew})
}

// masked stands where a secret is.
const masked = "[redacted]"

// setVariable gives a key of .env a value: in place of the one that it has, or in a line of its
// own at the end.
func (t *text) setVariable(key, value string, hidden bool) error {
	put, err := quoteVariable(value)
	if err != nil {
		return fmt.Errorf("%s: %s: %w", t.shown, key, err)
	}
	show := func(line, plain string) string {
		if hidden && plain != "" {
			head, _, _ := strings.Cut(line, "=")
			return head + "=" + masked
		}
		return line
	}
	for n := range t.count() {
		line := t.line(n)
		head, rest, ok := strings.Cut(line, "=")
		name := strings.TrimSpace(strings.TrimPrefix(head, "\ufeff"))
		if name = strings.TrimSpace(strings.TrimPrefix(name, "export ")); !ok || name != key {
			continue
		}
		from, to, old := variableAt(rest)
		if rest := rest[to:]; rest != "" && rest[0] != ' ' && rest[0] != '\t' {
			put += " "
		}
		became := head + "=" + rest[:from] + put + rest[to:]
		begin := len(head) + 1
		t.swap(n, begin+from, begin+to, put, show(strings.TrimPrefix(line, "\ufeff"), old), show(strings.TrimPrefix(became, "\ufeff"), value))
		return nil
	}
	lines, shown := []string{key + "=" + put}, []string{show(key+"="+put, value)}
	if n := t.count(); n > 0 && len(t.changed) == 0 && strings.TrimSpace(t.line(n-1)) != "" {
		lines, shown = append([]string{""}, lines...), append([]string{""}, shown...)
	}
	t.insert(t.count(), lines, shown)
	return nil
}

// variableAt finds the value in what follows the "=" of a line that was read without a problem,
// and what it means.
func variableAt(rest string) (from, to int, means string) {
	trimmed := strings.TrimLeft(rest, " \t")
	from = len(rest) - len(trimmed)
	trimmed = strings.TrimRight(trimmed, " \t\r")
	means, _ = unquote(trimmed)
	switch {
	case trimmed == "" || means == "" && trimmed[0] == '#':
		return 0, 0, "" // put in before the comment
	case trimmed[0] == '"' || trimmed[0] == '\'':
		for i := 1; i < len(trimmed); i++ {
			switch {
			case trimmed[i] == '\\' && trimmed[0] == '"':
				i++
			case trimmed[i] == trimmed[0]:
				return from, from + i + 1, means
			}
		}
	}
	return from, from + len(means), means
}

// plainVariable is what needs no quotes in .env, in a shell that reads it neither.
var plainVariable = regexp.MustCompile(`^[A-Za-z0-9_./:@%+,=~^-]+$`)

// quoteVariable writes a value so that it is read as it is.
func quoteVariable(value string) (string, error) {
	put := value
	switch {
	case plainVariable.MatchString(value):
	case !strings.ContainsAny(value, "'\n\r"):
		put = "'" + value + "'"
	default:
		put = `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, `$`, `\$`).Replace(value) + `"`
	}
	if got, err := unquote(put); err != nil || got != value || strings.ContainsAny(put, "\n\r") {
		return "", fmt.Errorf("the value cannot be written there")
	}
	return put, nil
}
