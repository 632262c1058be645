package chatwoot

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"secretaria/internal/jsontree"
)

// object is a JSON object read by exact key. encoding/json would match a struct's fields
// without regard to case, and one field of the wrong type would cost the whole message.
// All getters may be called on nil and give the zero value for what is not there.
type object map[string]any

var errNotJSON = errors.New("not one JSON value")

// value reads one JSON value and nothing after it. Numbers stay as they were written.
func value(body []byte) (any, error) { return members(body, nil) }

// members is value with only those members of objects that keep wants; nil wants all.
func members(body []byte, keep func(key string) bool) (any, error) {
	if v, ok := jsontree.Decode(body, keep); ok {
		return v, nil
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var v any
	// The decoder's own error quotes the input.
	if d.Decode(&v) != nil {
		return nil, errNotJSON
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errNotJSON
	}
	return v, nil
}

func asObject(v any) object {
	m, _ := v.(map[string]any)
	return m
}

func (o object) has(key string) bool      { return o[key] != nil }
func (o object) object(key string) object { return asObject(o[key]) }

func (o object) list(key string) []any {
	l, _ := o[key].([]any)
	return l
}

// text returns a string of at most limit runes, "" for anything else.
func (o object) text(key string, limit int) string {
	s, _ := o[key].(string)
	return clean(s, limit)
}

// flag reads a boolean, and the string that form-encoding makes of one.
func (o object) flag(key string) bool {
	return o[key] == true || o[key] == "true"
}

// id reads a positive integer, also when it comes as a string; "" for anything else.
func (o object) id(key string) string {
	switch v := o[key].(type) {
	case json.Number:
		if isID(v.String()) {
			return v.String()
		}
	case string:
		if isID(v) {
			return v
		}
	}
	return ""
}

// number reads a number as it was written, also when it comes as a string; "" for anything else.
func (o object) number(key string) string {
	switch v := o[key].(type) {
	case json.Number:
		return clean(v.String(), 40)
	case string:
		if _, err := strconv.ParseFloat(v, 64); err == nil {
			return clean(v, 40)
		}
	}
	return ""
}

// when reads a time: seconds since 1970, with or without a fraction, or ISO 8601. Chatwoot
// uses all three, and 0 for "never". The zero time is anything else.
func (o object) when(key string) time.Time {
	switch v := o[key].(type) {
	case json.Number:
		return epoch(v.String())
	case string:
		if t, err := time.Parse(time.RFC3339Nano, v); err == nil && t.Year() > 1970 {
			return t.UTC()
		}
	}
	return time.Time{}
}

// epoch keeps the microseconds of updated_at, which a float64 would round.
func epoch(s string) time.Time {
	whole, fraction, _ := strings.Cut(s, ".")
	sec, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || sec <= 0 || sec > 1<<37 { // the year 6325: no clock of ours
		return time.Time{}
	}
	nsec := int64(0)
	if fraction != "" {
		nsec, err = strconv.ParseInt((fraction + "000000000")[:9], 10, 64)
		if err != nil || nsec < 0 {
			return time.Time{}
		}
	}
	return time.Unix(sec, nsec).UTC()
}

// clean makes a text storable: valid UTF-8 without NUL, which PostgreSQL refuses, and at
// most limit runes.
func clean(s string, limit int) string {
	return truncate(strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", ""), "\uFFFD"), limit)
}

// truncate cuts valid UTF-8 after limit runes.
func truncate(s string, limit int) string {
	if len(s) <= limit || utf8.RuneCountInString(s) <= limit {
		return s
	}
	n := 0
	for i := range s {
		if n == limit {
			return s[:i]
		}
		n++
	}
	return s
}
