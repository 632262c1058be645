package mutation

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
	"slices"
	"strings"
)

// A mutant is one small change. Its name survives a move of its line: file, function, what is
// changed how, and which one it is where a function has several alike.
type mutant struct {
	id   int // the number by which the environment brings it to life, from 1
	name string
	line string // file and line
}

// writer puts the mutants of a file into its source. Everything is inserted on the line where
// it belongs, so that lines keep their numbers.
type writer struct {
	src     string
	path    string // of the file, from the top of the module
	fset    *token.FileSet
	pkg     *types.Package
	info    *types.Info
	imports map[string]string // import path to the name in this file

	edits   []edit
	order   int
	stack   []ast.Node
	results []*types.Signature // of the functions around
	fn      string
	alike   map[string]int
	mutants []mutant
	first   int // the id before the first
}

// An edit puts text in the place of a few bytes, most often none.
type edit struct {
	at, drop int
	closes   bool // text that ends something: it stands before what begins at the same place
	order    int
	text     string
}

// file returns the source with its mutants, whose ids follow after first.
func (w *writer) file(f *ast.File) string {
	w.alike = map[string]int{}
	w.imports = map[string]string{}
	for _, spec := range f.Imports {
		if name := w.info.PkgNameOf(spec); name != nil && name.Name() != "_" && name.Name() != "." {
			w.imports[name.Imported().Path()] = name.Name()
		}
	}
	ast.Inspect(f, w.visit)
	slices.SortStableFunc(w.edits, func(a, b edit) int {
		rank := func(e edit) int {
			if e.closes {
				return 0
			}
			return 1
		}
		order := a.order - b.order
		if a.closes {
			order = -order // what began last ends first
		}
		return cmp.Or(cmp.Compare(a.at, b.at), rank(a)-rank(b), order)
	})
	var b strings.Builder
	at := 0
	for _, e := range w.edits {
		b.WriteString(w.src[at:e.at])
		b.WriteString(e.text)
		at = e.at + e.drop
	}
	b.WriteString(w.src[at:])
	return b.String()
}

func (w *writer) offset(p token.Pos) int { return w.fset.Position(p).Offset }

func (w *writer) open(p token.Pos, text string) {
	w.order++
	w.edits = append(w.edits, edit{at: w.offset(p), order: w.order, text: text})
}

func (w *writer) shut(p token.Pos, text string) {
	w.order++
	w.edits = append(w.edits, edit{at: w.offset(p), closes: true, order: w.order, text: text})
}

func (w *writer) replace(from, to token.Pos, text string) {
	w.order++
	w.edits = append(w.edits, edit{at: w.offset(from), drop: int(to - from), order: w.order, text: text})
}

// add returns the id of a new mutant.
func (w *writer) add(what string, n ast.Node) int {
	words := strings.Join(strings.Fields(w.src[w.offset(n.Pos()):w.offset(n.End())]), " ")
	if r := []rune(words); len(r) > 70 {
		words = string(r[:70]) + "…"
	}
	name := fmt.Sprintf("%s %s: %s: %s", w.path, cmp.Or(w.fn, "-"), what, words)
	w.alike[name]++
	if k := w.alike[name]; k > 1 {
		name += fmt.Sprintf(" #%d", k)
	}
	id := w.first + len(w.mutants) + 1
	w.mutants = append(w.mutants, mutant{id: id, name: name, line: fmt.Sprintf("%s:%d", w.path, w.fset.Position(n.Pos()).Line)})
	return id
}

func (w *writer) visit(n ast.Node) bool {
	if n == nil {
		switch w.stack[len(w.stack)-1].(type) {
		case *ast.FuncDecl:
			w.fn = ""
			w.results = w.results[:len(w.results)-1]
		case *ast.FuncLit:
			w.results = w.results[:len(w.results)-1]
		}
		w.stack = w.stack[:len(w.stack)-1]
		return true
	}
	if !w.enter(n) {
		return false
	}
	w.stack = append(w.stack, n)
	return true
}

