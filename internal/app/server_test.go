package app

import (
	"path/filepath"
	"testing"
	"time"
)

// Somebody who sends a byte a minute is bounded by the server itself.
func TestServerIsBounded(t *testing.T) {
	t.Parallel()
	a, err := New(t.Context(), Options{Host: "127.0.0.1", Database: filepath.Join(t.TempDir(), "secretaria.db")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Stop(t.Context()) })
	for name, d := range map[string]time.Duration{
		"ReadHeaderTimeout": a.server.ReadHeaderTimeout, "ReadTimeout": a.server.ReadTimeout,
		"WriteTimeout": a.server.WriteTimeout, "IdleTimeout": a.server.IdleTimeout,
	} {
		if d <= 0 || d > 5*time.Minute {
			t.Errorf("%s is %v, want a bound", name, d)
		}
	}
	if a.server.ReadTimeout > 30*time.Second || a.server.ReadHeaderTimeout > a.server.ReadTimeout {
		t.Errorf("a request may take %v, its header %v", a.server.ReadTimeout, a.server.ReadHeaderTimeout)
	}
	if n := a.server.MaxHeaderBytes; n <= 0 || n > 1<<20 {
		t.Errorf("headers may have %d bytes", n)
	}
}
