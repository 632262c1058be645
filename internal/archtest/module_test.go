package archtest

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// golist runs go list in the module and returns what it prints.
func golist(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", append([]string{"list", "-buildvcs=false"}, args...)...)
	cmd.Dir = top
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list %s: %v\n%s", strings.Join(args, " "), err, &stderr)
	}
	return strings.TrimSpace(string(out))
}

// read returns a file of the module. A file that does not exist yet skips the test.
func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(top, name))
	if errors.Is(err, fs.ErrNotExist) {
		t.Skipf("there is no %s yet", name)
	}
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// modernc.org/sqlite is C translated to Go against one version of its libc; with another it
// may corrupt memory. Any other dependency can raise libc without a word.
func TestLibcIsTheOneSQLiteWants(t *testing.T) {
	t.Parallel()
	libc := regexp.MustCompile(`(?m)^\s*(?:require )?modernc\.org/libc (v\S+)`)
	ours := libc.FindStringSubmatch(read(t, "go.mod"))
	if ours == nil {
		t.Skip("modernc.org/sqlite is not in go.mod")
	}
	mod, err := os.ReadFile(golist(t, "-m", "-f", "{{.GoMod}}", "modernc.org/sqlite"))
	if err != nil {
		t.Fatal(err)
	}
	theirs := libc.FindSubmatch(mod)
	if theirs == nil {
		t.Fatal("the go.mod of modernc.org/sqlite does not name modernc.org/libc")
	}
	if got, want := ours[1], string(theirs[1]); got != want {
		t.Errorf("go.mod has modernc.org/libc %s, want %s as in the go.mod of modernc.org/sqlite", got, want)
	}
}

func TestWhatTheProgramIsLinkedWith(t *testing.T) {
	t.Parallel()
	const program = "cmd/secretaria"
	if _, err := os.Stat(filepath.Join(top, program)); errors.Is(err, fs.ErrNotExist) {
		t.Skipf("there is no %s yet", program)
	}
	if _, err := house(); err != nil { // which also tells the test cache of the sources
		t.Fatal(err)
	}
	importers := map[string][]string{}
	decoder := json.NewDecoder(strings.NewReader(golist(t, "-deps", "-json=ImportPath,Imports", "./"+program)))
	for {
		var p struct {
			ImportPath string
			Imports    []string
		}
		err := decoder.Decode(&p)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("decode the output of go list: %v", err)
		}
		for _, imported := range p.Imports {
			importers[imported] = append(importers[imported], p.ImportPath)
		}
	}
	for _, l := range linked {
		for _, importer := range importers[l.pkg] {
			if _, ok := l.importers[importer]; !ok {
				t.Errorf("%s is linked with %s, which %s imports: %s", program, l.pkg, importer, l.why)
			}
		}
		for importer := range l.importers {
			if !slices.Contains(importers[l.pkg], importer) {
				t.Errorf("%s imports %s no more, or is gone: delete the exception", importer, l.pkg)
			}
		}
	}
}

// What go.mod asks for directly is named in NOTICE with its licence.
func TestNoticeNamesDirectDependencies(t *testing.T) {
	t.Parallel()
	notice := strings.Fields(read(t, "NOTICE"))
	requirement := regexp.MustCompile(`^\s*(?:require )?(\S+\.\S+/\S+) v\S+$`) // no "// indirect"
	for line := range strings.Lines(read(t, "go.mod")) {
		m := requirement.FindStringSubmatch(strings.TrimRight(line, "\n"))
		if m != nil && !slices.Contains(notice, m[1]) {
			t.Errorf("NOTICE does not name %s, which go.mod requires", m[1])
		}
	}
}

