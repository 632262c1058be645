package deploytest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

const logPage = "docs/logs.md"

// logged is what one msg is written with, wherever that is.
type logged struct{ Levels, Fields []string }

// logLines reads the lines that the program can write out of its sources, and the types of
// their fields where the source says them.
func logLines(t *testing.T) (lines map[string]logged, types map[string]string) {
	t.Helper()
	lines, types = map[string]logged{}, map[string]string{}
	for _, root := range []string{"internal", "cmd"} {
		err := filepath.WalkDir(filepath.Join(top, root), func(path string, e fs.DirEntry, err error) error {
			if err != nil || !e.IsDir() || e.Name() == "testdata" {
				return err
			}
			found, err := filepath.Glob(filepath.Join(path, "*.go"))
			if err != nil {
				return err
			}
			var pkg []*ast.File
			for _, name := range found {
				if strings.HasSuffix(name, "_test.go") {
					continue
				}
				f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
				if err != nil {
					return err
				}
				pkg = append(pkg, f)
			}
			for _, f := range pkg {
				for _, d := range f.Decls {
					if fn, ok := d.(*ast.FuncDecl); ok && fn.Body != nil {
						function{t: t, pkg: pkg, decl: fn, lines: lines, types: types}.read()
					}
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for msg, l := range lines {
		for _, all := range []*[]string{&l.Levels, &l.Fields} {
			slices.Sort(*all)
			*all = slices.Compact(*all)
		}
		lines[msg] = l
	}
	return lines, types
}

// function is one that may write lines.
type function struct {
	t     *testing.T
	pkg   []*ast.File
	decl  *ast.FuncDecl
	lines map[string]logged
	types map[string]string
}

var logMethod = regexp.MustCompile(`^(Debug|Info|Warn|Error)(Context)?$|^LogAttrs$|^Log$`)

// writes says whether a call writes a line: a method of slog's, of what is called a log.
func writes(c *ast.CallExpr) (method string, ok bool) {
	sel, is := c.Fun.(*ast.SelectorExpr)
	if !is || !logMethod.MatchString(sel.Sel.Name) {
		return "", false
	}
	of := ""
	switch x := sel.X.(type) {
	case *ast.Ident:
		of = x.Name
	case *ast.SelectorExpr:
		of = x.Sel.Name
	}
	return sel.Sel.Name, of == "log" || of == "logger" || of == "Logger"
}

func (f function) read() {
	f.t.Helper()
	ast.Inspect(f.decl.Body, func(n ast.Node) bool {
		c, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		method, ok := writes(c)
		if !ok {
			return true
		}
		args, levels := c.Args, []string{strings.ToUpper(strings.TrimSuffix(method, "Context"))}
		switch {
		case strings.HasPrefix(method, "Log"):
			args, levels = args[2:], f.texts(c.Args[1], level)
		case strings.HasSuffix(method, "Context"):
			args = args[1:]
		}
		messages := f.texts(args[0], literal)
		if len(messages) == 0 || len(levels) == 0 {
			f.t.Errorf("%s: the msg or the level of a line is none that this test can read", f.decl.Name)
		}
		fields := f.keys(args[1:])
		if c.Ellipsis.IsValid() {
			fields = append(fields, f.collected()...)
		}
		for _, m := range messages {
			l := f.lines[m]
			l.Levels, l.Fields = append(l.Levels, levels...), append(l.Fields, fields...)
			f.lines[m] = l
		}
		return true
	})
}

func literal(e ast.Expr) (string, bool) {
	b, ok := e.(*ast.BasicLit)
	if !ok || b.Kind != token.STRING {
		return "", false
	}
	s, err := strconv.Unquote(b.Value)
	return s, err == nil
}

func level(e ast.Expr) (string, bool) {
	sel, ok := e.(*ast.SelectorExpr)
	if !ok {
		return "", false
	}
	s, ok := strings.CutPrefix(sel.Sel.Name, "Level")
	return strings.ToUpper(s), ok
}

// texts are what an expression can be: itself, what a variable is assigned in the function,
// or what a parameter is called with in the package.
func (f function) texts(e ast.Expr, as func(ast.Expr) (string, bool)) []string {
	if s, ok := as(e); ok {
		return []string{s}
	}
	name, ok := e.(*ast.Ident)
	if !ok {
		return nil
	}
	var out []string
	add := func(e ast.Expr) {
		if s, ok := as(e); ok {
			out = append(out, s)
		}
	}
	ast.Inspect(f.decl.Body, func(n ast.Node) bool {
		if a, ok := n.(*ast.AssignStmt); ok && len(a.Lhs) == len(a.Rhs) {
			for i := range a.Lhs {
				if id, ok := a.Lhs[i].(*ast.Ident); ok && id.Name == name.Name {
					add(a.Rhs[i])
				}
			}
		}
		return true
	})
	at, n := -1, 0
	for _, p := range f.decl.Type.Params.List {
		for _, id := range p.Names {
			if id.Name == name.Name {
				at = n
			}
			n++
		}
	}
	for _, file := range f.pkg {
		ast.Inspect(file, func(n ast.Node) bool {
			c, ok := n.(*ast.CallExpr)
			if !ok || at < 0 || len(c.Args) <= at {
				return true
			}
			switch x := c.Fun.(type) {
			case *ast.Ident:
				ok = x.Name == f.decl.Name.Name
			case *ast.SelectorExpr:
				ok = x.Sel.Name == f.decl.Name.Name
			default:
				ok = false
			}
			if ok {
				add(c.Args[at])
			}
			return true
		})
	}
	return out
}

// keys are those of slog's attributes, and of keys and values in turn. A key that is a
// variable is given as <its name>.
func (f function) keys(args []ast.Expr) []string {
	var out []string
	for i := 0; i < len(args); i++ {
		if key, kind, ok := attribute(args[i]); ok {
			out = append(out, key)
			if t := types()[kind]; t != "" {
				if before := f.types[key]; before != "" && before != t {
					f.t.Errorf("the field %s is a %s in one place and a %s in another", key, before, t)
				}
				f.types[key] = t
			}
			continue
		}
		if i+1 == len(args) {
			break // attrs...
		}
		if s, ok := literal(args[i]); ok {
			out = append(out, s)
		} else if id, ok := args[i].(*ast.Ident); ok {
			out = append(out, "<"+id.Name+">")
		}
		i++
	}
	return out
}

// types are what the constructors of slog's attributes make.
func types() map[string]string {
	return map[string]string{"String": "text", "Int": "number", "Int64": "number", "Float64": "number", "Bool": "boolean"}
}

func attribute(e ast.Expr) (key, kind string, ok bool) {
	c, ok := e.(*ast.CallExpr)
	if !ok || len(c.Args) == 0 {
		return "", "", false
	}
	sel, ok := c.Fun.(*ast.SelectorExpr)
	if !ok {
		return "", "", false
	}
	if x, ok := sel.X.(*ast.Ident); !ok || x.Name != "slog" {
		return "", "", false
	}
	if key, ok = literal(c.Args[0]); !ok {
		return "", "", false
	}
	return key, sel.Sel.Name, true
}

// collected are the keys that a function gathers for attrs...: in literals of []any and
// []slog.Attr, and in what is appended.
func (f function) collected() []string {
	var out []string
	ast.Inspect(f.decl.Body, func(n ast.Node) bool {
		switch x := n.(type) {
		case *ast.CompositeLit:
			if a, ok := x.Type.(*ast.ArrayType); ok {
				if id, ok := a.Elt.(*ast.Ident); ok && id.Name == "any" {
					out = append(out, f.keys(x.Elts)...)
				}
				if sel, ok := a.Elt.(*ast.SelectorExpr); ok && sel.Sel.Name == "Attr" {
					out = append(out, f.keys(x.Elts)...)
				}
			}
		case *ast.CallExpr:
			if _, ok := writes(x); ok {
				return false
			}
			if id, ok := x.Fun.(*ast.Ident); ok && id.Name == "append" && len(x.Args) > 1 {
				if to, ok := x.Args[0].(*ast.Ident); ok && to.Name == "attrs" {
					out = append(out, f.keys(x.Args[1:])...)
				}
			}
		}
		return true
	})
	return out
}

var code = regexp.MustCompile("`([^`]+)`")

func spans(cell string) []string {
	var out []string
	for _, m := range code.FindAllStringSubmatch(cell, -1) {
		out = append(out, m[1])
	}
	return out
}

// The page has every line that the program can write, with its levels and all of its fields,
// and every field with its type; and nothing else.
func TestEveryLogLineIsDescribed(t *testing.T) {
	t.Parallel()
	lines, types := logLines(t)
	if len(lines) < 40 {
		t.Fatalf("only %d lines found in the sources", len(lines))
	}
	described, fields := map[string]logged{}, map[string]string{}
	head := ""
	for line := range strings.Lines(read(t, logPage)) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if !strings.HasPrefix(line, "|") || len(cells) < 3 {
			head = ""
			continue
		}
		switch {
		case head == "":
			head = strings.TrimSpace(cells[0])
		case strings.HasPrefix(line, "|---"):
		case head == "`msg`":
			l := logged{Levels: spans(cells[1]), Fields: spans(cells[2])}
			slices.Sort(l.Levels)
			slices.Sort(l.Fields)
			for _, m := range spans(cells[0]) {
				described[m] = l
			}
		case head == "field":
			for _, f := range spans(cells[0]) {
				fields[f] = strings.TrimSpace(cells[1])
			}
		}
	}
	for msg, l := range described {
		// Which of several levels goes with which msg of a function is not read from the sources.
		if from := lines[msg].Levels; len(l.Levels) > 0 && len(from) > 1 && !slices.ContainsFunc(l.Levels, func(l string) bool { return !slices.Contains(from, l) }) {
			l.Levels = from
			described[msg] = l
		}
	}
	if diff := cmp.Diff(lines, described, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("%s: the lines of the log (-sources +page):\n%s", logPage, diff)
	}
	used := map[string]bool{}
	for _, l := range lines {
		for _, f := range l.Fields {
			used[f] = true
		}
	}
	for _, always := range []string{"time", "level", "msg", "correlation_id"} {
		used[always] = true
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(used)), slices.Sorted(maps.Keys(fields))); diff != "" {
		t.Errorf("%s: the fields (-sources +page):\n%s", logPage, diff)
	}
	for f, want := range types {
		if got, _, _ := strings.Cut(fields[f], ","); got != want && got != "" {
			t.Errorf("%s: %s is %s, want %s", logPage, f, got, want)
		}
	}
}
