package sanitise

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write testdata anew")

// Which runes are what is written down: a bound that moves by one is seen.
func TestRunes(t *testing.T) {
	t.Parallel()
	// What lies between is ideographs and what Unicode has not assigned yet.
	var some []rune
	for _, part := range [][2]rune{{0, 0x2000F}, {0xDFFF0, 0xE100F}, {0xEFFF0, 0xF000F}, {0xFFFF0, 0x10000F}, {0x10FFF0, unicode.MaxRune}} {
		for r := part[0]; r <= part[1]; r++ {
			some = append(some, r)
		}
	}
	var got strings.Builder
	for _, c := range []struct {
		name string
		is   func(rune) bool
	}{{"breaks", breaks}, {"hidden", hidden}, {"joiner", joiner}, {"selector", selector}, {"tone", tone}, {"flagLetter", flagLetter}, {"picture", picture}, {"fence", fence}} {
		fmt.Fprintf(&got, "%s\n", c.name)
		for i := 0; i < len(some); i++ {
			from := i
			for i < len(some) && c.is(some[i]) {
				i++
			}
			switch i - from {
			case 0:
			case 1:
				fmt.Fprintf(&got, "\t%04X\n", some[from])
			default:
				fmt.Fprintf(&got, "\t%04X-%04X\n", some[from], some[i-1])
			}
		}
	}
	const file = "testdata/runes.txt"
	if *update {
		if err := os.WriteFile(file, []byte(got.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got.String(), "\n")); diff != "" {
		t.Errorf("which runes are what differs (-want +got):\n%s", diff)
	}
}

// The letters that joiners shape begin with Arabic.
func TestShapes(t *testing.T) {
	t.Parallel()
	for r, want := range map[rune]bool{'a': false, 'ã': false, 'ж': false, 0x5D0: false, 0x5FF: false, 0x600: true, 0x627: true, 0x905: true, 0xD85: true, 0x1820: true, 'あ': false, '😀': false} {
		if got := shapes(r); got != want {
			t.Errorf("shapes(%U) = %v, want %v", r, got, want)
		}
	}
}

// slow cleans a text without looking whether there is anything to do.
func slow(s string) string {
	var w writer
	for i := 0; i < len(s); {
		i = w.next(s, i)
	}
	return strings.TrimRight(w.String(), " \n")
}

var (
	words = regexp.MustCompile(`^(?:[!-~À-ÿ]+(?:[ \n][!-~À-ÿ]+)*)?$`)
	heap  = func() *regexp.Regexp {
		var all []string
		for r := '!'; r <= 'ÿ'; r++ {
			if (r < 0x7F || r >= 'À') && (r < '0' || r > '9') {
				all = append(all, regexp.QuoteMeta(string(r))+"{4}")
			}
		}
		return regexp.MustCompile(strings.Join(all, "|"))
	}()
)

// strange are pieces that short texts are made of: one of every kind that is treated alike.
var strange = []string{"a", "A", "é", "!", "0", "9", "/", ":", " ", "\n", "\t", "\r", "\x00", "~", "\x7f", "ÿ", "À", "¿", "\xc3", "\x80", "٣", "\u200d", "\u0301"}

// pieces calls f with every text of at most n pieces.
func pieces(n int, f func(string)) {
	var more func(s string, n int)
	more = func(s string, n int) {
		f(s)
		if n == 0 {
			return
		}
		for _, p := range strange {
			more(s+p, n-1)
		}
	}
	more("", n)
}

// Nothing is to do exactly where Latin words stand with single blanks between and nothing
// stands four times in a row but digits; and where nothing is to do, doing it changes nothing.
func TestPlain(t *testing.T) {
	t.Parallel()
	check := func(s string) {
		want := utf8.ValidString(s) && words.MatchString(s) && !heap.MatchString(s)
		if got := plain(s); got != want {
			t.Errorf("plain(%+q) = %v, want %v", s, got, want)
		}
		clean := slow(s)
		if want && clean != s || Text(s) != clean {
			t.Errorf("Text(%+q) = %+q, want %+q", s, Text(s), clean)
		}
		if again := Text(clean); again != clean {
			t.Errorf("Text(%+q) = %+q, want it unchanged", clean, again)
		}
	}
	pieces(3, check)
	for c := range 256 {
		for _, s := range []string{"a" + string([]byte{byte(c)}), "\xc3" + string([]byte{byte(c)}), string([]byte{byte(c)}) + "a", strings.Repeat(string([]byte{byte(c)}), 4),
			strings.Repeat("\xc3"+string([]byte{byte(c)}), 4), "x" + strings.Repeat(string([]byte{byte(c)}), 3)} {
			check(s)
		}
	}
	for _, s := range []string{"aaa", "aaaa", "aaabaaa", "aaa aaa", "!!!a!!!", "0000000", "00001111", "éééé", "ééé", "aa\naa", "a b\nc", " ", "\n", "a ", "a\n"} {
		check(s)
	}
}

// How many of a sign, a letter, a mark and a joined emoji are left, at the bound and beside
// it, and what breaks a row of them.
func TestRows(t *testing.T) {
	t.Parallel()
	row := func(s string, n int) string { return strings.Repeat(s, n) }
	for _, c := range []struct{ in, want string }{
		{row("!", 3) + "\t", "!!!"}, {row("!", 4), "!!!"}, {row("!", 3) + "?" + row("!", 4), "!!!?!!!"}, {row("!", 3) + " " + row("!", 3) + "\t", "!!! !!!"}, {row("!", 4) + "\n" + row("!", 4), "!!!\n!!!"},
		{row("k", 6) + "\t", "kkkkkk"}, {row("k", 7), "kkkkkk"}, {row("k", 6) + "K" + row("k", 7), "kkkkkkKkkkkkk"}, {row("k", 7) + "  " + row("k", 7), "kkkkkk kkkkkk"},
		{row("7", 20) + "\t", row("7", 20)}, {row("٣", 9), row("٣", 9)}, {row("Ⅷ", 4), row("Ⅷ", 3)},
		{"a" + row("\u0301", 3) + "b", "a" + row("\u0301", 3) + "b"}, {"a" + row("\u0301", 4) + "b", "a" + row("\u0301", 3) + "b"},
		{"a\u0301\u0316\u0301\u0316x\u0301\u0316\u0301\u0316", "a\u0301\u0316\u0301x\u0301\u0316\u0301"},
		{"😀" + row("\u200d😀", 4), "😀" + row("\u200d😀", 4)}, {"😀" + row("\u200d😀", 5), "😀" + row("\u200d😀", 4) + "😀"},
		{"a\n\nb\t", "a\n\nb"}, {"a\n\n\nb", "a\n\nb"}, {"a \n b\t", "a\nb"}, {"\n a", "a"}, {" \n\na ", "a"}, {"\t", ""},
		{"a\r\nb\t", "a\nb"}, {"a\r\n\r\nb", "a\n\nb"}, {"a\r\r\rb", "a\n\nb"}, {"a\rb", "a\nb"}, {"a\r", "a"}, {"a\n\rb", "a\n\nb"},
		{"a\xffb", "a\uFFFDb"}, {"a\xff\xffb", "a\uFFFDb"}, {"a\xff", "a\uFFFD"}, {"a\uFFFD\uFFFDb\t", "a\uFFFD\uFFFDb"}, {"\xff\uFFFDb", "\uFFFD\uFFFDb"}, {"a\xff\xff \xffb", "a\uFFFD \uFFFDb"},
	} {
		if got := Text(c.in); got != c.want {
			t.Errorf("Text(%+q) = %+q, want %+q", c.in, got, c.want)
		}
	}
}

// What belongs to one character to the eye, and what is hidden within it.
func TestClusters(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ in, want string }{
		// A skin is of the emoji before it, once, and no skin of another skin.
		{"👍🏽🏽🏽🏽🏽", "👍🏽🏽🏽🏽"}, {"👍\u0301🏽", "👍\u0301🏽"}, {"a🏽b", "a🏽b"}, {"🏽🏽🏽🏽", "🏽🏽🏽"}, {"👍\u200b🏽!", "👍🏽!"}, {"👍🏽\u200d💻!", "👍🏽\u200d💻!"}, {"👩🏽\u200d👩🏽!", "👩🏽\u200d👩🏽!"},
		// One selector, after a picture or a key.
		{"❤\ufe0f\ufe0f!", "❤\ufe0f!"}, {"❤\ufe0e!", "❤\ufe0e!"}, {"❤\ufe0f\ufe0e!", "❤\ufe0f!"}, {"9\ufe0f\u20e3!", "9\ufe0f\u20e3!"}, {"*\ufe0f\u20e3!", "*\ufe0f\u20e3!"}, {"#\ufe0e!", "#\ufe0e!"}, {"a\ufe0f\u0301!", "a\u0301!"}, {"❤\ufe00!", "❤!"},
		{"❤\ufe0f\u200d❤\ufe0f!", "❤\ufe0f\u200d❤\ufe0f!"}, {"😀\u0301\u200d😀\u0301\u0301\u0301!", "😀\u0301\u200d😀\u0301\u0301\u0301!"},
		// A joiner joins pictures only.
		{"😀\u200da", "😀a"}, {"a\u200d😀", "a😀"}, {"😀\u200c😀!", "😀😀!"}, {"😀\u200b\u200d\u200b😀!", "😀\u200d😀!"}, {"😀\u200d\xff", "😀\uFFFD"}, {"😀\u200d", "😀"}, {"😀\u200d\u200d", "😀"},
		// Or shapes letters on both sides.
		{"می\u200cخ", "می\u200cخ"}, {"می\u200c", "می"}, {"می\u200ca", "میa"}, {"می\u200c\u200cخ", "می\u200cخ"}, {"می\u200d\u200bخ", "می\u200dخ"}, {"a\u200cخ", "aخ"}, {"ع\u200c\xff", "ع\uFFFD"},
		// Flags are pairs of letters, whatever is hidden between.
		{"🇧🇷🇧!", "🇧🇷🇧!"}, {"🇧\u200b🇷!", "🇧🇷!"}, {"🇧\u0301🇷!", "🇧🇷!"}, {"🇧\ufe0f🇷!", "🇧🇷!"}, {"🇧\u200d🇷!", "🇧🇷!"}, {"🇧é", "🇧é"}, {"🇧\u0301é", "🇧é"}, {"🇧\xff", "🇧\uFFFD"}, {"🇧", "🇧"}, {"🇧🇷🇧🇷🇧🇷🇧🇷🇧", "🇧🇷🇧🇷🇧🇷🇧"},
		// The tags of three flags, whole, and no others.
		{"🏴\U000E0067\U000E0062\U000E0073\U000E0063\U000E0074\U000E007F!", "🏴\U000E0067\U000E0062\U000E0073\U000E0063\U000E0074\U000E007F!"},
		{"🏴\U000E0067\U000E0062\U000E0077\U000E006C\U000E0073\U000E007F!", "🏴\U000E0067\U000E0062\U000E0077\U000E006C\U000E0073\U000E007F!"},
		{"🏴\U000E0067\U000E0062\U000E0077\U000E006C\U000E0073", "🏴"}, {"🏴\U000E0075\U000E0073\U000E007F!", "🏴!"}, {"🏳\U000E0067\U000E0062\U000E0077\U000E006C\U000E0073\U000E007F!", "🏳!"},
		{"a\U000E0067\U000E0062\U000E0077\U000E006C\U000E0073\U000E007F!", "a!"},
		// What is hidden is left out wherever it stands.
		{"e\u200b\u0301\u202e!", "e\u0301!"}, {"é\u200d!", "é!"}, {"é\u200b", "é"}, {"e\u0301\u180b!", "e\u0301!"}, {"é\ufe03!", "é!"}, {"é\xff", "é\uFFFD"},
	} {
		if got := Text(c.in); got != c.want {
			t.Errorf("Text(%+q) = %+q, want %+q", c.in, got, c.want)
		}
		if got := Text(c.want); got != c.want {
			t.Errorf("Text(%+q) = %+q, want it unchanged", c.want, got)
		}
	}
}

