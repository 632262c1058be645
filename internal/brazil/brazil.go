// Package brazil knows what the digits of Brazilian numbers tell by themselves: whether the
// check digits of a CPF, a CNPJ or a card fit, and which area codes exist.
//
// Numbers are given without marks, as people who wrote them have them read: ASCII digits
// and, in a CNPJ, capital letters. Everything here is pure, allocates nothing, and is safe
// for concurrent use. Who a number belongs to, and whether somebody has it at all, cannot
// be told from its digits.
package brazil

import "strings"

// CPF says whether d is eleven digits whose last two fit. One digit eleven times fits too,
// and is nobody's.
func CPF(d string) bool {
	return len(d) == 11 && digits(d) && !repeated(d) && checkDigit(d[:9], 11) == d[9] && checkDigit(d[:10], 11) == d[10]
}

// CNPJ says whether d is fourteen characters whose last two are digits that fit. The first
// twelve may hold capitals, as the Receita Federal issues them from July 2026 (Instrução
// Normativa RFB 2.229/2024): a character counts as its code less 48.
func CNPJ(d string) bool {
	if len(d) != 14 || repeated(d) || !digits(d[12:]) {
		return false
	}
	for i := range 12 {
		if c := d[i]; (c < '0' || c > '9') && (c < 'A' || c > 'Z') {
			return false
		}
	}
	return checkDigit(d[:12], 9) == d[12] && checkDigit(d[:13], 9) == d[13]
}

// Sign returns the two check digits of a CPF's nine digits or a CNPJ's twelve characters;
// "" for any other length.
func Sign(d string) string {
	most := 9
	switch len(d) {
	case 9:
		most = 11
	case 12:
	default:
		return ""
	}
	first := checkDigit(d, most)
	return string([]byte{first, checkDigit(d+string(first), most)})
}

// checkDigit weighs from the right with 2, 3 and so on, and begins again after most.
func checkDigit(d string, most int) byte {
	sum, weight := 0, 2
	for i := len(d) - 1; i >= 0; i-- {
		sum += int(d[i]-'0') * weight
		if weight++; weight > most {
			weight = 2
		}
	}
	if sum%11 < 2 {
		return '0'
	}
	return byte('0' + 11 - sum%11)
}

// Luhn says whether d is digits, not all zero, that pass the test of card numbers. How many
// a card has is the caller's to know.
func Luhn(d string) bool {
	sum := 0
	for i := range len(d) {
		n := int(d[len(d)-1-i] - '0')
		if n < 0 || n > 9 {
			return false
		}
		if i%2 == 1 {
			if n *= 2; n > 9 {
				n -= 9
			}
		}
		sum += n
	}
	return sum%10 == 0 && strings.Trim(d, "0") != ""
}

// Area says whether the digits a and b are an area code of Anatel's plan.
func Area(a, b byte) bool {
	if a < '1' || a > '9' || b < '1' || b > '9' {
		return false
	}
	switch a {
	case '2':
		return strings.IndexByte("12478", b) >= 0
	case '3':
		return strings.IndexByte("1234578", b) >= 0
	case '5':
		return strings.IndexByte("1345", b) >= 0
	case '7':
		return strings.IndexByte("134579", b) >= 0
	}
	return true
}

func digits(d string) bool {
	for i := range len(d) {
		if d[i] < '0' || d[i] > '9' {
			return false
		}
	}
	return true
}

func repeated(d string) bool { return strings.Trim(d, d[:1]) == "" }
