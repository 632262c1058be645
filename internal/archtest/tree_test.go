package archtest

import (
	"go/ast"
	"go/build/constraint"
	"go/parser"
	"go/token"
	"go/types"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// top is the root of the module, seen from this package.
const top = "../.."

// file is one source file.
type file struct {
	path      string // from the top of the module
	test      bool
	generated bool
	lines     int
	imports   []string
	ast       *ast.File
}

// pkg is one folder with Go files in it: the package, its tests, and its external tests.
type pkg struct {
	name  string // as the rules write it: "channel/whaticket", "cmd/secretaria"
	dir   string // from the top of the module
	files []*file
	info  *types.Info
	scope map[*types.Scope]bool // the package-level scopes
}

// tree is the module as it lies in the checkout.
type tree struct {
	module string // its path
	fset   *token.FileSet
	pkgs   []*pkg
}

// house reads the module once for all tests. Every file and folder is opened by this process,
// not by a go command: that is how Go's test cache learns that one of them has changed.
var house = sync.OnceValues(func() (*tree, error) { return load(os.DirFS(top)) })

// load reads the module whose root is fsys.
func load(fsys fs.FS) (*tree, error) {
	mod, err := fs.ReadFile(fsys, "go.mod")
	if err != nil {
		return nil, err
	}
	t := &tree{fset: token.NewFileSet()}
	t.module, _, _ = strings.Cut(strings.TrimPrefix(string(mod), "module "), "\n")
	err = fs.WalkDir(fsys, ".", func(dir string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		if base := d.Name(); dir != "." && (base == "testdata" || base == "vendor" || strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_")) {
			return fs.SkipDir
		}
		if _, err := fs.Stat(fsys, path.Join(dir, "go.mod")); err == nil && dir != "." {
			return fs.SkipDir // a module of its own
		}
		p, err := t.readPackage(fsys, dir)
		if err == nil && len(p.files) > 0 {
			t.pkgs = append(t.pkgs, p)
		}
		return err
	})
	return t, err
}

func (t *tree) readPackage(fsys fs.FS, dir string) (*pkg, error) {
	p := &pkg{dir: dir, name: strings.TrimPrefix(dir, "internal/")}
	names, err := fs.Glob(fsys, path.Join(dir, "*.go"))
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		src, err := fs.ReadFile(fsys, name)
		if err != nil {
			return nil, err
		}
		syntax, err := parser.ParseFile(t.fset, name, src, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		if ignored(syntax) {
			continue
		}
		f := &file{
			path:      name,
			test:      strings.HasSuffix(name, "_test.go"),
			generated: ast.IsGenerated(syntax),
			lines:     strings.Count(string(src), "\n"),
			ast:       syntax,
		}
		for _, spec := range syntax.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return nil, err
			}
			f.imports = append(f.imports, imported)
		}
		p.files = append(p.files, f)
	}
	t.resolve(p)
	return p, nil
}

// ignored says whether a file belongs to no build: //go:build ignore.
func ignored(f *ast.File) bool {
	for _, group := range f.Comments {
		for _, c := range group.List {
			if c.Pos() < f.Package && constraint.IsGoBuild(c.Text) {
				x, err := constraint.Parse(c.Text)
				return err == nil && !x.Eval(func(tag string) bool { return tag != "ignore" })
			}
		}
	}
	return false
}

// resolve finds out what each name of the package refers to. Imports are left empty: which
// package a name comes from is enough for the rules, and nothing has to be compiled.
func (t *tree) resolve(p *pkg) {
	p.info = &types.Info{Uses: map[*ast.Ident]types.Object{}}
	p.scope = map[*types.Scope]bool{}
	byName := map[string][]*ast.File{}
	for _, f := range p.files {
		byName[f.ast.Name.Name] = append(byName[f.ast.Name.Name], f.ast)
	}
	for name, files := range byName {
		conf := types.Config{Importer: hollow{}, Error: func(error) {}, FakeImportC: true}
		checked, _ := conf.Check(name, t.fset, files, p.info) // its errors are the missing imports
		p.scope[checked.Scope()] = true
	}
}

// hollow imports packages with nothing in them.
type hollow struct{}

func (hollow) Import(importPath string) (*types.Package, error) {
	base := path.Base(importPath)
	if isVersion(base) {
		base = path.Base(path.Dir(importPath))
	}
	p := types.NewPackage(importPath, strings.TrimPrefix(base, "go-"))
	p.MarkComplete()
	return p, nil
}

// isVersion says whether an element of an import path is a major version: v2, v5.
func isVersion(elem string) bool {
	digits, ok := strings.CutPrefix(elem, "v")
	_, err := strconv.Atoi(digits)
	return ok && err == nil
}

// own returns the rules' name of a package of this module.
func (t *tree) own(importPath string) (string, bool) {
	rel, ok := strings.CutPrefix(importPath, t.module+"/")
	return strings.TrimPrefix(rel, "internal/"), ok
}

// at says where something stands: "internal/agent/agent.go:12".
func (t *tree) at(pos token.Pos) string {
	p := t.fset.Position(pos)
	return p.Filename + ":" + strconv.Itoa(p.Line)
}

// matches says whether a package is meant by one of the patterns.
func matches(name string, patterns ...string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		if pattern == "..." {
			return true
		}
		if parent, ok := strings.CutSuffix(pattern, "/..."); ok {
			return name == parent || strings.HasPrefix(name, parent+"/")
		}
		if parent, ok := strings.CutSuffix(pattern, "/*"); ok {
			return strings.HasPrefix(name, parent+"/")
		}
		return name == pattern
	})
}

// anyKey says whether a package is meant by one of the patterns that are a table's keys.
func anyKey(name string, table map[string]string) bool {
	for pattern := range table {
		if matches(name, pattern) {
			return true
		}
	}
	return false
}

// adapter returns the adapter that a package belongs to: itself, or one it lies below.
func adapter(name string) (string, bool) {
	for _, port := range ports {
		below, ok := strings.CutPrefix(name, port+"/")
		if !ok {
			continue
		}
		first, _, _ := strings.Cut(below, "/")
		family := port + "/" + first
		if _, known := notAdapters[family]; known || isFake(family) {
			return "", false
		}
		return family, true
	}
	return "", false
}

// isFake says whether a package is a suite or a fake, or part of one, to be imported by tests.
func isFake(name string) bool {
	return slices.ContainsFunc(strings.Split(name, "/"), func(elem string) bool { return strings.HasSuffix(elem, "test") })
}
