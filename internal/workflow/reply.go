package workflow

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"secretaria/internal/fault"
)

// maxValue bounds one value in a reply, in characters.
const maxValue = 500

var (
	placeholder = regexp.MustCompile(`\{([A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*)\}`)
	scheme      = regexp.MustCompile(`(?i)(?:[a-z][a-z0-9+.-]*://|(?:javascript|data|vbscript|file|blob):)\S*`)
)

// placeholders lists the keys of a reply.
func placeholders(reply string) ([]string, error) {
	var keys []string
	for _, m := range placeholder.FindAllStringSubmatch(reply, -1) {
		keys = append(keys, m[1])
	}
	if rest := placeholder.ReplaceAllString(reply, ""); strings.ContainsAny(rest, "{}") {
		return nil, errors.New(`has a brace that belongs to no {key}: a key has letters, digits and "_", "." leads inside`)
	}
	return keys, nil
}

// Render fills the {keys} of a reply, CommonMark, with values of the result: texts, numbers
// and truths; "a.b" leads into an object. A value stays what it is: its signs do not format,
// an address in it must be http or https, it is one line and at most 500 characters. A key
// that is missing, empty or of another type refuses the whole reply: half a promise is none.
// Errors are fault.Invalid.
func Render(reply string, result json.RawMessage) (string, error) {
	if _, err := placeholders(reply); err != nil {
		return "", fault.Wrap(fault.Invalid, "reply: cannot be used", err)
	}
	values, err := object(result)
	if err != nil {
		return "", err
	}
	var failed error
	text := placeholder.ReplaceAllStringFunc(reply, func(m string) string {
		key := m[1 : len(m)-1]
		v, err := value(values, key)
		if err != nil && failed == nil {
			failed = fault.New(fault.Invalid, fmt.Sprintf("%s: %v", key, err))
		}
		return v
	})
	if failed != nil {
		return "", failed
	}
	return text, nil
}

func value(values map[string]any, key string) (string, error) {
	var v any = values
	for _, part := range strings.Split(key, ".") {
		m, ok := v.(map[string]any)
		if !ok {
			return "", errors.New("missing")
		}
		if v, ok = m[part]; !ok {
			return "", errors.New("missing")
		}
	}
	switch v := v.(type) {
	case json.Number:
		return v.String(), nil
	case bool:
		if v {
			return "sim", nil
		}
		return "não", nil
	case string:
		return plain(v)
	}
	return "", errors.New("want a text, a number or a truth, got " + typeOf(v))
}

// plain makes a text of somebody else safe inside CommonMark.
func plain(s string) (string, error) {
	s = strings.Join(strings.FieldsFunc(s, func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsGraphic(r) }), " ")
	if s == "" {
		return "", errors.New("empty")
	}
	if utf8.RuneCountInString(s) > maxValue {
		return "", errors.New("too long")
	}
	var b strings.Builder
	at := 0
	for _, span := range scheme.FindAllStringIndex(s, -1) {
		b.WriteString(escape(s[at:span[0]]))
		address, err := link(s[span[0]:span[1]])
		if err != nil {
			return "", err
		}
		b.WriteString(address)
		at = span[1]
	}
	b.WriteString(escape(s[at:]))
	return b.String(), nil
}

// link lets an address through as it is; between pointed brackets, so that no sign of it
// formats.
func link(s string) (string, error) {
	u, err := url.Parse(s)
	if err != nil || !strings.EqualFold(u.Scheme, "http") && !strings.EqualFold(u.Scheme, "https") || u.Hostname() == "" {
		return "", errors.New("holds an address that is not http or https")
	}
	if u.User != nil {
		return "", errors.New("holds an address that hides its host")
	}
	if strings.ContainsAny(s, "<>") {
		return "", errors.New("holds an address that is none")
	}
	return "<" + s + ">", nil
}

// escape puts a backslash before every sign that CommonMark may read.
func escape(s string) string {
	var b strings.Builder
	for _, r := range s {
		if strings.ContainsRune("\\`*_{}[]<>()#+-!|~&", r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}
