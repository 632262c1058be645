package playbook

import (
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"secretaria/internal/portuguese"
	"secretaria/internal/slot"
)

// The defaults of Words.
const (
	wordsCorrected = "Anotado: {value}."
	wordsRefused   = "Sem problema."
	wordsAgain     = "Só para eu anotar aqui."
)

func isWord(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

func or(text, other string) string {
	if text == "" {
		return other
	}
	return text
}

// speak puts the built-in words together and notes what is asked.
func (r *reading) speak() {
	if len(r.said.Texts) == 0 { // time alone has passed: only a move may have words
		r.step.Ask = r.lead.Asked
		if !r.lead.State.Asking() {
			r.step.Ask, r.lead.Asked = "", ""
		}
		r.step.Text = strings.Join(r.says, " ")
		return
	}
	var said []string
	add := func(text string, more map[string]string) {
		if text, ok := r.book.fill(text, r.lead, more); ok && !slices.Contains(said, text) {
			said = append(said, text)
		}
	}
	r.ask()
	// Who says no at once is not told how nice it is to talk to him.
	if asking := r.before.State; (asking == "" || asking == New) && r.before.Last == "" && (r.step.Question != "" || len(r.says) == 0) {
		add(r.book.Greeting, nil)
	}
	for _, f := range r.step.Corrected {
		value, ok := plain(r.book.shown(f))
		said := slices.ContainsFunc(r.says, func(s string) bool { return strings.Contains(s, value) })
		if ok && !said {
			add(or(r.book.Words.Corrected, wordsCorrected), map[string]string{"value": value, "label": strings.ToLower(r.book.label(f.Key))})
		}
	}
	if r.lead.State.Asking() || len(r.says) > 0 {
		for _, f := range r.step.Learned {
			if s, ok := r.book.slot(f.Key); ok && s.Thanks != "" {
				add(s.Thanks, nil)
				break
			}
		}
	}
	if len(r.step.Refused) > 0 && len(said) == 0 && r.step.Question != "" {
		add(or(r.book.Words.Refused, wordsRefused), map[string]string{"label": strings.ToLower(r.book.label(r.step.Refused[0]))})
	}
	if len(said) == 0 && r.step.Question != "" && slices.ContainsFunc(r.said.Texts, postponed) && len(r.step.Skipped) > 0 {
		add(or(r.book.Words.Refused, wordsRefused), map[string]string{"label": strings.ToLower(r.book.label(r.step.Skipped[0]))})
	}
	said = append(said, r.says...)
	if r.step.Question != "" {
		said = append(said, r.step.Question)
	}
	r.step.Text = strings.Join(said, " ")
}

// ask chooses the next question and its words.
func (r *reading) ask() {
	r.lead.Asked = ""
	if !r.lead.State.Asking() {
		return
	}
	key := r.book.next(r.lead)
	if key == "" {
		return
	}
	s, _ := r.book.slot(key)
	counted := key
	if s.lacks(r.lead) {
		s.Question, s.Again, counted = s.More, nil, key+"+"
	}
	text := r.book.question(s, r.lead)
	r.step.Ask, r.step.Question = key, text
	r.lead.Asked, r.lead.Last = key, text
	r.lead.Times[counted]++
}

// question returns the words of a question: the next that has not just been said.
func (p *Playbook) question(s Slot, lead Lead) string {
	wordings := slices.Concat([]string{s.Question}, s.Again)
	first := ""
	for i := range wordings {
		text, ok := p.fill(wordings[(lead.Times[s.Key]+i)%len(wordings)], lead, nil)
		if !ok {
			continue
		}
		if text != lead.Last {
			return text
		}
		first = or(first, text)
	}
	first = or(first, p.label(s.Key)+"?")
	if first != lead.Last {
		return first
	}
	return or(p.Words.Again, wordsAgain) + " " + first
}

// fill puts values into a text. Where one is unknown, its address (", {name}") or else its
// sentence is left out; false when nothing is left.
func (p *Playbook) fill(text string, lead Lead, more map[string]string) (string, bool) {
	value := func(key string) (string, bool) {
		if v, ok := more[key]; ok {
			return v, true
		}
		v, ok := lead.Value(key)
		if !ok {
			return "", false
		}
		if v.Kind == slot.Name {
			first, _, _ := strings.Cut(v.Text, " ")
			return plain(first)
		}
		if v.Kind == slot.Company && !nameLike(v.Text) {
			return "", false
		}
		return plain(p.shown(Fact{key, v}))
	}
	var kept []string
	for _, s := range sentences(text) {
		if s, ok := fillSentence(s, value); ok {
			kept = append(kept, s)
		}
	}
	out := strings.TrimSpace(strings.Join(kept, ""))
	return out, strings.ContainsFunc(out, isWord)
}

func fillSentence(s string, value func(string) (string, bool)) (string, bool) {
	var b strings.Builder
	for {
		before, key, after, ok := placeholder(s)
		b.WriteString(before)
		if !ok {
			return b.String(), true
		}
		v, known := value(key)
		switch {
		case known:
			if before, ok := strings.CutSuffix(b.String(), " na "); ok && key == string(slot.Company) && masculine(v) {
				b.Reset()
				b.WriteString(before + " no ")
			}
			b.WriteString(v)
		case strings.HasSuffix(b.String(), ", ") && (after == "" || strings.ContainsRune(".!?,", rune(after[0]))):
			kept := strings.TrimSuffix(b.String(), ", ")
			b.Reset()
			b.WriteString(kept)
		default:
			return "", false
		}
		s = after
	}
}

// nameLike says whether the words of a company can stand in a sentence of ours: they have a
// capital or a figure, or are few.
func nameLike(s string) bool {
	return len(strings.Fields(s)) <= 3 || strings.ContainsFunc(s, func(r rune) bool { return unicode.IsUpper(r) || unicode.IsDigit(r) })
}

// masculine says whether a company is "o" by its first word: "no Ateliê da Maria".
func masculine(company string) bool {
	w := words(company)
	return len(w) > 0 && slices.Contains([]string{
		"armazem", "atelie", "atacadao", "bar", "bazar", "boteco", "buffet", "cafe", "cartorio", "centro", "clube", "colegio", "condominio", "consultorio", "curso", "deposito", "emporio", "escritorio", "espaco", "estaleiro", "estudio", "frigorifico",
		"grupo", "hospital", "hotel", "instituto", "laboratorio", "mercado", "mercadinho", "moinho", "pet", "petshop", "posto", "recanto", "restaurante", "salao", "sitio", "spa", "studio", "supermercado", "terreiro", "viveiro",
	}, w[0])
}

// placeholder finds the first {key}.
func placeholder(s string) (before, key, after string, ok bool) {
	for from := 0; ; {
		i := strings.IndexByte(s[from:], '{')
		if i < 0 {
			return s, "", "", false
		}
		i += from
		j := strings.IndexByte(s[i:], '}')
		if j < 0 {
			return s, "", "", false
		}
		if key := s[i+1 : i+j]; keyLike(key) {
			return s[:i], key, s[i+j+1:], true
		}
		from = i + 1
	}
}

func keyLike(s string) bool {
	for i, c := range s {
		if (c < 'a' || c > 'z') && (i == 0 || c != '_' && (c < '0' || c > '9')) {
			return false
		}
	}
	return s != "" && len(s) <= 40
}

// placeholders lists the keys in a text.
func placeholders(s string) []string {
	var keys []string
	for {
		_, key, after, ok := placeholder(s)
		if !ok {
			return keys
		}
		keys = append(keys, key)
		s = after
	}
}

// sentences cuts a text behind its sentences; joined they are the text again.
func sentences(text string) []string {
	var all []string
	from := 0
	for i, c := range text {
		end := i + utf8.RuneLen(c)
		if strings.ContainsRune(".!?…", c) && end < len(text) && (text[end] == ' ' || text[end] == '\n') || c == '\n' {
			all = append(all, text[from:end])
			from = end
		}
	}
	return append(all, text[from:])
}

const maxEcho = 60 // runes of a value that is said back

// plain makes a customer's words harmless in CommonMark, on one line. False for what is
// better not said back.
func plain(s string) (string, bool) {
	s = strings.Join(strings.FieldsFunc(s, func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r) || strings.ContainsRune("[]<>`*{}|\\~#", r)
	}), " ")
	return s, strings.ContainsFunc(s, isWord) && utf8.RuneCountInString(s) <= maxEcho
}

