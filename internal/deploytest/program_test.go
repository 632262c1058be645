package deploytest

import (
	"bytes"
	"context"
	"io"
	"maps"
	"net/http"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"secretaria/internal/app"
	"secretaria/internal/command"
	"secretaria/internal/config"
	"secretaria/internal/secret"
	"secretaria/internal/tracing"
)

// foreign are the variables that are not the program's, each with whose it is.
var foreign = map[string]string{
	"PGPASSWORD":         "the PostgreSQL driver's: the password where the URL has none",
	"GOMEMLIMIT":         "the Go runtime's",
	"POSTGRES_USER":      "the image's of PostgreSQL",
	"POSTGRES_DB":        "the image's of PostgreSQL",
	"POSTGRES_PASSWORD":  "the image's of PostgreSQL",
	"SECRETARIA_PUBLISH": "compose.yaml's own",
	"SECRETARIA_VERSION": "compose.yaml's own",
}

var interpolation = regexp.MustCompile(`\$\{([A-Z_]+)(?::?[-?]([^}]*))?\}`)

// named are all variables of all files, with the files that name them.
func named(t *testing.T) map[string][]string {
	t.Helper()
	out := map[string][]string{}
	add := func(file string, names ...string) {
		for _, n := range names {
			out[n] = append(out[n], file)
		}
	}
	_, all := services(t)
	for _, name := range all.keys() {
		add(compose, all.at(name, "environment").keys()...)
	}
	for _, m := range interpolation.FindAllStringSubmatch(read(t, compose), -1) {
		add(compose, m[1])
		if _, ok := example(t)[m[1]]; !ok {
			t.Errorf("%s asks for %s, which %s does not have", compose, m[1], dotEnv)
		}
	}
	add(dotEnv, slices.Collect(maps.Keys(example(t)))...)
	for _, d := range deployments(t) {
		for _, c := range containers(d) {
			for _, e := range c.at("env").items() {
				add(kubernetes, e.at("name").text())
			}
		}
	}
	add(secrets, documents(t, secrets)[0].at("stringData").keys()...)
	for _, v := range directives(t)["Service.Environment"] {
		name, _, _ := strings.Cut(v, "=")
		add(unit, name)
	}
	return out
}

func TestVariablesExist(t *testing.T) {
	t.Parallel()
	all := named(t)
	for name, files := range all {
		known := slices.Contains(config.Keys(), name)
		if _, ok := foreign[name]; ok == known {
			t.Errorf("%v: %s is not a key of the configuration, nor known to be somebody else's", files, name)
		}
	}
	for name := range foreign {
		if all[name] == nil {
			t.Errorf("%s is in the table and in no file", name)
		}
	}
}

// What the files give is a configuration that starts in each role.
func TestConfigurationIsValid(t *testing.T) {
	t.Parallel()
	filled := func(env map[string]string) []string {
		var out []string
		for k, v := range env {
			out = append(out, k+"="+v)
		}
		return append(out, "SHARED_SECRET="+strings.Repeat("s", 40))
	}
	environments := map[string]map[string]string{}
	own, _ := services(t)
	for name, s := range own {
		env := example(t)
		maps.Copy(env, s.at("environment").strings(t))
		environments["compose "+name] = env
	}
	for name, d := range deployments(t) {
		env := documents(t, secrets)[0].at("stringData").strings(t)
		for _, c := range containers(d) {
			for _, e := range c.at("env").items() {
				env[e.at("name").text()] = e.at("value").text()
			}
		}
		environments[name] = env
	}
	for name, env := range environments {
		cfg, err := config.Load(config.Source{Environ: filled(env), Dir: t.TempDir()})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, role := range []app.Role{app.Web, app.Worker} {
			o := cfg.Options
			o.Role = role
			if err := o.Validate(); err != nil {
				t.Errorf("%s: role %s: %v", name, role, err)
			}
		}
		if len(cfg.Notes) > 0 {
			t.Errorf("%s: notes: %q", name, cfg.Notes)
		}
	}
}

