package phone

import (
	"strings"
	"testing"
)

func TestCanonical(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ raw, country, want string }{
		{"5511988877766", "", "+5511988877766"},
		{"+55 11 98887-7766", "", "+5511988877766"},
		{" +55 (11) 98887.7766 ", "", "+5511988877766"},
		{"5511988877766@s.whatsapp.net", "", "+5511988877766"},
		{"5511988877766:12@s.whatsapp.net", "", "+5511988877766"},
		{"5511988877766@c.us", "", "+5511988877766"},
		{"5511988877766@S.WhatsApp.net", "", "+5511988877766"},
		// The ninth digit: mobiles gain it in every area, landlines never.
		{"553188887777", "", "+5531988887777"},
		{"551166665555", "", "+5511966665555"},
		{"553188887777@s.whatsapp.net", "", "+5531988887777"},
		{"551133334444", "", "+551133334444"},
		{"+55 31 2222-3333", "", "+553122223333"},
		// Without a country code.
		{"11988877766", "", ""},
		{"11988877766", "55", "+5511988877766"},
		{"(11) 98887-7766", "55", "+5511988877766"},
		{"3188887777", "55", "+5531988887777"},
		{"1133334444", "55", "+551133334444"},
		{"011 98887-7766", "55", "+5511988877766"},
		{"11988877766@s.whatsapp.net", "55", "+11988877766"}, // a JID is international
		{"912345678", "351", "+351912345678"},
		{"351912345678", "351", "+351912345678"},
		// Other countries stay as they are.
		{"351912345678", "", "+351912345678"},
		{"351912345678", "55", "+351912345678"},
		{"5215512345678@s.whatsapp.net", "", "+5215512345678"},
		{"5491123456789", "", "+5491123456789"},
		{"+1 (202) 555-0123", "", "+12025550123"},
		{"12025550123", "", "+12025550123"},
		{"351988887777", "", "+351988887777"},
		// No phones.
		{"", "", ""},
		{"184729305518472", "", ""},
		{"184729305518472@s.whatsapp.net", "55", ""},
		{"184729305518472@lid", "", ""},
		{"5511988877766@lid", "", ""},
		{"120363041234567890@g.us", "", ""},
		{"status@broadcast", "", ""},
		{"Maria 5511988877766", "", ""},
		{"5511+988877766", "", ""},
		{"0000000000000", "", ""},
		{"7000000000000001", "", ""},
		{"+", "55", ""},
		{"55", "55", ""},
	} {
		got, ok := Canonical(c.raw, c.country)
		if got != c.want || ok != (c.want != "") {
			t.Errorf("Canonical(%q, %q) = %q, %v, want %q", c.raw, c.country, got, ok, c.want)
		}
	}
}

func TestDigits(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		"+55 (11) 98887-7766":             "5511988877766",
		"5511988877766:12@s.whatsapp.net": "5511988877766",
		"184729305518472@lid":             "184729305518472",
		"status@broadcast":                "",
		"":                                "",
	} {
		if got := Digits(raw); got != want {
			t.Errorf("Digits(%q) = %q, want %q", raw, got, want)
		}
	}
}

// A canonical number is its own canonical form, is E.164, and both registered forms of a
// Brazilian mobile meet in it.
func FuzzCanonical(f *testing.F) {
	for _, s := range []string{"5511988877766", "553188887777@s.whatsapp.net", "+351 912 345 678", "(11) 98887-7766", "184729305518472", "12025550123"} {
		f.Add(s, "55")
		f.Add(s, "")
	}
	f.Fuzz(func(t *testing.T, raw, country string) {
		e164, ok := Canonical(raw, country)
		if !ok {
			if e164 != "" {
				t.Fatalf("Canonical(%q, %q) = %q without ok", raw, country, e164)
			}
			return
		}
		digits, plus := strings.CutPrefix(e164, "+")
		if !plus || len(digits) < minDigits || len(digits) > maxDigits || Digits(digits) != digits {
			t.Fatalf("Canonical(%q, %q) = %q, want E.164", raw, country, e164)
		}
		if again, ok := Canonical(e164, ""); !ok || again != e164 {
			t.Fatalf("Canonical(%q) = %q, %v, want itself", e164, again, ok)
		}
	})
}
