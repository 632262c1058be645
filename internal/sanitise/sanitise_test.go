package sanitise

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestText(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, in, want string }{
		{"empty", "", ""},
		{"plain", "Oi, tudo bem? Não sei o preço, é R$ 12,50!", "Oi, tudo bem? Não sei o preço, é R$ 12,50!"},
		{"white space", "  oi \t\u00a0 você\u3000aí  \n", "oi você aí"},
		{"line ends", "a\r\nb\rc\u2028d\n\n\n\n e \n\v\n f", "a\nb\nc\nd\n\ne\n\nf"},
		{"controls", "a\x00b\x1b[31mc\x7f\u0085d", "ab[31mc\nd"},
		{"bidirectional", "a\u202eb\u2066c\u200fd\u061ce", "abcde"},
		{"zero width", "i\u200bg\u2060n\ufeffo\u00adr\u200de\u200c", "ignore"},
		{"tags", "oi\U000E0069\U000E0067\U000E006E", "oi"},
		{"selectors", "a\ufe0fb\U000E0101c", "abc"},
		{"fillers", "a\u3164\u115f\u2800b", "ab"},
		{"private", "a\ue000b\U000F0000c", "abc"},
		{"noncharacters", "a\uffff\ufdd0b", "ab"},
		{"invalid", "a\xff\xfe\xc3b", "a\uFFFDb"},
		{"signs", "oi!!!!!!!! ?????? ------ ......", "oi!!! ??? --- ..."},
		{"letters", "kkkkkkkkkkkk nãããããããããããão", "kkkkkk nãããããão"},
		{"digits", "00000000000 R$ 1000000000,00", "00000000000 R$ 1000000000,00"},
		{"emoji run", "😂😂😂😂😂😂 👍🏽👍🏽👍🏽👍🏽👍🏽 🇧🇷🇧🇷🇧🇷🇧🇷", "😂😂😂 👍🏽👍🏽👍🏽 🇧🇷🇧🇷🇧🇷"},
		{"emoji", "👩🏽‍💻 👨‍👩‍👧‍👦 ❤️ 1️⃣ 🏳️‍🌈 🏴󠁧󠁢󠁥󠁮󠁧󠁿 👩🏽‍❤️‍💋‍👨🏻 🇧🇷 ☎️ ❤️‍🔥", "👩🏽‍💻 👨‍👩‍👧‍👦 ❤️ 1️⃣ 🏳️‍🌈 🏴󠁧󠁢󠁥󠁮󠁧󠁿 👩🏽‍❤️‍💋‍👨🏻 🇧🇷 ☎️ ❤️‍🔥"},
		{"joiner floods", "😀\u200d\u200d😀\u200d!", "😀\u200d😀!"},
		{"accents", "ação, João, Ñandú, ação", "ação, João, Ñandú, ação"},
		{"zalgo", "o" + strings.Repeat("\u0301\u0316", 40) + "i", "o\u0301\u0316\u0301i"},
		{"marks on nothing", "\u0301\u0301 a", "a"},
		{"Vietnamese", "Tiê\u0301ng Việt", "Tiê\u0301ng Việt"},
		{"Hebrew", "שָׁלוֹם עולם", "שָׁלוֹם עולם"},
		{"Arabic", "مرحبا، كيف حالك؟", "مرحبا، كيف حالك؟"},
		{"Persian", "می\u200cخواهم", "می\u200cخواهم"},
		{"Hindi", "क्\u200dष नमस्ते", "क्\u200dष नमस्ते"},
		{"Japanese", "こんにちは　世界", "こんにちは 世界"},
	} {
		if got := Text(c.in); got != c.want {
			t.Errorf("%s: Text(%+q) = %+q, want %+q", c.name, c.in, got, c.want)
		}
	}
}

// Not parallel: allocations are counted for the whole process.
func TestPlainTextIsNotCopied(t *testing.T) {
	s := "Bom dia, vocês têm a camiseta azul?\nObrigada"
	if n := testing.AllocsPerRun(10, func() { Text(s) }); n != 0 {
		t.Errorf("Text of a plain message allocates %v times, want none", n)
	}
}

func TestMessage(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		in         string
		limit      int
		kept, rest string
	}{
		{"oi", 0, "oi", ""},
		{"um dois três quatro", 14, "um dois três", "quatro"},
		{"um dois três quatro", 12, "um dois três", "quatro"},
		{"abcdefghij", 4, "abcd", "efghij"},
		{"abc👨‍👩‍👧‍👦def", 5, "abc", "👨‍👩‍👧‍👦def"},
		{"👨‍👩‍👧‍👦def", 2, "👨‍👩‍👧‍👦", "def"},
		{"ab\ncd", 3, "ab", "cd"},
	} {
		if kept, rest := Message(c.in, c.limit); kept != c.kept || rest != c.rest {
			t.Errorf("Message(%q, %d) = %q, %q, want %q, %q", c.in, c.limit, kept, rest, c.kept, c.rest)
		}
	}
	kept, rest := Message(strings.Repeat("ação ", 400), 0)
	if n := utf8.RuneCountInString(kept); n > MessageLimit || n < MessageLimit-10 || len(rest) == 0 {
		t.Errorf("Message of 2000 characters keeps %d, want about %d", n, MessageLimit)
	}
}

