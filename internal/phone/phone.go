// Package phone gives one person one number.
//
// The same person arrives as "+55 31 8888-7777", as 553188887777@s.whatsapp.net and as
// 5531988887777: accounts opened before Brazil's ninth digit are still registered on
// WhatsApp without it. Canonical makes one identity of these; what is dialled stays the
// number as it was received, which is not this package's business. Everything here is pure
// and safe for concurrent use.
package phone

import (
	"strconv"
	"strings"

	"github.com/nyaruka/phonenumbers"
)

const (
	// maxDigits is the longest number that E.164 allows.
	maxDigits = 15
	// lidDigits is the length from which digits outside every country plan are rather a
	// LID, WhatsApp's hidden id of 14 or 15 digits: some forks rename it to a phone's JID.
	lidDigits = 14
	minDigits = 7
)

// Canonical returns the E.164 form, "+" and digits, of a phone number however it was
// written: with "+", spaces, dashes, dots, parentheses, or as a WhatsApp JID with its
// device suffix ("5511988877766:12@s.whatsapp.net").
//
// A Brazilian mobile without its ninth digit (55, area code, 8 digits of which the first is
// 6 to 9) gains it; landlines do not, and numbers of other countries are never altered. A
// number without "+" whose digits do not start with a country code is read as one of
// defaultCountry, a calling code such as "55"; "" refuses it. ok is false for whatever
// is no phone number: text, groups, hidden ids (LIDs) even when they are masked as a phone.
func Canonical(raw, defaultCountry string) (e164 string, ok bool) {
	local, domain := split(raw)
	switch domain {
	case "", "s.whatsapp.net", "c.us":
	default:
		return "", false
	}
	local = strings.TrimSpace(local)
	digits, clean := strip(local)
	if !clean || digits == "" {
		return "", false
	}
	// A JID and a "+" always carry the country code.
	if domain != "" || strings.HasPrefix(strings.TrimLeft(local, "( "), "+") {
		return international(digits, true)
	}
	if defaultCountry != "" {
		if e164, ok := national(digits, defaultCountry); ok {
			return e164, true
		}
	}
	return international(digits, len(digits) > 11)
}

// Digits returns the decimal digits of a number or of a JID's local part, without its
// device suffix; "" when there are none. The result is what Whaticket's send API accepts.
func Digits(raw string) string {
	local, _ := split(raw)
	digits, _ := strip(local)
	return digits
}

// split parts a JID into its local part without the device suffix and its domain; "" when
// raw is no JID.
func split(raw string) (local, domain string) {
	local, domain, _ = strings.Cut(strings.TrimSpace(raw), "@")
	local, _, _ = strings.Cut(local, ":")
	return local, strings.ToLower(domain)
}

// strip drops the marks with which people group digits. clean is false when anything else
// remains, so that a name with a number in it is not dialled.
func strip(s string) (digits string, clean bool) {
	clean = true
	var b strings.Builder
	for i, r := range s {
		switch {
		case r >= '0' && r <= '9':
			b.WriteRune(r)
		case r == '+' && strings.Trim(s[:i], "( \u00a0") == "":
		case strings.ContainsRune(" \t-.()/\u00a0\u2010\u2011\u2012\u2013\u202f\u200e\u202a\u202c", r):
		default:
			clean = false
		}
	}
	return b.String(), clean
}

// national reads digits without a country code as a number of a country.
func national(digits, country string) (string, bool) {
	if country == "55" {
		n := strings.TrimLeft(digits, "0") // the trunk prefix
		if len(n) != 10 && len(n) != 11 {
			return "", false
		}
		return brazilian("55" + n)
	}
	code, err := strconv.Atoi(country)
	if err != nil {
		return "", false
	}
	number, err := phonenumbers.Parse(digits, phonenumbers.GetRegionCodeForCountryCode(code))
	if err != nil || !phonenumbers.IsValidNumber(number) || int(number.GetCountryCode()) != code {
		return "", false
	}
	return phonenumbers.Format(number, phonenumbers.E164), true
}

// international reads digits that start with a country code. lenient accepts a number that
// the tables do not know (yet, or any more: Mexico's "521" is dialled nowhere but on
// WhatsApp) when its country code exists and it is too short to be a LID.
func international(digits string, lenient bool) (string, bool) {
	if len(digits) < minDigits || len(digits) > maxDigits || digits[0] == '0' {
		return "", false
	}
	if strings.HasPrefix(digits, "55") {
		if e164, ok := brazilian(digits); ok {
			return e164, true
		}
	}
	number, err := phonenumbers.Parse("+"+digits, phonenumbers.UNKNOWN_REGION)
	if err != nil {
		return "", false
	}
	if phonenumbers.IsValidNumber(number) || lenient && len(digits) < lidDigits {
		// Not the library's own form: it "repairs" what WhatsApp keeps.
		return "+" + digits, true
	}
	return "", false
}

// brazilian reads 55, an area code of two digits from 1 to 9, and 8 or 9 digits. The rule
// of the ninth digit is the one that ticketz tests (backend/src/helpers/NormalizePhone.ts).
func brazilian(digits string) (string, bool) {
	if len(digits) != 12 && len(digits) != 13 || digits[2] == '0' || digits[3] == '0' {
		return "", false
	}
	first := digits[4]
	switch {
	case len(digits) == 13 && first == '9':
		return "+" + digits, true
	case len(digits) == 12 && first >= '6':
		return "+" + digits[:4] + "9" + digits[4:], true
	case len(digits) == 12 && first >= '2':
		return "+" + digits, true
	}
	return "", false
}
