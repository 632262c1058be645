package portuguese

import "time"

// ItemKind is what an Item tells.
type ItemKind uint8

// The kinds of items. Part is a part of the day without an hour, "de manhã"; SameDay and
// SameClock refer to what was said before: "no mesmo horário".
const (
	Day ItemKind = iota + 1
	Clock
	Part
	SameDay
	SameClock
)

// Spell is a part of the day.
type Spell uint8

// The parts of the day; none was named where it is zero.
const (
	Morning Spell = iota + 1
	Afternoon
	Night
	Dawn
)

// Item is a day, an hour, or a hint at one in a text. It stands in tokens[From:To].
type Item struct {
	Kind     ItemKind
	From, To int
	// Date is the civil day of a Day, midnight in UTC.
	Date time.Time
	// Past says that the day lies behind; Over that the day of the month or year is behind
	// and the next one is given.
	Past, Over bool
	// Minutes is a Clock's time of day in minutes after midnight, already read by Spell; of
	// a range the beginning.
	Minutes int
	// Spell is the part of the day that was named with the hour, or the Part.
	Spell Spell
	// Bare says that an hour was only a number, which must be asked for to be one.
	Bare bool
	// Until says that "até" or "antes" stands before it: an end, not a beginning.
	Until bool
	// Range says that an end was given too.
	Range bool
}

// Items returns the days and hours of a text from left to right; none overlap. now is in the
// zone of whoever speaks. A bare weekday is the next one after today; without a part of the
// day the hours 1 to 6 are in the afternoon; a day of the month that is over is the next
// month's. "das 14 às 16" is one hour, its beginning. With asked, a lone number may be an hour.
func Items(tokens []Token, now time.Time, asked bool) []Item {
	var items []Item
	dated := false // a day stood before
	for i := 0; i < len(tokens); {
		item, ok := itemAt(tokens, i, now, items, dated, asked)
		if !ok {
			i++
			continue
		}
		for _, k := range []int{item.From - 1, item.From - 2} {
			if is(tokens, k, "ate", "antes") {
				item.Until = true
			}
		}
		if k := len(items); k > 0 && item.Kind == Day && item.From-items[k-1].To <= 1 {
			// "terça ou quarta", and with hours, "terça às 10 e quarta às 15".
			for k--; k > 0 && items[k].Kind == Clock; k-- {
			}
			if items[k].Kind == Day {
				item.sameWeek(tokens, items[k])
			}
		}
		items = append(items, item)
		dated = dated || item.Kind == Day
		i = item.To
	}
	return items
}

// sameWeek puts a bare weekday into the week that was named for the day before: both days of
// "semana que vem, terça ou quarta" are in it.
func (item *Item) sameWeek(tokens []Token, before Item) {
	if _, ok := weekday(tokens, item.From); !ok || !item.Date.Before(before.Date) || nextWeekAt(tokens, before.From) == before.From {
		return
	}
	for item.Date.Before(before.Date.AddDate(0, 0, -int(before.Date.Weekday()))) {
		item.Date = item.Date.AddDate(0, 0, 7)
	}
}

func itemAt(tokens []Token, i int, now time.Time, before []Item, dated, asked bool) (Item, bool) {
	afterDay, gap := false, 0
	if k := len(before); k > 0 {
		last := before[k-1]
		gap = i - last.To
		afterDay = (last.Kind == Day || last.Kind == Part && k > 1 && before[k-2].Kind == Day) && (gap == 0 || gap == 1 && is(tokens, i-1, ","))
		if (last.Kind == Day || last.Kind == Clock) && gap <= 2 && is(tokens, i-1, "e", "ou", "o") {
			if dated {
				if item, ok := dayAt(tokens, i, now, true); ok {
					return item, true
				}
			}
		}
	}
	if afterDay && listedDay(tokens, i) {
		if item, ok := monthDay(tokens, i, i, now, true); ok {
			return item, true
		}
	}
	if item, ok := sameAt(tokens, i); ok {
		return item, true
	}
	if i+2 < len(tokens) || tokens[i].Kind == Word {
		if item, ok := dayAt(tokens, i, now, false); ok {
			return item, true
		}
	}
	if item, ok := clockAt(tokens, i, afterDay, asked); ok {
		return item, true
	}
	if afterDay && gap == 0 && is(tokens, i, "cedo", "cedinho") {
		return Item{Kind: Part, From: i, To: i + 1, Spell: Morning}, true
	}
	return partAt(tokens, i)
}

