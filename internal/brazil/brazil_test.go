package brazil

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

func TestCPF(t *testing.T) {
	t.Parallel()
	for d, want := range map[string]bool{
		"52998224725": true, "11144477735": true, "01234567890": true,
		"52998224726": false, "52998224735": false, "5299822472": false, "529982247250": false,
		"00000000000": false, "11111111111": false, "": false, "529.982.247": false, "5299822472A": false,
	} {
		if got := CPF(d); got != want {
			t.Errorf("CPF(%q) = %v, want %v", d, got, want)
		}
	}
}

func TestCNPJ(t *testing.T) {
	t.Parallel()
	for d, want := range map[string]bool{
		"11222333000181": true, "12ABC34501DE35": true,
		"11222333000182": false, "12ABC34501DE36": false, "12abc34501de35": false, "11111111111111": false,
		"1122233300018": false, "112223330001811": false, "12ABC34501DEAA": false, "11.22233300018": false, "": false,
	} {
		if got := CNPJ(d); got != want {
			t.Errorf("CNPJ(%q) = %v, want %v", d, got, want)
		}
	}
}

func TestLuhn(t *testing.T) {
	t.Parallel()
	for d, want := range map[string]bool{
		"4111111111111111": true, "378282246310005": true, "79927398713": true,
		"4111111111111112": false, "79927398710": false, "0000000000000000": false, "": false, "4111 1111": false,
	} {
		if got := Luhn(d); got != want {
			t.Errorf("Luhn(%q) = %v, want %v", d, got, want)
		}
	}
}

// Anatel's plan has 67 area codes.
func TestAreas(t *testing.T) {
	t.Parallel()
	n := 0
	for a := range 256 {
		for b := range 256 {
			if Area(byte(a), byte(b)) {
				n++
			}
		}
	}
	if n != 67 {
		t.Errorf("%d area codes, want 67", n)
	}
	for _, d := range []string{"11", "21", "28", "38", "49", "55", "69", "79", "89", "99"} {
		if !Area(d[0], d[1]) {
			t.Errorf("Area(%s) = false, want true", d)
		}
	}
	for _, d := range []string{"10", "01", "20", "23", "25", "26", "29", "36", "39", "52", "56", "58", "59", "72", "76", "78"} {
		if Area(d[0], d[1]) {
			t.Errorf("Area(%s) = true, want false", d)
		}
	}
}

// What Sign completes is valid, and with another check digit it is not.
func TestSign(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 1))
	const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	for range 2000 {
		n := fmt.Sprintf("%09d", r.IntN(1_000_000_000))
		if repeated(n) {
			continue
		}
		if d := n + Sign(n); !CPF(d) {
			t.Errorf("CPF(%q) = false, want true", d)
		}
		d := []byte(n + Sign(n)) // a wrong digit before them is not always told
		i := 9 + r.IntN(2)
		d[i] = '0' + (d[i]-'0'+1)%10
		if CPF(string(d)) {
			t.Errorf("CPF(%q) = true, want false", d)
		}
		var b strings.Builder
		for range 12 {
			b.WriteByte(alphabet[r.IntN(len(alphabet))])
		}
		if d := b.String() + Sign(b.String()); !CNPJ(d) {
			t.Errorf("CNPJ(%q) = false, want true", d)
		}
	}
	for _, d := range []string{"", "12345678", "1234567890", "1234567890123"} {
		if got := Sign(d); got != "" {
			t.Errorf("Sign(%q) = %q, want none", d, got)
		}
	}
}
