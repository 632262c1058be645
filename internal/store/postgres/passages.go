package postgres

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"secretaria/internal/house"
	"secretaria/internal/store/row"
)

// passages is the store as an index of houses.
type passages struct{ s *Store }

var _ house.Index = passages{}

// Knowledge is where the houses of desks are kept and found.
func (s *Store) Knowledge() house.Index { return passages{s} }

// Put implements house.Index.
func (p passages) Put(ctx context.Context, desk, version string, all []house.Passage, now time.Time) error {
	var keys, kinds, titles, texts, sources, terms, found []string
	for _, one := range all {
		source, err := row.PassageSource(one.Source)
		if err != nil {
			return err
		}
		keys, kinds, titles, texts = append(keys, one.ID), append(kinds, string(one.Kind)), append(titles, one.Title), append(texts, one.Text)
		sources, terms, found = append(sources, source), append(terms, one.Terms), append(found, vector(one.Terms))
	}
	return p.s.do(ctx, "put house", func(q *session) error {
		var id int64
		var isNew bool
		if _, err := q.one("house_put", []any{desk, version, row.Millis(now)}, &id, &isNew); err != nil {
			return err
		}
		if isNew && len(all) > 0 {
			q.later("house_passages_insert", id, keys, kinds, titles, texts, sources, terms, found)
		}
		q.later("house_drop_unused", desk, version, row.Millis(now.Add(-house.KeepFor)))
		return nil
	})
}

// maxPosition is the highest that a tsvector keeps; what comes later counts as there.
const maxPosition = 16383

// vector spells terms as a tsvector, so that no parser of the server splits them its own way.
func vector(terms string) string {
	at := map[string][]string{}
	for i, t := range strings.Fields(terms) {
		at[t] = append(at[t], strconv.Itoa(min(i+1, maxPosition)))
	}
	var lexemes []string
	for _, t := range house.Clean(slices.Collect(maps.Keys(at))) {
		lexemes = append(lexemes, "'"+t+"':"+strings.Join(at[t], ","))
	}
	return strings.Join(lexemes, " ")
}

// Search implements house.Index.
func (p passages) Search(ctx context.Context, desk, version string, stems []string, limit int) ([]house.Hit, error) {
	var id int64
	found, err := p.s.readOne(ctx, "find house", "house_find", []any{desk, version}, &id)
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, house.ErrUnknown
	}
	stems = house.Clean(stems)
	if len(stems) == 0 || limit <= 0 {
		return nil, nil
	}
	var out []house.Hit
	err = p.s.read(ctx, "search house", "house_search", []any{id, "'" + strings.Join(stems, "' | '") + "'", limit}, func(rows pgx.Rows) error {
		h, err := row.Passage(rows)
		out = append(out, h)
		return err
	})
	return out, err
}
