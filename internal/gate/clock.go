package gate

import (
	"secretaria/internal/portuguese"
)

// clockAt reads an hour: "15h", "15h30", "15:30", "às 3", "três da tarde", "meio-dia", "das 8".
func (r *reader) clockAt(i int) (value, int, bool) {
	t := r.tokens
	led := is(t, i-1, "as", "das", "pelas", "desde") || is(t, i-1, "a") && r.accented(i-1) || is(t, i-1, "da") && is(t, i, "uma") ||
		is(t, i-2, "partir") && is(t, i-1, "das", "de", "da") || is(t, i-2, "ate") && is(t, i-1, "as", "a", "o") || r.ranged(i)
	if is(t, i-1, "as") && t[i].Kind == portuguese.Word && is(t, i-2, "resposta", "respostas", "respondendo", "respondo", "responder", "quanto", "relacao", "referente") {
		return value{}, 0, false // "respondendo às duas: ..."
	}
	switch {
	case is(t, i, "meio") && (is(t, i+1, "dia") || is(t, i+1, "-") && is(t, i+2, "dia")):
		j := i + 2
		if is(t, i+1, "-") {
			j++
		}
		n, j := r.past(12*60, j)
		return value{kind: Hour, n: n}, j, true
	case is(t, i, "meia") && (is(t, i+1, "noite") || is(t, i+1, "-") && is(t, i+2, "noite")):
		j := i + 2
		if is(t, i+1, "-") {
			j++
		}
		n, j := r.past(0, j)
		return value{kind: Hour, n: n}, j, true
	}
	n, ok := portuguese.NumberAt(t, i)
	if !ok || n.Value > 48 || n.Fraction || n.Vague {
		return value{}, 0, false
	}
	raw := int64(n.Value) * 100
	if n.Value > 24 {
		return value{}, 0, false
	}
	v := value{kind: Hour, n: int64(n.Value) * 60, raw: raw}
	j := n.To
	marked := false
	switch {
	case mark(t, j, ":") && digitsAt(t, j+1, 2) && n.To == i+1:
		m, ok := figure(t, j+1, 0, 59)
		if !ok {
			return value{}, 0, false
		}
		v.n += int64(m)
		j += 2
		if mark(t, j, ":") && digitsAt(t, j+1, 2) {
			j += 2
		}
		if is(t, j, "h", "hs", "hrs", "horas") {
			j++
		}
		marked = true
	case is(t, j, "h", "hs", "hr", "hrs"):
		marked = true
		j++
		if m, ok := figure(t, j, 0, 59); ok && t[j].Glued && len(t[j].Fold) == 2 {
			v.n += int64(m)
			v.span = true
			j++
			if is(t, j, "min", "m", "mins") && t[j].Glued {
				j++
			}
		} else {
			v.span = true
			v.n, j = r.past(v.n, j)
		}
		if lengthy(t, i) && !led {
			return value{kind: Duration, n: v.n, raw: raw}, j, true
		}
	case is(t, j, "hora", "horas"):
		if !led {
			return value{}, 0, false
		}
		marked = true
		v.span = is(t, i-1, "as") && !r.accented(i-1) // "são exatamente as 4 horas da diária"
		v.n, j = r.past(v.n, j+1)
	default:
		v.n, j = r.past(v.n, j)
	}
	spell := portuguese.Spell(0)
	if is(t, j, "da", "de", "a", "na", "pela") {
		switch {
		case is(t, j+1, "manha"):
			spell = portuguese.Morning
		case is(t, j+1, "tarde"):
			spell = portuguese.Afternoon
		case is(t, j+1, "noite"):
			spell = portuguese.Night
		case is(t, j+1, "madrugada"):
			spell = portuguese.Dawn
		}
		if spell != 0 {
			j += 2
		}
	}
	if !marked && spell == 0 && (!led || !r.endsHour(j) || n.Article && !is(t, i-1, "a")) {
		return value{}, 0, false
	}
	switch {
	case spell != 0:
		v.span = false
		v.n = int64(portuguese.Read(int(v.n), spell))
	case !marked:
		v.n = int64(portuguese.Read(int(v.n), 0))
		v.half = n.Value <= 12
	default:
		v.half = n.Value < 6
	}
	v.n %= 24 * 60
	return v, j, true
}

// past reads "e meia", "e quinze" and "e 30" behind an hour.
func (r *reader) past(n int64, j int) (int64, int) {
	t := r.tokens
	if !is(t, j, "e") || n%60 != 0 {
		return n, j
	}
	if is(t, j+1, "meia", "meio") && !is(t, j+2, "duzia", "hora", "noite") {
		return n + 30, j + 2
	}
	m, ok := portuguese.NumberAt(t, j+1)
	if !ok || m.Value%5 != 0 || m.Value < 10 || m.Value > 55 || is(t, m.To, "h", "hs", "horas", ":", "reais", "%", "dias") || !m.Words && m.Value < 15 {
		return n, j
	}
	j = m.To
	if is(t, j, "minutos", "min") {
		j++
	}
	return n + int64(m.Value), j
}

// ranged says whether tokens[i] is the end of a range of hours: "das 8 às 18", "8h-18h", "das 8 a 18".
func (r *reader) ranged(i int) bool {
	if !is(r.tokens, i-1, "-", "–", "e", "ou", "ate", "a") || len(r.values) == 0 {
		return false
	}
	last := r.values[len(r.values)-1]
	return last.kind == Hour && r.lastEnd == i-1
}

// endsHour says whether a number that only "às" announces may be an hour: no noun follows it.
func (r *reader) endsHour(j int) bool {
	t := r.tokens
	if j >= len(t) || t[j].Kind != portuguese.Word {
		return !is(t, j, "%", "º", "ª", "/", "$")
	}
	return is(t, j, "de", "da", "do", "e", "ou", "as", "a", "ate", "na", "no", "nas", "nos", "em", "com", "para", "pra", "mas", "que", "pode", "hoje", "amanha", "por", "ja", "todos", "todo", "toda", "nao",
		"segunda", "terca", "quarta", "quinta", "sexta", "sabado", "domingo", "ta", "esta", "fica", "temos", "tem", "sem", "aqui", "certo", "confirma", "combinado", "so", "apenas", "quando", "dia", "tudo", "seria", "se", "eu", "voce", "nesse", "neste", "depois", "antes", "mesmo", "horas")
}

// lengthy says whether what stands before tokens[i] makes "2h" a length of time.
func lengthy(t []portuguese.Token, i int) bool {
	if is(t, i-1, "ate") && is(t, i-2, "em") {
		return true
	}
	return is(t, i-1, "em", "dura", "duram", "leva", "levam", "durante", "por", "ha", "cada", "apos", "cerca", "com", "prazo", "mais", "menos", "ultimas", "proximas") || is(t, i-1, "de") && is(t, i-2, "cerca", "prazo", "mais", "menos")
}
