//go:build !unix

package postgrestest

import "testing"

// Freeze skips the test: there are no signals that stop a process here.
func (s *Server) Freeze(t testing.TB) {
	t.Helper()
	t.Skip("no signals to freeze a process with")
}

// Thaw does nothing, since nothing can be frozen.
func (s *Server) Thaw(testing.TB) {}