// The driver takes the password from beside the URL, whatever characters it has.
func TestPasswordBesideTheURL(t *testing.T) {
	const password = `p@ss/w:rd?#%$ '"`
	t.Setenv("PGPASSWORD", password)
	own, _ := services(t)
	urls := []string{documents(t, secrets)[0].at("stringData", "DATABASE_URL").text()}
	for _, s := range own {
		urls = append(urls, s.at("environment", "DATABASE_URL").text())
	}
	for _, u := range urls {
		cfg, err := pgconn.ParseConfig(u)
		if err != nil || cfg.Password != password || cfg.User == "" || cfg.Database == "" {
			t.Errorf("%s: %v, want a user, a database, and the password from PGPASSWORD", u, err)
		}
	}
}

// invocations are the arguments of every start of the program, by where they stand.
func invocations(t *testing.T) map[string][]string {
	t.Helper()
	out := map[string][]string{}
	program := words(t, last(t, "ENTRYPOINT"))[0]
	after := func(where string, argv []string) {
		if len(argv) == 0 || argv[0] != program {
			t.Errorf("%s runs %q, want %s, where the image has it", where, argv, program)
			return
		}
		out[where] = argv[1:]
	}
	out[dockerfile+" CMD"] = words(t, last(t, "CMD"))
	_, check, _ := strings.Cut(last(t, "HEALTHCHECK"), " CMD ")
	after(dockerfile+" HEALTHCHECK", words(t, check))
	own, _ := services(t)
	for name, s := range own {
		out[compose+" "+name] = s.at("command").texts()
		if test := s.at("healthcheck", "test").texts(); len(test) > 0 {
			if test[0] != "CMD" {
				t.Errorf("%s: %s: the health check needs a shell, which the image has not", compose, name)
			}
			after(compose+" healthcheck of "+name, test[1:])
		}
	}
	for name, d := range deployments(t) {
		for _, c := range containers(d) {
			out[name+" "+c.at("name").text()] = c.at("args").texts()
			if c.at("command").v != nil {
				t.Errorf("%s: the image knows its program", name)
			}
		}
	}
	after(unit, strings.Fields(directives(t)["Service.ExecStart"][0]))
	for _, m := range regexp.MustCompile(`(?m)^\t(?:@|-)?\./bin/secretaria (.*)$`).FindAllStringSubmatch(read(t, "Makefile"), -1) {
		out["Makefile: "+m[1]] = strings.Fields(m[1])
	}
	if m := regexp.MustCompile(`"\$dir/secretaria" (\w+)`).FindStringSubmatch(read(t, "scripts/dev")); m != nil {
		out["scripts/dev"] = m[1:]
	}
	return out
}

func TestCommandsExist(t *testing.T) {
	t.Parallel()
	all := invocations(t)
	if len(all) < 12 {
		t.Fatalf("only %d commands found: %v", len(all), all)
	}
	for where, args := range all {
		if len(args) == 0 {
			t.Errorf("%s: no command", where)
			continue
		}
		var help, stderr bytes.Buffer
		code := command.Run(t.Context(), command.Env{Program: "secretaria", Dir: t.TempDir(), Stdout: &help, Stderr: &stderr}, []string{args[0], "--help"})
		if code != 0 || !strings.Contains(help.String(), "secretaria "+args[0]) {
			t.Errorf("%s: %s: %s", where, args[0], stderr.String())
		}
		for i, a := range args[1:] {
			if strings.HasPrefix(a, "--") && !strings.Contains(help.String(), a) {
				t.Errorf("%s: %s has no flag %s", where, args[0], a)
			}
			if a == "--role" && (i+2 == len(args) || !slices.Contains([]app.Role{app.Web, app.Worker}, app.Role(args[i+2]))) {
				t.Errorf("%s: there is no such role: %q", where, args)
			}
		}
	}
	own, _ := services(t)
	for _, role := range []string{"web", "worker"} {
		want := []string{"serve", "--role", role}
		if got := own[role].at("command").texts(); !slices.Equal(got, want) {
			t.Errorf("%s: %s runs %q, want %q", compose, role, got, want)
		}
		if got := all["secretaria-"+role+" "+role]; !slices.Equal(got, want) {
			t.Errorf("%s: %s runs %q, want %q", kubernetes, role, got, want)
		}
	}
}

