package app_test

import (
	"fmt"
	"net/http"
	"os"
	"testing"

	"go.uber.org/goleak"
)

// Whatever the program starts, it ends: after the last test nothing of it runs.
func TestMain(m *testing.M) {
	code := m.Run()
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	// What Stop gives up during an outage ends by itself, once its retries have ended.
	for try := 1; ; try++ {
		// opencensus comes with a library and starts its worker when it is loaded.
		err := goleak.Find(goleak.IgnoreTopFunction("go.opencensus.io/stats/view.(*worker).start"))
		if err == nil || code != 0 {
			break
		}
		if try == 20 {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}
