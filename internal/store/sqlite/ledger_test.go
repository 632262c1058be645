package sqlite

import (
	"path/filepath"
	"testing"

	"secretaria/internal/budget"
	"secretaria/internal/store/storetest"
)

// A command may have the file open beside the server.
func TestLedger(t *testing.T) {
	t.Parallel()
	storetest.RunLedger(t, func(t *testing.T) (one, other budget.Ledger) {
		path := filepath.Join(t.TempDir(), "secretaria.db")
		return open(t, path, nil).Ledger(), open(t, path, nil).Ledger()
	})
}
