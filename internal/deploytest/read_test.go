package deploytest

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"
)

// top is the root of the repository, seen from this package.
const top = "../.."

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(top, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// node is a value of a YAML file: a map[string]any, a []any, or a scalar.
type node struct{ v any }

// documents reads a YAML file, aliases and merges resolved.
func documents(t *testing.T, name string) []node {
	t.Helper()
	var out []node
	for _, part := range strings.Split(read(t, name), "\n---\n") {
		var v any
		if err := yaml.Load([]byte(part), &v); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		out = append(out, node{v})
	}
	return out
}

// at follows keys; what is not there is node{nil}.
func (n node) at(keys ...string) node {
	for _, k := range keys {
		m, _ := n.v.(map[string]any)
		n = node{m[k]}
	}
	return n
}

func (n node) text() string { s, _ := n.v.(string); return s }

func (n node) items() []node {
	list, _ := n.v.([]any)
	var out []node
	for _, v := range list {
		out = append(out, node{v})
	}
	return out
}

func (n node) texts() []string {
	var out []string
	for _, i := range n.items() {
		out = append(out, i.text())
	}
	return out
}

func (n node) keys() []string {
	m, _ := n.v.(map[string]any)
	return slices.Sorted(maps.Keys(m))
}

// strings are the map's values, all of them texts.
func (n node) strings(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, k := range n.keys() {
		s, ok := n.at(k).v.(string)
		if !ok {
			t.Errorf("%s is %v, want a text in quotes", k, n.at(k).v)
		}
		out[k] = s
	}
	return out
}

const (
	dockerfile = "deploy/Dockerfile"
	compose    = "deploy/compose.yaml"
	dotEnv     = "deploy/.env.example"
	unit       = "deploy/secretaria.service"
	kubernetes = "deploy/kubernetes/"
	secrets    = kubernetes + "secret.example.yaml"
	kustomize  = kubernetes + "kustomization.yaml"
	page       = "docs/operations.md"
)

// instruction is one of the Dockerfile, with its lines joined.
type instruction struct{ name, rest string }

func instructions(t *testing.T) []instruction {
	t.Helper()
	var out []instruction
	joined := ""
	for line := range strings.Lines(read(t, dockerfile)) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if more, ok := strings.CutSuffix(line, `\`); ok {
			joined += more
			continue
		}
		name, rest, _ := strings.Cut(joined+line, " ")
		out, joined = append(out, instruction{name, strings.Join(strings.Fields(rest), " ")}), ""
	}
	return out
}

// last is what the last instruction of a name says.
func last(t *testing.T, name string) string {
	t.Helper()
	all := instructions(t)
	for i := len(all) - 1; i >= 0; i-- {
		if all[i].name == name {
			return all[i].rest
		}
	}
	t.Fatalf("%s has no %s", dockerfile, name)
	return ""
}

// words reads the exec form: ["a", "b"].
func words(t *testing.T, form string) []string {
	t.Helper()
	var out []string
	if err := json.Unmarshal([]byte(form), &out); err != nil {
		t.Errorf("%s: %s is not in the exec form, which needs no shell: %v", dockerfile, form, err)
	}
	return out
}

// directives are those of the unit file: "Section.Name" to its values.
func directives(t *testing.T) map[string][]string {
	t.Helper()
	out := map[string][]string{}
	section := ""
	for line := range strings.Lines(read(t, unit)) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if strings.HasPrefix(line, "[") {
			section = strings.Trim(line, "[]")
			continue
		}
		name, value, ok := strings.Cut(line, "=")
		if !ok {
			t.Fatalf("%s: %q is no directive", unit, line)
		}
		out[section+"."+name] = append(out[section+"."+name], value)
	}
	return out
}

var envLine = regexp.MustCompile(`(?m)^([A-Z][A-Z0-9_]*)=(.*)$`)

// example is what deploy/.env.example sets.
func example(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, m := range envLine.FindAllStringSubmatch(read(t, dotEnv), -1) {
		out[m[1]] = m[2]
	}
	return out
}

// service is a service of compose.yaml that runs this program.
func services(t *testing.T) (own map[string]node, all node) {
	t.Helper()
	all = documents(t, compose)[0].at("services")
	own = map[string]node{}
	for _, name := range all.keys() {
		if name != "postgres" && name != "redis" {
			own[name] = all.at(name)
		}
	}
	return own, all
}

// objects are the Kubernetes objects that kustomization.yaml lists.
func objects(t *testing.T) []node {
	t.Helper()
	var out []node
	for _, name := range documents(t, kustomize)[0].at("resources").texts() {
		out = append(out, documents(t, kubernetes+name)...)
	}
	return out
}

func deployments(t *testing.T) map[string]node {
	t.Helper()
	out := map[string]node{}
	for _, o := range objects(t) {
		if o.at("kind").text() == "Deployment" {
			out[o.at("metadata", "name").text()] = o
		}
	}
	if len(out) != 2 {
		t.Fatalf("%d Deployments, want web and worker", len(out))
	}
	return out
}

// containers of a Deployment, those of the start included.
func containers(d node) []node {
	pod := d.at("spec", "template", "spec")
	return append(pod.at("initContainers").items(), pod.at("containers").items()...)
}
