package redact

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func FuzzText(f *testing.F) {
	f.Add(message)
	for _, l := range harmless(f) {
		f.Add(l)
	}
	r := newSource(200)
	for _, format := range formats {
		f.Add(strings.ReplaceAll(format.phrases[0], "%s", format.draw(r)) + " " + format.draw(r))
	}
	f.Add("senha: [senha]é Bearer [token] postgres://[senha]@x +[telefone] ([cpf]) [cpf]@x.com")
	f.Fuzz(func(t *testing.T, s string) {
		last := 0
		for _, span := range Find(s) {
			if span.From < last || span.To <= span.From || span.To > len(s) || span.Class == "" {
				t.Fatalf("Find(%q) = %v, want spans in order", s, Find(s))
			}
			last = span.To
		}
		once := Text(s)
		if twice := Text(once); twice != once {
			t.Errorf("Text(%q) = %q, then %q", s, once, twice)
		}
		if utf8.ValidString(s) && !utf8.ValidString(once) {
			t.Errorf("Text(%q) = %q, which is not UTF-8", s, once)
		}
	})
}

// A value in the midst of anything that leaves it a word of its own is masked.
func FuzzSurroundings(f *testing.F) {
	for _, s := range []string{"", "oi, tudo bem?", "[cpf]", "pedido (", "R$ 12,00 e", "senha:", "+", "a@b.co"} {
		f.Add(s, s)
	}
	f.Fuzz(func(t *testing.T, before, after string) {
		for _, value := range []string{"529.982.247-25", "(11) 98765-4321", "ana@exemplo.com", "11.222.333/0001-81"} {
			s := before + "\n" + value + "\n" + after
			if strings.Contains(before+after, value) {
				continue
			}
			if got := Text(s); strings.Contains(got, value) {
				t.Errorf("Text(%q) = %q, which holds %q", s, got, value)
			}
		}
	})
}

// Long texts of one piece repeated: whatever looked back or ahead without a bound would not
// end before the test does.
func TestHostileTextsEnd(t *testing.T) {
	t.Parallel()
	for _, piece := range []string{"a@", "@", "1 ", "11 9", "(", "+", "000201", "6304", "eyJ.", "senha:", "a=", "://a", "ponto ", "a arroba ", "[cpf", "-", "1-", "é", "\u0301", "x.x@", "Bearer ", "12.", "(1", "0198c5a2-7b1c-7def-8000-123456789012-", "A1b2"} {
		s := strings.Repeat(piece, 200_000/len(piece))
		once := Text(s)
		if twice := Text(once); twice != once {
			t.Errorf("Text(%q repeated) is not stable", piece)
		}
	}
}
