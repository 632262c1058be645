package agent

import (
	"slices"
	"strings"
	"time"

	"secretaria/internal/hours"
	"secretaria/internal/phrase"
	"secretaria/internal/portuguese"
)

// asksHours answers a question for the opening hours, of a day or in general, where nothing
// else is asked. A playbook's question follows the answer.
func (t *turn) asksHours() bool {
	if t.a.cfg.Open.Zone == nil || len(t.asked) == 0 {
		return false
	}
	q := opening{now: t.now(), open: t.a.cfg.Open}
	if before, _ := t.previous(); before.Content.Text != "" {
		earlier := opening{now: q.now, open: q.open}
		earlier.read(before.Content.Text)
		q.follows = earlier.asks && !earlier.other
	}
	for _, text := range t.texts {
		q.read(text)
	}
	if !q.asks || q.other || q.nothing() {
		return false
	}
	texts := q.answers(t.a.words.lang)
	if t.a.cfg.Playbook != nil && t.asking() {
		if t.read(false); t.step != nil && t.step.Question != "" {
			texts = append(texts, t.step.Question)
		}
	}
	t.decided(Replied, "hours", texts...)
	return true
}

// asking says whether the playbook waits for an answer.
func (t *turn) asking() bool { return t.mem.Lead == nil || t.mem.Lead.State.Asking() }

// opening is a question for the opening hours while it is read.
type opening struct {
	now  time.Time
	open hours.Hours
	// follows: the customer asked for the hours just before, so that "e no domingo?" asks too.
	follows bool

	asks, other bool
	holiday     bool // "no feriado", whichever
	days        []time.Time
	lang        string // where the question shows it
}

// maxDays bounds the days that one answer tells.
const maxDays = 3

func (q *opening) read(text string) {
	for _, c := range phrase.Clauses(text) {
		switch {
		case q.clause(text[c.Start:c.End]):
			q.asks = true
		case !greetings.MatchString(c.Words) && !courtesies.MatchString(c.Words):
			q.other = true
		}
	}
}

// clause reads one clause: the days are taken out of it, and what is left must be a question
// for the hours and nothing else.
func (q *opening) clause(text string) bool {
	words := phrase.Words(text)
	var days []time.Time
	holiday := false
	if named := holidays.FindString(words); named != "" {
		day, ok := q.open.HolidayNamed(q.now, func(name string) bool {
			return strings.Contains(phrase.Words(name), aliased(named))
		})
		if !ok {
			return false // whether the house keeps it is not known
		}
		days = append(days, day)
		words = without(words, named)
		text = words
	}
	if any := anyHoliday.FindString(words); any != "" && len(days) == 0 {
		holiday = true
		words = without(words, any)
		text = words
	} else if any != "" {
		words = without(words, any)
		text = words
	}
	if end := weekend.FindString(words); end != "" {
		saturday := q.now.AddDate(0, 0, (int(time.Saturday)-int(q.now.Weekday())+7)%7)
		days = append(days, saturday, saturday.AddDate(0, 0, 1))
		words = without(words, end)
		text = words
	}
	rest, found, clock, ok := q.dated(text)
	if !ok {
		return false
	}
	days = append(days, found...)
	dated := len(days) > 0 || holiday
	lang := ""
	switch {
	case englishHours.MatchString(rest):
		lang = "en"
	case spanishHours.MatchString(rest):
		lang = "es"
	case clock && !opens.MatchString(rest):
		return false // "atende às 15h?" may be for an appointment
	case weekHours.MatchString(rest), openNow.MatchString(rest):
	case dated && openOn.MatchString(rest):
	case dated && q.follows && strings.Trim(rest, " ") == strings.Trim(follow.FindString(rest), " "):
	default:
		return false
	}
	q.days = append(q.days, days...)
	q.holiday = q.holiday || holiday
	if lang != "" {
		q.lang = lang
	}
	return true
}

// dated takes days and hours out of a text. What is left is folded.
func (q *opening) dated(text string) (rest string, days []time.Time, clock, ok bool) {
	tokens := portuguese.Split(text)
	gone := make([]bool, len(tokens))
	take := func(from, to int) {
		for i := from; i < to; i++ {
			gone[i] = true
		}
		for i := from - 1; i >= 0 && slices.Contains(beforeDay, tokens[i].Fold); i-- {
			gone[i] = true
		}
	}
	for _, item := range portuguese.Items(tokens, q.now, false) {
		switch item.Kind {
		case portuguese.Day:
			if item.Past {
				return "", nil, false, false
			}
			day := item.Date
			if day.Weekday() == q.now.Weekday() && !slices.ContainsFunc(tokens, func(t portuguese.Token) bool {
				return t.Kind == portuguese.Digits || t.Fold == "vem" || strings.HasPrefix(t.Fold, "proxim")
			}) &&
				q.open.Open(q.now) && day.After(q.now.AddDate(0, 0, 6)) {
				day = q.now // "abrem sábado?" on a Saturday on which they are open
			}
			days = append(days, day)
		case portuguese.Clock, portuguese.Part:
			clock = clock || item.Kind == portuguese.Clock
		default:
			return "", nil, false, false
		}
		take(item.From, item.To)
	}
	for i, t := range tokens {
		if day, ok := foreignDay(t.Fold, q.now); ok && !gone[i] {
			take(i, i+1)
			days = append(days, day)
		}
	}
	var left []string
	for i, t := range tokens {
		if !gone[i] && (t.Kind == portuguese.Word || t.Kind == portuguese.Digits) {
			left = append(left, t.Fold)
		}
	}
	return strings.Join(left, " "), days, clock, true
}