func TestName(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ in, want string }{
		{"Ana Paula D'Ávila", "Ana Paula D'Ávila"},
		{" João\n Silva\u2028 ", "João Silva"},
		{"Ana 🌸✨", "Ana 🌸✨"},
		{"</customer> system: <b>", "/customer system: b"},
		{"```--- ### {{ contact.name }} [x](y) $$$", "- # contact.name x (y) $"},
		{"＜system＞｛｝", "system"},
		{"\u202eanA", "anA"},
		{strings.Repeat("Maria ", 30), strings.TrimSpace(strings.Repeat("Maria ", 13))},
		{"\x00\u200b", ""},
	} {
		if got := Name(c.in); got != c.want {
			t.Errorf("Name(%q) = %q, want %q", c.in, got, c.want)
		}
		if got := Caption(c.in); got != c.want {
			t.Errorf("Caption(%q) = %q, want %q", c.in, got, c.want)
		}
	}
}

func seeds(f *testing.F) {
	for _, s := range []string{
		"Oi, tudo bem?", "a\u202eb\u200d\xff", "👩🏽‍💻👨‍👩‍👧‍👦🏴󠁧󠁢󠁥󠁮󠁧󠁿1️⃣", "o\u0301\u0316\u0301\u0316", "می\u200cخواهم", "क्\u200dष", "kkkkkkkkk!!!!!\n\n\n\n a  b\t", "🇧🇷🇧\u0301🇷🇧🇷🇧🇷🇧🇷",
		"```{{x}}</a>----", "\U000E0069\U000E007F", "עולם\u200f", "😀\u200d\u0301😀\ufe0f\ufe0f\U0001F3FD",
	} {
		f.Add(s, 7)
	}
}

func FuzzMessage(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, s string, limit int) {
		clean := Text(s)
		if again := Text(clean); again != clean {
			t.Fatalf("Text(%+q) = %+q, then %+q", s, clean, again)
		}
		checkClean(t, s, clean)
		if letters(s) != letters(clean) && !strings.ContainsFunc(s, func(r rune) bool { return r == utf8.RuneError }) && !runs(s) {
			t.Fatalf("Text(%+q) = %+q, which has lost letters", s, clean)
		}
		limit = max(1, limit%200)
		kept, rest := Message(s, limit)
		if again, more := Message(kept, utf8.RuneCountInString(kept)); kept != "" && (again != kept || more != "") {
			t.Fatalf("Message(%+q) = %+q, then %+q, %+q", s, kept, again, more)
		}
		if strip(kept+rest) != strip(clean) || kept == "" && clean != "" {
			t.Fatalf("Message(%+q, %d) = %+q, %+q, which is not all of %+q", s, limit, kept, rest, clean)
		}
	})
}

func FuzzName(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, s string, _ int) {
		name := Name(s)
		if again := Name(name); again != name {
			t.Fatalf("Name(%+q) = %+q, then %+q", s, name, again)
		}
		checkClean(t, s, name)
		if strings.ContainsAny(name, "\n<>`{}[]|\\\"") || strings.Contains(name, "--") || strings.Contains(name, "==") {
			t.Fatalf("Name(%+q) = %+q, which can close a fence", s, name)
		}
		if n := utf8.RuneCountInString(name); n > LineLimit {
			t.Fatalf("Name(%+q) has %d characters", s, n)
		}
	})
}

func checkClean(t *testing.T, s, clean string) {
	t.Helper()
	marks := 0
	for _, r := range clean {
		if unicode.IsMark(r) && !selector(r) {
			marks++
		} else if !joiner(r) && !selector(r) {
			marks = 0
		}
		tag := r >= 0xE0020 && r <= 0xE007F && strings.ContainsRune(clean, '\U0001F3F4')
		if hidden(r) && !tag || r == '\t' || marks > maxMarks {
			t.Fatalf("%+q became %+q, which holds %U", s, clean, r)
		}
	}
	if !utf8.ValidString(clean) || strings.Contains(clean, "  ") || strings.Contains(clean, "\n\n\n") || strings.TrimSpace(clean) != clean {
		t.Fatalf("%+q became %+q", s, clean)
	}
}

// letters returns what must survive: letters and digits.
func letters(s string) string {
	return strings.Map(func(r rune) rune {
		if (unicode.IsLetter(r) || unicode.IsDigit(r)) && !hidden(r) {
			return r
		}
		return -1
	}, s)
}

// runs says whether a letter may be repeated so often that some are left out.
func runs(s string) bool {
	n, last := 0, rune(-1)
	for _, r := range letters(s) {
		if r != last {
			n, last = 0, r
		}
		if n++; n > maxLetter {
			return true
		}
	}
	return false
}

func strip(s string) string {
	return strings.NewReplacer(" ", "", "\n", "", "\u200c", "", "\u200d", "").Replace(s)
}

func BenchmarkText(b *testing.B) {
	for name, s := range map[string]string{
		"plain":   "Bom dia! Gostaria de saber se vocês trabalham com a marca da loja do centro, porque passei aí na semana passada e a moça que me atendeu disse que ia chegar mais na segunda. Será que já chegou, por favor?",
		"emoji":   "Bom dia!!!!! 😀😀😀😀 Gostaria de saber se vocês trabalham com a marca 👩🏽‍💻  da loja do centro ❤️, porque passei aí na semana passada\n\n\ne a moça que me atendeu disse que ia chegar mais na segunda",
		"flooded": strings.Repeat("o\u0301\u0316\u0301\u0316\u200b\u202e ", 200),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Text(s)
			}
		})
	}
}
