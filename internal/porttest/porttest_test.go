package porttest

import (
	"net"
	"strconv"
	"testing"
)

func TestFree(t *testing.T) {
	t.Parallel()
	seen := map[int]bool{}
	for range 200 {
		n := Free(t)
		if seen[n] || n < low || n >= high {
			t.Fatalf("Free() = %d, want one of %d to %d that was not there before", n, low, high)
		}
		seen[n] = true
	}
	n := Free(t)
	l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(n+1)))
	if err != nil {
		t.Skipf("somebody else was quicker: %v", err)
	}
	defer l.Close()
	if got := Free(t); got == n+1 {
		t.Errorf("Free() = %d, where somebody listens", got)
	}
}