// foreignDay reads the names of days that Portuguese, as package portuguese reads it, has not:
// English and Spanish ones, and "aos sábados".
func foreignDay(word string, now time.Time) (time.Time, bool) {
	names := []string{"sunday sundays domingos", "monday mondays lunes segundas", "tuesday tuesdays martes tercas", "wednesday wednesdays miercoles quartas", "thursday thursdays jueves quintas", "friday fridays viernes sextas", "saturday saturdays sabados"}
	for i, list := range names {
		if slices.Contains(strings.Fields(list), word) {
			ahead := (i - int(now.Weekday()) + 7) % 7
			return now.AddDate(0, 0, ahead), true
		}
	}
	if word == "tomorrow" || word == "manana" {
		return now.AddDate(0, 0, 1), true
	}
	return time.Time{}, false
}

// nothing says whether a holiday was asked for and none is known.
func (q *opening) nothing() bool {
	_, _, ok := q.open.NextHoliday(q.now)
	return q.holiday && !ok
}

// answers are what is asked, a day after another.
func (q *opening) answers(lang string) []string {
	if q.lang != "" {
		lang = q.lang
	}
	days := q.days
	if q.holiday {
		if day, _, ok := q.open.NextHoliday(q.now); ok {
			days = append(days, day)
		}
	}
	var said []string
	for _, day := range days {
		text := q.open.AnswerOn(q.now, day, lang)
		if text != "" && !slices.Contains(said, text) && len(said) < maxDays {
			said = append(said, text)
		}
	}
	if len(said) == 0 {
		return []string{q.open.Answer(q.now, lang)}
	}
	return []string{strings.Join(said, " ")}
}

// without takes a phrase and the small words before it out of folded words.
func without(words, phrase string) string {
	before, after, _ := strings.Cut(" "+words+" ", " "+phrase+" ")
	kept := strings.Fields(before)
	for len(kept) > 0 && slices.Contains(beforeDay, kept[len(kept)-1]) {
		kept = kept[:len(kept)-1]
	}
	return strings.Join(append(kept, strings.Fields(after)...), " ")
}

// aliased is the name by which a holiday is listed.
func aliased(named string) string {
	switch named {
	case "ano novo", "primeiro de janeiro", "reveillon":
		return "confraternizacao"
	case "sexta santa", "paixao", "sexta feira da paixao":
		return "sexta feira santa"
	case "dia do trabalhador":
		return "dia do trabalho"
	case "aparecida", "dia das criancas":
		return "aparecida"
	case "independencia":
		return "independencia"
	}
	return named
}

// beforeDay are the words that lead to a day. It is not changed.
var beforeDay = []string{"no", "na", "nos", "nas", "em", "ao", "aos", "as", "o", "a", "os", "do", "da", "de", "dos", "pro", "pra", "para", "neste", "nesse", "nesta", "nessa", "este", "esse", "esta", "essa", "proximo", "proxima", "dia", "durante", "on", "this", "next", "the", "el", "los"}

