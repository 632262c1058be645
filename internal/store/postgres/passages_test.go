package postgres

import (
	"testing"

	"secretaria/internal/house"
	"secretaria/internal/store/postgres/postgrestest"
	"secretaria/internal/store/storetest"
)

func TestIndex(t *testing.T) {
	t.Parallel()
	storetest.RunIndex(t, func(t *testing.T) house.Index { return open(t, postgrestest.URL(t), nil).Knowledge() })
}

func TestVector(t *testing.T) {
	t.Parallel()
	for terms, want := range map[string]string{"": "", "'; drop": "'drop':2", "limp Limp limp \x00": "'limp':1,3"} {
		if got := vector(terms); got != want {
			t.Errorf("vector(%q) = %q, want %q", terms, got, want)
		}
	}
}
