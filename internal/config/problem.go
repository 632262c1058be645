package config

import (
	"fmt"
	"strconv"
	"strings"

	"secretaria/internal/spelling"
)

// Problem is one thing that is wrong.
type Problem struct {
	Key   string // as it was written: APP_PORT, or server.port in the YAML file
	Where string // "secretaria.yaml:12", ".env:3", "command line"; "" for the environment
	Text  string // what is wrong; never a secret
}

// String reads as one line.
func (p Problem) String() string {
	parts := make([]string, 0, 3)
	for _, s := range []string{p.Where, p.Key, p.Text} {
		if s != "" {
			parts = append(parts, s)
		}
	}
	return strings.Join(parts, ": ")
}

func (p Problem) file() string { f, _, _ := strings.Cut(p.Where, ":"); return f }

func (p Problem) line() int {
	_, l, _ := strings.Cut(p.Where, ":")
	n, _ := strconv.Atoi(l) // 0 where there is none
	return n
}

// Error is a configuration that cannot be used. It has at least one problem.
type Error struct {
	Problems []Problem

	seen map[string]sum // so that a correction is noticed
}

// Error implements error, on one line.
func (e *Error) Error() string {
	lines := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		lines[i] = p.String()
	}
	return strings.Join(lines, "; ")
}

func (d *draft) problem(key, where, format string, args ...any) {
	d.problems = append(d.problems, Problem{Key: key, Where: where, Text: fmt.Sprintf(format, args...)})
}

func place(file string, line int) string {
	if file == "" || line == 0 {
		return file
	}
	return file + ":" + strconv.Itoa(line)
}

// flatten gives the errors that errors.Join put together, with the words that wrap them.
func flatten(err error) []string {
	var out []string
	for line := range strings.SplitSeq(err.Error(), "\n") {
		if line = strings.TrimSpace(line); line != "" {
			out = append(out, line)
		}
	}
	return out
}

// didYouMean ends a sentence about an unknown key.
func didYouMean(key string, known []string) string {
	if hint := nearest(key, known); hint != "" {
		return "; did you mean " + hint + "?"
	}
	return ""
}

// nearest returns the known word that a slip of the pen could have turned into word, or "".
func nearest(word string, known []string) string {
	best, distance := "", max(1, min(3, len(word)/4))+1
	for _, k := range known {
		if n := spelling.Distance([]rune(strings.ToLower(word)), []rune(strings.ToLower(k))); n < distance {
			best, distance = k, n
		}
	}
	return best
}
