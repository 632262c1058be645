package house_test

import (
	"testing"

	"secretaria/internal/house"
	"secretaria/internal/store/storetest"
)

func TestInMemory(t *testing.T) {
	t.Parallel()
	storetest.RunIndex(t, func(*testing.T) house.Index { return house.InMemory() })
}
