package redact

import (
	"fmt"
	"log/slog"
	"strconv"
	"strings"
)

// A Vault keeps what Tokenise took out of a text, so that Restore can put it back: a model
// works with "[telefone 1]" and never sees the number. It belongs to one conversation: a
// vault that served two would hand one customer's data to the other. The zero value is an
// empty vault. It is not safe for concurrent use, and it does not print what it holds.
type Vault struct {
	tokens map[string]string // value to token
	values map[string]string // token to value
	counts map[Class]int     // tokens given out, by class
}

// verbatim is the class of text that looks like a token and came from outside: without it,
// who writes "[cpf 1]" would read a document in the answer.
const verbatim Class = "texto"

func (v *Vault) token(class Class, value string) string {
	if t, ok := v.tokens[value]; ok {
		return t
	}
	if v.tokens == nil {
		v.tokens, v.values, v.counts = map[string]string{}, map[string]string{}, map[Class]int{}
	}
	v.counts[class]++
	t := "[" + string(class) + " " + strconv.Itoa(v.counts[class]) + "]"
	v.tokens[value], v.values[t] = t, value
	return t
}

// Len says how many values the vault holds.
func (v *Vault) Len() int { return len(v.values) }

// Format keeps every verb from showing what the vault holds.
func (v *Vault) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("[vault]")) }

// LogValue implements slog.LogValuer.
func (v *Vault) LogValue() slog.Value { return slog.StringValue("[vault]") }

// Tokenise replaces what Find finds by tokens such as "[telefone 1]". The same value, letter
// for letter, has the same token wherever it stands. Restore gives the text back exactly.
func Tokenise(text string, v *Vault) string {
	found := scan(text)
	var b strings.Builder
	from := 0
	for _, s := range found {
		b.WriteString(v.quote(text[from:s.From]))
		b.WriteString(v.token(s.Class, text[s.From:s.To]))
		from = s.To
	}
	return b.String() + v.quote(text[from:])
}

// quote takes tokens that came from outside for what they are: text.
func (v *Vault) quote(text string) string {
	out, _ := eachToken(text, func(raw, _ string) (string, bool) { return v.token(verbatim, raw), true })
	return out
}

// Restore puts the values back. It finds a token although a model has changed its case, its
// spaces or the accent of its name, or has escaped its brackets. unknown is how many tokens
// stand there that this vault never gave out; they stay, and such a text had better not
// be sent.
func (v *Vault) Restore(text string) (restored string, unknown int) {
	return eachToken(text, func(_, token string) (string, bool) {
		value, ok := v.values[token]
		return value, ok
	})
}

// eachToken replaces what is written like a token. by gets it as it stands and as a vault
// writes it; kept counts those that by left.
func eachToken(text string, by func(raw, token string) (string, bool)) (out string, kept int) {
	i := strings.IndexByte(text, '[')
	if i < 0 {
		return text, 0
	}
	var b strings.Builder
	from := 0
	for i < len(text) {
		if text[i] != '[' {
			i++
			continue
		}
		token, to, escaped := tokenAt(text, i)
		if to == 0 {
			i++
			continue
		}
		start := i
		if escaped && start > from && text[start-1] == '\\' {
			start--
		}
		if value, ok := by(text[start:to], token); ok {
			b.WriteString(text[from:start])
			b.WriteString(value)
			from = to
		} else {
			kept++
		}
		i = to
	}
	b.WriteString(text[from:])
	return b.String(), kept
}

// maxFiller bounds what may stand between the parts of a token, in bytes.
const maxFiller = 4

// tokenAt reads the token at i: "[telefone 1]", "[ Telefone_1 ]", "\[CARTAO  2\]". to is 0
// where none stands.
func tokenAt(s string, i int) (token string, to int, escaped bool) {
	j := filler(s, i+1, " ")
	f, end, digits := wordAt(s, j)
	if end == j || f.long {
		return "", 0, false
	}
	n := f.n
	if digits > 0 { // "[telefone1]"
		n -= end - digits
		end = digits
	}
	class := tokenClass(string(f.b[:max(0, n)]))
	if class == "" {
		return "", 0, false
	}
	j = filler(s, end, " _-#")
	k := j
	for k < len(s) && kinds[s[k]] == digit && k < j+6 {
		k++
	}
	if k == j || s[j] == '0' {
		return "", 0, false
	}
	end = filler(s, k, " ")
	if escaped = end < len(s) && s[end] == '\\'; escaped {
		end++
	}
	if end >= len(s) || s[end] != ']' {
		return "", 0, false
	}
	return "[" + string(class) + " " + s[j:k] + "]", end + 1, escaped
}

func filler(s string, i int, set string) int {
	for n := 0; i < len(s) && n < maxFiller && strings.IndexByte(set, s[i]) >= 0; n++ {
		i++
	}
	return i
}

func tokenClass(word string) Class {
	switch word {
	case "cartao":
		return Card
	case string(verbatim):
		return verbatim
	}
	for _, c := range []Class{CPF, CNPJ, Document, Phone, Email, Pix, CEP, Token, Password} {
		if word == string(c) {
			return c
		}
	}
	return ""
}
