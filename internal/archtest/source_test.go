package archtest

import (
	"go/ast"
	"go/token"
	"go/types"
	"path"
	"slices"
	"strings"
)

func packagesAreDocumented(tr *tree, found *findings) {
	for _, p := range tr.pkgs {
		var documented []string
		productFiles := 0
		for _, f := range p.files {
			if f.test {
				continue
			}
			productFiles++
			if f.ast.Doc == nil {
				continue
			}
			documented = append(documented, f.path)
			want := "Package " + f.ast.Name.Name + " "
			if f.ast.Name.Name == "main" {
				want = "Command " + path.Base(p.dir) + " "
			}
			if text := f.ast.Doc.Text(); !strings.HasPrefix(text, want) && !f.generated {
				found.add(f.path, "the package comment begins %.40q, want %q", text, want+"…")
			}
		}
		switch {
		case productFiles == 0:
			found.add(p.dir, "only tests: say in a doc.go what they are for")
		case len(documented) == 0:
			found.add(p.dir, "no package comment: say what it is for and what it promises")
		case len(documented) > 1:
			found.add(p.dir, "package comments in %s, want one", strings.Join(documented, " and "))
		}
	}
}

func packagesAreNamed(tr *tree, found *findings) {
	for _, p := range tr.pkgs {
		for _, f := range p.files {
			name := strings.TrimSuffix(f.ast.Name.Name, "_test")
			if slices.Contains(drawers, name) || slices.Contains(drawers, path.Base(p.dir)) {
				found.add(f.path, "package %s is a drawer: name it after what it is about", name)
			}
			if name != path.Base(p.dir) && name != "main" {
				found.add(f.path, "package %s lies in a folder called %s", name, path.Base(p.dir))
			}
		}
	}
}

func longFilesSayWhy(tr *tree, found *findings) {
	for _, p := range tr.pkgs {
		for _, f := range p.files {
			if f.lines > longFile && !f.generated && !found.excused(f.path) {
				found.add(f.path, "%d lines: is it two things? If it is one, say why in longFiles", f.lines)
			}
		}
	}
}

func noInit(tr *tree, found *findings) {
	for _, p := range tr.pkgs {
		for _, f := range p.files {
			for _, d := range f.ast.Decls {
				if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" && !f.generated {
					found.add(tr.at(fn.Pos()), "init runs whether it is wanted or not; let a constructor do it")
				}
			}
		}
	}
}

func noForbiddenUses(tr *tree, found *findings) {
	for _, p := range tr.pkgs {
		for _, f := range p.files {
			slept := sleepsOutsideTime(p, f)
			ast.Inspect(f.ast, func(n ast.Node) bool {
				sel, ok := n.(*ast.SelectorExpr)
				if !ok {
					return true
				}
				imported, ok := importOf(p, sel)
				if !ok {
					return true
				}
				for _, u := range forbiddenUses {
					if u.pkg != imported || u.names != "*" && !slices.Contains(strings.Fields(u.names), sel.Sel.Name) {
						continue
					}
					if f.test && !u.tests || matches(p.name, u.allowed...) || slept[sel] {
						continue
					}
					if !found.excused(p.name + ": " + imported + "." + sel.Sel.Name) {
						found.add(tr.at(sel.Pos()), "%s.%s in %s: %s", imported, sel.Sel.Name, p.name, u.why)
					}
				}
				return true
			})
		}
	}
}

// importOf returns the import path of the package that a selector selects from.
func importOf(p *pkg, sel *ast.SelectorExpr) (string, bool) {
	id, ok := sel.X.(*ast.Ident)
	if !ok {
		return "", false
	}
	name, ok := p.info.Uses[id].(*types.PkgName)
	if !ok {
		return "", false
	}
	return name.Imported().Path(), true
}

