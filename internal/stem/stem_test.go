package stem

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"secretaria/internal/portuguese"
)

// departures are the words whose stem is not Snowball's, by why it is not.
func departures() map[string]string {
	out := map[string]string{}
	for _, words := range []string{
		// without the accent, an ending that Snowball takes for part of the word, or the other way round
		"amanhã=amanh/amanha atribuída=atribu/atribuid contém=cont/contem dão=dao/da kauã=kau/kaua maçã=mac/maca mão=mao/ma necessária=necess/necessar não=nao/na pão=pao/pa " +
			"robôs=rob/robos secretária=secret/secretar substituído=substitu/substituid também=tamb/tambem vão=vao/va",
		// plurals
		"balcões=balca/balco conexões=conexa/conexo durações=duraca/duraco papéis=papel/pap possíveis=possivel/possiv soluções=soluca/soluco thaís=thal/thais",
	} {
		for _, w := range strings.Fields(words) {
			word, stems, _ := strings.Cut(w, "=")
			out[word] = stems
		}
	}
	return out
}

// Our stems are Snowball's, but for what the comment of Portuguese says.
func TestSnowball(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("testdata/snowball.txt")
	if err != nil {
		t.Fatal(err)
	}
	n, others := 0, map[string]string{}
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line)
		if len(fields) != 2 {
			continue
		}
		n++
		if got, want := Portuguese(portuguese.Fold(fields[0])), portuguese.Fold(fields[1]); got != want {
			others[fields[0]] = got + "/" + want
		}
	}
	if n < 200 {
		t.Fatalf("read %d words", n)
	}
	if diff := cmp.Diff(departures(), others); diff != "" {
		t.Errorf("stems that are not Snowball's (-known +got):\n%s", diff)
	}
}

// The forms of a word meet, with accents and without.
func TestFormsMeet(t *testing.T) {
	t.Parallel()
	for _, forms := range []string{
		"consulta consultas consultar consultei consultinha", "cartão cartões cartao cartoes", "hotel hotéis hoteis", "imagem imagens", "animal animais", "lençol lençóis",
		"avaliação avaliações avaliacao avaliacoes", "parcela parcelas parcelar parcelado", "minuto minutos minutinho minutinhos", "criança crianças crianca", "convênio convenios", "café cafezinho",
		"horário horarios", "agendar agendamento agendado", "psicologia psicóloga psicologo",
	} {
		words := strings.Fields(forms)
		for _, w := range words[1:] {
			if got, want := Portuguese(portuguese.Fold(w)), Portuguese(portuguese.Fold(words[0])); got != want {
				t.Errorf("Portuguese(%q) = %q, Portuguese(%q) = %q, want the same", w, got, words[0], want)
			}
		}
	}
	if a, b := Portuguese("caminho"), Portuguese("cama"); a == b {
		t.Errorf("caminho and cama have the same stem %q", a)
	}
}

func TestTerms(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"Quanto custa a limpeza de pele?":      "(quanto) cust (a) limpez (de) pel |",
		"oi, bom dia! vcs abrem sábado?? kkkk": "(oi) (bom) (dia) | (vcs) abrem sab | | (kkkk)",
		"Vitamina B12, às 9h30, R$ 1.234,56":   "vitamin b12 (as) (9) (h) 30 (r) (1) 234 56",
		"linha\noutra":                         "linh | (outra)",
		"Привет 北京 ß":                          "x43fx440x438x432x435x442 x5317x4eac xdf",
		"dr.joao 3.5":                          "dr joa (3) (5)",
		"":                                     "",
		strings.Repeat("a", 65) + " fim":       "fim",
	} {
		var out []string
		for _, term := range Terms(text) {
			s := term.Stem
			if term.Break {
				s = "|"
			}
			if term.Stop {
				s = "(" + term.Word + ")"
			}
			out = append(out, s)
		}
		if got := strings.Join(out, " "); got != want {
			t.Errorf("Terms(%q) = %s, want %s", text, got, want)
		}
	}
	if got := Terms("a limpeza, e o preço de 3,5"); !got[2].Clause || got[1].Clause || slices.ContainsFunc(got[3:], func(t Term) bool { return t.Clause }) {
		t.Errorf("Terms with a comma = %+v, want one before the third word alone", got)
	}
}

// FuzzTerms: every term can be searched for, the same text without accents has the same
// terms, and a stem is no longer than its word.
func FuzzTerms(f *testing.F) {
	for _, s := range []string{"Quanto custa a limpeza de pele?", "avaliações às 9h30 R$ 80", "ÁÉÍ õ ñ ß 北京 👍 a\u0301", "\xff a\x00b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		terms := Terms(text)
		for _, term := range terms {
			if term.Break != (term.Stem == "") || !term.Break && (!Valid(term.Stem) || !Valid(term.Word)) {
				t.Errorf("Terms(%q) has %+v, which cannot be searched for", text, term)
			}
		}
		if diff := cmp.Diff(terms, Terms(portuguese.Fold(text))); diff != "" {
			t.Errorf("Terms(%q) without accents (-with +without):\n%s", text, diff)
		}
	})
}
