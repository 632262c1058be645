package delivery_test

import (
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	// Made outside of the tests, whose time stands still.
	if _, err := template(); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m)
}