// enter writes the mutants of a node and says whether to go on below it.
func (w *writer) enter(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.GenDecl:
		return n.Tok == token.VAR // a constant must stay one
	case *ast.FuncType, *ast.FieldList, *ast.ImportSpec:
		return false
	case *ast.FuncDecl:
		if n.Body == nil {
			return false
		}
		w.fn = funcName(n)
		sig := w.info.Defs[n.Name].Type().(*types.Signature)
		w.results = append(w.results, sig)
		w.terminate(n.Body, sig)
		return true
	case *ast.FuncLit:
		sig := w.info.TypeOf(n).(*types.Signature)
		w.results = append(w.results, sig)
		w.terminate(n.Body, sig)
		return true
	case *ast.IfStmt:
		w.condition(n.Cond)
	case *ast.ForStmt:
		if n.Cond != nil {
			w.condition(n.Cond)
		}
	case *ast.CaseClause:
		w.clause(n)
	case *ast.ReturnStmt:
		w.returns(n)
	case *ast.AssignStmt:
		if n.Tok != token.DEFINE && !allBlank(n.Lhs) {
			w.drop(n)
		}
	case *ast.IncDecStmt, *ast.SendStmt, *ast.DeferStmt, *ast.GoStmt:
		w.drop(n.(ast.Stmt))
	case *ast.BranchStmt:
		if n.Tok == token.BREAK || n.Tok == token.CONTINUE {
			w.drop(n)
		}
	case *ast.ExprStmt:
		if !w.idle(n.X) {
			w.drop(n)
		}
	case ast.Expr:
		return w.expr(n)
	}
	return true
}

func funcName(n *ast.FuncDecl) string {
	if n.Recv == nil || len(n.Recv.List) == 0 {
		return n.Name.Name
	}
	t := n.Recv.List[0].Type
	for {
		switch x := t.(type) {
		case *ast.StarExpr:
			t = x.X
		case *ast.IndexExpr:
			t = x.X
		case *ast.Ident:
			return x.Name + "." + n.Name.Name
		default:
			return n.Name.Name
		}
	}
}

func allBlank(list []ast.Expr) bool {
	return !slices.ContainsFunc(list, func(e ast.Expr) bool { id, ok := e.(*ast.Ident); return !ok || id.Name != "_" })
}

// idle says whether a call changes nothing that can be seen (room made in advance), or must
// stay for the function to end.
func (w *writer) idle(e ast.Expr) bool {
	call, ok := e.(*ast.CallExpr)
	if !ok {
		return false
	}
	switch f := call.Fun.(type) {
	case *ast.SelectorExpr:
		return f.Sel.Name == "Grow"
	case *ast.Ident:
		return f.Name == "panic"
	}
	return false
}

// listed says whether the node about to be entered stands in a list of statements, where it can
// be left out or something put before it.
func (w *writer) listed() bool {
	switch w.stack[len(w.stack)-1].(type) {
	case *ast.BlockStmt, *ast.CaseClause, *ast.CommClause:
		return true
	}
	return false
}

// drop leaves a statement out.
func (w *writer) drop(n ast.Stmt) {
	if !w.listed() {
		return
	}
	if c, ok := w.stack[len(w.stack)-1].(*ast.CommClause); ok && c.Comm == n {
		return
	}
	w.open(n.Pos(), fmt.Sprintf("if !mutant(%d) { ", w.add("without", n)))
	w.shut(n.End(), " }")
}

// returns lets a function return nothing in place of something.
func (w *writer) returns(n *ast.ReturnStmt) {
	if !w.listed() {
		return
	}
	if len(n.Results) == 0 {
		if _, body := w.stack[len(w.stack)-2].(*ast.FuncDecl); !body && w.results[len(w.results)-1].Results().Len() == 0 {
			w.drop(n)
		}
		return
	}
	if !slices.ContainsFunc(n.Results, func(e ast.Expr) bool { return !w.isZero(e) }) {
		return
	}
	if len(n.Results) == 1 && w.info.Types[n.Results[0]].Value != nil && isBool(w.info.TypeOf(n.Results[0])) {
		return // flipped as a constant
	}
	var zeros []string
	for v := range w.results[len(w.results)-1].Results().Variables() {
		t, ok := w.typeName(v.Type())
		if !ok {
			return
		}
		zeros = append(zeros, "*new("+t+")")
	}
	w.open(n.Pos(), fmt.Sprintf("if mutant(%d) { return %s }; ", w.add("zero", n), strings.Join(zeros, ", ")))
}

func (w *writer) isZero(e ast.Expr) bool {
	if lit, ok := e.(*ast.CompositeLit); ok && len(lit.Elts) == 0 {
		_, ok := w.info.TypeOf(e).Underlying().(*types.Struct)
		return ok
	}
	tv := w.info.Types[e]
	if tv.Value == nil {
		return tv.IsNil()
	}
	switch tv.Value.Kind() {
	case constant.Bool:
		return !constant.BoolVal(tv.Value)
	case constant.String:
		return constant.StringVal(tv.Value) == ""
	case constant.Int, constant.Float:
		return constant.Sign(tv.Value) == 0
	}
	return false
}