// Where a message is cut: at the limit, or at white space in its last quarter, and never
// within what is one character to the eye.
func TestCut(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		in         string
		limit      int
		kept, rest string
	}{
		{"", 1, "", ""}, {"a", 1, "a", ""}, {"ab", 1, "a", "b"}, {"é", 1, "é", ""}, {"éé", 1, "é", "é"}, {"abcd", 4, "abcd", ""}, {"áéíó", 4, "áéíó", ""},
		// The last quarter of eight begins after the sixth.
		{"abcdef ghij", 8, "abcdef g", "hij"}, {"abcdefg hij", 8, "abcdefg", "hij"}, {"abcdefgh ij", 8, "abcdefgh", "ij"}, {"abcdefghi j", 8, "abcdefgh", "i j"},
		{"ab def hij", 8, "ab def h", "ij"}, {"abcdef\nghij", 8, "abcdef\ng", "hij"}, {"abcdefg\nhij", 8, "abcdefg", "hij"}, {"abcdefg\n\nhij", 8, "abcdefg", "hij"}, {"abcdefg\nhij", 9, "abcdefg", "hij"}, {"abcdefg hij", 9, "abcdefg", "hij"}, {"abcdefg h\nij", 9, "abcdefg h", "ij"}, {"abcdefg h ij", 9, "abcdefg h", "ij"},
		{"abcdefgh\n\nij", 8, "abcdefgh", "ij"}, {"abcdefgh ij", 9, "abcdefgh", "ij"}, {"áéíóúãç hij", 8, "áéíóúãç", "hij"}, {"a b c d e f g h", 9, "a b c d e", "f g h"},
		{"ae\u0301", 2, "a", "e\u0301"}, {"ae\u0301", 3, "ae\u0301", ""}, {"ae\u0301b", 3, "ae\u0301", "b"}, {"e\u0301b", 1, "e\u0301", "b"}, {"👨‍👩‍👧‍👦", 1, "👨‍👩‍👧‍👦", ""}, {"🇧🇷🇧🇷", 3, "🇧🇷", "🇧🇷"},
		{"👩\u200d👩🏽!", 3, "👩\u200d👩🏽", "!"}, {"👍🏽!", 1, "👍🏽", "!"}, {"می\u200cخ", 3, "می", "خ"}, {"می\u200cخ", 2, "م", "ی\u200cخ"},
	} {
		kept, rest := Message(c.in, c.limit)
		if kept != c.kept || rest != c.rest {
			t.Errorf("Message(%+q, %d) = %+q, %+q, want %+q, %+q", c.in, c.limit, kept, rest, c.kept, c.rest)
		}
	}
	for _, limit := range []int{0, -1, MessageLimit} {
		for n, want := range map[int]int{MessageLimit: 0, MessageLimit + 1: 1} {
			if kept, rest := Message(strings.Repeat("01", n)[:n], limit); len(kept) != MessageLimit || len(rest) != want {
				t.Errorf("Message of %d characters by %d keeps %d and leaves %d, want %d and %d", n, limit, len(kept), len(rest), MessageLimit, want)
			}
		}
	}
	if kept, rest := Message("ab", 1); kept != "a" || rest != "b" {
		t.Errorf("Message(ab, 1) = %q, %q, want a and b", kept, rest)
	}
	if got := Name(strings.Repeat("01", LineLimit)); len(got) != LineLimit {
		t.Errorf("Name of %d characters has %d, want %d", 2*LineLimit, len(got), LineLimit)
	}
}

// One of a sign that fences are made of is left in a line, and as many of any other as in a text.
func TestSingle(t *testing.T) {
	t.Parallel()
	for _, sign := range "-=#*_~$%:" {
		if got, want := Name("a"+strings.Repeat(string(sign), 4)+"b"+string(sign)), "a"+string(sign)+"b"+string(sign); got != want {
			t.Errorf("Name of four %q = %q, want %q", sign, got, want)
		}
	}
	for _, c := range []struct{ in, want string }{
		{"aa  !!!! bb", "aa !!! bb"}, {"a-=-=b", "a-=-=b"}, {"[a]", "a"}, {"a\r\n\x0bb", "a b"}, {"\xffa", "\uFFFDa"}, {"\xff\xffa\xff", "\uFFFDa\uFFFD"}, {"a|-|-|b", "a - - b"},
	} {
		if got := Name(c.in); got != c.want {
			t.Errorf("Name(%+q) = %+q, want %+q", c.in, got, c.want)
		}
	}
}