// listedDay says whether tokens[i] is a day among several before one hour: the 16 of
// "dia 15, 16 ou 17 às 10h".
func listedDay(tokens []Token, i int) bool {
	if !is(tokens, i-1, ",") {
		return false
	}
	for j := i; j < i+12; j++ {
		if _, ok := figure(tokens, j, 1, 31); !ok {
			return false
		}
		j++
		if clockFollows(tokens, j) {
			return true
		}
		if !is(tokens, j, ",", "ou", "e") {
			return false
		}
	}
	return false
}

func sameAt(tokens []Token, i int) (Item, bool) {
	if !is(tokens, i, "mesmo", "mesma", "msm", "msmo", "msma") {
		return Item{}, false
	}
	switch {
	case is(tokens, i+1, "horario", "hora", "hr", "horaio"):
		return Item{Kind: SameClock, From: i, To: i + 2}, true
	case is(tokens, i+1, "dia", "data"):
		return Item{Kind: SameDay, From: i, To: i + 2}, true
	}
	return Item{}, false
}

// clockAt reads the hour that begins with tokens[i].
func clockAt(tokens []Token, i int, afterDay, asked bool) (Item, bool) {
	item := Item{Kind: Clock, From: i}
	j := i
	led := false // a word before says that an hour follows
	ranged := false
	for {
		k := j
		switch {
		case is(tokens, j, "as", "pelas", "umas", "la", "pras"):
			led = led || !is(tokens, j, "la", "umas") || afterDay
			k++
		case is(tokens, j, "das", "desde", "entre"):
			led, ranged = true, true
			k++
		case is(tokens, j, "partir") && is(tokens, j+1, "das", "de", "da"):
			led, k = true, j+2
		case is(tokens, j, "apartir") && is(tokens, j+1, "das", "de", "da"):
			led, k = true, j+2
		case is(tokens, j, "depois", "apos") && is(tokens, j+1, "das", "de", "da"):
			led, k = true, j+2
		case is(tokens, j, "tipo") && asked:
			led = true
			k++
		case is(tokens, j, "a") && j == i && is(tokens, j+1, "partir"):
			k++
		case is(tokens, j, "a") && j+1 < len(tokens) && tokens[j+1].Kind == Digits && afterDay:
			led, k = true, j+1
		}
		if k == j {
			break
		}
		j = k
	}
	if j > i && is(tokens, i, "la", "umas") && !is(tokens, i+1, "pelas", "as", "por", "pras") && !afterDay {
		led = false
	}
	switch {
	case is(tokens, j, "meio", "mei") && (is(tokens, j+1, "dia") || is(tokens, j+1, "-") && is(tokens, j+2, "dia")):
		item.Minutes, item.Spell = 12*60, Afternoon
		item.To = j + 2
		if is(tokens, j+1, "-") {
			item.To++
		}
		item.minutes(tokens)
		item.end(tokens)
		return item, true
	case is(tokens, j, "meia") && (is(tokens, j+1, "noite") || is(tokens, j+1, "-") && is(tokens, j+2, "noite")):
		item.Spell = Night
		item.To = j + 2
		if is(tokens, j+1, "-") {
			item.To++
		}
		item.minutes(tokens)
		return item, true
	}
	n, ok := NumberAt(tokens, j)
	if !ok || n.Fraction || n.Vague && !(led || afterDay || asked) || n.Value > 59 || j > 0 && tokens[j].Kind == Digits && glues(tokens, j) {
		return Item{}, false
	}
	if to, ok := minutesTo(tokens, n); ok { // "quinze pras quatro"
		item.Minutes, item.To = to.Minutes, to.To
		item.spell(tokens)
		return item, true
	}
	if n.Value > 24 {
		return Item{}, false
	}
	item.Minutes = n.Value * 60
	item.To = n.To
	marked := item.marked(tokens, led, n)
	bare := item.To == n.To && !marked
	if !marked || bare {
		item.minutes(tokens)
	}
	half := item.To > n.To
	item.spell(tokens)
	switch {
	case marked || item.Spell != 0:
	case led || afterDay:
		if !endsHour(tokens, item.To, n) || n.Article && !led {
			return Item{}, false
		}
	case half && item.Minutes%60 == 30 && asked:
	case asked && endsHour(tokens, item.To, n) && n.Value > 0 && !n.Article && alone(tokens, i, item.To):
		item.Bare = true
	default:
		return Item{}, false
	}
	item.read()
	if ranged || marked {
		item.rangeEnd(tokens, ranged)
	}
	return item, true
}

// glues says whether the digits are the tail of something longer: "10.5", "3/4", "a1".
func glues(tokens []Token, i int) bool {
	return tokens[i].Glued && (tokens[i-1].Kind != Mark || is(tokens, i-1, "/", ".", ",", ":", "-", "$", "#"))
}

