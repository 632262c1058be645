package app_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"math/rand/v2"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"secretaria/internal/brazil"
)

// planted are values that nobody but their owner may read again, each with the forms in which
// it might come out. What the program shows is held against them, whatever shows it: a trace
// is searched like a log, by its bytes.
type planted struct {
	mu    sync.Mutex
	forms map[string][]form // by what is planted
	last  []string          // values in order
}

// form is one way to write a value. Exact ones are looked for in their own case.
type form struct {
	name  string
	text  string
	exact bool
}

// put plants a value under a name and returns it.
func (p *planted) put(name, value string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.forms == nil {
		p.forms = map[string][]form{}
	}
	p.forms[name] = append(p.forms[name], formsOf(value)...)
	p.last = append(p.last, value)
	return value
}

// all are the values.
func (p *planted) all() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.last)
}

// formsOf are the forms of a value: as it is, escaped for where it may have stood, encoded,
// and the digits of a number without its marks. A form shorter than six bytes would be found
// where nobody put it.
func formsOf(value string) []form {
	quoted, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	twice, err := json.Marshal(string(quoted))
	if err != nil {
		panic(err)
	}
	forms := []form{
		{"as it is", value, false},
		{"URL query", url.QueryEscape(value), false},
		{"URL path", url.PathEscape(value), false},
		{"JSON", strings.Trim(string(quoted), `"`), false},
		{"JSON in JSON", strings.Trim(string(twice), `"\`), false},
		{"quoted", strings.Trim(strconv.Quote(value), `"`), false},
		{"quoted twice", strings.Trim(strconv.Quote(strconv.Quote(value)), `"\`), false},
		{"ASCII", strings.Trim(strconv.QuoteToASCII(value), `"`), false},
		{"HTML", html.EscapeString(value), false},
		{"hexadecimal", hex.EncodeToString([]byte(value)), false},
		{"without accents and marks", bare(value), false},
	}
	for offset := range 3 {
		for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			whole := encoding.EncodeToString(append(make([]byte, offset), value...))
			from, to := (offset*8+5)/6, len(whole)
			if (offset+len(value))%3 != 0 {
				to-- // the last character depends on what follows
			}
			forms = append(forms, form{"base64", whole[min(from, to):to], true})
		}
	}
	if digits := onlyDigits(value); len(digits) >= 8 && len(digits)*2 > len(value) {
		forms = append(forms, form{"digits", digits, false})
		if strings.HasPrefix(digits, "55") && len(digits) >= 12 {
			forms = append(forms, form{"national digits", digits[4:], false})
		}
	}
	slices.SortStableFunc(forms, func(a, b form) int { return strings.Compare(a.text, b.text) })
	forms = slices.CompactFunc(forms, func(a, b form) bool { return a.text == b.text })
	return slices.DeleteFunc(forms, func(f form) bool { return len(f.text) < 6 })
}

func onlyDigits(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, s)
}

// bare is what a search would make of a text.
func bare(s string) string {
	return strings.NewReplacer("á", "a", "ã", "a", "ç", "c", "é", "e", "í", "i", "ó", "o", "õ", "o", "ú", "u").Replace(strings.ToLower(s))
}

// finds returns what of the planted values is in data: the name, the form and the line.
func (p *planted) finds(data []byte) []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	lower := bytes.ToLower(data)
	var found []string
	for name, forms := range p.forms {
		for _, f := range forms {
			in, text := lower, []byte(strings.ToLower(f.text))
			if f.exact {
				in, text = data, []byte(f.text)
			}
			at := bytes.Index(in, text)
			if at < 0 {
				continue
			}
			from := max(0, bytes.LastIndexByte(in[:at], '\n')+1, at-300)
			to := min(len(in), at+len(text)+200)
			if end := bytes.IndexByte(in[at:], '\n'); end >= 0 {
				to = min(to, at+end)
			}
			found = append(found, fmt.Sprintf("%s (%s): %s", name, f.name, in[from:to]))
		}
	}
	slices.Sort(found)
	return found
}

// absent fails for every planted value in what came out somewhere.
func (p *planted) absent(t *testing.T, where string, data []byte) {
	t.Helper()
	found := p.finds(data)
	for i, f := range found {
		if i == 20 {
			t.Errorf("%s: and %d more", where, len(found)-i)
			return
		}
		t.Errorf("%s holds %s", where, f)
	}
}

// person is a customer whom nobody else knows.
type person struct{ name, phone, email, cpf, card, cep, text, caption string }

// drawn plants a person; each call gives another one.
func (p *planted) drawn(r *rand.Rand) person {
	word := func(n int) string {
		const vowels, consonants = "aeiou", "bcdfgjlmnprstvz"
		var b strings.Builder
		for range n {
			b.WriteByte(consonants[r.IntN(len(consonants))])
			b.WriteByte(vowels[r.IntN(len(vowels))])
		}
		return b.String()
	}
	digits := func(n int) string {
		var b strings.Builder
		for range n {
			b.WriteByte('0' + byte(r.IntN(10)))
		}
		return b.String()
	}
	cpf := "3" + digits(8)
	cpf += brazil.Sign(cpf)
	card := "4" + digits(14)
	for c := range 10 {
		if brazil.Luhn(card + strconv.Itoa(c)) {
			card += strconv.Itoa(c)
			break
		}
	}
	return person{
		name:    p.put("name", "Zu"+word(4)+" Qu"+word(4)+"ção"),
		phone:   p.put("phone", "55119"+digits(8)),
		email:   p.put("e-mail", word(4)+"."+word(3)+"@"+word(5)+".com.br"),
		cpf:     p.put("CPF", cpf[:3]+"."+cpf[3:6]+"."+cpf[6:9]+"-"+cpf[9:]),
		card:    p.put("card", card[:4]+" "+card[4:8]+" "+card[8:12]+" "+card[12:]),
		cep:     p.put("CEP", "0"+digits(4)+"-"+digits(3)),
		text:    p.put("text", "queria saber do "+word(6)+" "+word(5)+", é \"urgente\" & já"),
		caption: p.put("caption", "foto da "+word(6)+" "+word(4)),
	}
}

// says is one message that holds all of a person.
func (c person) says() string {
	return c.text + "; sou " + c.name + ", CPF " + c.cpf + ", cartão " + c.card + ", CEP " + c.cep + ", " + c.email + ", fone " + c.phone
}

// values are a person's values, for fields that take any.
func (c person) values() []string {
	return []string{c.text, c.name, c.phone, c.email, c.cpf, c.card, c.cep, c.caption, c.says()}
}

// The search finds what it is to find, in every form, and nothing in what is harmless.
func TestPlantedValuesAreFound(t *testing.T) {
	t.Parallel()
	p := &planted{}
	who := p.drawn(rand.New(rand.NewPCG(1, 1)))
	key := p.put("key", "Canela+Mel/7=ção")
	basic := base64.StdEncoding.EncodeToString([]byte("user:" + key))
	for name, shown := range map[string]string{
		"plain":  "x " + key + " y",
		"query":  "/x?key=" + url.QueryEscape(key),
		"path":   "/x/" + url.PathEscape(key),
		"quoted": fmt.Sprintf("%q", fmt.Sprintf("%q", who.text)),
		"ascii":  fmt.Sprintf("%+q", who.name),
		"hex":    fmt.Sprintf("%X", key),
		"basic":  "Basic " + basic,
		"case":   strings.ToUpper(who.email),
		"digits": "cpf=" + onlyDigits(who.cpf),
		"local":  "fone 11 9" + "x" + who.phone[4:],
		"html":   html.EscapeString(who.text),
	} {
		if found := p.finds([]byte("{}\n" + shown + "\n{}")); len(found) == 0 {
			t.Errorf("%s: %q is not found", name, shown)
		}
	}
	if found := p.finds([]byte(`{"time":"2026-11-22T06:31:17.123456789Z","level":"INFO","msg":"turn decided","conversation":12}`)); len(found) > 0 {
		t.Errorf("found in a line that holds nothing: %q", found)
	}
}
