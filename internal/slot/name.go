package slot

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"secretaria/internal/portuguese"
	"secretaria/internal/spelling"
)

const maxName = 80

func title(w string) bool {
	return anyOf(w, "dr", "dra", "doutor", "doutora", "sr", "sra", "srta", "seu", "dona", "prof", "profa", "professor", "professora", "eng", "senhor", "senhora", "pastor", "padre", "tia", "tio", "mestre", "d")
}

func particle(w string) bool {
	return anyOf(w, "da", "de", "do", "das", "dos", "e", "di", "del", "van", "von", "la")
}

// parseName checks and writes a name: without title, capitals where there were none or all.
func parseName(s string) (string, Code) {
	s = strings.Trim(strings.Join(strings.Fields(s), " "), " .,!?*\"'():;-_")
	if s == "" {
		return "", Empty
	}
	if len(s) > maxName {
		return "", TooLong
	}
	letters := 0
	for _, r := range s {
		switch {
		case unicode.IsLetter(r), unicode.Is(unicode.Mn, r):
			letters++
		case r == ' ', r == '-', r == '\'', r == '.', r == '’', r == '&':
		default:
			return "", Malformed
		}
	}
	fields := strings.Fields(s)
	for len(fields) > 1 && title(strings.TrimRight(portuguese.Fold(fields[0]), ".")) {
		fields = fields[1:]
	}
	if letters < 2 || len(fields) > 8 {
		return "", Malformed
	}
	s = strings.Join(fields, " ")
	if s == strings.ToLower(s) || s == strings.ToUpper(s) {
		for i, f := range fields {
			f = strings.ToLower(f)
			if i > 0 && particle(f) {
				fields[i] = f
				continue
			}
			parts := strings.Split(f, "-")
			for k, part := range parts {
				r, n := utf8.DecodeRuneInString(part)
				if n > 0 {
					parts[k] = string(unicode.ToUpper(r)) + part[n:]
				}
			}
			fields[i] = strings.Join(parts, "-")
		}
		s = strings.Join(fields, " ")
	}
	return s, ""
}

// nameRun returns the tokens of the name that begins at i: words up to a stop, a common
// word, or what begins a company ("da padaria"). strict wants a capital or a known name.
func nameRun(l *line, i int, strict bool) (from, to int) {
	lex := words()
	for title(l.fold(i)) && l.kind(i+1) != portuguese.Break && (l.kind(i+1) == portuguese.Word || l.fold(i+1) == ".") {
		i++
		if l.fold(i) == "." {
			i++
		}
	}
	from, to = i, i
	for j := i; j < len(l.tokens) && j < i+8; j++ {
		w := l.fold(j)
		if j > i && l.tokens[j].Glued {
			// "Ana-Maria", "D'Ávila"; anything else glued ends the name.
			if (w == "-" || w == "'" || w == "’") && j+1 < len(l.tokens) && l.tokens[j+1].Glued && l.kind(j+1) == portuguese.Word {
				j++
				to = j + 1
				continue
			}
			return from, to
		}
		if l.kind(j) != portuguese.Word {
			return from, to
		}
		if particle(w) && j > i {
			next := l.fold(j + 1)
			if l.kind(j+1) != portuguese.Word || lex.companies[next] || lex.roles[next] || lex.common[next] || len(next) < 3 || relation(next) {
				return from, to
			}
			if w == "e" || (w == "da" || w == "do" || w == "de" || w == "dos" || w == "das") && upper(l, from) && !upper(l, j+1) {
				return from, to
			}
			if to == from+1 && (w == "da" || w == "do") && !surname(next) && (!upper(l, j+1) || upper(l, j+2) && !lex.firstNames[next] && !surname(l.fold(j+2))) {
				return from, to // "Júlia da Nuvem Azul" says where she is from
			}
			continue
		}
		if j > i && upper(l, from) && !upper(l, j) && !particle(l.fold(j-1)) {
			return from, to
		}
		if lex.common[w] && !(lex.firstNames[w] && upper(l, j)) || lex.companies[w] && (!upper(l, j) || j > i) && !lex.firstNames[w] || utf8.RuneCountInString(w) < 2 {
			return from, to
		}
		if (lex.roles[w] || lex.people[w]) && !lex.firstNames[w] {
			if j == i || !upper(l, j) {
				return from, to
			}
		}
		if !lex.firstNames[w] && !plausible(w) && !upper(l, from) {
			return from, to
		}
		if strict && j == i && !upper(l, j) && !lex.firstNames[w] {
			return from, from
		}
		to = j + 1
	}
	return from, to
}