// marked reads what makes a number an hour: "h", "hs", "horas", ":30".
func (item *Item) marked(tokens []Token, led bool, n Number) bool {
	k := n.To
	switch {
	case is(tokens, k, ":") && tokens[k].Glued || is(tokens, k, ".") && tokens[k].Glued && led:
		m, ok := figure(tokens, k+1, 0, 59)
		if !ok || !tokens[k+1].Glued || len(tokens[k+1].Fold) != 2 || n.To != n.From+1 {
			return false
		}
		item.Minutes += m
		item.To = k + 2
		if is(tokens, item.To, "h", "hs", "hrs", "horas") {
			item.To++
		}
		return true
	case is(tokens, k, "h", "hs", "hr", "hrs"):
		item.To = k + 1
		if m, ok := figure(tokens, k+1, 0, 59); ok && tokens[k+1].Glued && len(tokens[k+1].Fold) == 2 {
			item.Minutes += m
			item.To = k + 2
			if is(tokens, item.To, "min", "m", "mins") && tokens[item.To].Glued {
				item.To++
			}
			return true
		}
		item.minutes(tokens)
		return true
	case is(tokens, k, "hora", "horas"):
		// "duas horas" may be a length; an hour has a word before it, or is a late one.
		if !led && (n.Value < 7 || is(tokens, item.From-1, "em", "ha", "por", "de", "faz", "dura", "a", "mais", "umas", "ate", "cada", "tipo") || is(tokens, item.From-1, "das")) {
			return false
		}
		item.To = k + 1
		item.minutes(tokens)
		return true
	}
	return false
}

// minutes reads "e meia", "e quinze", "e 30".
func (item *Item) minutes(tokens []Token) {
	if !is(tokens, item.To, "e") || item.Minutes%60 != 0 {
		return
	}
	if is(tokens, item.To+1, "meia", "meio", "mei") {
		if is(tokens, item.To+2, "duzia") {
			return
		}
		item.Minutes += 30
		item.To += 2
		return
	}
	n, ok := NumberAt(tokens, item.To+1)
	if !ok || n.Value >= 60 || n.Value%5 != 0 || n.Value == 0 || is(tokens, n.To, "h", "hs", "horas", ":", "hrs", "/") {
		return
	}
	if !n.Words && n.Value < 15 || n.Value <= 12 && n.Value != 5 && n.Value != 10 {
		return
	}
	item.Minutes += n.Value
	item.To = n.To
	if is(tokens, item.To, "minutos", "min") {
		item.To++
	}
}

// minutesTo reads "quinze pras quatro", "15 para as 4", "dez pro meio dia".
func minutesTo(tokens []Token, n Number) (Item, bool) {
	k := n.To
	if is(tokens, k, "minutos", "min") {
		k++
	}
	switch {
	case is(tokens, k, "pras", "pro"):
		k++
	case is(tokens, k, "pra", "para") && is(tokens, k+1, "as", "a", "o"):
		k += 2
	default:
		return Item{}, false
	}
	if n.Value%5 != 0 || n.Value == 0 || n.Value >= 60 {
		return Item{}, false
	}
	if is(tokens, k, "meio") && is(tokens, k+1, "dia") {
		return Item{Minutes: 12*60 - n.Value, To: k + 2}, true
	}
	hour, ok := NumberAt(tokens, k)
	if !ok || hour.Value == 0 || hour.Value > 24 {
		return Item{}, false
	}
	item := Item{Minutes: hour.Value * 60, To: hour.To}
	if is(tokens, item.To, "h", "hs", "horas") {
		item.To++
	}
	item.spell(tokens)
	item.read()
	item.Minutes -= n.Value
	return item, true
}

// spell reads "da tarde" behind an hour.
func (item *Item) spell(tokens []Token) {
	if is(tokens, item.To, "da", "de", "a", "na", "pela", "d") {
		if s, ok := spellOf(tokens, item.To+1); ok {
			item.Spell = s
			item.To += 2
		}
	}
}

func spellOf(tokens []Token, i int) (Spell, bool) {
	switch {
	case is(tokens, i, "manha", "manhazinha", "manhan"):
		return Morning, true
	case is(tokens, i, "tarde", "tardinha", "tardezinha"):
		return Afternoon, true
	case is(tokens, i, "noite", "noitinha"):
		return Night, true
	case is(tokens, i, "madrugada"):
		return Dawn, true
	}
	return 0, false
}

// read puts the hour into its half of the day.
func (item *Item) read() { item.Minutes = Read(item.Minutes, item.Spell) }

