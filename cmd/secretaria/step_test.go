//go:build unix

package main

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// SIGUSR1 and SIGHUP change the level of a running process, and do not end it.
func TestLevelBySignal(t *testing.T) {
	t.Parallel()
	cmd := program(t, "serve")
	cmd.Env = slices.DeleteFunc(cmd.Env, func(v string) bool { return strings.HasPrefix(v, "LOG_LEVEL=") })
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(stdout)
	until := func(msg string) (line struct{ Msg, From, To, By string }) {
		t.Helper()
		for lines.Scan() {
			if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
				t.Errorf("%q is not JSON", lines.Text())
			}
			if line.Msg == msg {
				return line
			}
		}
		t.Fatalf("the process ended without %q", msg)
		return line
	}
	until("serving")
	for _, c := range []struct {
		signal os.Signal
		level  string // written into .env before
		want   string
	}{
		{syscall.SIGUSR1, "", "INFO DEBUG signal"},
		{syscall.SIGUSR1, "", "DEBUG INFO signal"},
		{syscall.SIGHUP, "error", "INFO ERROR configuration"},
		{syscall.SIGUSR1, "", "ERROR DEBUG signal"},
		{syscall.SIGUSR1, "", "DEBUG ERROR signal"},
	} {
		if c.level != "" {
			if err := os.WriteFile(filepath.Join(cmd.Dir, ".env"), []byte("LOG_LEVEL="+c.level+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if err := cmd.Process.Signal(c.signal); err != nil {
			t.Fatal(err)
		}
		if line := until("log level changed"); line.From+" "+line.To+" "+line.By != c.want {
			t.Fatalf("after %v the level goes %+v, want %s", c.signal, line, c.want)
		}
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	for lines.Scan() {
		t.Errorf("at error the process still says %s", lines.Text())
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("serve = %v, want exit 0", err)
	}
}
