package deploytest

import (
	"net"
	"slices"
	"strings"
	"testing"
)

const scraping = "deploy/prometheus/prometheus.yml"

// The example scrapes every process of ours in compose.yaml where it listens, and no other.
func TestEveryProcessIsScraped(t *testing.T) {
	t.Parallel()
	jobs := documents(t, scraping)[0].at("scrape_configs").items()
	if len(jobs) != 1 || jobs[0].at("metrics_path").v != nil {
		t.Fatalf("%s has %d jobs, want one that asks /metrics", scraping, len(jobs))
	}
	var got []string
	for _, c := range jobs[0].at("static_configs").items() {
		got = append(got, c.at("targets").texts()...)
	}
	slices.Sort(got)
	var want []string
	own, _ := services(t)
	for name, s := range own {
		if slices.Contains(s.at("command").texts(), "serve") {
			want = append(want, net.JoinHostPort(name, s.at("environment", "APP_PORT").text()))
		}
	}
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("%s scrapes %q, want %q of %s", scraping, got, want, compose)
	}
	// Rules, alerts and dashboards are about jobs that begin with this word.
	if name := jobs[0].at("job_name").text(); !strings.HasPrefix(name, "secretaria") {
		t.Errorf("%s: the job is called %q", scraping, name)
	}
}
