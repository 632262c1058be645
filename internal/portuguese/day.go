package portuguese

import (
	"strconv"
	"time"
)

// dayAt reads the day that begins with tokens[i]. afterDay says that a day stood just
// before, so that in "dia 25 ou 26" the second number is a day as well.
func dayAt(tokens []Token, i int, now time.Time, afterDay bool) (Item, bool) {
	t := tokens[i]
	if t.Kind == Digits {
		return numericDay(tokens, i, now, afterDay)
	}
	if t.Kind != Word {
		return Item{}, false
	}
	item := Item{Kind: Day, From: i, To: i + 1}
	switch t.Fold {
	case "hoje", "hj":
		item.at(now, 0)
	case "amanha", "amnh", "amanh", "amn", "amanhaa":
		item.at(now, 1)
	case "ontem", "anteontem":
		item.at(now, -1)
		item.Past = true
	case "depois":
		if !is(tokens, i+1, "de") || !is(tokens, i+2, "amanha", "amnh") {
			return Item{}, false
		}
		item.at(now, 2)
		item.To = i + 3
	case "daqui":
		if !is(tokens, i+1, "a") {
			return Item{}, false
		}
		n, ok := NumberAt(tokens, i+2)
		if !ok || n.Value > 365 {
			return Item{}, false
		}
		switch {
		case is(tokens, n.To, "dia", "dias"):
			item.at(now, n.Value)
		case is(tokens, n.To, "semana", "semanas"):
			item.at(now, 7*n.Value)
		default:
			return Item{}, false
		}
		item.To = n.To + 1
	case "dia", "dias":
		return monthDay(tokens, i, i+1, now, t.Fold == "dias")
	case "semana", "proxima", "prox":
		return weekDay(tokens, i, now)
	default:
		if _, ok := weekday(tokens, i); ok {
			return weekDay(tokens, i, now)
		}
		if n, ok := NumberAt(tokens, i); ok && (is(tokens, n.To, "de") || afterDay && clockFollows(tokens, n.To)) {
			return monthDay(tokens, i, i, now, afterDay)
		}
		if t.Fold == "primeiro" && is(tokens, i+1, "de") {
			return monthDay(tokens, i, i, now, false)
		}
		return Item{}, false
	}
	return item, true
}

func (item *Item) at(now time.Time, days int) {
	item.Date = date(now.Year(), now.Month(), now.Day()+days)
}

// date is a civil day: midnight in UTC, whatever the zone of the house.
func date(year int, month time.Month, day int) time.Time {
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
}

// numericDay reads "25/03", "25/03/2026", "25-3" behind a day, and "24" before "às 16".
func numericDay(tokens []Token, i int, now time.Time, afterDay bool) (Item, bool) {
	day, ok := figure(tokens, i, 1, 31)
	if !ok {
		return Item{}, false
	}
	if i > 0 && tokens[i].Glued && (tokens[i-1].Fold == "/" || tokens[i-1].Fold == "." || tokens[i-1].Fold == ":" || tokens[i-1].Fold == "-") {
		return Item{}, false
	}
	if is(tokens, i+1, "/", ".", "-") && tokens[i+1].Glued {
		mark := tokens[i+1].Fold
		month, ok := figure(tokens, i+2, 1, 12)
		if !ok || !tokens[i+2].Glued {
			return Item{}, false
		}
		year, named := 0, false
		end := i + 3
		if is(tokens, end, mark) && tokens[end].Glued && end+1 < len(tokens) && tokens[end+1].Kind == Digits && tokens[end+1].Glued {
			y, err := strconv.Atoi(tokens[end+1].Fold)
			switch {
			case err != nil:
				return Item{}, false
			case len(tokens[end+1].Fold) == 2:
				year, named = 2000+y, true
			case len(tokens[end+1].Fold) == 4:
				year, named = y, true
			default:
				return Item{}, false
			}
			end += 2
		}
		if mark != "/" && !named {
			return Item{}, false // "10.5" and "8-12" are rather no dates
		}
		return dated(Item{Kind: Day, From: i, To: end}, day, time.Month(month), year, now)
	}
	if is(tokens, i+1, "de") || is(tokens, i+1, "º", "°") && is(tokens, i+2, "de") {
		return monthDay(tokens, i, i, now, false)
	}
	if is(tokens, i+1, "as", "a", "pelas") && i+2 < len(tokens) && clockFollows(tokens, i+1) || afterDay && clockFollows(tokens, i+1) {
		return monthDay(tokens, i, i, now, true)
	}
	if afterDay && len(tokens) == i+1 && i > 0 && is(tokens, i-1, "e", "ou") {
		return monthDay(tokens, i, i, now, true)
	}
	return Item{}, false
}

