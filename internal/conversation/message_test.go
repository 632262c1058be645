package conversation

import (
	"bytes"
	"testing"
	"unicode/utf8"
)

func TestFingerprint(t *testing.T) {
	t.Parallel()
	same := [][]string{
		{"Olá, **Maria**! Custa R$ 49,90.", "Olá, *Maria*! Custa R$ 49,90.", "olá maria custa r 4990", "OLÁ,\u200b MARIA!\n\nCUSTA R$ 49,90"},
		{"- um\n- dois", "• um • dois"},
		{"Às 14h30", "às 14h30 👍"},
	}
	for i, group := range same {
		want := Fingerprint(group[0])
		if len(want) != 16 {
			t.Errorf("Fingerprint(%q) has %d bytes, want 16", group[0], len(want))
		}
		for _, text := range group[1:] {
			if got := Fingerprint(text); !bytes.Equal(got, want) {
				t.Errorf("Fingerprint(%q) = %x, want %x as of %q", text, got, want, group[0])
			}
		}
		for j, other := range same {
			if i != j && bytes.Equal(Fingerprint(other[0]), want) {
				t.Errorf("Fingerprint(%q) = Fingerprint(%q)", other[0], group[0])
			}
		}
	}
	if !bytes.Equal(Fingerprint("❤"), Fingerprint("\u200e❤\ufe0f ")) {
		t.Error("a heart is not known again with its variation selector")
	}
	for _, pair := range [][2]string{{"👍", "👎"}, {"Às 14h", "Às 15h"}, {"sim", "não"}, {"avó", "avô"}} {
		if bytes.Equal(Fingerprint(pair[0]), Fingerprint(pair[1])) {
			t.Errorf("Fingerprint(%q) = Fingerprint(%q)", pair[0], pair[1])
		}
	}
	for _, text := range []string{"", " ", "\u200e", "\ufe0f"} {
		if got := Fingerprint(text); got != nil {
			t.Errorf("Fingerprint(%q) = %x, want nil", text, got)
		}
	}
}

// A text is known again whatever marks a channel puts around its letters.
func FuzzFingerprint(f *testing.F) {
	f.Add("Olá, **Maria**!", "*")
	f.Add("um dois", "\n• ")
	f.Fuzz(func(t *testing.T, text, mark string) {
		if !utf8.ValidString(text) || Fingerprint(mark) != nil {
			t.Skip()
		}
		marked := mark
		for _, r := range text {
			marked += string(r) + mark
		}
		if got, want := Fingerprint(marked), Fingerprint(text); !bytes.Equal(got, want) {
			t.Errorf("Fingerprint(%q) = %x, want %x as of %q", marked, got, want, text)
		}
	})
}
