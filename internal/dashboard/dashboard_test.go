package dashboard

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the dashboards into deploy/grafana")

const committed = "../../deploy/grafana"

// TestCommitted: the files are what the code makes, and there are no others.
func TestCommitted(t *testing.T) {
	t.Parallel()
	want := map[string]string{}
	for _, b := range Boards() {
		text, err := b.JSON()
		if err != nil {
			t.Fatal(err)
		}
		want[b.Name+".json"] = string(text)
		if *update {
			if err := os.WriteFile(filepath.Join(committed, b.Name+".json"), text, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	files, err := filepath.Glob(filepath.Join(committed, "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		got[filepath.Base(f)] = string(text)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("deploy/grafana is not what the code makes; make dashboards writes it (-code +file):\n%s", diff)
	}
}

// TestBoards: Grafana finds its way in every board: panels have ids of their own and do not lie
// on one another, and every query is about the chosen jobs.
func TestBoards(t *testing.T) {
	t.Parallel()
	for _, b := range Boards() {
		text, err := b.JSON()
		if err != nil {
			t.Fatal(err)
		}
		var board struct {
			UID    string
			Panels []struct {
				ID      int
				Title   string
				GridPos struct{ X, Y, W, H int }
				Targets []struct{ RefID, Expr string }
			}
		}
		if err := json.Unmarshal(text, &board); err != nil {
			t.Fatal(err)
		}
		if board.UID == "" || len(board.UID) > 40 {
			t.Errorf("%s: uid %q, want up to 40 characters", b.Name, board.UID)
		}
		ids := map[int]bool{}
		taken := map[[2]int]string{}
		for _, p := range board.Panels {
			if ids[p.ID] || p.Title == "" {
				t.Errorf("%s: panel %d %q has no name or id of its own", b.Name, p.ID, p.Title)
			}
			ids[p.ID] = true
			at := p.GridPos
			if at.X+at.W > columns {
				t.Errorf("%s: %q ends at column %d of %d", b.Name, p.Title, at.X+at.W, columns)
			}
			for x := at.X; x < at.X+at.W; x++ {
				for y := at.Y; y < at.Y+at.H; y++ {
					if other := taken[[2]int{x, y}]; other != "" {
						t.Fatalf("%s: %q lies on %q", b.Name, p.Title, other)
					}
					taken[[2]int{x, y}] = p.Title
				}
			}
			refs := map[string]bool{}
			for _, q := range p.Targets {
				if refs[q.RefID] {
					t.Errorf("%s: %q has two queries %s", b.Name, p.Title, q.RefID)
				}
				refs[q.RefID] = true
				for _, rest := range strings.Split(q.Expr, "{")[1:] {
					if !strings.HasPrefix(rest, `job=~"$job"`) && !strings.HasPrefix(rest, "1}") {
						t.Errorf("%s: %q asks for all jobs: %s", b.Name, p.Title, q.Expr)
					}
				}
				if !strings.Contains(q.Expr, "$job") || strings.Contains(q.Expr, "auto") {
					t.Errorf("%s: %q: %s, want Grafana's variables", b.Name, p.Title, q.Expr)
				}
			}
		}
	}
}

func TestPromQL(t *testing.T) {
	t.Parallel()
	for expr, want := range map[string]string{
		`sum(rate(a_total{}[auto]))`:                      `sum(rate(a_total{job=~"$job"}[$__rate_interval]))`,
		`a{b="c"} / d{}`:                                  `a{job=~"$job",b="c"} / d{job=~"$job"}`,
		`label_replace(a{}, "b", "${1}xx", "c", "(.)..")`: `label_replace(a{job=~"$job"}, "b", "${1}xx", "c", "(.)..")`,
	} {
		if got := (Query{Expr: expr}).promQL(); got != want {
			t.Errorf("promQL(%s) = %s, want %s", expr, got, want)
		}
	}
}