// clockFollows says whether "às" and a number come next.
func clockFollows(tokens []Token, i int) bool {
	if is(tokens, i, "as", "pelas") || is(tokens, i, "a") && i+1 < len(tokens) && tokens[i+1].Kind == Digits {
		n, ok := NumberAt(tokens, i+1)
		return ok && n.Value < 25
	}
	return is(tokens, i, "ao") && is(tokens, i+1, "meio")
}

// monthDay reads a day of the month at tokens[at], with "de maio" or "do mês que vem" behind.
func monthDay(tokens []Token, from, at int, now time.Time, bare bool) (Item, bool) {
	item := Item{Kind: Day, From: from}
	day := 0
	switch {
	case is(tokens, at, "primeiro"):
		day, item.To = 1, at+1
	default:
		if item, ok := numericDayMonth(tokens, from, at, now); ok {
			return item, true
		}
		n, ok := NumberAt(tokens, at)
		if !ok || n.Value < 1 || n.Value > 31 || n.Fraction {
			return Item{}, false
		}
		day, item.To = n.Value, n.To
		if is(tokens, item.To, "º", "°") {
			item.To++
		}
	}
	if is(tokens, item.To, "de") || is(tokens, item.To, "do") {
		if m, ok := month(tokens, item.To+1); ok {
			item.To += 2
			year := 0
			if is(tokens, item.To, "de") && item.To+1 < len(tokens) && len(tokens[item.To+1].Fold) == 4 {
				if y, ok := figure(tokens, item.To+1, 1900, 2200); ok {
					year = y
					item.To += 2
				}
			}
			return dated(item, day, m, year, now)
		}
		if is(tokens, item.To+1, "mes") && is(tokens, item.To+2, "que", "q") && is(tokens, item.To+3, "vem") {
			item.To += 4
			return dated(item, day, now.Month()+1, now.Year(), now)
		}
	}
	if from == at && !bare {
		return Item{}, false
	}
	item.Date = date(now.Year(), now.Month(), day)
	today := date(now.Year(), now.Month(), now.Day())
	for k := 1; item.Date.Day() != day || item.Date.Before(today); k++ {
		// Months without such a day are passed over; every day from 1 to 31 comes within two.
		if k > 3 {
			return Item{}, false
		}
		item.Over = true
		item.Date = date(now.Year(), now.Month()+time.Month(k), day)
	}
	return item, true
}

// numericDayMonth reads "25/03" behind the word "dia".
func numericDayMonth(tokens []Token, from, at int, now time.Time) (Item, bool) {
	if from == at || at >= len(tokens) || !is(tokens, at+1, "/") {
		return Item{}, false
	}
	item, ok := numericDay(tokens, at, now, false)
	item.From = from
	return item, ok
}

// dated fills in a day and month. Without a year it is the next such day.
func dated(item Item, day int, month time.Month, year int, now time.Time) (Item, bool) {
	today := date(now.Year(), now.Month(), now.Day())
	if year != 0 {
		item.Date = date(year, month, day)
		item.Past = item.Date.Before(today)
		return item, item.Date.Day() == day
	}
	item.Date = date(now.Year(), month, day)
	if item.Date.Day() != day {
		return Item{}, false
	}
	if item.Date.Before(today) {
		item.Date = date(now.Year()+1, month, day)
		item.Over = true
	}
	return item, item.Date.Day() == day
}

func month(tokens []Token, i int) (time.Month, bool) {
	if i >= len(tokens) {
		return 0, false
	}
	switch tokens[i].Fold {
	case "janeiro", "jan":
		return time.January, true
	case "fevereiro", "fev":
		return time.February, true
	case "marco", "mar":
		return time.March, true
	case "abril", "abr":
		return time.April, true
	case "maio", "mai":
		return time.May, true
	case "junho", "jun":
		return time.June, true
	case "julho", "jul":
		return time.July, true
	case "agosto", "ago":
		return time.August, true
	case "setembro", "set":
		return time.September, true
	case "outubro", "out":
		return time.October, true
	case "novembro", "nov":
		return time.November, true
	case "dezembro", "dez":
		return time.December, true
	}
	return 0, false
}

