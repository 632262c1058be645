package promql

import (
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"secretaria/internal/dashboard"
)

const page = "docs/promql.md"

// question is a block of the page: a query, what its values stand for, and their unit.
type question struct{ title, scope, unit, expr string }

func (q question) String() string { return q.title + " (" + q.scope + ")" }

var (
	heading = regexp.MustCompile(`(?m)^### (.*)$`)
	block   = regexp.MustCompile("(?s)```promql\n# ([a-z ]+), in ([a-z ]+)\n(.*?)\n```")
)

// scopes are the labels that values of a scope have.
func scopes() map[string][]string {
	return map[string][]string{
		"total": {}, "by route": {"method", "path"}, "five routes": {"method", "path"}, "by class": {"class"}, "by status": {"status"},
		"by route and class": {"class", "method", "path"}, "by route and status": {"method", "path", "status"},
	}
}

// questions reads the page.
func questions(t *testing.T) []question {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(top, page))
	must(t, err)
	var out []question
	at := heading.FindAllStringSubmatchIndex(string(text), -1)
	for i, h := range at {
		end := len(text)
		if i+1 < len(at) {
			end = at[i+1][0]
		}
		for _, m := range block.FindAllStringSubmatch(string(text[h[1]:end]), -1) {
			out = append(out, question{string(text[h[2]:h[3]]), m[1], m[2], m[3]})
		}
	}
	if n := strings.Count(string(text), "```promql"); n != len(out) {
		t.Fatalf("%s has %d queries, and %d of them say what a value stands for and in which unit", page, n, len(out))
	}
	return out
}

// TestPageHasWhatWasPromised: every question that people were told they can ask is there.
func TestPageHasWhatWasPromised(t *testing.T) {
	t.Parallel()
	has := map[string][]string{}
	for _, q := range questions(t) {
		has[q.title] = append(has[q.title], q.scope)
	}
	want := map[string][]string{
		"The five busiest routes": {"five routes"}, "The five slowest routes": {"five routes"},
		"Requests by status class": {"by class", "by route and class"}, "Distribution of status": {"by status", "by route and status"},
	}
	for _, title := range []string{"Throughput", "p50", "p90", "p95", "p99", "Mean latency", "p95 of 2xx", "p95 of 5xx", "Share under 300 ms", "Total time by route",
		"4xx by route", "5xx by route", "Error rate", "Mean response size"} {
		want[title] = []string{"total", "by route"}
	}
	for title, scopes := range want {
		if !slices.Equal(has[title], scopes) {
			t.Errorf("%s: %q answers %q, want %q", page, title, has[title], scopes)
		}
		delete(has, title)
	}
	for title := range has {
		t.Errorf("%s: nobody was promised %q: add it to this test", page, title)
	}
}

// TestEveryQueryIsAnswered: the program serves, a Prometheus scrapes it, and the queries of the
// page, of the dashboards and of the recording rules have answers that can be true.
func TestEveryQueryIsAnswered(t *testing.T) {
	t.Parallel()
	installed(t, "prometheus")
	if testing.Short() {
		t.Skip("builds the program and takes some seconds")
	}
	w := newTown(t)
	p := scrape(t, w.addr)
	p.scrapes(t, 2)
	stop := w.keepAsking()
	w.answered(5)
	p.scrapes(t, 6)
	stop()
	p.scrapes(t, 2) // what was counted last is there
	now := time.Now()

	t.Run("page", func(t *testing.T) { testPage(t, p, now) })
	t.Run("dashboards", func(t *testing.T) {
		for _, b := range dashboard.Boards() {
			for panel, exprs := range b.Queries("1m") {
				for _, expr := range exprs {
					got, err := p.query(t.Context(), expr, now)
					if err != nil || len(got) == 0 {
						t.Errorf("%s: %s: %d values, %v: %s", b.Name, panel, len(got), err, expr)
					}
					for _, s := range got {
						if !number(s.value) {
							t.Errorf("%s: %s: %v is %v: %s", b.Name, panel, s.labels, s.value, expr)
						}
					}
				}
			}
		}
	})
	t.Run("rules", func(t *testing.T) { testRules(t, p, now) })
}

