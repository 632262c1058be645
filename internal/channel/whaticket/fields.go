package whaticket

import (
	"bytes"
	"encoding/json"
	"io"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"secretaria/internal/fault"
	"secretaria/internal/jsontree"
)

const (
	// maxText is WhatsApp's own limit for a message, in bytes here; more is cut.
	maxText = 65536
	// maxShort bounds names, ids and details.
	maxShort = 256
)

// object is a JSON object whose fields are read one by one, each with the type it should
// have: forks send null, numbers for strings and strings for numbers anywhere, and one odd
// field must not lose a customer's message. A map also keeps the case of keys, which
// encoding/json ignores when it fills structs. Every method works on nil.
type object map[string]any

func invalid(cause string) error { return fault.New(fault.Invalid, cause) }

// decode reads one JSON value.
func decode(body []byte) (any, error) {
	body = bytes.TrimPrefix(body, []byte("\xef\xbb\xbf"))
	if !utf8.Valid(body) {
		return nil, invalid("body: not UTF-8")
	}
	if len(bytes.TrimSpace(body)) == 0 {
		return nil, invalid("body: empty")
	}
	if v, ok := jsontree.Decode(body, nil); ok {
		return v, nil
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		// The decoder's own words may repeat the input.
		return nil, invalid("body: not JSON, near byte " + strconv.FormatInt(d.InputOffset(), 10))
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, invalid("body: more than one JSON value")
	}
	return v, nil
}

func (o object) has(key string) bool {
	v, ok := o[key]
	return ok && v != nil
}

// object returns the object at key, nil when there is none.
func (o object) object(key string) object {
	m, _ := o[key].(map[string]any)
	return m
}

// path follows nested objects.
func (o object) path(keys ...string) object {
	for _, k := range keys {
		o = o.object(k)
	}
	return o
}

func (o object) list(key string) []any {
	l, _ := o[key].([]any)
	return l
}

// text returns the words at key, fit for a database and bounded; "" when it is no string.
func (o object) text(key string) string {
	s, _ := o[key].(string)
	return clean(s, maxText)
}

// short returns a name or another string that fits in a line.
func (o object) short(key string) string {
	s, _ := o[key].(string)
	return clean(strings.TrimSpace(s), maxShort)
}

// id returns a string or a whole number as a string; "" otherwise, and when it is too long
// to be an id: a cut one might be another's.
func (o object) id(key string) string {
	s := ""
	switch v := o[key].(type) {
	case string:
		s = strings.TrimSpace(v)
	case json.Number:
		s = whole(v)
	}
	if len(s) > maxShort || clean(s, maxShort) != s {
		return ""
	}
	return s
}

// whole writes a non-negative whole number without exponent; "" for any other.
func whole(n json.Number) string {
	if i, err := n.Int64(); err == nil && i >= 0 {
		return strconv.FormatInt(i, 10)
	}
	f, err := n.Float64()
	if err != nil || f < 0 || f > 1<<53 || f != math.Trunc(f) {
		return ""
	}
	return strconv.FormatFloat(f, 'f', 0, 64)
}

// flag returns whether a boolean is true, however it is written.
func (o object) flag(key string) bool {
	switch v := o[key].(type) {
	case bool:
		return v
	case string:
		return v == "true" || v == "1"
	case json.Number:
		return v == "1"
	}
	return false
}

// numeral returns a number as it was written; "" when there is none.
func (o object) numeral(key string) string {
	switch v := o[key].(type) {
	case json.Number:
		return clean(v.String(), maxShort)
	case string:
		if _, err := strconv.ParseFloat(v, 64); err == nil {
			return clean(v, maxShort)
		}
	}
	return ""
}

// time reads Unix seconds or milliseconds, written as a number, as a string or as the pair
// of halves that protobuf.js makes of a 64-bit number, and RFC 3339. Anything that WhatsApp
// cannot have sent is the zero time.
func (o object) time(key string) time.Time {
	var n float64
	switch v := o[key].(type) {
	case json.Number:
		n, _ = v.Float64()
	case string:
		if t, err := time.Parse(time.RFC3339Nano, v); err == nil {
			n = float64(t.UnixMilli())
			break
		}
		n, _ = strconv.ParseFloat(v, 64)
	case map[string]any:
		low, _ := strconv.ParseInt(object(v).id("low"), 10, 64)
		n = float64(low) // seconds fit in the low half until 2106
	}
	if n > 1e11 {
		n /= 1000
	}
	// 2009, when WhatsApp began, to 2106.
	if !(n >= 1230768000 && n < 1<<32) {
		return time.Time{}
	}
	return time.UnixMilli(int64(math.Round(n * 1000))).UTC()
}

// clean makes s valid UTF-8 without NUL, which PostgreSQL cannot store, and cuts it at a
// whole character.
func clean(s string, limit int) string {
	s = strings.ReplaceAll(strings.ToValidUTF8(s, "\ufffd"), "\x00", "")
	if len(s) > limit {
		for limit > 0 && !utf8.RuneStart(s[limit]) {
			limit--
		}
		s = s[:limit]
	}
	return s
}

func blank(s string) bool { return strings.Trim(s, " \t\r\n\u00a0\u200b\u200e\u200f\ufeff") == "" }
