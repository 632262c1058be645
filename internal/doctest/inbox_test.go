package doctest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"secretaria/internal/config"
)

// fileKeys are the keys that config reads from an inbox of the YAML file, by the function that
// reads them; config itself keeps no list.
type fileKeys struct {
	inbox, ofWhaticket, ofChatwoot []string
}

func keysOfSource(t *testing.T) fileKeys {
	t.Helper()
	tree, err := parser.ParseFile(token.NewFileSet(), filepath.Join(top, "internal/config/inbox.go"), nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	var k fileKeys
	add := func(list *[]string, key string) {
		if !slices.Contains(*list, key) {
			*list = append(*list, key)
		}
	}
	for _, d := range tree.Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok || f.Body == nil {
			continue
		}
		ast.Inspect(f.Body, func(n ast.Node) bool {
			switch f.Name.Name {
			case "ofWhaticket", "ofChatwoot":
				list := &k.ofWhaticket
				if f.Name.Name == "ofChatwoot" {
					list = &k.ofChatwoot
				}
				if word, ok := literal(n); ok {
					add(list, word)
				}
			case "inbox", "inboxQuiet", "readWhaticket", "readChatwoot", "window":
				if key, ok := keyRead(n); ok {
					add(&k.inbox, key)
				}
			}
			return true
		})
	}
	if len(k.inbox) < 10 || len(k.ofWhaticket) == 0 || len(k.ofChatwoot) == 0 {
		t.Fatalf("the keys of internal/config/inbox.go cannot be found any more: %+v", k)
	}
	return k
}

// keyRead recognises read(s, "key", …), its like for secrets, and s.value("key"); h is the
// section "handoff".
func keyRead(n ast.Node) (string, bool) {
	call, ok := n.(*ast.CallExpr)
	if !ok {
		return "", false
	}
	var of ast.Expr
	var key ast.Node
	switch fun := call.Fun.(type) {
	case *ast.Ident:
		if !slices.Contains([]string{"read", "readSecret", "readSecrets"}, fun.Name) || len(call.Args) != 3 {
			return "", false
		}
		of, key = call.Args[0], call.Args[1]
	case *ast.SelectorExpr:
		if fun.Sel.Name != "value" || len(call.Args) != 1 {
			return "", false
		}
		of, key = fun.X, call.Args[0]
	default:
		return "", false
	}
	word, ok := literal(key)
	if id, isIdent := of.(*ast.Ident); isIdent && id.Name == "h" {
		word = "handoff." + word
	}
	return word, ok
}

func literal(n ast.Node) (string, bool) {
	lit, ok := n.(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return "", false
	}
	s, err := strconv.Unquote(lit.Value)
	return s, err == nil
}

func TestInboxTable(t *testing.T) {
	t.Parallel()
	known := keysOfSource(t)
	slices.Sort(known.inbox)
	for name, title := range readmes() {
		s := open(t, name).section(t, title.inboxes)
		var keys []string
		for _, r := range s.table(t, title.inboxKey) {
			key := strings.Trim(r[0], "`")
			keys = append(keys, key)
			only := ""
			switch {
			case slices.Contains(known.ofWhaticket, key):
				only = "whaticket"
			case slices.Contains(known.ofChatwoot, key):
				only = "chatwoot"
			}
			if isFor := r[1]; (only != "") != (isFor == "whaticket" || isFor == "chatwoot") || only != "" && isFor != only {
				t.Errorf("%s: %s is for %q, want %q", name, key, isFor, only)
			}
		}
		slices.Sort(keys)
		if diff := cmp.Diff(known.inbox, keys); diff != "" {
			t.Errorf("%s: keys of an inbox (-config +table):\n%s", name, diff)
		}
		named := spans(strings.Join(open(t, name).section(t, title.desks).prose, "\n"))
		var missing []string
		for _, k := range config.DeskKeys() {
			key, _, _ := strings.Cut(k.Path, ".")
			if key = strings.TrimSuffix(key, "[]"); !slices.Contains(named, key) && !slices.Contains(missing, key) {
				missing = append(missing, key)
			}
		}
		if len(missing) > 0 {
			t.Errorf("%s: the desk's keys %q are not named", name, missing)
		}
	}
}
