package gate

import (
	"strings"
	"testing"
	"time"
)

// What a reader finds lies in the text, in order and within its sentence; the same words read as
// a part of the grounds hold up every amount, percentage, phone and hour of themselves; and what
// stands before a text in a line of its own changes nothing of what is found in it.
func FuzzRead(f *testing.F) {
	for _, text := range []string{
		"R$ 1.234,56 e 1,5 mil, de 80 a 120 reais, nove e noventa, 10% e vinte por cento",
		"das 8h às 18h30, três da tarde, meio-dia e meia, às sete e quinze, 15:30",
		"quinta-feira (26/11), dia 5 ou 6 de março, daqui a 3 dias, de segunda a sexta, 2026-11-05T10:00:00Z",
		"Rua das Acácias, nº 245 - Av. Brasil 1820, Rodovia Anhanguera, km 104",
		"onze nove oito sete seis cinco quatro três dois um zero, 1 1 9 8 7 6 5 4 3 2 1",
		"(11) 98765-4321, 0800 777 1234, 529.982.247-25, ana arroba exemplo ponto com",
		"10x de R$ 95, doze vezes de setenta e nove, uma hora e meia, 1h15, dois anos e meio",
	} {
		f.Add(text)
	}
	now := time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 600 {
			t.Skip()
		}
		r := read(text, now, time.UTC, false)
		ground := read(text, now, time.UTC, true)
		for i, v := range r.values {
			if v.from < 0 || v.to > len(text) || v.from >= v.to || i > 0 && v.from < r.values[i-1].from {
				t.Fatalf("read(%q) has %+v", text, v)
			}
			switch v.kind {
			case Percent, Phone, Email:
			case Money:
				if v.n == 0 {
					continue // of what it is said counts
				}
			default:
				continue
			}
			held := false
			for j := range ground.values {
				held = held || v.supports(&ground.values[j], false, now)
			}
			if !held {
				t.Fatalf("read(%q) does not hold up its own %s %q", text, v.kind, text[v.from:v.to])
			}
		}
		if strings.ContainsAny(text, "\r\n\x00") || !strings.ContainsAny(text, "0123456789") {
			return
		}
		const line = "Olá.\n"
		moved := read(line+text, now, time.UTC, false)
		if len(moved.values) != len(r.values) {
			t.Fatalf("read(%q) finds %d figures, behind another line %d", text, len(r.values), len(moved.values))
		}
		for i, v := range moved.values {
			if w := r.values[i]; v.kind != w.kind || v.n != w.n || v.s != w.s || v.from-len(line) != w.from {
				t.Fatalf("read(%q) finds %+v, behind another line %+v", text, w, v)
			}
		}
	})
}
