package gate

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"secretaria/internal/portuguese"
	"secretaria/internal/stem"
)

// maxText bounds what is read of one text, in bytes: an answer is far shorter, and of a long
// tool result the figures behind it support nothing.
const maxText = 32 << 10

// reader finds the figures of a text from left to right.
type reader struct {
	text      string
	now       time.Time
	zone      *time.Location
	tokens    []portuguese.Token
	sentences []sentence
	of        []int // the sentence of each token
	values    []value
	lastEnd   int  // the token behind the last value
	ground    bool // the text is one of the grounds
	timely    bool // what it says depends on the day or the zone in which it is read
}

// read returns the figures of a text, an answer or one of its grounds.
func read(text string, now time.Time, zone *time.Location, ground bool) *reader {
	if len(text) > maxText {
		text = strings.ToValidUTF8(text[:maxText], "")
	}
	r := &reader{text: text, now: now, zone: zone, ground: ground}
	masked := r.shapes()
	r.tokens = portuguese.Split(masked)
	r.cut()
	shaped := r.values
	r.values = nil
	next := 0
	for i := 0; i < len(r.tokens); {
		for next < len(shaped) && shaped[next].from <= r.tokens[i].Start {
			r.keep(shaped[next], i, i+1)
			next++
		}
		v, to, ok := r.dictatedAt(i)
		if !ok {
			v, to, ok = r.at(i)
		}
		if !ok || to <= i {
			i++
			continue
		}
		v.from, v.to = r.tokens[i].Start, r.tokens[to-1].End
		r.keep(v, i, to)
		i = to
	}
	for ; next < len(shaped); next++ {
		r.keep(shaped[next], len(r.tokens)-1, len(r.tokens))
	}
	if !ground {
		r.weigh()
	}
	return r
}

// keep adds a value and lets it speak for bare numbers beside it: "de 80 a 120 reais".
func (r *reader) keep(v value, from, to int) {
	if from >= 0 && from < len(r.of) {
		v.sentence = r.of[from]
	}
	joined := is(r.tokens, from-1, "a", "ate", "-", "–", "ou", "e") && r.lastEnd == from-1 || r.lastEnd == from-2 && is(r.tokens, from-2, "a", "e", "ate") && is(r.tokens, from-1, "r", "$")
	if k := len(r.values) - 1; k >= 0 && joined {
		last := &r.values[k]
		switch {
		case v.kind == Day && v.dated() && !v.relative && (last.kind == Number && last.s == "" && last.raw >= 100 && last.raw <= 3100 && last.raw%100 == 0 || last.kind == Day && last.day != 0 && last.month == 0):
			same := v
			same.from, same.to, same.first, same.last, same.sentence = last.from, last.to, last.first, last.last, last.sentence
			if same.day = last.day; last.kind == Number {
				same.day = int(last.raw / 100)
			}
			*last = same
		case last.kind == Number && !(v.kind == Money && is(r.tokens, from-1, "e", "ou") && is(r.tokens, from, "r")) && (v.kind == Money || v.kind == Percent || v.kind == Duration) && last.s == "":
			same := v
			same.from, same.to, same.first, same.last, same.raw, same.sentence = last.from, last.to, last.first, last.last, last.raw, last.sentence
			same.n = last.raw
			if v.kind == Duration && v.raw != 0 {
				same.n = last.raw * v.n / v.raw
			}
			*last = same
		case v.kind == Number && v.s == "" && (last.kind == Money && !v.words && v.alone && !is(r.tokens, from-1, "e") || last.kind == Day && last.day != 0 && v.raw <= 3100):
			same := *last
			same.from, same.to, same.raw = v.from, v.to, v.raw
			same.n = v.raw
			if last.kind == Day {
				same.day, same.n = int(v.raw/100), 0
			}
			v = same
		}
	}
	if k := len(r.values) - 1; k >= 0 && joined && !is(r.tokens, from-1, "ou", "e") && r.values[k].kind == v.kind && (v.kind == Money || v.kind == Duration) {
		r.values[k].top = v.n
	}
	v.noun = noun(r.tokens, to)
	if v.kind == Times && is(r.tokens, to, "com", "sem") && is(r.tokens, to+1, "juros", "acrescimo") {
		v.unit = r.tokens[to].Fold
	}
	if k := len(r.values) - 1; k >= 0 && v.kind == Number && v.s == "" && v.raw >= 1_00 && v.raw <= 31_00 && r.values[k].kind == Day && r.values[k].week != 0 && is(r.tokens, from-1, "(") && r.lastEnd == from-1 && is(r.tokens, to, ")") {
		v = value{kind: Day, day: int(v.raw / 100), from: v.from, to: v.to, sentence: v.sentence} // "quarta (23)"
	}
	if v.kind == Money {
		j := from - 1
		if is(r.tokens, j, "de", "a", "que") {
			j--
		}
		v.least = is(r.tokens, j, "acima", "partir", "minimo", "minima", "superior", "superiores", "maior", "maiores")
		if is(r.tokens, to, "por", "/", "cada", "a", "o") && to+1 < len(r.tokens) && r.tokens[to+1].Kind == portuguese.Word {
			v.per = stem.Portuguese(r.tokens[to+1].Fold)
		}
		v.each = v.least && is(r.tokens, j-1, "parcela", "parcelas", "prestacao")
	}
	if v.kind == Duration && r.ground {
		for j := from; j >= 0 && r.of[j] == v.sentence && !v.due; j-- {
			v.due = is(r.tokens, j, "prazo", "pronto", "pronta", "prontos", "prontas", "entrega", "entregamos", "entregue", "instalacao", "producao", "chega", "envio")
		}
	}
	v.upto = is(r.tokens, from-1, "ate") || is(r.tokens, from-1, "os", "as") && is(r.tokens, from-2, "ate")
	v.enclosed = is(r.tokens, from-1, "(") && is(r.tokens, to, ")")
	v.first, v.last = min(max(from, 0), len(r.tokens)), min(max(to, 0), len(r.tokens))
	r.values = append(r.values, v)
	r.lastEnd = to
}

