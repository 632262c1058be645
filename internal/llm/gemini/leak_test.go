package gemini_test

import (
	"testing"

	"go.uber.org/goleak"
)

// The library brings a package that starts a goroutine in its init and never ends it.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("go.opencensus.io/stats/view.(*worker).start"))
}
