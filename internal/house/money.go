package house

import (
	"regexp"
	"strconv"
	"strings"

	"secretaria/internal/fault"
	"secretaria/internal/portuguese"
)

// Price is a price as a house tells it.
type Price struct {
	// Cents is the price, or the lowest one, in hundredths of the currency; 0 where there is
	// none to be told, or nothing to be paid.
	Cents int64
	// UpTo is the highest price where there is a range, else 0.
	UpTo int64
	// From says that it may cost more: "a partir de R$ 80".
	From bool
	// OnRequest says that the price is only told by a person: "sob consulta".
	OnRequest bool
	// Free says that nothing is to be paid.
	Free bool
}

var (
	amount = regexp.MustCompile(`^(?:r\$|brl)?\s*([0-9][0-9.,]*)(?:\s*(?:reais|real|brl))?(\s*(?:/|por |ao |a |a cada |cada |mensal|anual|\().{0,60})?$`)
	// A number as Brazil writes it, 1.234,56, or as a program writes it, 1234.56. With a single
	// point and three figures after it, it is Brazil's: 1.234 is a thousand and more.
	brazilian = regexp.MustCompile(`^([0-9]{1,3}(?:\.[0-9]{3})+|[0-9]+)(?:,([0-9]{1,2}))?$`)
	plainly   = regexp.MustCompile(`^([0-9]+)\.([0-9]{1,2})$`)
)

// ParsePrice reads "R$ 1.234,56", "a partir de R$ 80", "R$ 80 a R$ 120", "R$ 50 por sessão",
// "grátis" and "sob consulta".
func ParsePrice(text string) (Price, error) {
	s := strings.Join(strings.Fields(portuguese.Fold(text)), " ")
	switch s {
	case "sob consulta", "a consultar", "consulte", "consultar", "on request", "a combinar", "sob orcamento", "sob avaliacao":
		return Price{OnRequest: true}, nil
	case "gratis", "gratuito", "gratuita", "free", "sem custo", "cortesia", "incluso", "inclusa":
		return Price{Free: true}, nil
	}
	var p Price
	for _, from := range []string{"a partir de ", "desde ", "from ", "starting at "} {
		if rest, ok := strings.CutPrefix(s, from); ok {
			p.From, s = true, rest
			break
		}
	}
	if !p.From {
		low, high, ok := between(strings.TrimPrefix(s, "de "))
		if ok {
			a, errA := cents(low)
			b, errB := cents(high)
			if errA == nil && errB == nil {
				if a > b {
					return Price{}, errPrice
				}
				return Price{Cents: a, UpTo: b}, nil
			}
		}
	}
	var err error
	p.Cents, err = cents(s)
	if err != nil {
		return Price{}, err
	}
	return p, nil
}

// between parts a range: "R$ 80 a R$ 120", "entre R$ 80 e R$ 120", "R$ 80-120".
func between(s string) (low, high string, ok bool) {
	if rest, found := strings.CutPrefix(s, "entre "); found {
		return strings.Cut(rest, " e ")
	}
	for _, mark := range []string{" a ", " ate ", " - ", " – ", "-", "–"} {
		if low, high, ok = strings.Cut(s, mark); ok && strings.ContainsAny(high, "0123456789") {
			return low, high, true
		}
	}
	return "", "", false
}

var errPrice = fault.New(fault.Invalid, `is no price: write it like "R$ 1.234,56", "a partir de R$ 80", "R$ 80 a R$ 120", "grátis" or "sob consulta"`)

func cents(s string) (int64, error) {
	m := amount.FindStringSubmatch(strings.TrimSpace(s))
	if m == nil {
		return 0, errPrice
	}
	n := brazilian.FindStringSubmatch(m[1])
	if n == nil {
		n = plainly.FindStringSubmatch(m[1])
	}
	if n == nil {
		return 0, errPrice
	}
	whole, err := strconv.ParseInt(strings.ReplaceAll(n[1], ".", ""), 10, 40)
	if err != nil {
		return 0, errPrice
	}
	part := int64(0)
	if n[2] != "" {
		part, _ = strconv.ParseInt((n[2] + "0")[:2], 10, 64) // figures alone
	}
	return whole*100 + part, nil
}

// String tells the price in Portuguese: "R$ 1.234,56".
func (p Price) String() string {
	switch {
	case p.OnRequest:
		return "sob consulta"
	case p.Free:
		return "grátis"
	case p.UpTo > 0:
		return "de " + reais(p.Cents) + " a " + reais(p.UpTo)
	case p.From:
		return "a partir de " + reais(p.Cents)
	}
	return reais(p.Cents)
}

func reais(cents int64) string {
	whole := strconv.FormatInt(cents/100, 10)
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "." + whole[i:]
	}
	part := strconv.FormatInt(100+cents%100, 10)[1:]
	return "R$ " + whole + "," + part
}