// label names a slot to people.
func (p *Playbook) label(key string) string {
	if s, ok := p.slot(key); ok && s.Label != "" {
		return s.Label
	}
	switch slot.Kind(key) {
	case slot.Name:
		return "Nome"
	case slot.Company:
		return "Empresa"
	case slot.Role:
		return "Cargo"
	case slot.Tools:
		return "Ferramentas"
	case slot.Pain:
		return "Dificuldade"
	case slot.TeamSize:
		return "Equipe"
	case slot.Email:
		return "E-mail"
	case slot.Phone:
		return "Telefone"
	case slot.CNPJ:
		return "CNPJ"
	case slot.Times:
		return "Horários"
	}
	text := strings.ReplaceAll(key, "_", " ")
	if text == "" {
		return ""
	}
	return strings.ToUpper(text[:1]) + text[1:]
}

// shown is a value as people write it.
func (p *Playbook) shown(f Fact) string {
	switch f.Kind {
	case slot.TeamSize:
		if f.Text == "1" {
			return "1 pessoa"
		}
		return f.Text + " pessoas"
	case slot.Phone:
		return shownPhone(f.Text)
	case slot.CNPJ:
		if c := f.Text; len(c) == 14 {
			return c[:2] + "." + c[2:5] + "." + c[5:8] + "/" + c[8:12] + "-" + c[12:]
		}
	case slot.Times:
		var list []string
		for _, text := range f.List {
			list = append(list, shownTime(text))
		}
		return and(list)
	case slot.Tools:
		return and(f.List)
	case slot.YesNo:
		if f.Text == "yes" {
			return "sim"
		}
		return "não"
	}
	return f.String()
}

func and(list []string) string {
	if len(list) < 2 {
		return strings.Join(list, "")
	}
	return strings.Join(list[:len(list)-1], ", ") + " e " + list[len(list)-1]
}

func shownPhone(text string) string {
	n, ok := strings.CutPrefix(text, "+55")
	if !ok || len(n) < 10 || len(n) > 11 {
		return text
	}
	return "(" + n[:2] + ") " + n[2:len(n)-4] + "-" + n[len(n)-4:]
}

func shownTime(text string) string {
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return text
	}
	day := [...]string{"domingo", "segunda", "terça", "quarta", "quinta", "sexta", "sábado"}[at.Weekday()]
	return day + ", " + at.Format("02/01") + ", às " + portuguese.Hour(at.Hour()*60+at.Minute())
}