// A rule CI does not run is not a rule.
func TestChecksRunWhereTheyShould(t *testing.T) {
	t.Parallel()
	makefile := read(t, "Makefile")
	checks := regexp.MustCompile(`(?m)^CHECKS = (.*)$`).FindStringSubmatch(makefile)
	if checks == nil {
		t.Fatal("Makefile: no line begins with \"CHECKS = \"")
	}
	for part, command := range map[string]string{
		"format-check": "gofmt",
		"vet":          "vet $(NOVCS) ./...",
		"lint":         "staticcheck ./...",
		"tidy-check":   "mod tidy -diff",
		"compile":      "$(PURE) $(GO) build $(NOVCS) ./...",
		"test":         "scripts/test",
	} {
		if !slices.Contains(strings.Fields(checks[1]), part) {
			t.Errorf("Makefile: CHECKS lacks %s", part)
		}
		if recipe := recipe(makefile, part); !strings.Contains(recipe, command) {
			t.Errorf("Makefile: the recipe of %s is %q, want %q in it", part, recipe, command)
		}
	}
	if !strings.Contains(makefile, "\nPURE = CGO_ENABLED=0\n") {
		t.Error("Makefile: PURE is not CGO_ENABLED=0: the product is pure Go and has to build that way")
	}
	if !strings.Contains(recipe(makefile, "check"), "$(CHECKS)") {
		t.Error("Makefile: check does not go through CHECKS")
	}
	for _, command := range []string{"make check", "make test"} {
		if !strings.Contains(read(t, ".ci/run"), "\nstep "+command+"\n") {
			t.Errorf(".ci/run does not run %q", command)
		}
	}
}

// recipe returns the lines below a target of a makefile.
func recipe(makefile, target string) string {
	_, rest, found := strings.Cut(makefile, "\n"+target+":")
	if !found {
		return ""
	}
	lines := strings.SplitAfter(rest, "\n")[1:]
	end := slices.IndexFunc(lines, func(line string) bool { return !strings.HasPrefix(line, "\t") })
	if end < 0 {
		end = len(lines)
	}
	return strings.Join(lines[:end], "")
}

func TestArchitectureNamesWhatExists(t *testing.T) {
	t.Parallel()
	tr, err := house()
	if err != nil {
		t.Fatal(err)
	}
	exists := map[string]bool{}
	for _, p := range tr.pkgs {
		exists[p.name] = true
		exists[p.dir] = true
		exists[filepath.Base(p.dir)] = true
	}
	for _, name := range packagesNamedIn(read(t, "ARCHITECTURE.md")) {
		name = strings.TrimSuffix(name, "/")
		if exists[name] || slices.Contains(architectureWords, name) {
			continue
		}
		if strings.Contains(name, "/") {
			if _, err := os.Stat(filepath.Join(top, name)); err == nil {
				continue
			}
		}
		t.Errorf("ARCHITECTURE.md names %q, and there is no such package; what is none goes without backticks or into architectureWords", name)
	}
}

// packagesNamedIn returns what looks like a package in a document: lower-case words and
// paths in backticks, and paths below internal or cmd wherever they stand.
func packagesNamedIn(markdown string) []string {
	names := regexp.MustCompile(`\b(?:internal|cmd)/[a-z0-9/]+`).FindAllString(markdown, -1)
	fenced := false
	for line := range strings.Lines(markdown) {
		if strings.HasPrefix(strings.TrimSpace(line), "```") {
			fenced = !fenced
			continue
		}
		if fenced {
			continue
		}
		for _, m := range regexp.MustCompile("`([a-z][a-z0-9]*(?:/[a-z0-9]+)*/?)`").FindAllStringSubmatch(line, -1) {
			names = append(names, m[1])
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func TestPackagesNamedIn(t *testing.T) {
	t.Parallel()
	const text = "The `intake` stores with `store/sqlite`; see `Decide`, `make check`, `POST /webhook`, `a_b`.\n" +
		"```\ninternal/turn  a drawing of `nothing`\n```\n"
	got := packagesNamedIn(text)
	want := []string{"intake", "internal/turn", "store/sqlite"}
	if !slices.Equal(got, want) {
		t.Errorf("packagesNamedIn(…) = %q, want %q", got, want)
	}
}
