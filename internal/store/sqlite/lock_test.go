//go:build unix

package sqlite

import (
	"path/filepath"
	"strings"
	"testing"

	"secretaria/internal/fault"
)

func TestLock(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "secretaria.db")
	release, err := Lock(path)
	if err != nil {
		t.Fatalf("Lock: %v", err)
	}
	if _, err := Lock(path); !fault.Is(err, fault.Conflict) || !strings.Contains(err.Error(), path) {
		t.Errorf("Lock of a locked file = %v, want a conflict that names it", err)
	}
	other, err := Lock(path + "2")
	if err != nil {
		t.Errorf("Lock of another file: %v", err)
	} else {
		other()
	}
	// The lock is the server's alone: commands open the file beside it.
	if err := open(t, path, nil).Ping(t.Context()); err != nil {
		t.Errorf("Ping beside a lock: %v", err)
	}
	release()
	again, err := Lock(path)
	if err != nil {
		t.Fatalf("Lock after its release: %v", err)
	}
	again()
}