// at reads the figure that begins with tokens[i].
func (r *reader) at(i int) (value, int, bool) {
	if r.tokens[i].Kind != portuguese.Word && r.tokens[i].Kind != portuguese.Digits {
		return value{}, 0, false
	}
	for _, find := range [...]func(*reader, int) (value, int, bool){
		(*reader).addressAt, (*reader).freeAt, (*reader).percentAt, (*reader).dayAt, (*reader).clockAt, (*reader).lengthAt, (*reader).moneyAt, (*reader).numberAt,
	} {
		if v, to, ok := find(r, i); ok {
			return v, to, true
		}
	}
	return value{}, 0, false
}

// freeAt reads "grátis" and its like, which are an amount of nothing.
func (r *reader) freeAt(i int) (value, int, bool) {
	t := r.tokens
	v := value{kind: Money}
	v.about, v.beyond = r.subject(i)
	switch {
	case r.ground && is(t, i, "ganha", "ganham", "incluso", "inclusa", "inclusos", "inclusas", "bonus", "brinde", "free"):
		v.bare = true
		return v, i + 1, true
	case is(t, i, "gratis", "gratuito", "gratuita", "gratuitos", "gratuitas", "gratuitamente", "cortesia", "isento", "isenta"):
		return v, i + 1, true
	case r.ground && is(t, i, "nao") && is(t, i+1, "paga", "pagam", "pagar", "cobra", "cobramos", "cobrado", "cobrada"), is(t, i, "sem") && is(t, i+1, "custo", "custos"), is(t, i, "de") && is(t, i+1, "graca"):
		return v, i + 2, true
	}
	return v, 0, false
}

func (r *reader) percentAt(i int) (value, int, bool) {
	if r.ground && is(r.tokens, i, "metade") {
		return value{kind: Percent, n: 50_00, raw: 50_00}, i + 1, true
	}
	d, ok := decimalAt(r.tokens, i)
	if !ok || d.digits != "" {
		return value{}, 0, false
	}
	switch {
	case is(r.tokens, d.to, "%"):
		d.to++
	case is(r.tokens, d.to, "por") && is(r.tokens, d.to+1, "cento"):
		d.to += 2
	default:
		return value{}, 0, false
	}
	return value{kind: Percent, n: d.n, raw: d.n}, d.to, true
}

