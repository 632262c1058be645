package postgres

import (
	"testing"

	"secretaria/internal/budget"
	"secretaria/internal/store/postgres/postgrestest"
	"secretaria/internal/store/storetest"
)

func TestLedger(t *testing.T) {
	t.Parallel()
	storetest.RunLedger(t, func(t *testing.T) (one, other budget.Ledger) {
		url := postgrestest.URL(t)
		return open(t, url, nil).Ledger(), open(t, url, nil).Ledger()
	})
}
