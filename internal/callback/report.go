package callback

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"

	"secretaria/internal/conversation"
	"secretaria/internal/fault"
	"secretaria/internal/telemetry"
)

// maxError bounds the words of a workflow about its failure, in characters.
const maxError = 300

// Report is the body of a callback.
type Report struct {
	ID     conversation.DeliveryID // of the call: the "id" that the workflow was given
	Failed bool
	Result json.RawMessage // of a call that is done; nil where there is none
	Error  string          // of one that failed: for people, one line
}

// Parse reads a body: {"id", "status": "done" or "failed", "result", "error"}. Keys are exact,
// others are ignored, and the result is as it came. Errors are fault.Invalid; their Code says
// what is wrong and where, and repeats nothing of the input.
func Parse(body []byte) (Report, error) {
	bad := func(code string) (Report, error) { return Report{}, fault.New(fault.Invalid, code) }
	dec := json.NewDecoder(bytes.NewReader(body))
	// A map, since the fields of a struct would be found in any case.
	var m map[string]json.RawMessage
	if err := dec.Decode(&m); err != nil || m == nil {
		return bad("body: want a JSON object")
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return bad("body: something follows the object")
	}
	var id, status, words string
	if json.Unmarshal(m["id"], &id) != nil || id == "" {
		return bad("id: required, a string")
	}
	if !telemetry.ValidCorrelation(id) {
		return bad("id: is none of ours")
	}
	if json.Unmarshal(m["status"], &status) != nil {
		return bad("status: required, a string")
	}
	r := Report{ID: conversation.DeliveryID(id)}
	switch status {
	case "done":
		if raw := bytes.TrimSpace(m["result"]); len(raw) > 0 && string(raw) != "null" {
			if raw[0] != '{' {
				return bad("result: want an object")
			}
			r.Result = json.RawMessage(raw)
		}
	case "failed":
		r.Failed = true
		if raw := m["error"]; len(raw) > 0 && json.Unmarshal(raw, &words) != nil {
			return bad("error: want a string")
		}
		r.Error = line(words)
	default:
		return bad("status: want done or failed")
	}
	return r, nil
}

// line puts words into one bounded line.
func line(s string) string {
	s = strings.Join(strings.FieldsFunc(s, func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsGraphic(r) || r == utf8.RuneError }), " ")
	if utf8.RuneCountInString(s) <= maxError {
		return s
	}
	return string([]rune(s)[:maxError]) + "…"
}
