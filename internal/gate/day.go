package gate

import (
	"strconv"
	"time"

	"secretaria/internal/portuguese"
)

// dayAt reads a day: a date, a day of the month, a weekday or several, "amanhã".
func (r *reader) dayAt(i int) (value, int, bool) {
	t := r.tokens
	v := value{kind: Day}
	if !r.ground && r.greets(i) {
		return v, 0, false
	}
	if t[i].Kind == portuguese.Digits {
		return r.dateAt(i, false)
	}
	if t[i].Kind != portuguese.Word {
		return v, 0, false
	}
	switch t[i].Fold {
	case "hoje", "hj":
		return r.ahead(0), i + 1, true
	case "amanha", "amnh":
		return r.ahead(1), i + 1, true
	case "ontem":
		return r.ahead(-1), i + 1, true
	case "anteontem":
		return r.ahead(-2), i + 1, true
	case "depois":
		if is(t, i+1, "de") && is(t, i+2, "amanha") {
			return r.ahead(2), i + 3, true
		}
	case "daqui":
		if d, ok := decimalAt(t, i+2); ok && is(t, i+1, "a") && d.n < 400_00 {
			switch {
			case is(t, d.to, "dia", "dias"):
				return r.ahead(int(d.n / 100)), d.to + 1, true
			case is(t, d.to, "semana", "semanas"):
				return r.ahead(int(d.n / 100 * 7)), d.to + 1, true
			}
		}
	case "dia", "dias":
		if v, to, ok := r.dateAt(i+1, true); ok {
			return v, to, true
		}
	case "primeiro":
		if m, ok := monthAt(t, i+2); ok && is(t, i+1, "de") {
			v.day, v.month = 1, m
			return v, i + 3, true
		}
	case "todos":
		if is(t, i+1, "os") && is(t, i+2, "dias") {
			v.week, v.plural, v.ranged = 127, true, true
			return v, i + 3, true
		}
	case "semana", "mes":
		to := i + 2
		if is(t, i+1, "que") && is(t, i+2, "vem") {
			to++
		} else if !is(t, i+1, "seguinte") {
			break
		}
		v.s = next(t[i].Fold)
		return v, to, true
	case "proxima", "proximo":
		if is(t, i+1, "semana", "mes") {
			v.s = next(t[i+1].Fold)
			return v, i + 2, true
		}
	case "diariamente":
		v.week, v.plural, v.ranged = 127, true, true
		return v, i + 1, true
	case "fim", "final", "fins", "finais":
		if is(t, i+1, "de") && is(t, i+2, "semana") {
			v.week, v.plural, v.ranged = bit(time.Saturday)|bit(time.Sunday), true, true
			return v, i + 3, true
		}
	}
	if d, to, plural, ok := r.weekdayAt(i); ok {
		v.week, v.plural = bit(d), plural
		if is(t, to, "a", "ate", "-", "–", "à") {
			if last, end, _, ok := r.weekdayAt(to + 1); ok {
				v.plural, v.ranged = true, true
				for k := d; ; k = (k + 1) % 7 {
					v.week |= bit(k)
					if k == last {
						break
					}
				}
				return v, end, true
			}
		}
		return v, to, true
	}
	if d, ok := decimalAt(t, i); ok && d.words && is(t, d.to, "de") {
		return r.dateAt(i, false)
	}
	if m, ok := monthAt(t, i); ok && len(t[i].Fold) > 3 && (t[i].Fold != "marco" || r.text[t[i].Start:t[i].End] != "Marco") {
		v.month = m
		to := i + 1
		if y, ok := figure(t, i+2, 1900, 2200); ok && is(t, i+1, "de", "/") {
			v.year, to = y, i+3
		}
		return v, to, true
	}
	return v, 0, false
}

func (r *reader) ahead(days int) value {
	r.timely = true
	d := time.Date(r.now.Year(), r.now.Month(), r.now.Day()+days, 0, 0, 0, 0, time.UTC)
	return value{kind: Day, year: d.Year(), month: int(d.Month()), day: d.Day(), relative: true}
}

// dateAt reads "12/03", "12/03/2026", "12 de março de 2026" and, behind "dia", "12".
func (r *reader) dateAt(i int, told bool) (value, int, bool) {
	t := r.tokens
	v := value{kind: Day}
	if d, ok := figure(t, i, 1, 31); ok && len(t[i].Fold) <= 2 {
		if mark(t, i+1, "/", ".", "-") {
			sign := t[i+1].Fold
			if m, ok := figure(t, i+2, 1, 12); ok && t[i+2].Glued && len(t[i+2].Fold) <= 2 {
				to := i + 3
				if mark(t, to, sign) && digitsAt(t, to+1, 0) {
					y, err := strconv.Atoi(t[to+1].Fold)
					if err != nil || len(t[to+1].Fold) != 2 && len(t[to+1].Fold) != 4 {
						return v, 0, false
					}
					if y < 100 {
						y += 2000
					}
					v.year, to = y, to+2
				}
				if (sign == "/" || v.year != 0) && !(d == 24 && m == 7 && v.year == 0) {
					v.day, v.month = d, m
					return v, to, true
				}
			}
		}
	}
	n, ok := portuguese.NumberAt(t, i)
	if !ok || n.Value < 1 || n.Value > 31 || n.Fraction {
		return v, 0, false
	}
	to := n.To
	if is(t, to, "º", "°") {
		to++
	}
	if m, ok := monthAt(t, to+1); ok && is(t, to, "de", "/") {
		v.day, v.month = n.Value, m
		to += 2
		if y, ok := figure(t, to+1, 1900, 2200); ok && is(t, to, "de", "/") {
			v.year, to = y, to+2
		}
		return v, to, true
	}
	if !told || n.Article {
		return v, 0, false
	}
	v.day = n.Value
	return v, to, true
}

