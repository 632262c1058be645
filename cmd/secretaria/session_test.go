package main

import (
	"bytes"
	"flag"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"secretaria/internal/porttest"
)

var update = flag.Bool("update", false, "write what is got into testdata")

// A person with a fresh clone builds the program, starts a helpdesk to practise on, connects to
// it, answering one question after the other, starts the server, writes as a customer, and reads
// the answer. No file is edited by hand, and testdata/session.txt is what was asked.
func TestSessionFromACloneToAnAnswer(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("builds the program")
	}
	began := time.Now()
	home := t.TempDir()
	program := filepath.Join(home, "secretaria")
	if runtime.GOOS == "windows" {
		program += ".exe"
	}
	build := exec.CommandContext(t.Context(), "go", "build", "-buildvcs=false", "-o", program, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	built := time.Now()
	port := strconv.Itoa(porttest.Free(t))
	dir := filepath.Join(home, "loja")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	// The machine of a person has the usual port free; that of a test may not.
	environ := append(os.Environ(), "APP_HOST=127.0.0.1", "APP_PORT="+port)

	practice := open(t, home, environ, program, "demo", "--helpdesk", "chatwoot")
	practice.until("Ctrl-C ends it.")
	line := regexp.MustCompile(`connect chatwoot --url (\S+) --token (\S+)`).FindStringSubmatch(practice.said())
	if line == nil {
		t.Fatalf("the practice helpdesk does not say how to go on:\n%s", practice.said())
	}
	helpdesk, token := line[1], line[2]

	// What it says is typed as it stands.
	connect := open(t, dir, environ, program, "connect", "chatwoot", "--url", helpdesk, "--token", token)
	for _, step := range []struct{ question, answer string }{
		{"In which inbox shall the bot answer?", "1"},
		{"At which address does the helpdesk reach this server?", ""},
		{"Name of the bot, as customers see it", ""},
		{"Which team gets a conversation that the bot hands over?", ""},
		{"Continue?", "s"},
	} {
		connect.until("? " + step.question)
		connect.until(": ")
		connect.typed(step.answer)
	}
	if err := connect.wait(); err != nil {
		t.Fatalf("connect: %v\n%s", err, connect.said())
	}
	written := filesOf(t, dir)
	if _, ok := written[".env"]; !ok {
		t.Fatalf("connect left %q, want an .env", keysOf(written))
	}

	serve := open(t, dir, environ, program, "serve")
	serve.until(`"msg":"serving"`)
	resp, err := http.PostForm(helpdesk+"/", url.Values{"text": {"Oi, quanto custa?"}})
	if err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(resp.Body)
	if err = joined(err, resp.Body.Close()); err != nil || resp.StatusCode != http.StatusOK || !strings.Contains(string(answer), "qual é o seu nome?") {
		t.Fatalf("a customer gets %d %q, %v; want the first question of the desk", resp.StatusCode, answer, err)
	}
	done := time.Now()

	after := filesOf(t, dir)
	if diff := cmp.Diff(written[".env"], after[".env"]); diff != "" || !slices.Equal(keysOf(written), keysOf(after)) {
		t.Errorf("files after serve are %q, after connect %q; .env: %s", keysOf(after), keysOf(written), diff)
	}
	said := connect.said()
	for _, line := range strings.Split(written[".env"], "\n") {
		if key, value, ok := strings.Cut(line, "="); ok && strings.Contains(key, "TOKEN") && strings.Contains(said, value) {
			t.Errorf("connect shows the value of %s", key)
		}
	}
	said = strings.NewReplacer(helpdesk, "$HELPDESK", token, "$TOKEN", "127.0.0.1:"+port, "127.0.0.1:$PORT", "port "+port, "port $PORT", program, "secretaria").Replace(said)
	said = regexp.MustCompile(`\b\d+(\.\d+)?m?s\b`).ReplaceAllString(said, "Ns")
	golden := filepath.Join("testdata", "session.txt")
	if *update {
		if err := os.WriteFile(golden, []byte(said), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), said); diff != "" {
		t.Errorf("the session is another one than in %s: (-want +got)\n%s", golden, diff)
	}
	t.Logf("three commands and %d answers; build %.1f s, from there to the answer %.1f s\n%s\ncustomer: Oi, quanto custa?\n%s",
		strings.Count(said, "\n? "), built.Sub(began).Seconds(), done.Sub(built).Seconds(), said, answer)
}

func joined(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// window is a terminal with a program in it, as far as a person sees it.
type window struct {
	t      *testing.T
	cmd    *exec.Cmd
	typing io.WriteCloser
	output chan []byte
	seen   bytes.Buffer
	read   int // of what was seen
}

func open(t *testing.T, dir string, environ []string, program string, args ...string) *window {
	t.Helper()
	w := &window{t: t, cmd: exec.CommandContext(t.Context(), program, args...), output: make(chan []byte)}
	w.cmd.Dir, w.cmd.Env = dir, environ
	w.cmd.Cancel = func() error { return w.cmd.Process.Signal(os.Interrupt) }
	w.cmd.WaitDelay = 20 * time.Second
	r, out := io.Pipe()
	w.cmd.Stdout, w.cmd.Stderr = out, out
	var err error
	if w.typing, err = w.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := w.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() {
		ended <- w.cmd.Wait()
		_ = out.Close()
	}()
	go func() {
		defer close(w.output)
		for {
			some := make([]byte, 4096)
			n, err := r.Read(some)
			if n > 0 {
				w.output <- some[:n]
			}
			if err != nil {
				return
			}
		}
	}()
	t.Cleanup(func() {
		_ = w.cmd.Process.Signal(os.Interrupt) // fails where it has ended
		for range w.output {
		}
		<-ended
	})
	return w
}

// until waits for a text behind what was read so far.
func (w *window) until(text string) {
	w.t.Helper()
	for {
		if i := strings.Index(w.seen.String()[w.read:], text); i >= 0 {
			w.read += i + len(text)
			return
		}
		some, more := <-w.output
		if !more {
			w.t.Fatalf("%s ended before it said %q:\n%s", w.cmd.Args[1], text, w.said())
		}
		w.seen.Write(some)
	}
}

func (w *window) typed(line string) {
	w.t.Helper()
	if _, err := io.WriteString(w.typing, line+"\n"); err != nil {
		w.t.Fatalf("type %q: %v\n%s", line, err, w.said())
	}
}

// wait reads to the end.
func (w *window) wait() error {
	for some := range w.output {
		w.seen.Write(some)
	}
	if code := w.cmd.ProcessState.ExitCode(); code != 0 {
		return &exec.ExitError{ProcessState: w.cmd.ProcessState}
	}
	return nil
}

func (w *window) said() string { return w.seen.String() }

// filesOf are the files of a folder, those of the database by their names alone.
func filesOf(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		name = filepath.ToSlash(name)
		if strings.HasPrefix(name, "data/") {
			if strings.HasSuffix(name, ".db") {
				out[name] = ""
			}
			return nil
		}
		text, err := os.ReadFile(path)
		out[name] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func keysOf(m map[string]string) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