// testPage asks what the page asks.
func testPage(t *testing.T, p server, now time.Time) {
	routes := []string{"GET /api/v1/health", "GET /api/v1/readiness", "GET /healthz", "GET /metrics", "GET /webhook/whaticket", "GET other",
		"POST /api/v1/webhooks/agentbot", "POST /webhook/whaticket"}

	sums := map[string]float64{} // of what adds up, by question
	for _, q := range questions(t) {
		got, err := p.query(t.Context(), q.expr, now)
		if err != nil || len(got) == 0 {
			t.Errorf("%s: %d values, %v", q, len(got), err)
			continue
		}
		want, ok := scopes()[q.scope]
		if !ok {
			t.Errorf("%s: there is no such scope", q)
		}
		seen := map[string]bool{}
		for _, s := range got {
			if labels := slices.Sorted(maps.Keys(s.labels)); !slices.Equal(labels, want) {
				t.Errorf("%s: labels %q, want %q", q, labels, want)
			}
			if !plausible(q.unit, s.value) {
				t.Errorf("%s: %v is %v %s", q, s.labels, s.value, q.unit)
			}
			seen[s.labels["method"]+" "+s.labels["path"]] = true
			sums[q.String()] += s.value
		}
		switch {
		case q.scope == "five routes" && len(got) != 5, q.scope == "total" && len(got) != 1:
			t.Errorf("%s: %d values", q, len(got))
		case q.scope == "by route" && !strings.Contains(q.title, "xx") && q.title != "Error rate":
			for _, r := range routes {
				if !seen[r] {
					t.Errorf("%s: nothing of %s", q, r)
				}
			}
		}
		if strings.Contains(q.title, "5xx") || q.title == "Error rate" {
			for _, s := range got {
				if s.labels["path"] == "/api/v1/health" && s.value > 0 || s.labels["path"] == "/api/v1/readiness" && s.value == 0 {
					t.Errorf("%s: %v is %v", q, s.labels, s.value)
				}
			}
		}
	}
	near := func(what string, got, want float64) {
		if math.Abs(got-want) > 1e-6*math.Max(want, 1e-3) {
			t.Errorf("%s add up to %v, want %v", what, got, want)
		}
	}
	for _, title := range []string{"Throughput", "4xx by route", "5xx by route", "Total time by route"} {
		near(title+" by route", sums[title+" (by route)"], sums[title+" (total)"])
		if sums[title+" (total)"] == 0 {
			t.Errorf("%s: nothing happened", title)
		}
	}
	near("shares of status", sums["Distribution of status (by status)"], 1)
	near("requests of all classes", sums["Requests by status class (by class)"], sums["Throughput (total)"])
	near("requests of all classes and routes", sums["Requests by status class (by route and class)"], sums["Throughput (total)"])
	near("error rate times throughput", sums["Error rate (total)"]*sums["Throughput (total)"], sums["5xx by route (total)"])
	for _, pair := range [][2]string{{"p50", "p90"}, {"p90", "p95"}, {"p95", "p99"}} {
		if low, high := sums[pair[0]+" (total)"], sums[pair[1]+" (total)"]; low > high {
			t.Errorf("%s is %v, and %s %v", pair[0], low, pair[1], high)
		}
	}
}

// plausible says whether a value of a unit can be true of this test.
func plausible(unit string, v float64) bool {
	if !number(v) {
		return false
	}
	switch unit {
	case "requests a second":
		return v < 10_000
	case "seconds":
		return v > 0 && v <= 10
	case "seconds a second":
		return v < 100
	case "share":
		return v <= 1+rounding
	case "bytes":
		return v < 1<<20
	}
	return false // a unit that nobody knows
}

// testRules looks at what Prometheus makes of our rules.
func testRules(t *testing.T, p server, now time.Time) {
	var data struct {
		Groups []struct {
			Rules []struct{ Type, Name, Health, LastError string }
		}
	}
	must(t, p.get(t.Context(), "/api/v1/rules", nil, &data))
	recorded, alerts := 0, 0
	for _, g := range data.Groups {
		for _, r := range g.Rules {
			if r.Health != "ok" {
				t.Errorf("%s: %s %s", r.Name, r.Health, r.LastError)
			}
			if r.Type == "alerting" {
				alerts++
				continue
			}
			recorded++
			got, err := p.query(t.Context(), r.Name, now)
			if err != nil || len(got) == 0 {
				t.Errorf("%s: %d values, %v", r.Name, len(got), err)
			}
			for _, s := range got {
				if !number(s.value) || s.labels["job"] != "secretaria" {
					t.Errorf("%s: %v", r.Name, s)
				}
			}
		}
	}
	if recorded == 0 || alerts == 0 {
		t.Errorf("Prometheus has %d recording rules and %d alerts", recorded, alerts)
	}
	firing, err := p.query(t.Context(), `ALERTS{alertstate="firing",severity="page"}`, now)
	must(t, err)
	var names []string
	for _, s := range firing {
		names = append(names, s.labels["alertname"]+fmt.Sprint(s.labels["component"]))
	}
	// There is no Redis, and health says so whenever it is asked.
	if slices.ContainsFunc(names, func(n string) bool { return n != "SecretariaHealthCheckFailsredis" }) {
		t.Errorf("these alerts fire: %q, want none but the health check of Redis", names)
	}
}
