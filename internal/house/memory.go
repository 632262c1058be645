package house

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"
	"time"
)

// Memory is an index in memory: for a terminal and for tests. Use InMemory.
type Memory struct {
	mu     sync.RWMutex
	houses map[[2]string]*kept // by desk and version
}

type kept struct {
	passages []Passage
	terms    []map[string]bool
	used     time.Time
}

var _ Index = (*Memory)(nil)

// InMemory returns an empty index.
func InMemory() *Memory { return &Memory{houses: map[[2]string]*kept{}} }

// Put implements Index.
func (m *Memory) Put(ctx context.Context, desk, version string, passages []Passage, now time.Time) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for key, k := range m.houses {
		if key[0] == desk && key[1] != version && now.Sub(k.used) > KeepFor {
			delete(m.houses, key)
		}
	}
	if k := m.houses[[2]string{desk, version}]; k != nil {
		if now.After(k.used) {
			k.used = now
		}
		return nil
	}
	k := &kept{passages: slices.Clone(passages), used: now}
	for _, p := range passages {
		terms := map[string]bool{}
		for _, t := range strings.Fields(p.Terms) {
			terms[t] = true
		}
		k.terms = append(k.terms, terms)
	}
	m.houses[[2]string{desk, version}] = k
	return nil
}

// Search implements Index. The more of the stems a passage has, the better it is.
func (m *Memory) Search(ctx context.Context, desk, version string, stems []string, limit int) ([]Hit, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m.mu.RLock()
	defer m.mu.RUnlock()
	k := m.houses[[2]string{desk, version}]
	if k == nil {
		return nil, ErrUnknown
	}
	var out []Hit
	stems = Clean(stems)
	for i, p := range k.passages {
		n := 0
		for _, s := range stems {
			if k.terms[i][s] {
				n++
			}
		}
		if n > 0 {
			out = append(out, Hit{Passage: p, Score: float64(n)})
		}
	}
	slices.SortFunc(out, func(a, b Hit) int {
		return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(a.ID, b.ID))
	})
	return out[:min(len(out), max(limit, 0))], nil
}