// plausible says whether a folded word may be a name that is in no list: it has a vowel and
// no ending of a verb in the first person.
func plausible(w string) bool {
	if !strings.ContainsAny(w, "aeiouy") || verbal(w) {
		return false
	}
	return !strings.HasSuffix(w, "ei") && !strings.HasSuffix(w, "eci") && !strings.HasSuffix(w, "ou")
}

// surname says whether a word behind "da" or "do" is one of the surnames with it.
func surname(w string) bool {
	return anyOf(w, "silva", "costa", "cruz", "cunha", "luz", "mata", "rocha", "rosa", "gama", "conceicao", "fonseca", "motta", "mota", "paz", "penha", "ponte", "trindade", "veiga", "nobrega", "gloria", "hora",
		"carmo", "nascimento", "prado", "valle", "vale", "rosario", "monte", "amaral", "santos", "reis", "anjos", "passos", "campos", "neves", "chagas", "dores", "gracas", "merces", "virgens", "souza", "sousa", "oliveira", "lima", "jesus", "paula", "almeida", "moraes", "melo", "barros", "castro", "freitas", "andrade", "assis", "azevedo", "carvalho", "macedo", "medeiros", "farias", "lucena", "brito", "araujo")
}

// nameOf reads the name of the person who writes.
func (t *turn) nameOf() {
	known, has := t.state.Values[Name]
	asked := t.ask == Name || !has && t.asks(Name)
	var picked *candidate
	keep := func(l *line, from, to int, how How, corrects bool) {
		if to <= from {
			return
		}
		q := l.quote(from, to)
		text, code := parseName(q.Text)
		if code != "" || t.botCalled(l, from, to) {
			return
		}
		c := candidate{line: l, from: from, to: to, corrects: corrects, value: Value{Kind: Name, Text: text, How: how, Quotes: []Quote{q}}}
		switch {
		case picked == nil, corrects:
			picked = &c
		case fuller(text, picked.value.Text):
			picked = &c
		}
	}
	for li, l := range t.lines {
		if l.card() {
			continue
		}
		if !has && picked == nil && t.confirmed(l) {
			return
		}
		if from, to, ok := t.introduced(l); ok {
			// The name itself outranks what friends say: "me chamam de Juca, meu nome mesmo é José Lins".
			corrects := l.mends || has && l.has(0, from, "agora") || l.has(0, from, "nome mesmo", "nome completo", "nome verdadeiro", "nome de verdade", "nome de batismo")
			keep(l, from, to, Offered, corrects)
			continue
		}
		if has && l.fold(0) == "*" {
			if from, to := nameRun(l, 1, false); to > from && to == len(l.tokens) && near(known.Text, l.quote(from, to).Text) {
				keep(l, from, to, Corrected, true)
				continue
			}
		}
		if has || picked != nil {
			before := known.Text
			if picked != nil {
				before = picked.value.Text
			}
			if from, to, ok := respelled(l, before, t.ask == Name); ok {
				keep(l, from, to, Corrected, true)
				continue
			}
		}
		if has && l.mends {
			// "na verdade é João Sousa": the first name again, and another surname.
			if i := l.find(first(known.Text)); i >= 0 && upper(l, i) {
				if from, to := nameRun(l, i, true); to > from+1 && !strings.EqualFold(l.quote(from, to).Text, known.Text) {
					keep(l, from, to, Corrected, true)
					continue
				}
			}
		}
		if has {
			// The whole name where the first one was known: "João Batista Leme" after "João".
			if from, to := nameRun(l, 0, true); to > from+1 && upper(l, from) && fuller(l.quote(from, to).Text, known.Text) {
				keep(l, from, to, Offered, false)
				continue
			}
		}
		if asked && (t.ask == Name || li == 0 || picked == nil) {
			from, to := t.bareName(l, t.ask == Name)
			if to > from {
				keep(l, from, to, Answered, l.mends)
			}
		}
	}
	if picked == nil {
		return
	}
	if has && t.ask != Name && !picked.corrects && !fuller(picked.value.Text, known.Text) {
		// Somebody else's name, or the same again.
		if picked.value.How != Offered || strings.EqualFold(first(picked.value.Text), first(known.Text)) {
			return
		}
	}
	if has && fuller(known.Text, picked.value.Text) && !picked.corrects {
		return
	}
	t.learn(picked.value)
	picked.line.hide(picked.from, picked.to)
}

