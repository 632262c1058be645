package storetest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"secretaria/internal/fault"
	"secretaria/internal/house"
)

// RunIndex runs the suite of house.Index. open returns an empty index.
func RunIndex(t *testing.T, open func(t *testing.T) house.Index) {
	for name, run := range map[string]func(*testing.T, house.Index){
		"what was put is found":        indexFinds,
		"the better come first":        indexOrder,
		"a version is put once":        indexOnce,
		"desks are apart":              indexDesks,
		"unused versions go":           indexPrunes,
		"whatever is asked for":        indexStems,
		"all or none":                  indexCancelled,
		"many at once":                 indexTogether,
		"the same as looking at all":   indexComplete,
		"many passages and long words": indexLarge,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run(t, open(t))
		})
	}
}

func noon() time.Time { return time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC) }

func passage(id, terms string) house.Passage {
	return house.Passage{ID: id, Kind: house.Prices, Title: "Título <" + id + ">", Text: "Texto de " + id + "\nR$ 180,00; 'aspas' \"duplas\" \\ %", Terms: terms,
		Source: house.Source{File: "casa/preços.yaml", Line: 12, Heading: "Preços > Limpeza"}}
}

func put(t *testing.T, x house.Index, desk, version string, passages []house.Passage, now time.Time) {
	t.Helper()
	if err := x.Put(t.Context(), desk, version, passages, now); err != nil {
		t.Fatalf("Put(%s, %s): %v", desk, version, err)
	}
}

// ids are the ids of what a search finds.
func ids(t *testing.T, x house.Index, desk, version string, limit int, stems ...string) []string {
	t.Helper()
	hits, err := x.Search(t.Context(), desk, version, stems, limit)
	if err != nil {
		t.Fatalf("Search(%s, %s, %q): %v", desk, version, stems, err)
	}
	var out []string
	for _, h := range hits {
		out = append(out, h.ID)
	}
	return out
}

