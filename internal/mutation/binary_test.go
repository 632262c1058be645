package mutation

import (
	"bytes"
	"cmp"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

//go:embed testdata/switch.go.txt
var switchSource string

// A target is a package, or some files of one, and the tests that are to notice.
type target struct {
	name  string
	dir   string // of the package, from the top of the module
	files []string
	// except are files of it that are left as they are.
	except []string
	// tests are the packages whose tests are asked, the target's own where it is empty.
	tests []string
	// skip matches the names of tests that are not asked, since others see the same sooner.
	skip string
	// slow is how much of the processor a test may take, alone, to be asked; 10 s where it is 0.
	slow time.Duration
}

// has says whether a file of the package is to be broken.
func (t target) has(file string) bool {
	return (len(t.files) == 0 || slices.Contains(t.files, file)) && !slices.Contains(t.except, file)
}

// A binary is the compiled tests of one package with all mutants of a target in it.
type binary struct {
	file, dir string
	tests     []test
}

// A test of a binary, and which mutants it reaches.
type test struct {
	name    string
	took    time.Duration
	reaches map[int]bool
}

// command runs the go command in a folder.
func command(ctx context.Context, dir string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	var failed bytes.Buffer
	cmd.Stderr = &failed
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go %s: %w: %s", args[0], err, failed.Bytes())
	}
	return out, nil
}

// mutate writes the overlay of a target into the folder to and returns its path with the
// mutants. Root is the top of the module.
func mutate(ctx context.Context, root string, t target, to string) (overlay string, all []mutant, err error) {
	out, err := command(ctx, root, "list", "-buildvcs=false", "-export", "-deps", "-f", "{{.ImportPath}}\t{{.Export}}", "./"+t.dir)
	if err != nil {
		return "", nil, err
	}
	exports := map[string]string{}
	for line := range strings.Lines(string(out)) {
		name, file, _ := strings.Cut(strings.TrimSpace(line), "\t")
		exports[name] = file
	}
	out, err = command(ctx, root, "list", "-buildvcs=false", "-f", "{{.ImportPath}}\t{{join .GoFiles \",\"}}", "./"+t.dir)
	if err != nil {
		return "", nil, err
	}
	importPath, names, _ := strings.Cut(strings.TrimSpace(string(out)), "\t")

	fset := token.NewFileSet()
	var files []*ast.File
	var sources []string
	paths := strings.Split(names, ",")
	for _, name := range paths {
		src, err := os.ReadFile(filepath.Join(root, t.dir, name))
		if err != nil {
			return "", nil, err
		}
		f, err := parser.ParseFile(fset, name, src, parser.SkipObjectResolution)
		if err != nil {
			return "", nil, err
		}
		files, sources = append(files, f), append(sources, string(src))
	}
	conf := types.Config{Importer: importer.ForCompiler(fset, "gc", func(p string) (io.ReadCloser, error) { return os.Open(exports[p]) })}
	info := &types.Info{Types: map[ast.Expr]types.TypeAndValue{}, Defs: map[*ast.Ident]types.Object{}, Uses: map[*ast.Ident]types.Object{}, Implicits: map[ast.Node]types.Object{}}
	pkg, err := conf.Check(importPath, fset, files, info)
	if err != nil {
		return "", nil, err
	}

	replaced := map[string]string{}
	for i, f := range files {
		if !t.has(paths[i]) {
			continue
		}
		w := &writer{src: sources[i], path: path.Join(t.dir, paths[i]), fset: fset, pkg: pkg, info: info, first: len(all)}
		text := w.file(f)
		all = append(all, w.mutants...)
		name := filepath.Join(to, paths[i])
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			return "", nil, err
		}
		replaced[filepath.Join(root, t.dir, paths[i])] = name
	}
	for _, name := range slices.Concat(t.files, t.except) {
		if !slices.Contains(paths, name) {
			return "", nil, fmt.Errorf("%s: %w", path.Join(t.dir, name), fs.ErrNotExist)
		}
	}
	name := filepath.Join(to, "switch.go")
	if err := os.WriteFile(name, []byte(strings.Replace(switchSource, "PACKAGE", pkg.Name(), 1)), 0o600); err != nil {
		return "", nil, err
	}
	replaced[filepath.Join(root, t.dir, "zz_mutants.go")] = name
	overlay = filepath.Join(to, "overlay.json")
	b, err := json.Marshal(map[string]any{"Replace": replaced})
	if err != nil {
		return "", nil, err
	}
	return overlay, all, os.WriteFile(overlay, b, 0o600)
}