// weekday reads the name of a day. The short "ter", "sex", "seg" and the like are words of
// their own too; "ter" (to have), "segunda" as "second" and "dom" as a title are told apart
// by what stands beside them.
func weekday(tokens []Token, i int) (time.Weekday, bool) {
	if i < 0 || i >= len(tokens) {
		return 0, false
	}
	ordinal := i > 0 && is(tokens, i-1, "a", "minha") && is(tokens, i+1, "opcao", "vez", "alternativa", "sugestao", "data", "unidade", "loja", "filial", "via") ||
		is(tokens, i+1, "opcao", "vez", "alternativa", "sugestao", "via", "unidade")
	switch tokens[i].Fold {
	case "domingo", "domigo":
		return time.Sunday, true
	case "segunda", "segundona":
		return time.Monday, !ordinal
	case "seg":
		return time.Monday, true
	case "terca":
		return time.Tuesday, !is(tokens, i+1, "parte", "feita")
	case "quarta":
		return time.Wednesday, !ordinal
	case "qua", "qta", "quart":
		return time.Wednesday, true
	case "quinta":
		return time.Thursday, !ordinal
	case "qui", "quint":
		return time.Thursday, true
	case "sexta":
		return time.Friday, !ordinal
	case "sex", "sext", "sextou", "sxta":
		return time.Friday, true
	case "sabado", "sabadao", "sab":
		return time.Saturday, true
	case "ter", "dom":
		// Only where an hour follows.
		if i+1 < len(tokens) && (tokens[i+1].Kind == Digits || is(tokens, i+1, "as", "-", "feira")) {
			if tokens[i].Fold == "ter" {
				return time.Tuesday, !is(tokens, i-1, "vai", "vou", "pode", "deve", "de", "sem", "vamos")
			}
			return time.Sunday, true
		}
	}
	return 0, false
}

// weekDay reads a weekday with its week: "sexta-feira", "semana que vem terça", "quinta da
// semana que vem", "próxima segunda", "segunda, dia 20".
func weekDay(tokens []Token, i int, now time.Time) (Item, bool) {
	item := Item{Kind: Day, From: i}
	nextWeek, other := false, false
	j := i
	if k := nextWeekAt(tokens, j); k > j {
		nextWeek = true
		j = k
		for is(tokens, j, ",", "na", "pode", "ser", "a", "de") && j < k+3 {
			j++
		}
	}
	if is(tokens, j, "proxima", "prox", "proximo") {
		j++
		if is(tokens, j, ".") {
			j++
		}
	}
	day, ok := weekday(tokens, j)
	if !ok {
		return Item{}, false
	}
	j++
	if is(tokens, j, "-", "–") && is(tokens, j+1, "feira", "f") {
		j += 2
	} else if is(tokens, j, "feira") {
		j++
	}
	switch {
	case is(tokens, j, "que", "q") && is(tokens, j+1, "vem"):
		j += 2
	case is(tokens, j, "da", "na", "de") && nextWeekAt(tokens, j+1) > j+1:
		j = nextWeekAt(tokens, j+1)
		nextWeek = true
	case nextWeekAt(tokens, j) > j:
		j = nextWeekAt(tokens, j)
		nextWeek = true
	case is(tokens, j, "da") && is(tokens, j+1, "outra") && is(tokens, j+2, "semana"):
		j += 3
		nextWeek = true
	case is(tokens, j, "sem") && is(tokens, j+1, "ser") && is(tokens, j+2, "essa", "esta", "a"):
		j += 3
		if is(tokens, j, "proxima", "que", ",") {
			j++
		}
		other = true
	case is(tokens, j, "dessa", "desta") && is(tokens, j+1, "semana"):
		j += 2
	}
	item.To = j
	ahead := (int(day) - int(now.Weekday()) + 7) % 7
	if ahead == 0 {
		ahead = 7
	}
	if nextWeek {
		monday := (int(time.Monday) - int(now.Weekday()) + 7) % 7 // of the week after this one
		if monday == 0 {
			monday = 7
		}
		ahead = monday + (int(day)+6)%7
	}
	if other {
		ahead += 7
	}
	item.at(now, ahead)
	// "sexta-feira, dia 20" and "sexta 17/04" are one day; the date is the more exact one.
	k := j
	if is(tokens, k, ",", "(") {
		k++
	}
	if k < len(tokens) && (is(tokens, k, "dia") || tokens[k].Kind == Digits && is(tokens, k+1, "/")) {
		if exact, ok := dayAt(tokens, k, now, false); ok {
			exact.From = i
			return exact, true
		}
	}
	return item, true
}

// nextWeekAt returns the token behind "semana que vem" or "próxima semana", or i.
func nextWeekAt(tokens []Token, i int) int {
	switch {
	case is(tokens, i, "semana") && is(tokens, i+1, "que", "q") && is(tokens, i+2, "vem"):
		return i + 3
	case is(tokens, i, "semana") && is(tokens, i+1, "seguinte"):
		return i + 2
	case is(tokens, i, "proxima", "prox") && is(tokens, i+1, "semana"):
		return i + 2
	}
	return i
}

// figure reads a token of digits as a number between low and high.
func figure(tokens []Token, i, low, high int) (int, bool) {
	if i < 0 || i >= len(tokens) || tokens[i].Kind != Digits || len(tokens[i].Fold) > 4 {
		return 0, false
	}
	n, err := strconv.Atoi(tokens[i].Fold)
	return n, err == nil && n >= low && n <= high
}