// confirmed reads "eu mesmo" to "É o Rui?": the name is the assistant's word, the quote the
// customer's.
func (t *turn) confirmed(l *line) bool {
	if t.ask != Name || len(l.tokens) > 5 || !(agrees(l) || l.has(0, len(l.tokens), "eu mesmo", "eu mesma", "sou eu", "ele mesmo", "ela mesma", "o proprio", "a propria")) {
		return false
	}
	for i := range t.bot.tokens {
		for _, p := range []string{"e o", "e a", "falo com o", "falo com a", "falando com o", "falando com a", "voce e o", "voce e a", "falo com", "falando com"} {
			end := t.bot.phrase(i, p)
			if end == i {
				continue
			}
			from, to := nameRun(t.bot, end, true)
			if to <= from || t.bot.fold(to) != "?" {
				continue
			}
			if text, code := parseName(t.bot.quote(from, to).Text); code == "" {
				t.learn(Value{Kind: Name, Text: text, How: Accepted, Quotes: []Quote{l.quote(0, len(l.tokens))}})
				return true
			}
		}
	}
	return false
}

// find returns the first token of a word, -1 where it is not.
func (l *line) find(word string) int {
	return slices.IndexFunc(l.tokens, func(t portuguese.Token) bool { return t.Fold == word })
}

func first(name string) string {
	f, _, _ := strings.Cut(name, " ")
	return portuguese.Fold(f)
}

// fuller says whether a is b with more behind it: "Maria Souza" after "Maria".
func fuller(a, b string) bool {
	a, b = portuguese.Fold(a), portuguese.Fold(b)
	return len(a) > len(b) && strings.HasPrefix(a, b+" ") || len(strings.Fields(b)) == 1 && len(strings.Fields(a)) > 1 && strings.Fields(a)[0] == b
}

// botNames are the names by which the assistant calls itself, folded.
func botNames(bot *line) []string {
	var names []string
	phrases := bot.among("aqui e a", "aqui e o", "eu sou a", "eu sou o", "sou a", "sou o", "me chamo", "meu nome e")
	for i := range bot.tokens {
		for _, p := range phrases {
			if end := bot.phrase(i, p); end > i && bot.kind(end) == portuguese.Word && len(names) < 8 {
				names = append(names, bot.fold(end))
			}
		}
	}
	return names
}

// botCalled says whether the words are the name by which the customer calls the assistant.
func (t *turn) botCalled(l *line, from, to int) bool {
	return to == from+1 && slices.Contains(t.botNames, l.fold(from))
}

