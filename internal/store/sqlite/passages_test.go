package sqlite

import (
	"path/filepath"
	"testing"

	"secretaria/internal/house"
	"secretaria/internal/store/storetest"
)

func TestIndex(t *testing.T) {
	t.Parallel()
	storetest.RunIndex(t, func(t *testing.T) house.Index {
		return open(t, filepath.Join(t.TempDir(), "secretaria.db"), nil).Knowledge()
	})
}
