package guard

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/url"
	"strings"
)

// An Encoder disguises a text as attackers do. It is for measuring what disguises cost.
type Encoder struct {
	Name   string
	Encode func(string) string
}

// Encoders returns the fourteen disguises against which a guard is measured.
func Encoders() []Encoder {
	each := func(f func(b *strings.Builder, r rune, i int)) func(string) string {
		return func(s string) string {
			var b strings.Builder
			i := 0
			for _, r := range s {
				f(&b, r, i)
				i++
			}
			return b.String()
		}
	}
	pairs := func(table string) func(string) string {
		runes := []rune(table)
		m := map[rune]rune{}
		for i := 0; i+1 < len(runes); i += 2 {
			m[runes[i]] = runes[i+1]
		}
		return each(func(b *strings.Builder, r rune, _ int) {
			if to, ok := m[r]; ok {
				r = to
			}
			b.WriteRune(r)
		})
	}
	after := func(marks ...string) func(string) string {
		return each(func(b *strings.Builder, r rune, i int) {
			b.WriteRune(r)
			if r > ' ' {
				b.WriteString(marks[i%len(marks)])
			}
		})
	}
	plain := func(s string) string { f, _ := fold(s); return string(f) }
	homoglyphs := pairs("aаcсeеiіoоpрsѕxхyуAАEЕOОCС")
	letters := func(lower, upper rune) func(string) string {
		return each(func(b *strings.Builder, r rune, _ int) {
			switch {
			case r >= 'a' && r <= 'z':
				r += lower - 'a'
			case r >= 'A' && r <= 'Z':
				r += upper - 'A'
			}
			b.WriteRune(r)
		})
	}
	leet := pairs("a4e3i1o0s5t7A4E3I1O0S5T7")
	mathematical := letters(0x1D41A, 0x1D400)
	rot13 := each(func(b *strings.Builder, r rune, _ int) {
		switch {
		case r >= 'a' && r <= 'z':
			r = 'a' + (r-'a'+13)%26
		case r >= 'A' && r <= 'Z':
			r = 'A' + (r-'A'+13)%26
		}
		b.WriteRune(r)
	})
	entities := each(func(b *strings.Builder, r rune, _ int) { fmt.Fprintf(b, "&#%d;", r) })
	percent := func(s string) string {
		if s = url.QueryEscape(s); !strings.Contains(s, "%") {
			return s
		}
		return strings.ReplaceAll(s, "+", "%20")
	}
	bin := func(s string) string {
		var b strings.Builder
		for i := range len(s) {
			fmt.Fprintf(&b, "%08b ", s[i])
		}
		return strings.TrimSpace(b.String())
	}
	return []Encoder{
		{"base64", func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }},
		{"hex", func(s string) string { return hex.EncodeToString([]byte(s)) }},
		{"rot13", func(s string) string { return rot13(plain(s)) }},
		{"url", percent},
		{"entities", entities},
		{"binary", bin},
		{"reversed", func(s string) string {
			runes := []rune(s)
			for i, j := 0, len(runes)-1; i < j; i, j = i+1, j-1 {
				runes[i], runes[j] = runes[j], runes[i]
			}
			return string(runes)
		}},
		{"leet", func(s string) string { return leet(plain(s)) }},
		{"spaced", func(s string) string { return strings.Join(strings.Split(plain(s), ""), " ") }},
		{"full width", func(s string) string { return letters(0xFF41, 0xFF21)(plain(s)) }},
		{"mathematical", func(s string) string { return mathematical(plain(s)) }},
		{"zero width", after("", "\u200b", "\u2060", "\u200d")},
		{"homoglyphs", homoglyphs},
		{"diacritics", func(s string) string { return after("\u0300", "\u0323", "\u0302")(plain(s)) }},
	}
}
