// Package dashboard makes the Grafana dashboards of deploy/grafana from Go, so that every
// query in them can be put to a Prometheus in a test.
//
// It promises that the same code makes the same bytes: the committed files are what Boards
// says, and `make dashboards` writes them anew. It reads and writes nothing itself.
package dashboard

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
)

// Board is a dashboard.
type Board struct {
	Name  string // of its file, without .json; the uid is made of it too
	Title string
	Rows  []Row
}

// Row is a headline with panels below, which are put side by side as far as there is room.
type Row struct {
	Title  string
	Panels []Panel
}

// Panel shows the answers of queries.
type Panel struct {
	Title string
	About string // what a person should know who looks at it; may be empty
	Kind  Kind   // Graph by default
	Unit  string // Grafana's word: s, reqps, percentunit, short, bytes
	Width int    // of 24 columns; default 8
	Show  []Query
}

// Query is PromQL. Braces behind a metric get the chosen jobs, and [auto] is Grafana's
// interval for rates.
type Query struct {
	Expr   string
	Legend string // {{label}} is a label's value
}

// Kind is how a panel shows.
type Kind string

// The kinds.
const (
	Graph Kind = "timeseries"
	Stat  Kind = "stat"
	Table Kind = "table"
	Bars  Kind = "bargauge"
)

// columns is the width of Grafana's grid.
const columns = 24

var braces = regexp.MustCompile(`([a-z])\{([^}]*)\}`)

// promQL is the query as Grafana has it.
func (q Query) promQL() string {
	expr := braces.ReplaceAllStringFunc(q.Expr, func(m string) string {
		parts := braces.FindStringSubmatch(m)
		if parts[2] == "" {
			return parts[1] + `{job=~"$job"}`
		}
		return parts[1] + `{job=~"$job",` + parts[2] + "}"
	})
	return strings.ReplaceAll(expr, "[auto]", "[$__rate_interval]")
}

// Queries are all of a board as Prometheus understands them, with every job and a range of
// their own in place of what Grafana fills in, by the panels that show them.
func (b Board) Queries(interval string) map[string][]string {
	out := map[string][]string{}
	fill := strings.NewReplacer("$__rate_interval", interval, "$job", ".+")
	for _, r := range b.Rows {
		for _, p := range r.Panels {
			name := r.Title + ": " + p.Title
			for _, q := range p.Show {
				out[name] = append(out[name], fill.Replace(q.promQL()))
			}
		}
	}
	return out
}

type object = map[string]any

// JSON is the board as Grafana imports it.
func (b Board) JSON() ([]byte, error) {
	source := object{"type": "prometheus", "uid": "${datasource}"}
	panels := []object{}
	id, y := 0, 0
	place := func(kind, title string, x, width, height int) object {
		id++
		return object{"id": id, "type": kind, "title": title, "gridPos": object{"x": x, "y": y, "w": width, "h": height}}
	}
	for _, r := range b.Rows {
		head := place("row", r.Title, 0, columns, 1)
		head["collapsed"], head["panels"] = false, []object{}
		panels = append(panels, head)
		y++
		x, height := 0, 0
		for _, p := range r.Panels {
			width, tall := p.Width, 8
			if width == 0 {
				width = 8
			}
			if p.Kind == Stat {
				tall = 4
			}
			if x+width > columns {
				x, y, height = 0, y+height, 0
			}
			panel := place(string(p.kind()), p.Title, x, width, tall)
			p.fill(panel, source)
			panels = append(panels, panel)
			x, height = x+width, max(height, tall)
		}
		y += height
	}
	board := object{
		"uid": "secretaria-" + b.Name, "title": b.Title, "tags": []string{"secretaria"}, "schemaVersion": 39, "version": 1, "editable": true, "graphTooltip": 1,
		"refresh": "30s", "timezone": "", "time": object{"from": "now-6h", "to": "now"}, "panels": panels,
		"links": []object{{"type": "dashboards", "title": "Secretaria", "tags": []string{"secretaria"}, "asDropdown": true, "includeVars": true, "keepTime": true}},
		"templating": object{"list": []object{
			{"name": "datasource", "label": "Prometheus", "type": "datasource", "query": "prometheus"},
			{"name": "job", "label": "Job", "type": "query", "datasource": source, "definition": "label_values(secretaria_build_info, job)",
				"query":   object{"qryType": 1, "query": "label_values(secretaria_build_info, job)", "refId": "jobs"},
				"refresh": 2, "sort": 1, "multi": true, "includeAll": true, "allValue": ".+", "current": object{"text": "All", "value": "$__all"}},
		}},
	}
	text, err := json.MarshalIndent(board, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encode dashboard %s: %w", b.Name, err)
	}
	return append(text, '\n'), nil
}

func (p Panel) kind() Kind {
	if p.Kind == "" {
		return Graph
	}
	return p.Kind
}

func (p Panel) fill(panel, source object) {
	panel["datasource"], panel["description"] = source, p.About
	targets := []object{}
	now := p.kind() == Table || p.kind() == Bars
	for i, q := range p.Show {
		t := object{"refId": string(rune('A' + i)), "datasource": source, "expr": q.promQL(), "legendFormat": q.Legend, "range": !now, "instant": now}
		if p.kind() == Table {
			t["format"] = "table"
		}
		targets = append(targets, t)
	}
	panel["targets"] = targets
	defaults := object{"unit": p.Unit, "min": 0}
	switch p.kind() {
	case Graph:
		defaults["custom"] = object{"fillOpacity": 10, "lineWidth": 1, "showPoints": "never", "spanNulls": false}
		panel["options"] = object{"legend": object{"displayMode": "list", "placement": "bottom", "showLegend": true}, "tooltip": object{"mode": "multi", "sort": "desc"}}
	case Stat:
		panel["options"] = object{"reduceOptions": object{"calcs": []string{"lastNotNull"}}, "colorMode": "value", "graphMode": "area"}
	case Bars:
		panel["options"] = object{"reduceOptions": object{"calcs": []string{"lastNotNull"}}, "orientation": "horizontal", "displayMode": "basic"}
	case Table:
		panel["transformations"] = []object{{"id": "organize", "options": object{"excludeByName": object{"Time": true}}}}
	}
	panel["fieldConfig"] = object{"defaults": defaults, "overrides": []object{}}
}
