package promql

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"go.yaml.in/yaml/v4"

	"secretaria/internal/telemetry"
)

const rules = "deploy/prometheus/"

func load(t *testing.T, name string, into any) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(top, name))
	must(t, err)
	if err := yaml.Load(text, into); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

// alert is one of the file of alerts.
type alert struct {
	Alert, Expr         string
	Labels, Annotations map[string]string
}

func alerts(t *testing.T) []alert {
	t.Helper()
	var file struct{ Groups []struct{ Rules []alert } }
	load(t, rules+"alerts.yml", &file)
	var out []alert
	for _, g := range file.Groups {
		out = append(out, g.Rules...)
	}
	return out
}

// promtool and amtool say themselves what is wrong with the files.
func TestToolsAgree(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{
		"promtool check config": {"promtool", "check", "config", "--lint=all", "prometheus.yml"},
		"promtool check rules":  {"promtool", "check", "rules", "--lint=all", "--lint-fatal", "recording.yml", "alerts.yml"},
		"promtool test rules":   {"promtool", "test", "rules", "tests/alerts.yml"},
		"amtool check-config":   {"amtool", "check-config", "alertmanager.yml"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cmd := exec.CommandContext(t.Context(), installed(t, args[0]), args[1:]...)
			cmd.Dir = filepath.Join(top, rules)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%s: %v\n%s", strings.Join(args, " "), err, out)
			}
		})
	}
}

// TestAlertsAreExplained: every alert has its section of the runbook, and no section is about
// an alert that is gone.
func TestAlertsAreExplained(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join(top, "docs/runbook.md"))
	must(t, err)
	sections := map[string]string{}
	var order []string
	for _, part := range strings.Split(string(text), "\n## ")[1:] {
		name, body, _ := strings.Cut(part, "\n")
		sections[name] = body
		order = append(order, name)
	}
	seen := map[string]bool{}
	for _, a := range alerts(t) {
		if seen[a.Alert] {
			t.Errorf("%s is there twice", a.Alert)
		}
		seen[a.Alert] = true
		if s := a.Labels["severity"]; s != "page" && s != "warn" {
			t.Errorf("%s: severity %q", a.Alert, s)
		}
		if a.Annotations["summary"] == "" || a.Annotations["runbook"] != "docs/runbook.md#"+strings.ToLower(a.Alert) {
			t.Errorf("%s: %q, want a summary and its section of the runbook", a.Alert, a.Annotations)
		}
		for _, must := range []string{"**Means**", "**Customers**", "**Do**"} {
			if !strings.Contains(sections[a.Alert], must) {
				t.Errorf("docs/runbook.md: %s does not say %s", a.Alert, must)
			}
		}
	}
	for _, name := range order {
		if !seen[name] {
			t.Errorf("docs/runbook.md: there is no alert %s", name)
		}
	}
}

// TestAlertsAreTested: every alert has a case in which it does not fire, fires, and clears.
func TestAlertsAreTested(t *testing.T) {
	t.Parallel()
	var file struct {
		Tests []struct {
			Name  string
			Cases []struct {
				Alertname string
				Alerts    []any `yaml:"exp_alerts"`
			} `yaml:"alert_rule_test"`
		}
	}
	load(t, rules+"tests/alerts.yml", &file)
	fires := map[string][]int{}
	for _, test := range file.Tests {
		for _, c := range test.Cases {
			fires[c.Alertname] = append(fires[c.Alertname], len(c.Alerts))
		}
	}
	for _, a := range alerts(t) {
		got := fires[a.Alert]
		if len(got) < 3 || got[0] != 0 || slices.Max(got) == 0 || got[len(got)-1] != 0 {
			t.Errorf("%s fires %v times in its cases, want not, then so, then not", a.Alert, got)
		}
	}
}

// TestRulesAskForWhatThereIs: every metric of the rules is one of the program's, of Prometheus'
// own or of the recording rules.
func TestRulesAskForWhatThereIs(t *testing.T) {
	t.Parallel()
	reg := prometheus.NewRegistry()
	m := telemetry.NewMetrics(reg, telemetry.Build{})
	m.Route("GET", "/", 200)
	m.LLM("gemini").Circuit("closed")
	telemetry.NewRedis(reg, func() bool { return true }, nil)
	telemetry.NewTraces(reg, nil, nil)
	families, err := reg.Gather()
	must(t, err)
	known := map[string]bool{"up": true, "process_open_fds": true, "process_max_fds": true, "process_start_time_seconds": true}
	for _, f := range families {
		known[f.GetName()] = true
	}
	var recording struct {
		Groups []struct {
			Rules []struct{ Record, Expr string }
		}
	}
	load(t, rules+"recording.yml", &recording)
	exprs := map[string]string{}
	for _, g := range recording.Groups {
		for _, r := range g.Rules {
			exprs[r.Record] = r.Expr
			known[r.Record] = true
		}
	}
	for _, a := range alerts(t) {
		exprs[a.Alert] = a.Expr
	}
	asked := 0
	name := regexp.MustCompile(`\b(?:up|(?:job[a-z_]*:)?(?:secretaria|http|process)_[a-z0-9_:]+)\b`)
	for rule, expr := range exprs {
		for _, n := range name.FindAllString(expr, -1) {
			asked++
			short := strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(n, "_bucket"), "_count"), "_sum")
			if !known[n] && !known[short] {
				t.Errorf("%s: there is no metric %s", rule, n)
			}
		}
	}
	if asked < 30 {
		t.Errorf("only %d metrics are asked for", asked)
	}
}
