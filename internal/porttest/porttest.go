// Package porttest finds ports for servers that tests start, stop and start again.
//
// They lie below those that the system gives to connections: one of these would take the place
// of a server that is not there yet, or just away.
package porttest

import (
	"math/rand/v2"
	"net"
	"strconv"
	"sync/atomic"
	"testing"
)

const low, high = 15_000, 32_000

// next is the one to try, counted from low; 0 before the first.
var next atomic.Uint32

// Free returns a port of 127.0.0.1 that nobody listens on, and that it returns once to this
// process. Other processes begin elsewhere.
func Free(t testing.TB) int {
	t.Helper()
	next.CompareAndSwap(0, rand.Uint32N(high-low)+1)
	for range high - low {
		n := low + int(next.Add(1)%(high-low))
		l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(n)))
		if err != nil {
			continue
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		return n
	}
	t.Fatal("no free port")
	return 0
}
