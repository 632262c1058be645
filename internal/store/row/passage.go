package row

import (
	"encoding/json"
	"fmt"

	"secretaria/internal/house"
)

// Passage is what a query of passages returns for each: its columns, and how good it is.
func Passage(sc Scanner) (house.Hit, error) {
	var h house.Hit
	var source string
	if err := sc.Scan(&h.ID, &h.Kind, &h.Title, &h.Text, &source, &h.Terms, &h.Score); err != nil {
		return house.Hit{}, err
	}
	if err := json.Unmarshal([]byte(source), &h.Source); err != nil {
		return house.Hit{}, fmt.Errorf("read source: %w", err)
	}
	return h, nil
}

// PassageSource packs the source of a passage.
func PassageSource(s house.Source) (string, error) {
	b, err := json.Marshal(s)
	return string(b), err
}