// route is a path of ours in the page.
var route = regexp.MustCompile("`(/(?:api/v1/|healthz|metrics|webhook)[a-z/{}]*)`")

// Every path that is asked for by GET exists in the running server.
func TestRoutesExist(t *testing.T) {
	t.Parallel()
	server := serve(t, "")
	paths := map[string]string{}
	for name, d := range deployments(t) {
		paths[d.at("spec", "template", "metadata", "annotations", "prometheus.io/path").text()] = name
		c := d.at("spec", "template", "spec", "containers").items()[0]
		for _, probe := range []string{"startupProbe", "livenessProbe", "readinessProbe"} {
			p := c.at(probe, "httpGet", "path").text()
			paths[p] = name
			if p != "/api/v1/health" {
				t.Errorf("%s: %s asks %q: another's failure must not take the process away", name, probe, p)
			}
		}
	}
	for _, m := range route.FindAllStringSubmatch(read(t, page), -1) {
		paths[m[1]] = page
	}
	if len(paths) < 4 {
		t.Errorf("only %v are named", slices.Collect(maps.Keys(paths)))
	}
	for p, where := range paths {
		if status, _ := server.get(t, p); status != http.StatusOK && status != http.StatusMethodNotAllowed {
			t.Errorf("%s: GET %s = %d", where, p, status)
		}
	}
}

// server is a running one, by its address.
type server string

// serve starts one; redis may be the URL of one that is not there.
func serve(t *testing.T, redis string) server {
	t.Helper()
	a, err := app.New(t.Context(), app.Options{Host: "127.0.0.1", Database: filepath.Join(t.TempDir(), "secretaria.db"), Metrics: true, Redis: secret.New(redis),
		Traces: tracing.Config{Endpoint: "http://127.0.0.1:1"}}) // like Redis, for its metrics
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Stop(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	if err := a.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return server("http://" + a.Addr())
}

func (s server) get(t *testing.T, path string) (status int, body string) {
	t.Helper()
	client := &http.Client{}
	defer client.CloseIdleConnections()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, string(s)+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

func TestPortsAgree(t *testing.T) {
	t.Parallel()
	cfg, err := config.Load(config.Source{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	want := strconv.Itoa(cfg.Options.Port)
	equal := func(where, got string) {
		t.Helper()
		if got != want {
			t.Errorf("%s: port %q, want %s", where, got, want)
		}
	}
	equal(dockerfile, last(t, "EXPOSE"))
	own, _ := services(t)
	for name, s := range own {
		equal(compose+" "+name, s.at("environment", "APP_PORT").text())
	}
	published := own["web"].at("ports").texts()[0]
	equal(compose, published[strings.LastIndex(published, ":")+1:])
	names := map[string]bool{}
	for name, d := range deployments(t) {
		equal(name, d.at("spec", "template", "metadata", "annotations", "prometheus.io/port").text())
		c := d.at("spec", "template", "spec", "containers").items()[0]
		for _, e := range c.at("env").items() {
			if e.at("name").text() == "APP_PORT" {
				equal(name, e.at("value").text())
			}
		}
		for _, p := range c.at("ports").items() {
			n, _ := p.at("containerPort").v.(int)
			equal(name, strconv.Itoa(n))
			names[p.at("name").text()] = true
		}
		for _, probe := range []string{"startupProbe", "livenessProbe", "readinessProbe"} {
			if p := c.at(probe, "httpGet", "port").text(); !names[p] {
				t.Errorf("%s: %s asks port %q", name, probe, p)
			}
		}
	}
	for _, o := range objects(t) {
		if o.at("kind").text() == "Service" && !names[o.at("spec", "ports").items()[0].at("targetPort").text()] {
			t.Errorf("the Service leads to no port of a container")
		}
	}
}
