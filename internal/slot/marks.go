package slot

import (
	"slices"
	"time"

	"secretaria/internal/portuguese"
)

// mark is an item in a line and whether the customer turns it down.
type mark struct {
	portuguese.Item
	line       *line
	noDay      bool // this day is turned down
	noClock    bool // this hour is
	background bool // a habit, opening hours, the past: not about the meeting at all
}

// marks reads the days and hours of a line.
func marks(l *line, now time.Time, asked bool) []mark {
	items := portuguese.Items(l.tokens, now, asked)
	if len(items) == 0 {
		return nil
	}
	for i := len(items) - 1; i > 0; i-- {
		// "segunda a sexta" counts by its beginning.
		if items[i].Kind == portuguese.Day && items[i-1].Kind == portuguese.Day && items[i].From == items[i-1].To+1 && anyOf(l.fold(items[i].From-1), "a", "ate") {
			items = slices.Delete(items, i, i+1)
		}
	}
	found := make([]mark, len(items))
	for i, item := range items {
		found[i] = mark{Item: item, line: l}
		if item.Past || item.Until {
			found[i].background = true
		}
		if item.Kind == portuguese.Day && anyOf(l.fold(item.From-1), "todo", "toda", "todos", "todas") || l.fold(item.To) == "sim" && anyOf(l.fold(item.To+1), "outro") {
			found[i].background = true
		}
	}
	for i := range found {
		// "treino terça e quinta, sempre às 7" is a habit, "a Lia pode segunda" another's hour.
		from, to := l.clause(found[i].From, false)
		choice := l.has(from, to, "ou") // "terça ou quarta" is an offer, not a habit
		from, to = max(from, found[i].From-6), min(to, found[i].To+6)
		if l.has(from, to, "sempre", "por semana", "toda semana", "todo dia", "todos os dias", "toda segunda", "toda terca", "toda quarta", "toda quinta", "toda sexta", "todo sabado") && !choice && !l.has(from, to, "posso", "livre", "disponivel") {
			found[i].background = true
		}
		for k := max(from, found[i].From-5); k < found[i].From-1; k++ {
			if anyOf(l.fold(k), "o", "a") && words().firstNames[l.fold(k+1)] && upper(l, k+1) && anyOf(l.fold(k+2), "pode", "consegue", "prefere", "quer", "so", "vai", "tem") {
				found[i].background = true
			}
		}
		start, end := 0, len(l.tokens)
		if i > 0 {
			start = found[i-1].To
		}
		if i+1 < len(found) {
			end = found[i+1].From
		}
		before := found[i].From
		for before > max(start, found[i].From-around) && !l.stop(before-1, true) && !joint(l.fold(before-1)) {
			before--
		}
		after := found[i].To
		for after < min(end, found[i].To+around) && !l.stop(after, true) && !(joint(l.fold(after)) && after > found[i].To) {
			after++
		}
		if i > 0 && before == start && !l.stop(start, true) && start < found[i].From && !joint(l.fold(start)) {
			before = found[i].From // these words belong to the item before
		}
		found[i].turnDown(before, after)
	}
	for i := range found {
		// What turns down an hour that stands right behind its day turns down both.
		if i > 0 && found[i-1].Kind == portuguese.Day && found[i].Kind == portuguese.Clock && found[i].From-found[i-1].To <= 1 && l.fold(found[i].From-1) != "," {
			if found[i].background {
				found[i-1].background = true
			}
			if found[i-1].background || found[i-1].noDay {
				found[i].noClock = true
			}
		}
	}
	return found
}

// joint says whether a word begins another thought.
func joint(w string) bool {
	return anyOf(w, "mas", "porem", "entao", "ai", "ou", "bora", "so", "senao", "ja", "melhor", "prefiro", "joga", "pode", "vamos", "que")
}

func (m *mark) turnDown(before, after int) {
	l := m.line
	no := func(from, to int) bool {
		for k := from; k < to; k++ {
			if anyOf(l.fold(k), "nao", "n", "nem", "nunca") {
				if anyOf(l.fold(k+1), "precisa", "e", "eh") && k+1 < to && m.Kind == portuguese.Clock && l.fold(k+1) == "precisa" {
					continue
				}
				if k == to-1 && k > m.To && l.fold(k+1) == "?" {
					continue // "né", "não?"
				}
				return true
			}
		}
		return false
	}
	busy := l.has(before, after, "dentista", "ocupado", "ocupada", "viagem", "viajando", "viajar", "viajo", "feriado", "de folga", "cheio", "cheia", "lotado", "lotada", "impossivel", "ruim", "complicado", "complicada",
		"pior", "menos", "exceto", "fora", "tenho reuniao", "tenho medico", "tenho consulta", "tenho compromisso", "tenho aula", "tenho prova", "tenho curso", "tenho treino", "tenho medica", "compromisso", "sem chance", "corrido", "corrida", "apertado", "apertada", "enrolado", "enrolada", "fechado de", "deu ruim")
	past := l.has(before, after, "foi", "passou", "liguei", "falei", "comprei", "nasci", "nascimento", "marcou", "estive", "fui", "passada", "passado", "mandei", "chegou", "paguei", "vence", "venceu", "vencimento", "ficou de", "deu")
	noon := l.has(before, after, "depois do almoco", "dps do almoco", "apos o almoco", "pos almoco", "antes do almoco", "horario do almoco", "hora do almoco")
	habit := !noon && l.has(before, after, "todo dia", "toda semana", "todos os dias", "academia", "almoco", "almocar", "almoço", "abre", "abrimos", "abro", "funciona", "funcionamos", "fecha", "fechamos", "fecho", "expediente", "atendemos", "atende", "saio", "entro", "largo", "trabalho", "aula", "acordo", "vou dormir", "busco", "buscar", "almoça", "chego", "volto")
	if m.Kind == portuguese.Clock && l.has(m.To, after, "cedo", "tarde demais", "mt tarde", "muito tarde", "dms") {
		m.noClock = true
	}
	if m.Kind == portuguese.Clock && habit || past {
		m.background = true
	}
	instead := l.has(m.From-4, m.From, "em vez", "ao inves", "no lugar")
	if no(before, m.From) || no(m.To, after) || busy || instead {
		switch m.Kind {
		case portuguese.Day:
			m.noDay = true
		case portuguese.Clock:
			m.noClock = true
		}
	}
}

// namedZone reads "horário de Brasília" and the like, or returns nil. The offsets are those
// of Decreto 9.772/2019 and Lei 12.876/2013: Brazil has had no summer time since.
func namedZone(l *line) *time.Location {
	for i := range l.tokens {
		if !anyOf(l.fold(i), "horario", "hora", "fuso", "hr") || !anyOf(l.fold(i+1), "de", "do", "da") {
			continue
		}
		switch l.fold(i + 2) {
		case "brasilia", "bsb", "sp":
			return time.FixedZone("", -3*60*60)
		case "manaus", "cuiaba", "amazonas":
			return time.FixedZone("", -4*60*60)
		case "acre":
			return time.FixedZone("", -5*60*60)
		case "noronha":
			return time.FixedZone("", -2*60*60)
		}
	}
	return nil
}
