package guard

import (
	_ "embed"
	"fmt"
	"math/rand/v2"
	"strings"
)

//go:embed grammar.txt
var grammarText string

//go:embed sentences.txt
var sentencesText string

// generated names the source of rows that come from grammar.txt.
const generated = "generated"

type sentences struct {
	label, lang string
	forms       []string
}

// Generate writes rows for each label and language of the grammar, n for each of its parts and
// of Portuguese three times as many, and a few for each sentence of sentences.txt, with the
// slips of people who type on a phone. The same seed gives the same rows.
func Generate(seed uint64, n int) ([]Row, error) {
	slots, all, err := readGrammar(grammarText)
	if err != nil {
		return nil, err
	}
	_, own, err := readGrammar(sentencesText)
	if err != nil {
		return nil, err
	}
	w := writer{rng: rand.New(rand.NewPCG(seed, 2)), seen: map[string]bool{}}
	for _, s := range all {
		want := n
		if s.lang == "pt" {
			want *= 3
		}
		for i := range want {
			text, err := expand(s.forms[i%len(s.forms)], slots, w.rng, 0)
			if err != nil {
				return nil, err
			}
			w.add(s, text)
		}
	}
	for range n * spoken / 1500 {
		for _, s := range own {
			for _, text := range s.forms {
				w.add(s, w.among(text, s, own))
			}
		}
	}
	return w.rows, nil
}

// spoken is how many forms each sentence takes where Generate is asked for 1,500 rows.
const spoken = 8

type writer struct {
	rng  *rand.Rand
	rows []Row
	seen map[string]bool
}

func (w *writer) add(s sentences, text string) {
	text = slip(strings.Join(strings.Fields(text), " "), w.rng)
	if w.seen[text] {
		return
	}
	w.seen[text] = true
	w.rows = append(w.rows, Row{
		ID: fmt.Sprintf("g%05d", len(w.rows)), Text: text, Label: s.label, Lang: s.lang, Source: generated,
		Tier: "explicit", Kind: generated, Licence: "own work",
	})
}

// among puts a sentence as it is, behind a greeting, before a plea, or beside a harmless
// sentence of its language: an attack stays one in company.
func (w *writer) among(text string, s sentences, own []sentences) string {
	words := manners[s.lang]
	switch w.rng.IntN(6) {
	case 0:
		return words[0][w.rng.IntN(len(words[0]))] + " " + text
	case 1:
		return text + " " + words[1][w.rng.IntN(len(words[1]))]
	case 2:
		var harmless []string
		for _, o := range own {
			if o.label == "benign" && o.lang == s.lang {
				harmless = append(harmless, o.forms...)
			}
		}
		if len(harmless) == 0 {
			return text
		}
		other := harmless[w.rng.IntN(len(harmless))]
		glue := [...]string{". ", " ", ", ", "? ", " e "}[w.rng.IntN(5)]
		if w.rng.IntN(2) == 0 {
			return other + glue + text
		}
		return text + glue + other
	}
	return text
}

func readGrammar(text string) (map[string][]string, []sentences, error) {
	slots := map[string][]string{}
	var all []sentences
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		switch {
		case line == "" || strings.HasPrefix(line, "# "):
		case strings.HasPrefix(line, "$"):
			name, values, ok := strings.Cut(line[1:], "=")
			if !ok {
				return nil, nil, fmt.Errorf("grammar line %d: no value", i+1)
			}
			// A bar within a marker such as "<|" has no blanks round it.
			for v := range strings.SplitSeq(values, " | ") {
				slots[strings.TrimSpace(name)] = append(slots[strings.TrimSpace(name)], strings.TrimSpace(v))
			}
		case strings.HasPrefix(line, "[attack ") || strings.HasPrefix(line, "[benign "):
			label, lang, _ := strings.Cut(strings.Trim(line, "[]"), " ")
			all = append(all, sentences{label: label, lang: lang})
		case len(all) == 0:
			return nil, nil, fmt.Errorf("grammar line %d: a sentence before its label", i+1)
		default:
			last := &all[len(all)-1]
			last.forms = append(last.forms, line)
		}
	}
	return slots, all, nil
}