// moneyAt reads "R$ 1.234,56", "120 reais", "dois reais e cinquenta", "62,90" and "nove e noventa".
func (r *reader) moneyAt(i int) (value, int, bool) {
	t := r.tokens
	v := value{kind: Money}
	if is(t, i, "r") && mark(t, i+1, "$") || is(t, i, "rs", "brl") {
		j := i + 1
		if is(t, j, "$") {
			j++
		}
		d, ok := decimalAt(t, j)
		if !ok || d.digits != "" {
			return v, 0, false
		}
		if is(t, d.to, "reais", "real") {
			d.to++
		}
		v.n, v.raw = d.n, d.n
		return v, d.to, true
	}
	d, ok := decimalAt(t, i)
	if !ok || d.digits != "" || d.article && !is(t, d.to, "real") {
		return v, 0, false
	}
	v.n, v.raw = d.n, d.n
	switch {
	case is(t, d.to, "reais", "real", "conto", "contos", "pila", "pilas", "mangos"):
		to := d.to + 1
		if cents, ok := decimalAt(t, to+1); ok && is(t, to, "e") && cents.n < 100_00 && cents.n%100 == 0 && d.n%100 == 0 && (is(t, cents.to, "centavo", "centavos") || cents.words && cents.n >= 10_00 && (cents.to >= len(t) || t[cents.to].Kind != portuguese.Word)) {
			v.n += cents.n / 100
			to = cents.to
			if is(t, to, "centavo", "centavos") {
				to++
			}
		}
		return v, to, true
	case is(t, d.to, "centavo", "centavos"):
		v.n /= 100
		return v, d.to + 1, true
	case r.ground && !d.words && d.n >= 20_00 && mark(t, d.to, "/") && is(t, d.to+1, "mes", "dia", "diaria", "hora", "pessoa", "aula", "sessao", "noite", "ano", "semana", "unidade", "un", "m²", "metro"):
		return v, d.to, true // "Livre: 380/mês"
	case d.places == 2 && !r.unit(d.to) && !is(t, i-1, "/", "-", "x", "×") && !is(t, d.to, "x", "×"):
		v.bare = true
		return v, d.to, true
	}
	if cents, ok := decimalAt(t, d.to+1); ok && d.words && !d.article && is(t, d.to, "e") && cents.words && cents.n >= 10_00 && cents.n < 100_00 && cents.n%500 == 0 && !r.unit(cents.to) && !is(t, cents.to, "minutos", "dias", "horas", "anos", "mil") {
		v.n += cents.n / 100
		v.raw = v.n
		to := cents.to
		if is(t, to, "reais") {
			return value{}, 0, false
		}
		return v, to, true
	}
	return v, 0, false
}

// lengthAt reads "40 minutos", "uma hora e meia", "dois anos", "10x" and "doze vezes".
func (r *reader) lengthAt(i int) (value, int, bool) {
	t := r.tokens
	switch {
	case is(t, i, "meia") && is(t, i+1, "hora"):
		return value{kind: Duration, n: 30, raw: 30_00}, i + 2, true
	case is(t, i, "hora") && is(t, i+1, "e") && is(t, i+2, "meia"):
		return value{kind: Duration, n: 90, raw: 1_50}, i + 3, true
	}
	d, ok := decimalAt(t, i)
	if !ok || d.digits != "" || d.n > 100_000_00 {
		return value{}, 0, false
	}
	v := value{kind: Duration, raw: d.n}
	to := d.to + 1
	each := int64(0)
	switch {
	case mark(t, d.to, "x") && !d.words, is(t, d.to, "vezes", "parcelas", "prestacoes"), is(t, d.to, "x") && !d.words && is(t, to, "de", "sem"):
		if d.n <= 3_00 && is(t, to, "por", "ao", "na") || is(t, i, "mil") {
			return value{}, 0, false
		}
		return value{kind: Times, n: d.n, raw: d.n}, to, true
	case is(t, d.to, "minuto", "minutos", "minutinhos", "minutinho", "min", "mins"):
		each = 1
	case is(t, d.to, "hora", "horas", "horinha", "horinhas", "h", "hs", "hrs"):
		each = 60
	case is(t, d.to, "dia", "dias", "diazinhos", "diinhas"):
		each = 24 * 60
		if d.article && !is(t, to, "antes", "depois", "util") {
			return value{}, 0, false
		}
		if is(t, to, "uteis", "util", "corridos") {
			if t[to].Fold != "corridos" {
				v.s = "util"
			}
			to++
		}
	case is(t, d.to, "semana", "semanas"):
		each = 7 * 24 * 60
	case is(t, d.to, "mes", "meses"):
		each, v.months = 1, true
	case is(t, d.to, "ano", "anos"):
		each, v.months = 12, true
		if is(t, to, "e") && is(t, to+1, "meio") {
			return value{kind: Duration, n: d.n*12/100 + 6, raw: d.n + 50, months: true}, to + 2, true
		}
	default:
		return value{}, 0, false
	}
	if d.article && each == 1 && !v.months {
		return value{}, 0, false // "um minuto, por favor"
	}
	v.n = d.n * each / 100
	if each == 60 && is(t, to, "e") {
		if is(t, to+1, "meia") {
			return value{kind: Duration, n: v.n + 30, raw: d.n + 50}, to + 2, true
		}
		if m, ok := decimalAt(t, to+1); ok && is(t, m.to, "minutos", "min") {
			return value{kind: Duration, n: v.n + m.n/100, raw: d.n}, m.to + 1, true
		}
	}
	return v, to, true
}