// condition negates a condition that is no comparison: those negate themselves.
func (w *writer) condition(e ast.Expr) {
	switch x := ast.Unparen(e).(type) {
	case *ast.BinaryExpr:
		return
	case *ast.UnaryExpr:
		if x.Op == token.NOT {
			return
		}
	}
	if tv := w.info.Types[e]; tv.Value == nil && isBool(tv.Type) {
		w.negate(e)
	}
}

func (w *writer) negate(e ast.Expr) {
	w.open(e.Pos(), "((")
	w.shut(e.End(), fmt.Sprintf(") != mutant(%d))", w.add("not", e)))
}

// clause leaves a case out: its condition where there is one, else what it does.
func (w *writer) clause(n *ast.CaseClause) {
	sw, ok := w.stack[len(w.stack)-2].(*ast.SwitchStmt)
	if ok && sw.Tag == nil && len(n.List) > 0 {
		for _, e := range n.List {
			w.open(e.Pos(), "(")
			w.shut(e.End(), fmt.Sprintf(") && !mutant(%d)", w.add("without case", e)))
		}
		return
	}
	if len(n.Body) == 0 {
		return
	}
	last := n.Body[len(n.Body)-1]
	if b, ok := last.(*ast.BranchStmt); ok && b.Tok == token.FALLTHROUGH {
		return
	}
	if len(n.Body) == 1 {
		switch s := last.(type) {
		case *ast.AssignStmt, *ast.IncDecStmt, *ast.ExprStmt, *ast.BranchStmt:
			return // left out as a statement
		case *ast.ReturnStmt:
			if len(s.Results) == 0 {
				return
			}
		}
	}
	w.open(n.Body[0].Pos(), fmt.Sprintf("if !mutant(%d) { ", w.add("without what the case does", n.Body[0])))
	w.shut(last.End(), " }")
}

// terminate ends a function that cases may have been taken from.
func (w *writer) terminate(body *ast.BlockStmt, sig *types.Signature) {
	if sig.Results().Len() == 0 || len(body.List) == 0 {
		return
	}
	if _, ok := body.List[len(body.List)-1].(*ast.ReturnStmt); !ok {
		w.open(body.Rbrace, `; panic("no case is left") `)
	}
}

// expr writes the mutants of an expression and says whether to go on below it.
func (w *writer) expr(e ast.Expr) bool {
	tv, typed := w.info.Types[e]
	if typed && tv.IsType() {
		return false
	}
	if typed && tv.Value != nil {
		if !w.beside(e) {
			w.constant(e, tv)
		}
		return false
	}
	switch e := e.(type) {
	case *ast.KeyValueExpr:
		// The index of an element must stay a constant.
		if lit, ok := w.stack[len(w.stack)-1].(*ast.CompositeLit); ok {
			switch w.info.TypeOf(lit).Underlying().(type) {
			case *types.Slice, *types.Array:
				ast.Inspect(e.Value, w.visit)
				return false
			}
		}
	case *ast.CallExpr:
		return w.call(e)
	case *ast.UnaryExpr:
		switch {
		case e.Op == token.NOT && isBool(tv.Type):
			w.negate(e)
		case e.Op == token.SUB && isNumber(tv.Type):
			id := w.add("without minus", e)
			w.replace(e.OpPos, e.OpPos+1, fmt.Sprintf("mutantMinus(%d, ", id))
			w.shut(e.End(), ")")
		}
	case *ast.BinaryExpr:
		w.binary(e, tv.Type)
	}
	return true
}

// beside says whether a result stands beside an error, where nobody looks at it.
func (w *writer) beside(e ast.Expr) bool {
	r, ok := w.stack[len(w.stack)-1].(*ast.ReturnStmt)
	if !ok || len(r.Results) < 2 {
		return false
	}
	last := r.Results[len(r.Results)-1]
	tv := w.info.Types[last]
	return last != e && !tv.IsNil() && types.Identical(w.results[len(w.results)-1].Results().At(len(r.Results)-1).Type(), types.Universe.Lookup("error").Type())
}

