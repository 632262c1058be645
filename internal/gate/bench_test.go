package gate_test

import (
	"strings"
	"testing"

	"secretaria/internal/gate"
)

// A long answer with everything that a turn may bring along: forty passages, twenty messages.
func BenchmarkCheckFull(b *testing.B) {
	all := corpus(b)
	var house, said, customer []string
	seen := map[string]bool{}
	answer := ""
	for i := range all {
		e := &all[i]
		for _, p := range e.ctx.Grounds.House {
			if !seen[p] && len(house) < 40 {
				seen[p] = true
				house = append(house, p)
			}
		}
		if len(e.bad) > 0 {
			continue
		}
		switch {
		case len(answer) < 1500:
			answer += e.answer + " "
		case len(said) < 10:
			said = append(said, e.answer)
		case len(customer) < 10:
			customer = append(customer, e.ctx.Grounds.Customer...)
		}
	}
	c := &gate.Context{Secrets: secrets(), Contact: []string{"+5511977776666"}, Grounds: gate.Grounds{House: house, Said: said, Customer: customer, Now: noon}}
	run := func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			gate.Check(answer, c)
		}
		b.ReportMetric(float64(len(answer)), "answer-bytes")
		b.ReportMetric(float64(len(strings.Join(house, ""))), "house-bytes")
	}
	b.Run("passages", run)
	prepared := *c
	prepared.Grounds.House, prepared.Grounds.Prepared = nil, gate.Prepare(house)
	c = &prepared
	b.Run("prepared", run)
	answer = answer[:300]
	b.Run("ordinary", run)
}
