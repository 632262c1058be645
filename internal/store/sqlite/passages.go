package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"time"

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
	at := row.Millis(now)
	return p.s.do(ctx, "put house", func(q session) error {
		if err := q.dropHouses(desk, version, row.Millis(now.Add(-house.KeepFor))); err != nil {
			return err
		}
		var id int64
		found, err := q.one("house_find", []any{desk, version}, &id)
		if err != nil {
			return err
		}
		if found {
			_, err := q.exec("house_use", id, at)
			return err
		}
		if _, err := q.one("house_insert", []any{desk, version, at}, &id); err != nil {
			return err
		}
		for _, one := range all {
			if err := q.putPassage(id, one); err != nil {
				return err
			}
		}
		return nil
	})
}

func (q session) putPassage(houseID int64, p house.Passage) error {
	source, err := row.PassageSource(p.Source)
	if err != nil {
		return err
	}
	var id int64
	if _, err := q.one("house_passage_insert", []any{houseID, p.ID, string(p.Kind), p.Title, p.Text, source, p.Terms}, &id); err != nil {
		return err
	}
	_, err = q.exec("house_terms_insert", id, p.Terms)
	return err
}

// dropHouses drops versions of a desk that were last used before then.
func (q session) dropHouses(desk, version string, then int64) error {
	var unused []int64
	if err := q.many("house_unused", []any{desk, version, then}, func(sc row.Scanner) error {
		var id int64
		err := sc.Scan(&id)
		unused = append(unused, id)
		return err
	}); err != nil {
		return err
	}
	for _, id := range unused {
		for _, name := range []string{"house_terms_drop", "house_passages_drop", "house_drop"} {
			if _, err := q.exec(name, id); err != nil {
				return err
			}
		}
	}
	return nil
}

// Search implements house.Index.
func (p passages) Search(ctx context.Context, desk, version string, stems []string, limit int) ([]house.Hit, error) {
	var id int64
	err := p.s.queryOne(ctx, "house_find", []any{desk, version}, func(sc row.Scanner) error { return sc.Scan(&id) })
	if errors.Is(err, sql.ErrNoRows) {
		return nil, house.ErrUnknown
	}
	if err != nil {
		return nil, database("find house", err)
	}
	stems = house.Clean(stems)
	if len(stems) == 0 || limit <= 0 {
		return nil, nil
	}
	rows, err := p.s.query(ctx, "house_search", `"`+strings.Join(stems, `" OR "`)+`"`, id, limit)
	if err != nil {
		return nil, database("search house", err)
	}
	defer rows.Close()
	var out []house.Hit
	for rows.Next() {
		h, err := row.Passage(rows)
		if err != nil {
			return nil, database("search house", err)
		}
		out = append(out, h)
	}
	return out, database("search house", rows.Err())
}