func (w *writer) constant(e ast.Expr, tv types.TypeAndValue) {
	switch {
	case isBool(tv.Type):
		w.open(e.Pos(), "(")
		w.shut(e.End(), fmt.Sprintf(" != mutant(%d))", w.add("flipped", e)))
	case isNumber(tv.Type) && !isUntyped(tv.Type):
		t, ok := w.typeName(tv.Type)
		if !ok {
			return
		}
		more, less := w.add("one more", e), w.add("one less", e)
		w.open(e.Pos(), fmt.Sprintf("mutantConst[%s](%d, %d, ", t, more, less))
		w.shut(e.End(), ")")
	}
}

func (w *writer) call(e *ast.CallExpr) bool {
	id, ok := e.Fun.(*ast.Ident)
	if !ok {
		return true
	}
	if _, builtin := w.info.Uses[id].(*types.Builtin); !builtin {
		return true
	}
	switch id.Name {
	case "make":
		// Room made in advance cannot be seen.
		if _, slice := w.info.TypeOf(e).Underlying().(*types.Slice); slice && len(e.Args) > 1 {
			ast.Inspect(e.Args[1], w.visit)
		}
		return false
	case "min", "max":
		if len(e.Args) == 2 {
			name := map[string]string{"min": "mutantMin", "max": "mutantMax"}[id.Name]
			w.replace(id.Pos(), e.Lparen+1, fmt.Sprintf("%s(%d, ", name, w.add("the other end", e)))
		}
	}
	return true
}

var boundaries = map[token.Token]string{token.LSS: "mutantLess", token.LEQ: "mutantLessEqual", token.GTR: "mutantMore", token.GEQ: "mutantMoreEqual"}

var arithmetic = map[token.Token]string{
	token.ADD: "mutantAdd", token.SUB: "mutantSub", token.MUL: "mutantMul", token.QUO: "mutantDiv", token.REM: "mutantRem",
	token.AND: "mutantBitAnd", token.OR: "mutantBitOr", token.XOR: "mutantBitXor", token.SHL: "mutantShiftLeft", token.SHR: "mutantShiftRight",
}

func (w *writer) binary(e *ast.BinaryExpr, t types.Type) {
	call := func(text string) {
		w.open(e.Pos(), text)
		w.replace(e.OpPos, e.OpPos+token.Pos(len(e.Op.String())), ",")
		w.shut(e.End(), ")")
	}
	switch e.Op {
	case token.LAND, token.LOR:
		if !isBool(t) {
			return
		}
		name := map[token.Token]string{token.LAND: "mutantAnd", token.LOR: "mutantOr"}[e.Op]
		other, left, right := w.add("and for or", e), w.add("without left", e), w.add("without right", e)
		w.open(e.Pos(), fmt.Sprintf("%s(%d, %d, %d, ", name, other, left, right))
		w.replace(e.OpPos, e.OpPos+2, ", func() bool { return (")
		w.shut(e.End(), ") })")
	case token.EQL, token.NEQ:
		w.negate(e)
	case token.LSS, token.LEQ, token.GTR, token.GEQ:
		w.negate(e)
		call(fmt.Sprintf("%s(%d, ", boundaries[e.Op], w.add("boundary", e)))
	case token.SHL, token.SHR:
		if w.info.Types[e.X].Value == nil && isNumber(t) {
			call(fmt.Sprintf("%s(%d, ", arithmetic[e.Op], w.add("the other operation", e)))
		}
	default:
		if name, ok := arithmetic[e.Op]; ok && isNumber(t) {
			call(fmt.Sprintf("%s(%d, ", name, w.add("the other operation", e)))
		}
	}
}

func basic(t types.Type) (*types.Basic, bool) {
	if t == nil {
		return nil, false
	}
	b, ok := t.Underlying().(*types.Basic)
	return b, ok
}

// isBool is false for named types: the switch returns plain bools.
func isBool(t types.Type) bool {
	if t == nil {
		return false
	}
	b, ok := types.Unalias(t).(*types.Basic)
	return ok && b.Info()&types.IsBoolean != 0
}

func isNumber(t types.Type) bool {
	b, ok := basic(t)
	return ok && b.Info()&(types.IsInteger|types.IsFloat) != 0
}

func isUntyped(t types.Type) bool {
	b, ok := basic(t)
	return ok && b.Info()&types.IsUntyped != 0
}

// typeName is how a type is called in this file, if it can be.
func (w *writer) typeName(t types.Type) (string, bool) {
	known := true
	name := types.TypeString(t, func(p *types.Package) string {
		if p == w.pkg {
			return ""
		}
		if name, ok := w.imports[p.Path()]; ok {
			return name
		}
		known = false
		return p.Name()
	})
	return name, known
}