func monthAt(t []portuguese.Token, i int) (int, bool) {
	if i < 0 || i >= len(t) {
		return 0, false
	}
	for m, names := range [...][2]string{{"janeiro", "jan"}, {"fevereiro", "fev"}, {"marco", "mar"}, {"abril", "abr"}, {"maio", "mai"}, {"junho", "jun"}, {"julho", "jul"}, {"agosto", "ago"}, {"setembro", "set"}, {"outubro", "out"}, {"novembro", "nov"}, {"dezembro", "dez"}} {
		if t[i].Fold == names[0] || t[i].Fold == names[1] {
			return m + 1, true
		}
	}
	return 0, false
}

// weekdayAt reads the name of a weekday; plural says that every such day is meant. "segunda"
// and its like are also ordinals: "a segunda pizza".
func (r *reader) weekdayAt(i int) (d time.Weekday, to int, plural, ok bool) {
	t := r.tokens
	if i < 0 || i >= len(t) || t[i].Kind != portuguese.Word {
		return 0, 0, false, false
	}
	to = i + 1
	ordinal := false
	switch t[i].Fold {
	case "domingo", "domingos":
		d = time.Sunday
	case "segunda", "segundas":
		d, ordinal = time.Monday, true
	case "terca", "tercas":
		d, ordinal = time.Tuesday, true
	case "quarta", "quartas":
		d, ordinal = time.Wednesday, true
	case "quinta", "quintas":
		d, ordinal = time.Thursday, true
	case "sexta", "sextas":
		d, ordinal = time.Friday, true
	case "sabado", "sabados":
		d = time.Saturday
	case "seg", "ter", "qua", "qui", "sex", "sab", "dom":
		if !is(t, to, "a", "-", "–", "/", "ate", ":", "das", "as", "e") && !is(t, i-1, "-", "–", "/", "e") && (to >= len(t) || t[to].Kind != portuguese.Digits) || is(t, i-1, "vai", "de", "pode", "vou", "sem") || is(t, i, "ter") && i > 0 && t[i-1].Kind == portuguese.Word && !is(t, i-1, "na", "nas", "toda", "cada", "e", "ate", "as") && !is(t, to+1, "qua", "qui", "sex", "sab", "dom", "quarta", "quinta", "sexta", "sabado", "domingo") {
			return 0, 0, false, false
		}
		for k, name := range [...]string{"dom", "seg", "ter", "qua", "qui", "sex", "sab"} {
			if t[i].Fold == name {
				d = time.Weekday(k)
			}
		}
	default:
		return 0, 0, false, false
	}
	plural = t[i].Fold[len(t[i].Fold)-1] == 's' || is(t, i-1, "toda", "todo", "cada")
	if is(t, to, "-", "–") && is(t, to+1, "feira", "feiras") {
		return d, to + 2, plural || t[to+1].Fold == "feiras", true
	}
	if is(t, to, "feira", "feiras") {
		return d, to + 1, plural, true
	}
	if ordinal && !plural && to < len(t) && t[to].Kind == portuguese.Word {
		if is(t, to, "vez", "via", "opcao", "parcela", "unidade", "compra", "etapa", "pizza", "sessao", "mao", "linha", "parte", "mensalidade", "consulta", "dose", "loja", "metade", "alternativa", "categoria") {
			return 0, 0, false, false
		}
		if is(t, i-1, "a", "uma", "sua", "minha") && !is(t, i-2, "segunda", "terca", "quarta", "quinta", "feira", "domingo") && !r.endsHour(to) && !is(t, to, "das", "dos", "pela", "pelas", "entre") {
			return 0, 0, false, false
		}
	}
	if ordinal && !plural && !r.ground && is(t, i-1, "a") && !r.accented(i-1) && (is(t, i-2, "esta", "eis", "segue", "escolheu", "escolho", "recomendo", "indico", "sobre", "primeira", "vai") || is(t, to, "(") && is(t, to+1, "opcao", "alternativa", "pergunta")) {
		return 0, 0, false, false // "aqui está a segunda"
	}
	if is(t, to, "que") && is(t, to+1, "vem") {
		to += 2
	}
	return d, to, plural, true
}

// greets says whether a day only stands in a wish or a farewell: "bom fim de semana", "até amanhã!".
func (r *reader) greets(i int) bool {
	t := r.tokens
	for _, j := range [...]int{i - 1, i - 2} {
		if is(t, j, "bom", "boa", "otimo", "otima", "feliz", "excelente", "lindo", "linda", "maravilhoso", "maravilhosa", "abencoada", "abencoado") && r.of[j] == r.of[i] {
			return true
		}
	}
	if !is(t, i-1, "ate") {
		return false
	}
	words := 0
	for j := range t {
		if r.of[j] == r.of[i] && (t[j].Kind == portuguese.Word || t[j].Kind == portuguese.Digits) {
			words++
		}
	}
	return words <= 3
}

func next(what string) string {
	if what == "semana" {
		return "week"
	}
	return "month"
}
