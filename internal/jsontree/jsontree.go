// Package jsontree reads JSON into maps, lists and scalars, as encoding/json does, for those
// who cannot say beforehand of which type a field is. Every webhook is read by it, so it
// makes one pass and keeps only what somebody will look at.
package jsontree

import (
	"encoding/json"
	"unicode/utf8"
)

// maxDepth is how deep values may be nested; what goes deeper is left to encoding/json.
const maxDepth = 100

// Decode reads one JSON value and nothing after it: objects as map[string]any, of which the
// last of equal keys counts, arrays as []any, numbers as json.Number. Members of objects,
// however deep, whose keys keep does not want are checked and left out; a nil keep wants all.
//
// It says false for what is not JSON, and for a few things that are (deep nesting, escapes in
// keys): encoding/json then knows the value, or what is wrong with it. What it does return is
// what encoding/json would.
//
// Strings share one copy of the body.
func Decode(body []byte, keep func(key string) bool) (any, bool) {
	d := decoder{text: string(body), keep: keep}
	d.space()
	v, ok := d.value(true, 0)
	d.space()
	return v, ok && d.at == len(d.text)
}

type decoder struct {
	text string
	at   int
	keep func(string) bool
}

func (d *decoder) space() {
	for d.at < len(d.text) {
		switch d.text[d.at] {
		case ' ', '\t', '\r', '\n':
			d.at++
		default:
			return
		}
	}
}

// next steps over c and what is white around it.
func (d *decoder) next(c byte) bool {
	d.space()
	if d.at == len(d.text) || d.text[d.at] != c {
		return false
	}
	d.at++
	d.space()
	return true
}

// value reads the value at hand, and makes it only where it is wanted.
func (d *decoder) value(wanted bool, depth int) (any, bool) {
	if d.at == len(d.text) || depth > maxDepth {
		return nil, false
	}
	switch c := d.text[d.at]; c {
	case '{':
		return d.object(wanted, depth+1)
	case '[':
		return d.array(wanted, depth+1)
	case '"':
		s, ok := d.string(wanted)
		if !wanted || !ok {
			return nil, ok
		}
		return s, true
	case 't':
		return true, d.word("true")
	case 'f':
		return false, d.word("false")
	case 'n':
		return nil, d.word("null")
	}
	from := d.at
	if !d.number() {
		return nil, false
	}
	if !wanted {
		return nil, true
	}
	return json.Number(d.text[from:d.at]), true
}

func (d *decoder) word(w string) bool {
	if len(d.text)-d.at < len(w) || d.text[d.at:d.at+len(w)] != w {
		return false
	}
	d.at += len(w)
	return true
}

func (d *decoder) object(wanted bool, depth int) (any, bool) {
	var m map[string]any
	if wanted {
		m = make(map[string]any)
	}
	d.at++
	if d.next('}') {
		return m, true
	}
	for {
		if d.at == len(d.text) || d.text[d.at] != '"' {
			return nil, false
		}
		from := d.at + 1
		if plain, ok := d.skipString(); !ok || !plain {
			return nil, false
		}
		key := d.text[from : d.at-1]
		if !d.next(':') {
			return nil, false
		}
		want := wanted && (d.keep == nil || d.keep(key))
		v, ok := d.value(want, depth)
		if !ok {
			return nil, false
		}
		if want {
			m[key] = v
		}
		switch {
		case d.next(','):
		case d.next('}'):
			return m, true
		default:
			return nil, false
		}
	}
}

func (d *decoder) array(wanted bool, depth int) (any, bool) {
	list := []any{}
	d.at++
	if d.next(']') {
		return list, true
	}
	for {
		v, ok := d.value(wanted, depth)
		if !ok {
			return nil, false
		}
		if wanted {
			list = append(list, v)
		}
		switch {
		case d.next(','):
		case d.next(']'):
			return list, true
		default:
			return nil, false
		}
	}
}

func (d *decoder) string(wanted bool) (string, bool) {
	from := d.at
	plain, ok := d.skipString()
	if !ok || !wanted {
		return "", ok
	}
	if plain {
		return d.text[from+1 : d.at-1], true
	}
	var s string
	err := json.Unmarshal([]byte(d.text[from:d.at]), &s)
	return s, err == nil
}

// skipString steps over a string; plain says that it reads as it is written.
func (d *decoder) skipString() (plain, ok bool) {
	plain = true
	ascii := true
	from := d.at + 1
	for i := from; i < len(d.text); i++ {
		switch c := d.text[i]; {
		case c == '"':
			d.at = i + 1
			return plain && (ascii || utf8.ValidString(d.text[from:i])), true
		case c == '\\':
			plain = false
			n := escape(d.text[i+1:])
			if n == 0 {
				return false, false
			}
			i += n
		case c < ' ':
			return false, false
		case c >= utf8.RuneSelf:
			ascii = false
		}
	}
	return false, false
}

// escape returns how long an escape is after its backslash, 0 when it is none.
func escape(s string) int {
	if s == "" {
		return 0
	}
	switch s[0] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 1
	case 'u':
		for i := 1; i <= 4; i++ {
			if i == len(s) || !hex(s[i]) {
				return 0
			}
		}
		return 5
	}
	return 0
}

func hex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

func (d *decoder) number() bool {
	if d.at < len(d.text) && d.text[d.at] == '-' {
		d.at++
	}
	if d.at < len(d.text) && d.text[d.at] == '0' {
		d.at++
	} else if !d.digits() {
		return false
	}
	if d.at < len(d.text) && d.text[d.at] == '.' {
		d.at++
		if !d.digits() {
			return false
		}
	}
	if d.at < len(d.text) && (d.text[d.at] == 'e' || d.text[d.at] == 'E') {
		d.at++
		if d.at < len(d.text) && (d.text[d.at] == '+' || d.text[d.at] == '-') {
			d.at++
		}
		return d.digits()
	}
	return true
}

// digits steps over one digit or more.
func (d *decoder) digits() bool {
	from := d.at
	for d.at < len(d.text) && d.text[d.at] >= '0' && d.text[d.at] <= '9' {
		d.at++
	}
	return d.at > from
}