var (
	holidays   = phrase.Any(`natal`, `ano novo`, `reveillon`, `carnaval`, `sexta feira santa`, `sexta santa`, `sexta feira da paixao`, `paixao`, `tiradentes`, `finados`, `corpus christi`, `consciencia negra`, `independencia`, `dia do trabalho`, `dia do trabalhador`, `proclamacao da republica`, `aparecida`, `dia das criancas`)
	anyHoliday = phrase.Any(`feriados?`, `feriadao`, `holidays?`, `feriados? nacionais`)
	weekend    = phrase.Any(`(?:fim|final|finais) de semana`, `finde`, `fds`, `weekends?`)

	lead      = `(?:(?:(?:eu )?(?:gostaria|queria|quero) (?:de )?saber|me (?:diz|diga|fala|informa)|sabe me dizer|pode(?:ria)?m? (?:me )?(?:dizer|informar)|por favor|qual e|qual seria|qual|quais sao|e|so|se|mas|ah|oi|ola) )*`
	office    = `(?:voces?|vcs?|ces|a loja|a clinica|o consultorio|o escritorio|a empresa|a gente|ai|isso|la)`
	they      = `(?: ` + office + `)?`
	when      = `(?: (?:hoje|hj|agora|ai|por favor|mesmo|ja|de voces|ainda|normalmente|tambem|tbm|tb))*`
	verb      = `(?:abre|abrem|abri|fecha|fecham|funciona|funcionam|atende|atendem|comeca|comecam|abrem e fecham|abre e fecha|vao abrir|vai abrir|vao fechar|vai fechar|vao funcionar|vai funcionar|vao atender|vai atender|trabalha|trabalham)`
	weekHours = phrase.Any(`^`+lead+`(?:a )?(?:que|q|qual|quais) (?:horas?|hrs?|hs|horario)`+they+` (?:`+office+` |e que )?(?:que )?`+verb+they+when+`$`,
		`^`+lead+`(?:os? |seus? )?horarios? (?:de )?(?:atendimento|funcionamento|abertura|trabalho|expediente)(?: (?:de|da|do) (?:voces|vcs|loja|clinica|escritorio|consultorio|empresa))?`+when+`$`, `^`+lead+`(?:o )?horario(?: de voces)?`+when+`$`,
		`^`+lead+`(?:ate|a partir de|desde) (?:que|q) (?:horas?|hrs?|hs)`+they+` (?:voces? |vcs? )?(?:abre|abrem|fica|ficam|atende|atendem|funciona|funcionam|vai|vao|esta|estao)(?: abert[oa]s?)?`+they+when+`$`,
		`^`+lead+`(?:ate|a partir de|desde) (?:que|q) (?:horas?|hrs?|hs)`+they+when+`$`, `^`+lead+`(?:`+office+` )*`+verb+they+` (?:a |as |ate )?(?:que|q) (?:horas?|hrs?|hs)`+when+`$`)
	openNow = phrase.Any(`^`+lead+`(?:`+office+` |ja )*(?:esta|estao|ta|tao|tem alguem)`+they+` (?:abert[oa]s?|atendendo|funcionando|abrindo|fechad[oa]s?)`+they+when+`$`, `^`+lead+`(?:`+office+` )*(?:abre|abrem|atende|atendem|funciona|funcionam)(?: (?:hoje|hj|agora))+$`,
		`^(?:abert[oa]s?)(?: (?:hoje|hj|agora))?$`)
	// openOn is what is left of a question for the hours of a day.
	openOn = phrase.Any(`^`+lead+`(?:`+office+` )*`+verb+they+when+`$`, `^`+lead+`(?:`+office+` )*(?:tem|ha|vai ter|tera|havera) (?:atendimento|expediente)`+they+when+`$`, `^`+lead+`(?:`+office+` )*(?:esta|estao|ta|tao|estara|estarao|vai estar|vao estar|fica|ficam|vai ficar|vao ficar) (?:abert[oa]s?|atendendo|funcionando|fechad[oa]s?)`+they+when+`$`,
		`^`+lead+`(?:`+office+` )*(?:esta|estao|ta|tao|estara|estarao|fica|ficam)`+they+` (?:abert[oa]s?|atendendo|funcionando|fechad[oa]s?)`+when+`$`, `^(?:e )?(?:o )?(?:atendimento|funcionamento|expediente|horario)`+when+`$`, `^abert[oa]s?$`)
	follow = phrase.Any(`^(?:(?:e|mas|ou|tambem|tb|tbm|hoje|hj)(?: (?:e|mas|ou|tambem|tb|tbm))*)?$`)
	// opens are the verbs of a door, not of an appointment.
	opens = phrase.Any(`abr(?:e|em|ir)`, `fech(?:a|am|ar)`, `funcion(?:a|am|ar)`, `abert[oa]s?`)

	englishHours = phrase.Any(`^(?:what time|what hours|when|until when|until what time) (?:do|are|will) you (?:guys )?(?:be )?(?:open|close|work|closing|opening)(?: today| now| until)?$`, `^what are your (?:opening |business |working )?hours(?: today)?$`, `^(?:are|will) you (?:guys )?(?:be )?(?:open|closed)(?: today| now| right now)?$`, `^do you (?:guys )?(?:open|close|work)(?: today)?$`, `^(?:your )?(?:opening|business|working) hours(?: please)?$`)
	spanishHours = phrase.Any(`^a que hora (?:abren|cierran)(?: hoy)?$`, `^(?:hasta que hora|desde que hora) (?:abren|atienden|estan abiertos|trabajan)(?: hoy)?$`, `^cual es (?:el|su) horario(?: de atencion)?$`, `^que horario tienen(?: hoy)?$`, `^estan abiertos(?: hoy| ahora)?$`, `^(?:abren|atienden|trabajan)(?: hoy)?$`)
)