// numberAt reads what is left: a number on its own.
func (r *reader) numberAt(i int) (value, int, bool) {
	t := r.tokens
	d, ok := decimalAt(t, i)
	if !ok {
		return value{}, 0, false
	}
	v := value{kind: Number, n: d.n, raw: d.n, s: d.digits, words: d.words}
	v.unit = measure(t, d.to)
	v.alone = d.digits == "" && !r.unit(d.to) && r.endsHour(d.to)
	if d.article || is(t, i, "mil") && is(t, i+1, "desculpas", "perdoes", "vezes", "maravilhas", "obrigados", "obrigadas", "gracas") {
		return v, 0, false
	}
	if d.digits == "" && d.n <= 12_00 && d.n%100 == 0 {
		v.small = !r.unit(d.to) && !counted(t, d.to)
	}
	v.small = v.small && !rated(t, d.to) || d.n == int64(r.now.Year())*100 && !d.words
	for j := max(0, i-5); j < i; j++ {
		if is(t, j, "valor", "preco", "total", "price", "amount", "custo", "custa", "frete", "taxa", "mensalidade", "saldo", "fee", "cost", "por") {
			v.priced = true
		}
	}
	return v, d.to, true
}

// unit says whether a measure follows a number.
func (r *reader) unit(i int) bool { return measure(r.tokens, i) != "" }

// measure returns the measure at tokens[i] in one form; "" for none.
func measure(t []portuguese.Token, i int) string {
	if i >= len(t) {
		return ""
	}
	switch w := t[i].Fold; w {
	case "g", "cm", "mm", "ml", "kw", "kwh", "kwp", "mbps", "mega", "gbps", "ha", "ui", "gb", "mb", "tb", "mg", "m²", "km", "kg", "m", "l", "w", "v", "°":
		return w
	case "lt", "litro", "litros":
		return "l"
	case "watts":
		return "w"
	case "volts":
		return "v"
	case "quilometro", "quilometros":
		return "km"
	case "metro", "metros":
		return "m"
	case "quilo", "quilos":
		return "kg"
	case "grama", "gramas":
		return "g"
	case "grau", "graus":
		return "°"
	case "polegada", "polegadas":
		return "pol"
	}
	return ""
}

// noun returns the word behind a number, "" where it is no noun by its length.
func noun(t []portuguese.Token, i int) string {
	if is(t, i, "º", "ª", "°", "da", "do", "de") {
		i++
	}
	if i >= len(t) || t[i].Kind != portuguese.Word || len(t[i].Fold) < 4 || is(t, i, "deles", "delas", "desses", "dessas", "para", "como", "pelo", "pela", "cada", "quando", "mais", "sendo") {
		return ""
	}
	return strings.TrimSuffix(t[i].Fold, "s")
}

// counted says whether what follows a small number is something a business has so and so many of.
func counted(t []portuguese.Token, i int) bool {
	return is(t, i, "usuario", "usuarios", "vaga", "vagas", "unidade", "unidades", "sessao", "sessoes", "aulas", "lojas", "filiais", "profissionais", "dentistas", "medicos", "professores", "funcionarios", "fatias", "pontos", "licencas", "acessos", "quartos", "pessoas", "convidados", "clientes", "empresas", "vendedores", "andar", "lugares", "estrelas")
}

// rated says whether what follows a small number makes it a fact all the same: so many a day, so
// many left.
func rated(t []portuguese.Token, i int) bool {
	return is(t, i+1, "por") && is(t, i+2, "dia", "semana", "mes", "hora", "ano", "turno", "vez") || is(t, i+1, "livre", "livres", "disponivel", "disponiveis", "restantes")
}

// accented says whether a token is "à" and not "a".
func (r *reader) accented(i int) bool {
	first, _ := utf8.DecodeRuneInString(r.text[r.tokens[i].Start:])
	return unicode.ToLower(first) == 'à'
}

// subject returns the words of the sentence before "é grátis", or before and behind where
// nothing is said to be so: those that may name what costs nothing. Behind are those that may
// say when.
func (r *reader) subject(i int) (words, behind []string) {
	t := r.tokens
	verb := is(t, i-1, "e", "sao", "sai", "fica", "seria") || is(t, i-1, "totalmente", "inteiramente")
	says := func(j int) bool {
		return t[j].Kind == portuguese.Word && len(t[j].Fold) >= 4 && !is(t, j, "acima", "partir", "para", "pela", "pelo", "todos", "todas")
	}
	for j := i - 1; j >= 0 && r.of[j] == r.of[i] && (r.ground || !is(t, j, ",", ":")); j-- {
		if says(j) {
			words = append(words, t[j].Fold)
		}
	}
	for j := i + 1; j < len(t) && r.of[j] == r.of[i]; j++ {
		if says(j) {
			behind = append(behind, t[j].Fold)
		}
	}
	if r.ground {
		return append(words, behind...), nil
	}
	if !verb {
		return nil, behind
	}
	return words, behind
}
