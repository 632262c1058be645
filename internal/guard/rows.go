package guard

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
)

// maxRow bounds a line of a data file, in bytes.
const maxRow = 1 << 20

// ReadRows reads a data file: a JSON object a line with at least "text", "label" (attack or
// benign) and "lang". Other fields than those of Row are passed over. Errors name the line
// and quote nothing of it.
func ReadRows(r io.Reader) ([]Row, error) {
	s := bufio.NewScanner(r)
	s.Buffer(nil, maxRow)
	var rows []Row
	for n := 1; s.Scan(); n++ {
		if len(s.Bytes()) == 0 {
			continue
		}
		var row Row
		if err := json.Unmarshal(s.Bytes(), &row); err != nil {
			return nil, fmt.Errorf("line %d is no row: it takes a JSON object with text, label and lang", n)
		}
		if row.Label != "attack" && row.Label != "benign" {
			return nil, fmt.Errorf("line %d: the label is attack or benign", n)
		}
		rows = append(rows, row)
	}
	if err := s.Err(); err != nil {
		return nil, fmt.Errorf("read rows: %w", err)
	}
	return rows, nil
}
