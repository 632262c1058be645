package house_test

import (
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"secretaria/internal/house"
	"secretaria/internal/store/postgres"
	"secretaria/internal/store/postgres/postgrestest"
	"secretaria/internal/store/sqlite"
)

// indexes are the ways to keep a house.
func indexes() map[string]func(*testing.T) house.Index {
	return map[string]func(*testing.T) house.Index{
		"memory": func(*testing.T) house.Index { return house.InMemory() },
		"sqlite": func(t *testing.T) house.Index {
			db, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "secretaria.db"), false)
			must(t, err)
			_, err = db.Migrate(t.Context())
			must(t, err)
			s, err := sqlite.New(t.Context(), db, nil)
			must(t, err)
			t.Cleanup(func() { s.Close() }) //nolint:errcheck // a temporary file
			return s.Knowledge()
		},
		"postgres": func(t *testing.T) house.Index {
			db, err := postgres.Open(t.Context(), postgrestest.URL(t))
			must(t, err)
			_, err = db.Migrate(t.Context())
			must(t, err)
			s, err := postgres.New(t.Context(), db, nil)
			must(t, err)
			t.Cleanup(func() { s.Close() }) //nolint:errcheck // a temporary schema
			return s.Knowledge()
		},
	}
}

// figures are what a library finds of a corpus.
type figures struct {
	one, four float64 // of the questions have an answer as the first hit, among the first four
	none      float64 // of what has no answer finds nothing
}

func measure(t *testing.T, l *house.Library, folder string) figures {
	t.Helper()
	var f figures
	asked := questions(t, folder, "perguntas.txt")
	for _, q := range asked {
		hits := l.Relevant(t.Context(), []string{q.text}, 4, 0)
		at := slices.IndexFunc(hits, q.answers)
		switch {
		case at == 0:
			f.one++
			f.four++
		case at > 0:
			f.four++
			t.Logf("at %d: %s: %s", at+1, q.text, show(hits))
		default:
			t.Logf("missed: %s: %s", q.text, show(hits))
		}
	}
	unanswered := questions(t, folder, "sem-resposta.txt")
	for _, q := range unanswered {
		if hits := l.Relevant(t.Context(), []string{q.text}, 4, 0); len(hits) > 0 {
			t.Logf("found for %s: %s", q.text, show(hits))
		} else {
			f.none++
		}
	}
	f.one, f.four, f.none = f.one/float64(len(asked)), f.four/float64(len(asked)), f.none/float64(len(unanswered))
	t.Logf("hit@1 %.3f, hit@4 %.3f of %d; nothing found %.2f of %d", f.one, f.four, len(asked), f.none, len(unanswered))
	return f
}

// What customers ask finds the fact that answers it, and what the house says nothing about
// finds nothing. The figures are what was reached; a change that makes them worse is to be
// looked at.
func TestRelevance(t *testing.T) {
	t.Parallel()
	want := figures{one: 0.90, four: 0.95, none: 0.85}
	h := clinic(t)
	must(t, h.Validate())
	for name, open := range indexes() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := house.NewLibrary(h, open(t), "recepcao")
			must(t, l.Ensure(t.Context()))
			if got := measure(t, l, "clinica"); got.one < want.one || got.four < want.four || got.none < want.none {
				t.Errorf("figures = %+v, want %+v or better", got, want)
			}
		})
	}
}

// The same for a second house. Untouched by any tuning its questions gave 0.75, 0.82 and 0.60;
// since then only general faults were mended.
func TestRelevanceHeldOut(t *testing.T) {
	t.Parallel()
	h := load(t, "petshop")
	must(t, h.Validate())
	want := figures{one: 0.85, four: 0.95, none: 0.60}
	if got := measure(t, house.NewLibrary(h, nil, "loja"), "petshop"); got.one < want.one || got.four < want.four || got.none < want.none {
		t.Errorf("figures = %+v, want %+v or better", got, want)
	}
}

// Whichever index keeps the house, the answers are the same, in the same order.
func TestSameEverywhere(t *testing.T) {
	t.Parallel()
	h := clinic(t)
	var want map[string][]house.Hit
	for _, name := range []string{"memory", "sqlite", "postgres"} {
		t.Run(name, func(t *testing.T) {
			l := house.NewLibrary(h, indexes()[name](t), "recepcao")
			got := map[string][]house.Hit{}
			for _, file := range []string{"perguntas.txt", "sem-resposta.txt"} {
				for _, q := range questions(t, "clinica", file) {
					got[q.text] = l.Relevant(t.Context(), []string{q.text}, 6, 0)
				}
			}
			if want == nil {
				want = got
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("hits (-memory +%s):\n%s", name, diff)
			}
		})
	}
}