func expand(form string, slots map[string][]string, rng *rand.Rand, depth int) (string, error) {
	if depth > 6 {
		return "", fmt.Errorf("grammar: %q goes too deep", form)
	}
	var b strings.Builder
	for {
		i := strings.IndexByte(form, '{')
		if i < 0 {
			b.WriteString(form)
			return b.String(), nil
		}
		j := strings.IndexByte(form[i:], '}')
		if j < 0 || form[i+1] == '"' { // a brace of JSON
			b.WriteString(form[:i+1])
			form = form[i+1:]
			continue
		}
		values, ok := slots[form[i+1:i+j]]
		if !ok {
			return "", fmt.Errorf("grammar: no slot %q", form[i+1:i+j])
		}
		s, err := expand(values[rng.IntN(len(values))], slots, rng, depth+1)
		if err != nil {
			return "", err
		}
		b.WriteString(form[:i])
		b.WriteString(s)
		form = form[i+j+1:]
	}
}

// manners are what stands before and behind a request.
var manners = map[string][2][]string{
	"pt": {
		{"oi", "olá", "bom dia,", "boa tarde!", "boa noite", "oi tudo bem?", "opa", "por favor", "então", "moça", "amigo,", "oiee", "gente,", "escuta", "olha", "uai,", "ei", "meu bem,", "prezados,", "mano"},
		{"por favor", "pfv", "obrigado", "obg", "ok?", "tá?", "blz", "urgente", "agora", "é rapidinho", "kkk", "🙏", "tô esperando", "valeu", "att", "viu?", "né", "desde já agradeço"},
	},
	"es": {
		{"hola", "buenas,", "buenos días", "buenas tardes,", "por favor", "oye", "che", "disculpa,", "señorita", "amigo"},
		{"por favor", "gracias", "ya", "ok?", "porfa", "es urgente", "ahora", "jaja", "🙏", "saludos"},
	},
	"en": {
		{"hi", "hello,", "hey", "good morning", "please", "excuse me,", "ok so", "listen,", "dear team,", "yo"},
		{"please", "thanks", "now", "asap", "ok?", "lol", "thank you in advance", "it's urgent", "🙏", "cheers"},
	},
}

// short are the forms of chats, in pairs.
var short = strings.NewReplacer("você", "vc", " que ", " q ", " para ", " pra ", "tudo", "td", "está", "tá", " também", " tb", " por favor", " pfv", " de você", " de vc", "mensagem", "msg", " não ", " n ")

// slip changes a text as hurried typing does: capitals, accents, signs, abbreviations, a
// letter lost or doubled or swapped.
func slip(text string, rng *rand.Rand) string {
	switch rng.IntN(6) {
	case 0:
		text = strings.ToUpper(text)
	case 1, 2:
		if text != "" && text[0] < 0x80 {
			text = strings.ToUpper(text[:1]) + text[1:]
		}
		text += [...]string{".", "!", "", "?", "..."}[rng.IntN(5)]
	case 3:
		text = short.Replace(text)
	}
	if rng.IntN(3) == 0 {
		folded, _ := fold(text)
		text = string(folded)
	}
	if rng.IntN(3) != 0 {
		return text
	}
	letters := []rune(text)
	for range 1 + len(letters)/60 {
		i := rng.IntN(len(letters))
		if i == 0 || letters[i] == ' ' || letters[i-1] == ' ' {
			continue
		}
		switch rng.IntN(3) {
		case 0:
			letters = append(letters[:i], letters[i+1:]...)
		case 1:
			letters[i-1], letters[i] = letters[i], letters[i-1]
		default:
			letters[i] = letters[i-1]
		}
		if len(letters) < 2 {
			break
		}
	}
	return string(letters)
}
