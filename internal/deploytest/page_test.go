package deploytest

import (
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	fence    = regexp.MustCompile("(?ms)^```(\\w+)\n(.*?)^```$")
	series   = regexp.MustCompile(`(?m)^([a-z_]+)(?:\{(.*)\})? \S+$`)
	measured = regexp.MustCompile(`\b((?:secretaria|http|process|go)_[a-z_]+)\b(?:\{([^}]*)\})?`)
	matcher  = regexp.MustCompile(`([a-z]+)="([^"]*)"`)
	grouping = regexp.MustCompile(`\bby \(([^)]*)\)`)
)

// Every metric, label and value that the page asks for is what the server shows.
func TestQueriesAskForWhatThereIs(t *testing.T) {
	t.Parallel()
	s := serve(t, "redis://127.0.0.1:1") // its metrics are there where it is configured
	s.get(t, "/api/v1/health")           // those of HTTP appear with the first request
	status, text := s.get(t, "/metrics")
	if status != http.StatusOK {
		t.Fatalf("GET /metrics = %d", status)
	}
	shown := map[string]string{} // the labels of all series of a name
	labels := map[string]bool{}
	for _, m := range series.FindAllStringSubmatch(text, -1) {
		shown[m[1]] += "," + m[2]
		for _, l := range matcher.FindAllStringSubmatch(m[2], -1) {
			labels[l[1]] = true
		}
	}
	asked := 0
	check := func(query string) {
		for _, m := range measured.FindAllStringSubmatch(query, -1) {
			asked++
			all, ok := shown[m[1]]
			if !ok && shown[m[1]+"_bucket"] == "" {
				t.Errorf("%s: there is no metric %s", page, m[1])
				continue
			}
			for _, l := range matcher.FindAllStringSubmatch(m[2], -1) {
				want := l[0]
				if l[1] == "method" {
					want = `method="` // any: only GET was used so far
				}
				if !strings.Contains(all, ","+want) {
					t.Errorf("%s: %s has no series with %s", page, m[1], l[0])
				}
			}
		}
		for _, g := range grouping.FindAllStringSubmatch(query, -1) {
			for _, l := range strings.Split(g[1], ",") {
				if !labels[strings.TrimSpace(l)] {
					t.Errorf("%s: no series has the label %s: %s", page, l, query)
				}
			}
		}
		if strings.Count(query, "(") != strings.Count(query, ")") {
			t.Errorf("%s: unbalanced: %s", page, query)
		}
	}
	text = read(t, page)
	for _, b := range fence.FindAllStringSubmatch(text, -1) {
		if b[1] == "promql" {
			for line := range strings.Lines(b[2]) {
				check(strings.TrimSpace(line))
			}
		}
	}
	prose, rest, _ := strings.Cut(fence.ReplaceAllString(text, ""), "\n## Logs\n") // whose fields look like metrics
	_, rest, _ = strings.Cut(rest, "\n## ")
	check(prose + rest)
	if asked < 20 {
		t.Errorf("only %d metrics are asked for", asked)
	}
}

// Files of this repository that the page and the examples name are there.
func TestFilesExist(t *testing.T) {
	t.Parallel()
	made := map[string]string{
		"deploy/.env":                   "copied from deploy/.env.example",
		"deploy/kubernetes/secret.yaml": "copied from secret.example.yaml",
	}
	for _, m := range regexp.MustCompile(`\bdeploy/[\w./-]+\w`).FindAllString(read(t, page)+read(t, "Makefile"), -1) {
		if _, err := os.Stat(filepath.Join(top, m)); err != nil && made[m] == "" {
			t.Errorf("%s: %v", m, err)
		}
	}
	for _, m := range regexp.MustCompile(`\]\(([^)#\s]+)[^)]*\)`).FindAllStringSubmatch(read(t, page), -1) {
		if strings.Contains(m[1], "://") {
			continue
		}
		if _, err := os.Stat(filepath.Join(top, "docs", m[1])); err != nil {
			t.Errorf("%s: %v", page, err)
		}
	}
}