// introduced reads where people say who they are.
func (t *turn) introduced(l *line) (from, to int, ok bool) {
	n := len(l.tokens)
	named := l.among("meu nome completo e", "meu nome eh", "meu nome e", "meu nome", "o nome e", "me chamo", "eu me chamo", "pode me chamar de", "pode chamar de", "me chama de", "me chamam de", "podem me chamar de", "chamo me", "nome :", "nome completo :", "documento e", "registro e", "nome mesmo e", "completo e", "xamo", "xamo me", "chamo", "responsavel :", "contato :", "att", "att ,", "att .", "ass", "ass :", "assinado", "atenciosamente", "atenciosamente ,", "quem fala e", "quem esta falando e", "quem ta falando e", "falando com", "fala com", "aqui quem fala e", "aqui fala", "my name is", "me llamo", "mi nombre es", "mi nombre")
	article := l.among("aqui e o", "aqui e a", "aqui eh o", "aqui eh a", "aqui o", "aqui a", "eu sou o", "eu sou a", "sou o", "sou a", "aqui quem fala e o", "aqui quem fala e a", "fala e o", "fala e a", "agora e o", "agora e a", "aqui agora e o", "aqui agora e a", "aqui ta o")
	plain := l.among("aqui e", "aqui eh", "sou", "eu sou", "aqui", "soy", "yo soy", "i am", "i ' m", "i ’ m")
	better := func(a, b int) {
		if !ok || b-a > to-from {
			from, to, ok = a, b, true
		}
	}
	for i := 0; i < n; i++ {
		if anyOf(l.fold(i-1), "nao", "n") {
			continue
		}
		// "rui da padaria": a first name and where from, at the beginning.
		if (i == 0 || greets(l.fold(i-1)) || l.stop(i-1, true)) && words().firstNames[l.fold(i)] && !words().common[l.fold(i)] && anyOf(l.fold(i+1), "da", "do", "de") && words().companies[l.fold(i+2)] {
			better(i, i+1)
		}
		for _, p := range named {
			end := l.phrase(i, p)
			if end == i {
				continue
			}
			if p == "falando com" || p == "fala com" {
				if !anyOf(l.fold(i-1), "ta", "esta", "voce", "vc") && i > 0 || l.question() {
					continue
				}
			}
			if p == "meu nome" && anyOf(l.fold(end), "e", "eh", "completo", "da", "do", "na", "no") {
				continue
			}
			for l.kind(end) == portuguese.Break || anyOf(l.fold(end), "o", "a", ":", ",", "-") {
				end++
				if end >= n {
					break
				}
			}
			if from, to := nameRun(l, end, false); to > from {
				better(from, to)
			}
		}
		// "aqui é o Carlos", "sou a Maria", "é a Ana": an article shows that a name follows.
		for _, p := range article {
			if end := l.phrase(i, p); end > i {
				if anyOf(p, "aqui o", "aqui a") && i > 0 && !l.stop(i-1, true) && !greets(l.fold(i-1)) {
					continue
				}
				if from, to := nameRun(l, end, !upper(l, min(end, n-1)) && !words().firstNames[l.fold(end)] && relation(l.fold(end))); to > from && !relation(l.fold(from)) && !words().companies[l.fold(from)] {
					if anyOf(p, "aqui o", "aqui a") && !words().firstNames[l.fold(from)] && !upper(l, from) {
						continue
					}
					better(from, to)
				}
			}
		}
		// "sou Maria", "aqui é Maria": without an article only what looks like a name.
		for _, p := range plain {
			end := l.phrase(i, p)
			if end == i || p == "aqui" && (i > 0 && !l.stop(i-1, true) && !greets(l.fold(i-1))) {
				continue
			}
			if from, to := nameRun(l, end, true); to > from && words().firstNames[l.fold(from)] || to > from && upper(l, from) && p != "aqui" && !words().companies[l.fold(from)] {
				better(from, to)
			}
		}
		// "Bruno aqui", "Jonas falando"
		if anyOf(l.fold(i), "aqui", "falando", "aki") && i > 0 {
			for start := max(0, i-4); start < i; start++ {
				if start > 0 && !l.stop(start-1, true) && !greets(l.fold(start-1)) {
					continue
				}
				if !words().firstNames[l.fold(start)] && !upper(l, start) {
					continue
				}
				if from, to := nameRun(l, start, true); to == i && words().firstNames[l.fold(from)] {
					better(from, to)
				}
			}
		}
	}
	return from, to, ok
}

func greets(w string) bool {
	return anyOf(w, "oi", "ola", "opa", "dia", "tarde", "noite", "bom", "boa", "eai", "oie", "oii", "ei", "hello", "oiee", "salve", "fala", "prazer", "tudo", "bem", "blz", "ae", "oii")
}

// respelled reads a correction of how a name is written: a word that is nearly the same.
func respelled(l *line, before string, asked bool) (from, to int, ok bool) {
	if before == "" {
		return 0, 0, false
	}
	for i := range l.tokens {
		if l.kind(i) != portuguese.Word || !upper(l, i) && !asked && !anyOf(l.fold(i-1), "*", "e", "digo") {
			continue
		}
		if !near(before, l.text[l.tokens[i].Start:l.tokens[i].End]) {
			continue
		}
		from, to := nameRun(l, i, false)
		return from, to, to > from
	}
	return 0, 0, false
}

