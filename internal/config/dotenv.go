package config

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

var (
	envName  = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	nameForm = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,62}$`)
)

// parseDotEnv reads KEY=value lines. "export" before a key, comments, and quotes around a
// value are understood: single quotes keep everything, double quotes know \n, \t, \" and \\.
// There is no substitution: what is written is what is meant.
func (d *draft) parseDotEnv(text string) map[string]entry {
	out := map[string]entry{}
	n := 0
	for line := range strings.Lines(strings.TrimPrefix(text, "\ufeff")) {
		n++
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		key, raw, ok := strings.Cut(line, "=")
		key = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(key), "export "))
		if !ok || !envName.MatchString(key) {
			d.problem("", place(DotEnv, n), "expected KEY=value")
			continue
		}
		value, err := unquote(strings.TrimSpace(raw))
		if err != nil {
			d.problem(key, place(DotEnv, n), "%v", err)
			continue
		}
		if before, twice := out[key]; twice {
			d.problem(key, place(DotEnv, n), "already set in line %d", before.line)
			continue
		}
		out[key] = entry{value: value, line: n}
	}
	return out
}

func unquote(raw string) (string, error) {
	if raw == "" {
		return "", nil
	}
	quote := raw[0]
	if quote != '"' && quote != '\'' {
		// A comment needs a space before it, so that a password may hold a '#', and one
		// after it where there is no value, so that a password may begin with it.
		if raw == "#" || strings.HasPrefix(raw, "# ") {
			return "", nil
		}
		for _, mark := range []string{" #", "\t#"} {
			if i := strings.Index(raw, mark); i >= 0 {
				raw = raw[:i]
			}
		}
		return strings.TrimSpace(raw), nil
	}
	var b strings.Builder
	for i := 1; i < len(raw); i++ {
		c := raw[i]
		switch {
		case c == quote:
			if rest := strings.TrimSpace(raw[i+1:]); rest != "" && rest[0] != '#' {
				return "", errors.New("there is something after the closing quote")
			}
			return b.String(), nil
		case c == '\\' && quote == '"' && i+1 < len(raw):
			i++
			switch raw[i] {
			case 'n':
				b.WriteByte('\n')
			case 't':
				b.WriteByte('\t')
			case '"', '\\', '$':
				b.WriteByte(raw[i])
			default:
				return "", fmt.Errorf("\\%c means nothing between double quotes; write \\\\ for a backslash", raw[i])
			}
		default:
			b.WriteByte(c)
		}
	}
	return "", errors.New("the closing quote is missing")
}
