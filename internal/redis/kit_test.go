package redis

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"secretaria/internal/secret"
)

// What a client starts it ends. The server that the tests share is stopped by the end of
// this program, and its pipe is nobody's goroutine.
func TestMain(m *testing.M) {
	code := m.Run()
	if err := goleak.Find(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// logbook keeps what is logged, and what went without Redis.
type logbook struct {
	mu     sync.Mutex
	b      bytes.Buffer
	failed map[Use]int
}

func (l *logbook) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *logbook) fail(u Use) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.failed == nil {
		l.failed = map[Use]int{}
	}
	l.failed[u]++
}

func (l *logbook) failures(u Use) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.failed[u]
}

// lines are the messages so far, with their causes.
func (l *logbook) lines() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []string
	for line := range strings.Lines(l.b.String()) {
		var o struct{ Msg, Cause string }
		_ = json.Unmarshal([]byte(line), &o)
		out = append(out, strings.TrimSuffix(o.Msg+": "+o.Cause, ": "))
	}
	return strings.Join(out, ", ")
}

func (l *logbook) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// connect opens a client that is closed with the test.
func connect(t *testing.T, url string) (*Client, *logbook) {
	t.Helper()
	var l logbook
	c, err := Open(secret.New(url), Options{Pepper: []byte("pepper"), Logger: slog.New(slog.NewJSONHandler(&l, nil)), Failed: l.fail})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Errorf("Close() = %v", err)
		}
	})
	return c, &l
}

// patient is the URL of a server that may take its time: what is counted on a busy machine is
// not to depend on how busy it is.
func patient(url string) string { return url + "?read_timeout=20s&dial_timeout=20s" }

// eventually waits for what nothing announces.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

// silence is a server that accepts and never answers; it returns its URL.
func silence(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var conns []net.Conn
	var accepting sync.WaitGroup
	accepting.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			conns = append(conns, c)
		}
	})
	t.Cleanup(func() {
		l.Close()
		accepting.Wait()
		for _, c := range conns {
			c.Close()
		}
	})
	return "redis://" + l.Addr().String()
}

// refusing is the URL of a port where nobody listens.
func refusing(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return "redis://" + l.Addr().String()
}