func wantIDs(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func indexFinds(t *testing.T, x house.Index) {
	all := []house.Passage{passage("a", "limp 0price limp"), passage("b", "clare 0price"), {ID: "c", Text: "página", Terms: "jejum", Source: house.Source{File: "exames.md"}}}
	put(t, x, "clinica", "v1", all, noon())
	hits, err := x.Search(t.Context(), "clinica", "v1", []string{"jejum", "limp"}, 10)
	if err != nil {
		t.Fatalf("Search: %v", err)
	}
	var got []house.Passage
	for i, h := range hits {
		got = append(got, h.Passage)
		if h.Score <= 0 && i == 0 || i > 0 && h.Score > hits[i-1].Score {
			t.Errorf("score %d = %v, want falling ones above 0", i, h.Score)
		}
	}
	slices.SortFunc(got, func(a, b house.Passage) int { return strings.Compare(a.ID, b.ID) })
	if diff := cmp.Diff([]house.Passage{all[0], all[2]}, got); diff != "" {
		t.Errorf("passages (-want +got):\n%s", diff)
	}
	wantIDs(t, "nothing", ids(t, x, "clinica", "v1", 10, "implant"))
	wantIDs(t, "a part of a word", ids(t, x, "clinica", "v1", 10, "lim", "limpez"))
	if _, err := x.Search(t.Context(), "clinica", "v2", []string{"limp"}, 10); !errors.Is(err, house.ErrUnknown) || fault.KindOf(err) != fault.NotFound {
		t.Errorf("Search of a version that is not there = %v, want house.ErrUnknown", err)
	}
}

func indexOrder(t *testing.T, x house.Index) {
	put(t, x, "d", "v", []house.Passage{passage("c", "0price limp"), passage("b", "0price"), passage("a", "0price"), passage("d", "0price clare")}, noon())
	wantIDs(t, "both stems first", ids(t, x, "d", "v", 1, "0price", "limp"), "c")
	wantIDs(t, "equals by id", ids(t, x, "d", "v", 9, "0price")[:0])
	if got := ids(t, x, "d", "v", 9, "0price"); slices.Index(got, "a") > slices.Index(got, "b") || len(got) != 4 {
		t.Errorf("Search = %q, want a before b, which is as good, and all four", got)
	}
	if got := ids(t, x, "d", "v", 2, "0price"); len(got) != 2 {
		t.Errorf("Search with limit 2 = %q", got)
	}
	wantIDs(t, "limit 0", ids(t, x, "d", "v", 0, "0price"))
	wantIDs(t, "limit -1", ids(t, x, "d", "v", -1, "0price"))
}

func indexOnce(t *testing.T, x house.Index) {
	put(t, x, "d", "v", []house.Passage{passage("a", "um")}, noon())
	put(t, x, "d", "v", []house.Passage{passage("b", "dois"), passage("a", "um")}, noon())
	wantIDs(t, "the second put", ids(t, x, "d", "v", 9, "um", "dois"), "a")
	put(t, x, "d", "empty", nil, noon())
	wantIDs(t, "a version without passages", ids(t, x, "d", "empty", 9, "um"))
}

func indexDesks(t *testing.T, x house.Index) {
	put(t, x, "a", "v", []house.Passage{passage("x", "um")}, noon())
	put(t, x, "b", "v", []house.Passage{passage("y", "um")}, noon())
	put(t, x, "a", "w", []house.Passage{passage("x", "um dois")}, noon())
	wantIDs(t, "desk a, v", ids(t, x, "a", "v", 9, "um", "dois"), "x")
	wantIDs(t, "desk b, v", ids(t, x, "b", "v", 9, "um", "dois"), "y")
	wantIDs(t, "desk a, v, dois", ids(t, x, "a", "v", 9, "dois"))
	wantIDs(t, "desk a, w, dois", ids(t, x, "a", "w", 9, "dois"), "x")
}

func indexPrunes(t *testing.T, x house.Index) {
	one := []house.Passage{passage("x", "um")}
	put(t, x, "a", "old", one, noon())
	put(t, x, "a", "used", one, noon())
	put(t, x, "b", "old", one, noon())
	put(t, x, "a", "used", nil, noon().Add(house.KeepFor))
	put(t, x, "a", "used", nil, noon()) // a clock that is late takes nothing back
	put(t, x, "a", "new", one, noon().Add(house.KeepFor+time.Minute))
	if _, err := x.Search(t.Context(), "a", "old", []string{"um"}, 9); !errors.Is(err, house.ErrUnknown) {
		t.Errorf("Search of a version unused for long = %v, want house.ErrUnknown", err)
	}
	for _, v := range []string{"used", "new"} {
		wantIDs(t, v, ids(t, x, "a", v, 9, "um"), "x")
	}
	wantIDs(t, "another desk's", ids(t, x, "b", "old", 9, "um"), "x")
	put(t, x, "a", "old", []house.Passage{passage("y", "um")}, noon().Add(house.KeepFor+time.Minute))
	wantIDs(t, "a version that came back", ids(t, x, "a", "old", 9, "um"), "y")
}

// indexStems: what is no stem finds nothing and breaks nothing.
func indexStems(t *testing.T, x house.Index) {
	put(t, x, "d", "v", []house.Passage{passage("x", "um near or not 0price")}, noon())
	for _, stems := range [][]string{nil, {""}, {`"`, `' | 'um`, "um OR", "u*", "Um", "ção", "terms:um", "-um", `\`, "um\x00", "\xff", strings.Repeat("a", 3000)}} {
		wantIDs(t, fmt.Sprintf("%.40q", stems), ids(t, x, "d", "v", 9, stems...))
	}
	for _, s := range []string{"or", "not", "near", "0price"} {
		wantIDs(t, s, ids(t, x, "d", "v", 9, s, `"`), "x")
	}
}

func indexCancelled(t *testing.T, x house.Index) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := x.Put(ctx, "d", "v", []house.Passage{passage("a", "um")}, noon()); !errors.Is(err, context.Canceled) {
		t.Errorf("Put with a cancelled context = %v, want context.Canceled", err)
	}
	if _, err := x.Search(t.Context(), "d", "v", []string{"um"}, 1); !errors.Is(err, house.ErrUnknown) {
		t.Errorf("Search after it = %v, want house.ErrUnknown", err)
	}
}

func indexTogether(t *testing.T, x house.Index) {
	var all sync.WaitGroup
	for i := range 12 {
		all.Go(func() {
			version := fmt.Sprint("v", i%3)
			if err := x.Put(t.Context(), "d", version, []house.Passage{passage("a", "um "+version), passage("b", version)}, noon()); err != nil {
				t.Errorf("Put: %v", err)
			}
			if hits, err := x.Search(t.Context(), "d", version, []string{version}, 9); err != nil || len(hits) != 2 {
				t.Errorf("Search = %v, %v, want two", hits, err)
			}
		})
	}
	all.Wait()
}

// indexComplete: a search finds the passages that have a stem, all of them and no others.
func indexComplete(t *testing.T, x house.Index) {
	r := rand.New(rand.NewPCG(4, 2))
	words := []string{"limp", "clare", "implant", "0price", "0hours", "1", "11", "12", "x1f600", "jejum", "a1", "1a", "1e5", "00", "t4", "not", "consult", "consultori"}
	var all []house.Passage
	for i := range 60 {
		var terms []string
		for range r.IntN(8) {
			terms = append(terms, words[r.IntN(len(words))])
		}
		all = append(all, passage(fmt.Sprintf("p%02d", i), strings.Join(terms, " ")))
	}
	put(t, x, "d", "v", all, noon())
	for range 80 {
		var stems []string
		for range 1 + r.IntN(3) {
			stems = append(stems, words[r.IntN(len(words))])
		}
		var want []string
		for _, p := range all {
			if slices.ContainsFunc(strings.Fields(p.Terms), func(s string) bool { return slices.Contains(stems, s) }) {
				want = append(want, p.ID)
			}
		}
		got := ids(t, x, "d", "v", 100, stems...)
		slices.Sort(got)
		wantIDs(t, fmt.Sprint(stems), got, want...)
	}
}

func indexLarge(t *testing.T, x house.Index) {
	var all []house.Passage
	for i := range 600 {
		all = append(all, passage(fmt.Sprintf("p%03d", i), fmt.Sprintf("0price item%d %s", i, strings.Repeat("muit ", i))))
	}
	all = append(all, passage("long", strings.Repeat("a", 128)+" "+strings.Repeat("vez ", 20_000)))
	put(t, x, "d", "v", all, noon())
	wantIDs(t, "one of many", ids(t, x, "d", "v", 9, "item321"), "p321")
	wantIDs(t, "a long word", ids(t, x, "d", "v", 9, strings.Repeat("a", 128)), "long")
	if got := ids(t, x, "d", "v", 64, "0price"); len(got) != 64 {
		t.Errorf("Search found %d, want 64", len(got))
	}
}
