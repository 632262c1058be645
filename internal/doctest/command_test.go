package doctest

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"secretaria/internal/command"
)

// usage is what the help of a command tells.
type usage struct {
	sub   []string // the words of its commands
	flags []string
}

var (
	commandLine = regexp.MustCompile(`^  ([a-z][a-z-]*(?: [a-z][a-z-]*)*)(?:  |$)`)
	flagName    = regexp.MustCompile(`--([a-z][a-z-]*)`)
)

// usages asks the program for its commands, by their paths: "", "send", "send whaticket" ….
func usages(t *testing.T) map[string]usage {
	t.Helper()
	all := map[string]usage{}
	var ask func(path string)
	ask = func(path string) {
		var stdout, stderr bytes.Buffer
		args := append(strings.Fields(path), "--help")
		if code := command.Run(t.Context(), command.Env{Program: "secretaria", Dir: t.TempDir(), Stdout: &stdout, Stderr: &stderr}, args); code != 0 {
			t.Fatalf("%s --help: exit %d, %s", path, code, stderr.String())
		}
		var u usage
		part := ""
		for line := range strings.Lines(stdout.String()) {
			line = strings.TrimRight(line, "\n")
			if strings.HasSuffix(line, ":") && !strings.HasPrefix(line, " ") {
				part = line
				continue
			}
			switch m := commandLine.FindStringSubmatch(line); {
			case part == "Commands:" && m != nil:
				u.sub = append(u.sub, strings.TrimPrefix(m[1], path+" "))
			case part == "Flags:":
				for _, f := range flagName.FindAllStringSubmatch(line, -1) {
					u.flags = append(u.flags, f[1])
				}
			}
		}
		all[path] = u
		for _, word := range u.sub {
			ask(strings.TrimSpace(path + " " + word))
		}
	}
	ask("")
	if len(all) < 8 {
		t.Fatalf("only %d commands found: %v", len(all), all)
	}
	return all
}

var quoted = regexp.MustCompile(`"[^"]*"`)

// invocation returns the arguments of a line that starts this program.
func invocation(line string) ([]string, bool) {
	line, _, _ = strings.Cut(quoted.ReplaceAllString(line, "QUOTED"), " #")
	words := strings.Fields(line)
	for len(words) > 0 && strings.Contains(words[0], "=") {
		words = words[1:]
	}
	switch {
	case len(words) > 2 && words[0] == "go" && words[1] == "run" && words[2] == "./cmd/secretaria":
		return words[3:], true
	case len(words) > 0 && (words[0] == "secretaria" || words[0] == "./bin/secretaria"):
		return words[1:], true
	}
	return nil, false
}

func TestCommandsAndFlagsExist(t *testing.T) {
	t.Parallel()
	known := usages(t)
	var everyFlag []string
	for _, u := range known {
		everyFlag = append(everyFlag, u.flags...)
	}
	seen := 0
	for _, p := range pages(t) {
		for _, line := range p.code() {
			if flag, ok := strings.CutPrefix(line, "--"); ok {
				if name := flagName.FindString("--" + flag); !slices.Contains(everyFlag, strings.TrimPrefix(name, "--")) {
					t.Errorf("%s: no command has the flag %s", p.name, line)
				}
				continue
			}
			args, ok := invocation(line)
			if !ok || line == "secretaria stopped" { // a line of the log
				continue
			}
			seen++
			path := ""
			for len(args) > 0 && slices.Contains(known[path].sub, args[0]) {
				path = strings.TrimSpace(path + " " + args[0])
				args = args[1:]
			}
			if len(known[path].sub) > 0 && len(args) > 0 && !strings.HasPrefix(args[0], "-") && args[0] != "…" {
				t.Errorf("%s: %q: there is no command %q", p.name, line, strings.TrimSpace(path+" "+args[0]))
			}
			for _, f := range flagName.FindAllStringSubmatch(strings.Join(args, " "), -1) {
				if !slices.Contains(known[path].flags, f[1]) {
					t.Errorf("%s: %q: %s has no flag --%s", p.name, line, path, f[1])
				}
			}
		}
	}
	if seen < 20 {
		t.Errorf("only %d commands are named on all pages", seen)
	}
}

func TestMakeTargetsAndScriptsExist(t *testing.T) {
	t.Parallel()
	var targets []string
	for _, m := range regexp.MustCompile(`(?m)^([a-z][a-z0-9-]*):.*## `).FindAllStringSubmatch(read(t, "Makefile"), -1) {
		targets = append(targets, m[1])
	}
	if len(targets) == 0 {
		t.Fatal("the Makefile has no targets")
	}
	for _, p := range pages(t) {
		for _, line := range p.code() {
			words := strings.Fields(line)
			switch {
			case len(words) > 1 && words[0] == "make":
				for _, w := range words[1:] {
					if !strings.Contains(w, "=") && !slices.Contains(targets, w) {
						t.Errorf("%s: there is no make %s", p.name, w)
					}
				}
			case len(words) > 1 && words[0] == "sh":
				if _, err := os.Stat(filepath.Join(top, words[1])); err != nil {
					t.Errorf("%s: %s: %v", p.name, line, err)
				}
			}
		}
	}
}

func TestLinksLead(t *testing.T) {
	t.Parallel()
	anchors := map[string][]string{}
	all := pages(t)
	for _, p := range all {
		for _, s := range p.sections {
			anchors[p.name] = append(anchors[p.name], slug(s.title))
		}
	}
	for _, p := range all {
		for _, s := range p.sections {
			for _, target := range s.links() {
				if strings.Contains(target, "://") || strings.HasPrefix(target, "mailto:") {
					continue
				}
				file, anchor, _ := strings.Cut(target, "#")
				name := p.name
				if file != "" {
					name = filepath.ToSlash(filepath.Join(filepath.Dir(p.name), file))
				}
				if _, err := os.Stat(filepath.Join(top, name)); err != nil {
					t.Errorf("%s: %q leads nowhere", p.name, target)
				} else if anchor != "" && !slices.Contains(anchors[name], anchor) {
					t.Errorf("%s: %q: %s has no such heading", p.name, target, name)
				}
			}
		}
	}
}
