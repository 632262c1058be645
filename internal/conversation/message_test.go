package conversation

import (
	"bytes"
	"testing"
	"time"
	"unicode/utf8"
)

func TestDue(t *testing.T) {
	t.Parallel()
	usual := Quiet{Window: 4 * time.Second, Max: 20 * time.Second}
	for _, c := range []struct {
		name  string
		quiet Quiet
		burst time.Duration // since its first message
		text  string
		want  time.Duration
	}{
		{"first words", usual, 0, "oi", 4 * time.Second},
		{"a finished sentence waits half as long", usual, 0, "Quanto custa?", 2 * time.Second},
		{"an ellipsis goes on", usual, 0, "Então...", 4 * time.Second},
		{"in the middle of a burst", usual, 10 * time.Second, "e", 4 * time.Second},
		{"the burst's bound", usual, 18 * time.Second, "e", 2 * time.Second},
		{"beyond the bound", usual, 21 * time.Second, "e", 0},
		{"no bound", Quiet{Window: 4 * time.Second}, time.Hour, "e", 4 * time.Second},
		{"no window", Quiet{Max: 20 * time.Second}, 0, "oi", 0},
		{"nothing configured", Quiet{}, time.Hour, "oi", 0},
		{"a bound shorter than the window", Quiet{Window: 4 * time.Second, Max: time.Second}, 0, "oi", time.Second},
		{"no words", usual, 0, "", 4 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := c.quiet.Due(noon.Add(-c.burst), noon, c.text).Sub(noon); got != c.want {
				t.Errorf("Due(%v into the burst, %q) = now+%v, want now+%v", c.burst, c.text, got, c.want)
			}
		})
	}
}

func TestFinished(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"":                     false,
		" ":                    false,
		"oi":                   false,
		"Oi.":                  true,
		"Quanto custa?":        true,
		"Quanto custa? ":       true,
		"Quanto custa?\r\n\t":  true,
		"Ótimo!":               true,
		"(pode ser?)":          true,
		`ele disse "não."`:     true,
		"então..":              false,
		"então...":             false,
		"então…":               false,
		".":                    true,
		"Meu e-mail é a@b.com": false,
		"Bom dia,":             false,
		"Sim! 😀":               false,
		")":                    false,
	} {
		if got := Finished(text); got != want {
			t.Errorf("Finished(%q) = %v, want %v", text, got, want)
		}
	}
}

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