// near says whether a is b with up to two letters wrong or swapped, and not b itself.
func near(a, b string) bool {
	x, y := []rune(first(a)), []rune(first(b))
	if string(x) == string(y) || len(x) < 4 || len(y) < 4 || len(x) > 24 || len(y) > 24 || x[0] != y[0] && len(x) < 5 {
		return false
	}
	d := spelling.Distance(x, y)
	return d <= 1 || d == 2 && len(x) >= 5
}

// bareName reads an answer that is a name, past greetings and small words. When another
// question was asked last only what looks like a name at the beginning counts.
func (t *turn) bareName(l *line, direct bool) (from, to int) {
	begin := 0
	for i := range l.tokens {
		if l.fold(i) == "?" {
			begin = i + 1 // what follows a question may answer
		}
	}
	if direct && begin == len(l.tokens) {
		if part := l.answer(); part != l {
			l, begin = part, 0
		}
	}
	n := len(l.tokens)
	if n == 0 || begin == 0 && l.question() {
		return 0, 0
	}
	lex := words()
	for i := begin; i < n; {
		if l.kind(i) != portuguese.Word {
			i++
			continue
		}
		w := l.fold(i)
		if t.botCalled(l, i, i+1) {
			i++
			continue
		}
		if title(w) && l.kind(i+1) != portuguese.Break && !anyOf(l.fold(i-1), "do", "da", "pro", "pra", "com") {
			if a, b := nameRun(l, i, false); b > a {
				return a, b
			}
		}
		if l.fold(i-1) == "." && title(l.fold(i-2)) {
			_, end := l.clause(i, true) // "em nome do dr. Everaldo": the point ends no sentence
			i = max(end, i+1)
			continue
		}
		if lex.common[w] && !(lex.firstNames[w] && upper(l, i)) || greets(w) || particle(w) {
			// A sentence about something else: "pode ser agora não".
			i++
			continue
		}
		start, _ := l.clause(i, true)
		leading := true
		for k := start; k < i; k++ {
			if !(greets(l.fold(k)) || anyOf(l.fold(k), "e", "eh", "o", "a", "com", "sou", "eu", "meu", "nome", "ah", "entao", "claro", "sim", "aqui", "pode", "ser", "chamar", "me", "de", "desculpa", "obrigado", "obrigada", "prazer", "foi", "bem") || l.kind(k) != portuguese.Word || t.botCalled(l, k, k+1) || title(l.fold(k))) {
				leading = false
			}
		}
		a, b := nameRun(l, i, !direct)
		if b > a && leading {
			known := lex.firstNames[l.fold(a)]
			next := l.fold(b)
			ends := b >= n || l.stop(b, true) || l.kind(b) == portuguese.Mark || particle(next) || anyOf(next, "aqui", "mas", "com", "na", "no", "sou", "prazer", "e", "falando", "meu", "mesmo", "obrigado", "tudo", "kkk", "kkkk", "rs", "pra", "por", "ta")
			if next == "," && l.fold(b+1) == l.fold(a) { // "Rosa, Rosa Maria"
				if c, d := nameRun(l, b+1, false); d-c > b-a {
					a, b = c, d
				}
			}
			if direct && (ends || known) && (known || upper(l, a) || b-a <= 4 && start <= a) {
				return a, b
			}
			if !direct && known && ends {
				return a, b
			}
		}
		// The rest of this clause says something else.
		_, end := l.clause(i, true)
		i = max(end, i+1)
	}
	// A whole name, a title with a name, or a signature, inside or behind other words.
	for i := begin; i < n; i++ {
		if l.kind(i) != portuguese.Word || anyOf(l.fold(i-1), "o", "a", "do", "da", "de", "pro", "pra", "com", "no", "na", "e") || relation(l.fold(i-1)) || title(l.fold(i-1)) || l.fold(i-1) == "." && title(l.fold(i-2)) {
			continue
		}
		a, b := nameRun(l, i, true)
		switch {
		case b <= a || !upper(l, a) || t.botCalled(l, a, b):
		case direct && lex.firstNames[l.fold(a)] && (b-a > 1 || a > i):
			return a, b
		case b == n && i > 0 && l.fold(i-1) == "," && b-a <= 3 && !upper(l, 0) && !lex.companies[l.fold(a)]:
			return a, b
		}
	}
	return 0, 0
}
