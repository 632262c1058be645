package config

import (
	"errors"
	"fmt"
	"math"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"secretaria/internal/secret"
)

// value is what was written for a key.
type value struct {
	text  string
	list  []string // where it was written as a list
	where string
	path  string // the key in the YAML file, where it comes from there
	file  bool   // it comes from the YAML file, where every duration is Go's
}

// name is the key as the operator wrote it.
func (v value) name(key string) string {
	if v.path != "" {
		return v.path
	}
	return key
}

// items are the parts of a list, without empty ones.
func (v value) items() []string {
	parts := v.list
	if parts == nil {
		parts = strings.Split(v.text, ",")
	}
	var out []string
	for _, p := range parts {
		if p = strings.TrimSpace(p); p != "" {
			out = append(out, p)
		}
	}
	return out
}

// forever is the longest duration: what is longer is taken as this, so that adding one to a
// time of today never runs over.
const forever = 100 * 365 * 24 * time.Hour

// duration reads a Go duration, 0 or more.
func duration(text string) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	if err != nil {
		if _, nerr := strconv.ParseFloat(text, 64); nerr == nil {
			return 0, fmt.Errorf("%q has no unit: write %ss or %sms", text, text, text)
		}
		if long, ok := tooLong(text); ok {
			return long, nil
		}
		return 0, fmt.Errorf("%q is not a duration such as 4s, 300ms or 24h", text)
	}
	if d < 0 {
		return 0, fmt.Errorf("%q is negative", text)
	}
	return min(d, forever), nil
}

// tooLong says whether a text is one number and a unit that only its size kept from being
// a duration.
func tooLong(text string) (time.Duration, bool) {
	number := strings.TrimRight(text, "nµμmsh")
	unit := strings.TrimPrefix(text, number)
	if _, err := time.ParseDuration("1" + unit); err != nil {
		return 0, false
	}
	n, err := strconv.ParseFloat(number, 64)
	return forever, (err == nil || errors.Is(err, strconv.ErrRange)) && n > 0
}

// seconds reads a number of seconds, 0 or more, decimals allowed.
func seconds(text string) (time.Duration, error) {
	n, err := strconv.ParseFloat(text, 64)
	switch {
	case err != nil && !errors.Is(err, strconv.ErrRange), math.IsNaN(n):
		return 0, fmt.Errorf("%q is not a number of seconds", text)
	case n < 0:
		return 0, fmt.Errorf("%q is negative", text)
	case n >= forever.Seconds():
		return forever, nil
	}
	d := time.Duration(n * float64(time.Second))
	if d == 0 && n > 0 {
		d = 1
	}
	return d, nil
}

// seconds reads a key whose documented unit is seconds.
func (v value) seconds() (time.Duration, error) {
	if v.file {
		return duration(v.text)
	}
	return seconds(v.text)
}

var errNotZero = errors.New("must be more than 0")

// positive refuses 0 too.
func positive(d time.Duration, err error) (time.Duration, error) {
	if err == nil && d == 0 {
		return 0, errNotZero
	}
	return d, err
}

// whole reads a whole number within bounds.
func whole(text string, from, to int) (int, error) {
	n, err := strconv.Atoi(text)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		return 0, fmt.Errorf("%q is not a whole number", text)
	}
	if err != nil || n < from || n > to {
		if to == math.MaxInt {
			return 0, fmt.Errorf("%s is less than %d, or too much", text, from)
		}
		return 0, fmt.Errorf("%s is not between %d and %d", text, from, to)
	}
	return n, nil
}

func truth(text string) (bool, error) {
	switch strings.ToLower(text) {
	case "true", "yes", "on", "1":
		return true, nil
	case "false", "no", "off", "0":
		return false, nil
	}
	return false, fmt.Errorf("%q is neither true nor false", text)
}

func prefixList(v value) ([]netip.Prefix, error) {
	var out []netip.Prefix
	for _, item := range v.items() {
		if a, err := netip.ParseAddr(item); err == nil {
			out = append(out, netip.PrefixFrom(a.Unmap(), a.Unmap().BitLen()))
			continue
		}
		p, err := netip.ParsePrefix(item)
		if err != nil {
			return nil, fmt.Errorf("%q is neither an address nor a network such as 10.0.0.0/8", item)
		}
		out = append(out, p.Masked())
	}
	return out, nil
}

// database reads DATABASE_URL and returns the SQLite file, or the URL of a PostgreSQL. It
// may hold a password and is not repeated in errors.
func database(text string) (path string, postgres secret.String, err error) {
	scheme, rest, ok := strings.Cut(text, ":")
	if !ok {
		return "", postgres, errors.New("is not a database URL; a file is sqlite:path")
	}
	// The ancestors named their driver too: postgresql+asyncpg://…
	base, _, _ := strings.Cut(strings.ToLower(scheme), "+")
	switch base {
	case "sqlite", "sqlite3", "file":
		path, err = sqliteFile(rest)
		return path, postgres, err
	case "postgres", "postgresql":
		u, err := url.Parse("postgres:" + rest)
		if err != nil || u.Host == "" || strings.Trim(u.Path, "/") == "" {
			return "", postgres, errors.New("wants postgres://user:password@host:5432/name")
		}
		return "", secret.New("postgres:" + rest), nil
	}
	return "", postgres, errors.New("is of a kind that is not supported; use sqlite:path or postgres://user:password@host:5432/name")
}

func sqliteFile(rest string) (string, error) {
	path := strings.TrimPrefix(rest, "//")
	switch {
	case strings.Contains(path, "?"):
		return "", errors.New("takes no options after '?'")
	case strings.Contains(path, ":memory:"):
		return "", errors.New("a database in memory would forget what was acknowledged; use sqlite:path")
	case path == "" || strings.HasSuffix(path, "/"):
		return "", errors.New("names no file; use sqlite:path")
	}
	return path, nil
}

// origin checks an origin of ALLOWED_ORIGINS.
func origin(text string) error {
	if text == "*" {
		return errors.New("* is not supported: name the origins")
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.Path != "" || u.RawQuery != "" || u.User != nil {
		return fmt.Errorf("%q is not an origin such as https://example.com", text)
	}
	return nil
}
