package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// The test binary is the program when it is asked to be.
const asProgram = "SECRETARIA_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
	}
	os.Exit(m.Run())
}

// program prepares the real process in an empty directory.
func program(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, args...)
	cmd.Dir = t.TempDir()
	cmd.Env = append(os.Environ(), asProgram+"=1", "APP_HOST=127.0.0.1", "APP_PORT=0")
	return cmd
}

func TestHelpAndVersion(t *testing.T) {
	t.Parallel()
	for _, args := range []string{"--help", "version", "serve --help", "deliveries list --help"} {
		cmd := program(t, strings.Fields(args)...)
		out, err := cmd.CombinedOutput()
		if err != nil || len(out) == 0 {
			t.Errorf("secretaria %s = %v, %s", args, err, out)
		}
		left, err := os.ReadDir(cmd.Dir)
		if err != nil || len(left) > 0 {
			t.Errorf("secretaria %s left %v, %v", args, left, err)
		}
	}
}

func TestWrongConfigurationEndsTheProcess(t *testing.T) {
	t.Parallel()
	cmd := program(t, "serve")
	cmd.Env = append(cmd.Env, "WEBHOOK_RATE_LIMIT_IP=abc")
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() == 0 {
		t.Errorf("serve = %v, want an exit code that is not 0", err)
	}
	var line map[string]any
	if err := json.Unmarshal(out, &line); err != nil || !strings.Contains(string(out), "WEBHOOK_RATE_LIMIT_IP") {
		t.Errorf("serve says %q, want one JSON object that names the key", out)
	}
}

// SIGTERM and Ctrl-C end the server in good order.
func TestSignals(t *testing.T) {
	t.Parallel()
	for _, signal := range []os.Signal{syscall.SIGTERM, os.Interrupt} {
		cmd := program(t, "serve")
		stdout, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		var stderr strings.Builder
		cmd.Stderr = &stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		var started struct{ Msg, Address string }
		lines := bufio.NewScanner(stdout)
		for started.Msg != "serving" && lines.Scan() {
			if err := json.Unmarshal(lines.Bytes(), &started); err != nil {
				t.Errorf("%q is not JSON", lines.Text())
			}
		}
		resp, err := http.Get("http://" + started.Address + "/api/v1/health") //nolint:noctx // a test
		if err != nil {
			t.Fatalf("health: %v, standard error %s", err, &stderr)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			t.Errorf("health = %d, want 200", resp.StatusCode)
		}
		if err := cmd.Process.Signal(signal); err != nil {
			t.Fatal(err)
		}
		for lines.Scan() {
		}
		if err := cmd.Wait(); err != nil || stderr.Len() > 0 {
			t.Errorf("serve after %v = %v, standard error %q; want exit 0", signal, err, &stderr)
		}
	}
}
