package promql

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// top is the root of the repository, seen from this package.
const top = "../.."

// every is how often the test's Prometheus scrapes, and how long that may take.
const every = 500 * time.Millisecond

// server is a running Prometheus, by its address.
type server string

// scrape starts a Prometheus that scrapes an address and works out our rules.
func scrape(t *testing.T, addr string) server {
	t.Helper()
	program := installed(t, "prometheus")
	rules, err := filepath.Abs(filepath.Join(top, "deploy/prometheus"))
	must(t, err)
	dir := t.TempDir()
	config := fmt.Sprintf(`
global: {scrape_interval: %[1]s, scrape_timeout: %[1]s, evaluation_interval: %[1]s}
rule_files: [%[2]q, %[3]q]
scrape_configs:
  - job_name: secretaria
    static_configs: [{targets: [%[4]q]}]
`, every, filepath.Join(rules, "recording.yml"), filepath.Join(rules, "alerts.yml"), addr)
	must(t, os.WriteFile(filepath.Join(dir, "prometheus.yml"), []byte(config), 0o600))
	cmd := exec.Command(program, "--config.file=prometheus.yml", "--storage.tsdb.path=data", "--web.listen-address=127.0.0.1:0", "--log.format=json")
	cmd.Dir = dir
	at := ""
	start(t, cmd, func(line map[string]any) string {
		switch line["msg"] {
		case "Listening on":
			at, _ = line["address"].(string)
		case "Server is ready to receive web requests.":
			return at
		}
		return ""
	})
	return server("http://" + at)
}

// sample is a value with its labels.
type sample struct {
	labels map[string]string
	value  float64
}

// get asks the API and decodes what it answers under "data".
func (p server) get(ctx context.Context, path string, args url.Values, data any) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, string(p)+path+"?"+args.Encode(), nil)
	if err != nil {
		return err
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	answer := struct {
		Status, Error string
		Data          any
	}{Data: data}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		return err
	}
	if answer.Status != "success" {
		return fmt.Errorf("%s", answer.Error)
	}
	return nil
}

// query answers a query at a moment.
func (p server) query(ctx context.Context, expr string, at time.Time) ([]sample, error) {
	var data struct {
		ResultType string
		Result     json.RawMessage
	}
	args := url.Values{"query": {expr}, "time": {strconv.FormatFloat(float64(at.UnixMilli())/1000, 'f', 3, 64)}}
	if err := p.get(ctx, "/api/v1/query", args, &data); err != nil {
		return nil, err
	}
	if data.ResultType != "vector" {
		return nil, fmt.Errorf("a %s, want a vector", data.ResultType)
	}
	var rows []struct {
		Metric map[string]string
		Value  [2]any
	}
	if err := json.Unmarshal(data.Result, &rows); err != nil {
		return nil, err
	}
	var out []sample
	for _, r := range rows {
		text, _ := r.Value[1].(string)
		v, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return nil, err
		}
		out = append(out, sample{r.Metric, v})
	}
	return out, nil
}

// scrapes waits until Prometheus has scraped so many times more, successfully.
func (p server) scrapes(t *testing.T, more int) {
	t.Helper()
	count := func() int {
		got, err := p.query(t.Context(), `sum(sum_over_time(up[1h]))`, time.Now())
		must(t, err)
		if len(got) == 0 {
			return 0
		}
		return int(got[0].value)
	}
	want := count() + more
	deadline := time.After(patience)
	tick := time.NewTicker(every)
	defer tick.Stop()
	for count() < want {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("Prometheus has not scraped %d times within %s", more, patience)
		}
	}
}

// rounding is what sums of the same numbers in another order may differ by.
const rounding = 1e-9

// number says whether a value is one that can be true of anything that we measure.
func number(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) && v >= -rounding }