// build compiles the tests of a package under an overlay and finds out which test reaches
// which mutants, running each alone with none of them alive. A test that fails so, or takes
// more of the processor than the target allows, is named in left and not asked.
func build(ctx context.Context, root, dir, overlay, to string, t target) (b *binary, left []string, err error) {
	b = &binary{file: filepath.Join(to, strings.ReplaceAll(dir, "/", "_")+".test"), dir: filepath.Join(root, dir)}
	if _, err := command(ctx, root, "test", "-buildvcs=false", "-c", "-vet=off", "-overlay", overlay, "-o", b.file, "./"+dir); err != nil {
		return nil, nil, err
	}
	list := exec.CommandContext(ctx, b.file, "-test.list", ".")
	list.Dir = b.dir
	out, err := list.Output()
	if err != nil {
		return nil, nil, fmt.Errorf("list the tests of %s: %w", dir, err)
	}
	skip, err := regexp.Compile(cmp.Or(t.skip, "^$"))
	if err != nil {
		return nil, nil, fmt.Errorf("tests to skip: %w", err)
	}
	for _, name := range strings.Fields(string(out)) {
		if strings.HasPrefix(name, "Benchmark") || skip.MatchString(name) {
			continue
		}
		trace := filepath.Join(to, "trace")
		if err := os.Remove(trace); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, nil, err
		}
		noticed, took := b.run(ctx, []string{name}, cmp.Or(t.slow, 10*time.Second), 0, "MUTANT_TRACE="+trace)
		if noticed {
			left = append(left, name)
			continue
		}
		one := test{name: name, took: took, reaches: map[int]bool{}}
		text, err := os.ReadFile(trace)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, nil, err
		}
		for _, id := range strings.Fields(string(text)) {
			n, err := strconv.Atoi(id)
			if err != nil {
				return nil, nil, fmt.Errorf("trace of %s: %w", name, err)
			}
			one.reaches[n] = true
		}
		if len(one.reaches) > 0 {
			b.tests = append(b.tests, one)
		}
	}
	slices.SortStableFunc(b.tests, func(a, b test) int { return int(a.took - b.took) })
	return b, left, nil
}

// hang is how long a run may take by the clock: one that waits for what does not come.
const hang = 3 * time.Minute

// run says whether the named tests notice that a mutant is alive: one fails, panics, takes
// more than limit of the processor, or does not end. Time is that of the processor, so that
// others at work on the machine are not taken for a mutant.
func (b *binary) run(ctx context.Context, names []string, limit time.Duration, id int, env ...string) (noticed bool, took time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, hang)
	defer cancel()
	cmd := exec.CommandContext(ctx, "sh", "-c", `ulimit -t "$0" && exec "$@"`, strconv.Itoa(int(limit/time.Second)+1),
		b.file, "-test.short", "-test.failfast", "-test.run", "^("+strings.Join(names, "|")+")$")
	cmd.Dir = b.dir
	cmd.Env = append(os.Environ(), append(env, "MUTANT="+strconv.Itoa(id))...)
	cmd.WaitDelay = time.Second
	w := &watcher{stop: cancel}
	cmd.Stdout, cmd.Stderr = w, w
	err := cmd.Run()
	if cmd.ProcessState != nil {
		took = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	}
	return err != nil, took
}

// watcher ends a run at the first failure.
type watcher struct {
	stop func()
	tail []byte
}

func (w *watcher) Write(p []byte) (int, error) {
	w.tail = append(w.tail, p...)
	if bytes.Contains(w.tail, []byte("--- FAIL")) {
		w.stop()
	}
	w.tail = w.tail[max(0, len(w.tail)-len("--- FAIL")):]
	return len(p), nil
}

// noticed says whether the tests of a binary notice a mutant: first those that take no time,
// and the others only where these do not.
func (b *binary) noticed(ctx context.Context, m mutant) (reached, killed bool) {
	var quick, slow []string
	var quickTime, slowTime time.Duration
	for _, t := range b.tests {
		switch {
		case !t.reaches[m.id]:
		case t.took < 150*time.Millisecond:
			quick, quickTime = append(quick, t.name), quickTime+t.took
		default:
			slow, slowTime = append(slow, t.name), slowTime+t.took
		}
	}
	const patience, least = 5, 2 * time.Second
	if len(quick) > 0 {
		if killed, _ = b.run(ctx, quick, patience*quickTime+least, m.id); killed {
			return true, true
		}
	}
	if len(slow) > 0 {
		killed, _ = b.run(ctx, slow, patience*slowTime+least, m.id)
	}
	return len(quick)+len(slow) > 0, killed
}
