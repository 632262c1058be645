package staging

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// engine puts programs into PATH that stand for Docker and curl, and returns the environment
// and the file in which they note what they were asked. What is said to be broken fails.
func engine(t *testing.T, broken string) (env []string, asked string) {
	t.Helper()
	dir := t.TempDir()
	asked = filepath.Join(dir, "asked")
	metrics := ""
	for _, name := range []string{"secretaria_webhook_received_total", "secretaria_queue_size", "http_request_duration_seconds"} {
		metrics += "# TYPE " + name + " counter\n"
	}
	for name, body := range map[string]string{
		"docker": fmt.Sprintf(`echo "$*" >>%q
case "$*" in
  *%s*) echo "it is broken" >&2; exit 1 ;;
  *"port web"*) echo 127.0.0.1:12345 ;;
  *"send whaticket"*) echo "  would have been sent: no helpdesk is configured (delivery 1)" ;;
esac`, asked, broken),
		"curl": "cat <<'END'\n" + metrics + "END",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+body+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"), "TMPDIR="+dir, "STAGING_STACK=containers", "GO=true"), asked
}

var stepLine = regexp.MustCompile(`(?m)^staging: (.+?) +(ok +\d+ s|FAILED)`)

// With containers the script does the same steps in a project of its own, and takes that down
// again whether they succeed or not. There need be no engine here: one is played.
func TestContainers(t *testing.T) {
	t.Parallel()
	for i, c := range []struct {
		broken string
		steps  []string
	}{
		{"nothing", []string{"stack up", "migrate", "tests", "health", "worker", "metrics", "message"}},
		{"--wait", []string{"stack up"}},
		{"migrate", []string{"stack up", "migrate"}},
		{"send", []string{"stack up", "migrate", "tests", "health", "worker", "metrics", "message"}},
	} {
		// Not by what is broken: folders are named after tests, and the paths are in what is asked.
		t.Run(strconv.Itoa(i), func(t *testing.T) {
			t.Parallel()
			env, asked := engine(t, c.broken)
			cmd := exec.CommandContext(t.Context(), "sh", filepath.Join("..", "..", "scripts", "staging"), "./internal/conversation")
			cmd.Env = env
			out, err := cmd.CombinedOutput()
			if (err != nil) != (c.broken != "nothing") {
				t.Errorf("scripts/staging: %v\n%s", err, out)
			}
			var steps []string
			failed := 0
			for _, m := range stepLine.FindAllStringSubmatch(string(out), -1) {
				steps = append(steps, m[1])
				if m[2] == "FAILED" {
					failed = len(steps)
				}
			}
			if diff := cmp.Diff(c.steps, steps); diff != "" {
				t.Errorf("steps (-want +got):\n%s\n%s", diff, out)
			}
			if c.broken != "nothing" && failed != len(c.steps) {
				t.Errorf("step %d failed, want the last:\n%s", failed, out)
			}
			checkAsked(t, asked)
		})
	}
}

// checkAsked checks that only this run's own project was touched, and nothing of it is left.
func checkAsked(t *testing.T, asked string) {
	t.Helper()
	text, err := os.ReadFile(asked)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	own := regexp.MustCompile(`^compose --project-name (secretaria-staging-\d+) --env-file (\S+)/deploy/\.env --file (\S+)/deploy/compose\.yaml (\w+)`)
	project, folder := "", ""
	var verbs []string
	for _, line := range lines {
		m := own.FindStringSubmatch(line)
		if m == nil {
			if line != "image rm secretaria:"+project {
				t.Errorf("docker was asked %q, outside of the check's own project", line)
			}
			continue
		}
		project, folder, verbs = m[1], m[2], append(verbs, m[4])
	}
	if len(verbs) == 0 || verbs[0] != "up" || verbs[len(verbs)-1] != "down" || !strings.Contains(lines[len(lines)-2], "down --volumes") {
		t.Errorf("docker was asked %q, want up first, and down with the volumes last", verbs)
	}
	if _, err := os.Stat(folder); err == nil {
		t.Errorf("%s is left behind", folder)
	}
	left, err := filepath.Glob(filepath.Join(filepath.Dir(asked), "tmp.*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// What the script calls is what the compose file has.
func TestServicesExist(t *testing.T) {
	t.Parallel()
	script, err := os.ReadFile("../../scripts/staging")
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile("../../deploy/compose.yaml")
	if err != nil {
		t.Fatal(err)
	}
	called := regexp.MustCompile(`(?m)(?:inside|compose port|run --rm --no-deps) (\w+)`).FindAllStringSubmatch(string(script), -1)
	if len(called) < 4 {
		t.Errorf("only %d services found in the script", len(called))
	}
	for _, m := range called {
		if !strings.Contains(string(file), "\n  "+m[1]+":\n") {
			t.Errorf("compose.yaml has no service %q", m[1])
		}
	}
	for _, text := range []string{"context: ..", "${SECRETARIA_PUBLISH", "${SECRETARIA_VERSION", "env_file: .env"} {
		if !strings.Contains(string(file), text) {
			t.Errorf("compose.yaml no longer has %q, which the script relies on", text)
		}
	}
}