// Read returns the minutes after midnight that people mean by an hour as it was said: with a
// part of the day, or without one by habit, 1 to 6 in the afternoon and 7 to 12 as said.
func Read(minutes int, spell Spell) int {
	hour := minutes / 60
	switch spell {
	case Afternoon:
		if hour >= 1 && hour < 12 {
			minutes += 12 * 60
		}
	case Night:
		switch {
		case hour >= 5 && hour < 12:
			minutes += 12 * 60
		case hour == 12:
			minutes -= 12 * 60
		}
	case Morning, Dawn:
	default:
		if hour >= 1 && hour <= 6 {
			minutes += 12 * 60
		}
	}
	return minutes % (24 * 60)
}

// endsHour says whether a number that only "às" announces may be an hour: no noun follows.
func endsHour(tokens []Token, i int, n Number) bool {
	if i >= len(tokens) || tokens[i].Kind == Mark && !is(tokens, i, "º", "ª", "%", "/", ":") || tokens[i].Kind == Break {
		return true
	}
	if tokens[i].Kind != Word {
		return false
	}
	w := tokens[i].Fold
	switch w {
	case "as", "mas", "mais", "nos", "tambem", "depois", "dias", "eles", "antes", "sextas", "quintas", "todos", "ces", "vcs", "voces", "temos", "podemos", "marcamos", "conversamos", "falamos", "vamos", "estamos", "conseguimos", "deus", "das", "dos", "nas", "pras", "meus", "ses":
		return true
	case "pessoas", "gente", "mil", "reais", "anos", "minutos", "min", "meses", "semanas", "km", "clt", "unidades":
		return false
	}
	if n.Value == 1 {
		return true
	}
	return len(w) < 4 || w[len(w)-1] != 's'
}

const maxAlone = 24 // tokens of a text that is little more than an hour

// alone says whether nothing but small words stands around tokens[from:to].
func alone(tokens []Token, from, to int) bool {
	if len(tokens) > maxAlone {
		return false
	}
	for i := range tokens {
		if i >= from && i < to || tokens[i].Kind == Mark {
			continue
		}
		switch tokens[i].Fold {
		case "pode", "ser", "entao", "melhor", "ok", "bom", "ta", "sim", "isso", "na", "verdade", "as", "la", "pelas", "umas", "e", "ou",
			"nao", "n", "eh", "digo", "ops", "fica", "prefiro", "muda", "pra", "para", "da", "certo", "fechado", "dia", "mesmo", "msm", "perai",
			"por", "favor", "pf", "pfv", "seria", "horario", "hora", "o", "a", "corrigindo", "quero", "dizer", "desculpa", "me", "confundi",
			"mudar", "possivel", "se", "puder", "der", "queria", "passa", "troca", "trocar", "bota", "coloca", "mais":
		default:
			return false
		}
	}
	return true
}

// end swallows nothing but keeps an hour's spoken end readable: "meio dia em ponto".
func (item *Item) end(tokens []Token) {
	if is(tokens, item.To, "em") && is(tokens, item.To+1, "ponto") {
		item.To += 2
	}
}

// rangeEnd reads the end of "das 14 às 16", "entre 2 e 4 da tarde", "9h-11h".
func (item *Item) rangeEnd(tokens []Token, ranged bool) {
	k := item.To
	switch {
	case is(tokens, k, "as", "ate", "a", "-", "–", "ao"):
		k++
		if is(tokens, k, "as", "a", "o") {
			k++
		}
	case ranged && is(tokens, k, "e"):
		k++
		if is(tokens, k, "as") {
			k++
		}
	default:
		return
	}
	if is(tokens, k, "meio") && is(tokens, k+1, "dia") {
		item.To, item.Range = k+2, true
		return
	}
	n, ok := NumberAt(tokens, k)
	if !ok || n.Value > 24 || n.Fraction {
		return
	}
	last := Item{Kind: Clock, From: k, To: n.To, Minutes: n.Value * 60}
	if !last.marked(tokens, true, n) {
		last.minutes(tokens)
	}
	last.spell(tokens)
	if item.Spell == 0 && last.Spell != 0 && item.Minutes/60 >= 7 && item.Minutes/60 < 12 && n.Value > item.Minutes/60 {
		item.Spell = last.Spell
		item.read()
	}
	item.To, item.Range = last.To, true
}

// partAt reads a part of the day that stands without an hour.
func partAt(tokens []Token, i int) (Item, bool) {
	if !is(tokens, i, "de", "a", "da", "na", "pela", "no", "so", "d") {
		return Item{}, false
	}
	s, ok := spellOf(tokens, i+1)
	if !ok || is(tokens, i-1, "boa", "bom") {
		return Item{}, false
	}
	return Item{Kind: Part, From: i, To: i + 2, Spell: s}, true
}
