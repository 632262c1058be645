package upgrade

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// checkout is a folder with the script and these migrations in it, by database.
func checkout(t *testing.T, migrations map[string][]string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	script, err := os.ReadFile("../../scripts/migrate")
	must(t, err)
	must(t, os.MkdirAll(filepath.Join(dir, "scripts"), 0o755))
	must(t, os.WriteFile(filepath.Join(dir, "scripts", "migrate"), script, 0o755))
	for name, files := range migrations {
		folder := filepath.Join(dir, "internal", "store", name, "migrations")
		must(t, os.MkdirAll(folder, 0o755))
		for _, file := range files {
			must(t, os.WriteFile(filepath.Join(folder, file), []byte("select 1;\n"), 0o644))
		}
	}
	return dir
}

// files are the migrations in a checkout.
func files(t *testing.T, dir string) (out []string) {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, "internal", "store", "*", "migrations", "*"))
	must(t, err)
	for _, path := range found {
		rel, err := filepath.Rel(filepath.Join(dir, "internal", "store"), path)
		must(t, err)
		out = append(out, filepath.ToSlash(rel))
	}
	slices.Sort(out)
	return out
}

func TestNewMigration(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		what, name string
		sqlite     string // its last migration; the other database has the ninth
		want       string // the new file, or what is complained of
		refused    bool
	}{
		{"the next number", "add_labels", "0009_last.sql", "0010_add_labels.sql", false},
		{"no name", "", "0009_last.sql", "no name", true},
		{"blanks", "add labels", "0009_last.sql", "is no name", true},
		{"capitals", "AddLabels", "0009_last.sql", "is no name", true},
		{"a way out", "../x", "0009_last.sql", "is no name", true},
		{"a command", "a;true", "0009_last.sql", "is no name", true},
		{"a digit first", "2_labels", "0009_last.sql", "is no name", true},
		{"an underscore too many", "add__labels", "0009_last.sql", "is no name", true},
		{"too long", strings.Repeat("a", 41), "0009_last.sql", "longer", true},
		{"a name that is taken", "last", "0009_last.sql", "already", true},
		{"databases apart", "add_labels", "0008_last.sql", "not at the same number", true},
	} {
		t.Run(c.what, func(t *testing.T) {
			t.Parallel()
			dir := checkout(t, map[string][]string{"sqlite": {"0001_first.sql", c.sqlite}, "postgres": {"0001_first.sql", "0009_last.sql"}})
			before := files(t, dir)
			out, err := exec.CommandContext(t.Context(), "sh", filepath.Join(dir, "scripts", "migrate"), c.name).CombinedOutput()
			if (err != nil) != c.refused {
				t.Fatalf("scripts/migrate %q: %v, refused should be %v\n%s", c.name, err, c.refused, out)
			}
			if !strings.Contains(string(out), c.want) {
				t.Errorf("scripts/migrate %q says %q, which does not mention %q", c.name, out, c.want)
			}
			want := before
			if !c.refused {
				want = append(want, "postgres/migrations/"+c.want, "sqlite/migrations/"+c.want)
				slices.Sort(want)
			}
			if diff := cmp.Diff(want, files(t, dir)); diff != "" {
				t.Errorf("files (-want +got):\n%s", diff)
			}
		})
	}
}

// Both databases have the same migrations by number and name, so that a version means the
// same everywhere.
func TestMigrationsGoTogether(t *testing.T) {
	t.Parallel()
	names := func(database string) []string {
		found, err := filepath.Glob(filepath.Join("..", "store", database, "migrations", "*"))
		must(t, err)
		for i := range found {
			found[i] = filepath.Base(found[i])
		}
		return found
	}
	if diff := cmp.Diff(names("sqlite"), names("postgres")); diff != "" {
		t.Errorf("migrations (-sqlite +postgres):\n%s", diff)
	}
}
