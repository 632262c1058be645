package budget_test

import (
	"testing"

	"secretaria/internal/budget"
	"secretaria/internal/store/storetest"
)

func TestMemory(t *testing.T) {
	t.Parallel()
	storetest.RunLedger(t, func(*testing.T) (one, other budget.Ledger) {
		m := &budget.Memory{}
		return m, m
	})
}
