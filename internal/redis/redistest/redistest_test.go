package redistest

import (
	"bufio"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// helper makes this test binary a program that starts a server and waits to be killed.
const helper = "REDISTEST_HELPER"

func TestMain(m *testing.M) {
	if os.Getenv(helper) == "" {
		os.Exit(m.Run())
	}
	s, err := start("")
	if err != nil {
		os.Stdout.WriteString(err.Error() + "\n")
		os.Exit(1)
	}
	os.Stdout.WriteString(s.Addr + "\n")
	select {}
}

func gone(t *testing.T, addr string) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			return
		}
		c.Close()
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal("the server still listens")
		}
	}
}

func TestStopAndRestart(t *testing.T) {
	t.Parallel()
	s := Start(t, Password())
	c := Client(t, s.URL)
	if err := c.Set(t.Context(), "k", "v", 0).Err(); err != nil {
		t.Fatal(err)
	}
	s.Stop()
	s.Stop()
	gone(t, s.Addr)
	s.Restart(t)
	s.Restart(t)
	if n, err := c.DBSize(t.Context()).Result(); n != 0 || err != nil {
		t.Errorf("after the restart there are %d keys, %v, want none", n, err)
	}
}

func TestURLsAreApart(t *testing.T) {
	t.Parallel()
	a, b := URL(t), URL(t)
	if a == b && os.Getenv(Env) == "" {
		t.Errorf("URL() = %q twice, want a database for each", a)
	}
	if err := Client(t, a).Ping(t.Context()).Err(); err != nil {
		t.Error(err)
	}
}

// The server ends with the program that started it, even if that is killed.
func TestEndsWithItsProgram(t *testing.T) {
	t.Parallel()
	if _, err := find(); err != nil {
		t.Skip(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), helper+"=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	addr, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	gone(t, strings.TrimSpace(addr))
}
