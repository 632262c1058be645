package archtest

import (
	"strings"
	"testing"
)

// eachImport calls f for every import, of a package of this module, that is part of a program.
func (t *tree) eachImport(f func(from *pkg, src *file, to string)) {
	for _, p := range t.pkgs {
		for _, src := range p.files {
			if src.test {
				continue
			}
			for _, imported := range src.imports {
				if to, ok := t.own(imported); ok {
					f(p, src, to)
				}
			}
		}
	}
}

func importsPointDown(tr *tree, found *findings) {
	tr.eachImport(func(from *pkg, src *file, to string) {
		if firstElement(from.name) == firstElement(to) {
			return // within one part of the house
		}
		for _, r := range importRules {
			if matches(from.name, r.from) && !matches(from.name, r.except...) && matches(to, r.to...) {
				found.add(src.path, "%s imports %s: %s", from.name, to, r.why)
			}
		}
	})
}

func firstElement(name string) string {
	first, _, _ := strings.Cut(name, "/")
	return first
}

func adaptersKnowOnlyThemselves(tr *tree, found *findings) {
	tr.eachImport(func(from *pkg, src *file, to string) {
		target, ok := adapter(to)
		if !ok || matches(from.name, target+"/...") || anyKey(from.name, adapterUsers) {
			return
		}
		if own, ok := adapter(from.name); ok {
			found.add(src.path, "adapter %s imports adapter %s: an adapter knows its port and its own peer", own, target)
			return
		}
		found.add(src.path, "%s imports adapter %s: only app lists adapters", from.name, target)
	})
}

func fakesStayOut(tr *tree, found *findings) {
	tr.eachImport(func(from *pkg, src *file, to string) {
		if isFake(to) && !isFake(from.name) && !anyKey(from.name, fakeUsers) {
			found.add(src.path, "%s imports %s, which is for tests", from.name, to)
		}
	})
}

func domainStandsAlone(tr *tree, found *findings) {
	for _, p := range tr.pkgs {
		if !matches(p.name, domain...) {
			continue
		}
		for _, src := range p.files {
			if src.test {
				continue
			}
			for _, imported := range src.imports {
				own, ours := tr.own(imported)
				foreign := !ours && strings.Contains(firstElement(imported), ".")
				why, forbidden := domainForbids[imported]
				switch {
				case forbidden:
					found.add(src.path, "%s imports %s: %s", p.name, imported, why)
				case ours && !matches(own, domain...):
					found.add(src.path, "%s imports %s: the domain imports the standard library and its own kind", p.name, own)
				case foreign && !found.excused(imported):
					found.add(src.path, "%s imports %s: the domain imports the standard library and its own kind", p.name, imported)
				}
			}
		}
	}
}

func TestPatterns(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, pattern string
		want          bool
	}{
		{"store", "store/...", true},
		{"store/sqlite", "store/...", true},
		{"storefront", "store/...", false},
		{"store", "store/*", false},
		{"store/sqlite", "store/*", true},
		{"store/sqlite", "store", false},
		{"anything", "...", true},
	} {
		if got := matches(c.name, c.pattern); got != c.want {
			t.Errorf("matches(%q, %q) = %v, want %v", c.name, c.pattern, got, c.want)
		}
	}
	for name, want := range map[string]string{
		"channel":                          "",
		"channel/channeltest":              "",
		"channel/whaticket":                "channel/whaticket",
		"channel/whaticket/whatickettest":  "channel/whaticket",
		"llm/resilient":                    "",
		"store/sqlite/migrations/archived": "store/sqlite",
		"conversation":                     "",
	} {
		if got, _ := adapter(name); got != want {
			t.Errorf("adapter(%q) = %q, want %q", name, got, want)
		}
	}
}