// sleepsOutsideTime returns the mentions of time.Sleep inside the function of a
// synctest.Test of a test file: there the clock jumps and nobody waits.
func sleepsOutsideTime(p *pkg, f *file) map[*ast.SelectorExpr]bool {
	inside := map[*ast.SelectorExpr]bool{}
	if !f.test {
		return inside
	}
	ast.Inspect(f.ast, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		sel, ok := call.Fun.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		if imported, _ := importOf(p, sel); imported != "testing/synctest" || sel.Sel.Name != "Test" {
			return true
		}
		ast.Inspect(call, func(n ast.Node) bool {
			if sel, ok := n.(*ast.SelectorExpr); ok && sel.Sel.Name == "Sleep" {
				inside[sel] = true
			}
			return true
		})
		return true
	})
	return inside
}

func panicsOnlyAtStart(tr *tree, found *findings) {
	for _, p := range tr.pkgs {
		if isFake(p.name) {
			continue
		}
		for _, f := range p.files {
			if f.test || f.generated {
				continue
			}
			for _, d := range f.ast.Decls {
				fn, ok := d.(*ast.FuncDecl)
				if !ok || strings.HasPrefix(fn.Name.Name, "New") || strings.HasPrefix(strings.ToLower(fn.Name.Name), "must") {
					continue
				}
				ast.Inspect(fn, func(n ast.Node) bool {
					call, ok := n.(*ast.CallExpr)
					if !ok {
						return true
					}
					id, ok := call.Fun.(*ast.Ident)
					if !ok || p.info.Uses[id] != types.Universe.Lookup("panic") || abortsHandler(p, call) {
						return true
					}
					if !found.excused(p.name + ": " + fn.Name.Name) {
						found.add(tr.at(id.Pos()), "%s panics: return an error, or say why in panicsAllowed", fn.Name.Name)
					}
					return true
				})
			}
		}
	}
}

// abortsHandler says whether a call is panic(http.ErrAbortHandler).
func abortsHandler(p *pkg, call *ast.CallExpr) bool {
	if len(call.Args) != 1 {
		return false
	}
	sel, ok := call.Args[0].(*ast.SelectorExpr)
	if !ok {
		return false
	}
	imported, _ := importOf(p, sel)
	return imported == "net/http" && sel.Sel.Name == "ErrAbortHandler"
}

// variablesDoNotChange finds assignments to package variables, to their fields and elements,
// and their addresses being taken, except those of elements, as loops over tables do. What a
// method or an alias does to them it does not see.
func variablesDoNotChange(tr *tree, found *findings) {
	for _, p := range tr.pkgs {
		for _, f := range p.files {
			report := func(x ast.Expr, what string) {
				id := root(x)
				if id == nil {
					return
				}
				v, ok := p.info.Uses[id].(*types.Var)
				if !ok || !p.scope[v.Parent()] || strings.HasSuffix(tr.fset.Position(v.Pos()).Filename, "_test.go") {
					return
				}
				if !found.excused(p.name + "." + v.Name()) {
					found.add(tr.at(x.Pos()), "package variable %s.%s %s: make it a field of what needs it", p.name, v.Name(), what)
				}
			}
			ast.Inspect(f.ast, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.AssignStmt:
					for _, left := range n.Lhs {
						report(left, "is assigned to")
					}
				case *ast.IncDecStmt:
					report(n.X, "is counted with")
				case *ast.RangeStmt:
					if n.Tok == token.ASSIGN {
						report(n.Key, "is assigned to")
						report(n.Value, "is assigned to")
					}
				case *ast.UnaryExpr:
					if _, element := n.X.(*ast.IndexExpr); n.Op == token.AND && !element {
						report(n.X, "has its address taken")
					}
				}
				return true
			})
		}
	}
}

// root returns the variable that an assignable expression is a part of, or nil.
func root(x ast.Expr) *ast.Ident {
	for {
		switch e := x.(type) {
		case *ast.Ident:
			return e
		case *ast.SelectorExpr:
			x = e.X
		case *ast.IndexExpr:
			x = e.X
		case *ast.StarExpr:
			x = e.X
		case *ast.ParenExpr:
			x = e.X
		default:
			return nil
		}
	}
}
