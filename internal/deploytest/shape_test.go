package deploytest

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// stopping is what the program takes at most to stop in good order, and a second.
const stopping = 10 * time.Second

// pinned is an image with a version in its tag.
var pinned = regexp.MustCompile(`^[a-z0-9./-]+:v?\d[\w.-]*$`)

func TestImagesArePinned(t *testing.T) {
	t.Parallel()
	stages := []string{"scratch"}
	for _, i := range instructions(t) {
		if i.name != "FROM" {
			continue
		}
		fields := slices.DeleteFunc(strings.Fields(i.rest), func(f string) bool { return strings.HasPrefix(f, "--") })
		if !slices.Contains(stages, fields[0]) && !pinned.MatchString(fields[0]) {
			t.Errorf("%s: %s has no version", dockerfile, fields[0])
		}
		if len(fields) == 3 {
			stages = append(stages, fields[2])
		}
	}
	own, all := services(t)
	for _, name := range []string{"postgres", "redis"} {
		if image := all.at(name, "image").text(); !pinned.MatchString(image) {
			t.Errorf("%s: %s has no version", compose, image)
		}
	}
	for name, s := range own {
		if s.at("pull_policy").text() != "build" || s.at("build", "dockerfile").text() != dockerfile {
			t.Errorf("%s: %s may come from a registry where anybody may have taken its name", compose, name)
		}
	}
	images := map[string]string{}
	for _, i := range documents(t, kustomize)[0].at("images").items() {
		images[i.at("name").text()] = i.at("newName").text() + ":" + i.at("newTag").text()
	}
	for name, d := range deployments(t) {
		for _, c := range containers(d) {
			if image := images[c.at("image").text()]; !pinned.MatchString(image) {
				t.Errorf("%s: the image %q has no version in %s", name, c.at("image").text(), kustomize)
			}
		}
	}
}

// private are names of variables that hold something to be kept to oneself.
var private = regexp.MustCompile(`PASSWORD|SECRET(_|$)|TOKEN|API_KEY`)

func TestNoPasswordIsWritten(t *testing.T) {
	t.Parallel()
	check := func(where, name, value string) {
		asked := interpolation.FindStringSubmatch(value)
		given := value != "" && (asked == nil || asked[0] != value || !strings.Contains(value, ":?"))
		if private.MatchString(name) && given {
			t.Errorf("%s: %s has a value, or a default", where, name)
		}
		if strings.HasSuffix(name, "_URL") && regexp.MustCompile(`//[^/@]*:[^/@]*@`).MatchString(value) {
			t.Errorf("%s: %s has a password in it", where, name)
		}
	}
	_, all := services(t)
	for _, name := range all.keys() {
		for k, v := range all.at(name, "environment").strings(t) {
			check(compose+" "+name, k, v)
		}
	}
	for k, v := range example(t) {
		check(dotEnv, k, v)
	}
	for k, v := range documents(t, secrets)[0].at("stringData").strings(t) {
		check(secrets, k, v)
	}
	for name, d := range deployments(t) {
		for _, c := range containers(d) {
			for _, e := range c.at("env").items() {
				check(name, e.at("name").text(), e.at("value").text())
			}
		}
	}
	for _, v := range directives(t)["Service.Environment"] {
		name, value, _ := strings.Cut(v, "=")
		check(unit, name, value)
	}
	for _, i := range instructions(t) {
		if (i.name == "ENV" || i.name == "ARG") && private.MatchString(i.rest) {
			t.Errorf("%s: %s %s stays in the image", dockerfile, i.name, i.rest)
		}
	}
	if !strings.Contains(read(t, "deploy/.gitignore"), "/.env\n") {
		t.Error("deploy/.env may be committed")
	}
}

func TestDockerfile(t *testing.T) {
	t.Parallel()
	user := last(t, "USER")
	if !regexp.MustCompile(`^[1-9]\d*:[1-9]\d*$`).MatchString(user) {
		t.Errorf("USER is %s, want numbers other than 0", user)
	}
	var stage, from string
	for _, i := range instructions(t) {
		switch i.name {
		case "FROM":
			stage, from = i.rest, ""
		case "ADD":
			t.Errorf("ADD %s: COPY does less", i.rest)
		case "COPY":
			fields := strings.Fields(i.rest)
			for len(fields) > 0 && strings.HasPrefix(fields[0], "--") {
				from += fields[0] + " "
				fields = fields[1:]
			}
			if strings.Contains(from, "--from=") {
				continue
			}
			for _, source := range fields[:len(fields)-1] {
				if _, err := os.Stat(filepath.Join(top, source)); err != nil {
					t.Errorf("COPY %s: %v", source, err)
				}
				if !strings.Contains(read(t, ".dockerignore"), "!"+source+"\n") {
					t.Errorf("COPY %s: .dockerignore keeps it out", source)
				}
			}
		}
	}
	if stage != "scratch" {
		t.Errorf("the last stage is from %s, want scratch", stage)
	}
	text := read(t, dockerfile)
	for _, want := range []string{"CGO_ENABLED=0", "-trimpath", "-X main.version=$VERSION", "ca-certificates.crt", "--chown=" + user} {
		if !strings.Contains(text, want) {
			t.Errorf("%s has no %s", dockerfile, want)
		}
	}
	if first := strings.SplitN(read(t, ".dockerignore"), "\n", 3)[1]; first != "*" {
		t.Errorf(".dockerignore begins with %q, want * and then what may in", first)
	}
	if !strings.Contains(read(t, "cmd/secretaria/main.go"), `_ "time/tzdata"`) {
		t.Error("the image has no time zones, and the program neither")
	}
	// The compiler is the one that the module asks for.
	want := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindStringSubmatch(read(t, "go.mod"))[1]
	if !strings.Contains(text, " golang:"+want) {
		t.Errorf("the image is not built with Go %s", want)
	}
	if volume := words(t, last(t, "VOLUME"))[0]; volume != last(t, "WORKDIR")+"/data" {
		t.Errorf("VOLUME is %s, where no database is in %s", volume, last(t, "WORKDIR"))
	}
}

// size reads 512m, 1g, 512Mi, 450MiB and 1G.
func size(t *testing.T, s string) float64 {
	t.Helper()
	m := regexp.MustCompile(`^(\d+)([kmg])(i|ib)?$`).FindStringSubmatch(strings.ToLower(s))
	if m == nil {
		t.Errorf("%q is no size", s)
		return 0
	}
	n, _ := strconv.ParseFloat(m[1], 64)
	return n * map[string]float64{"k": 1 << 10, "m": 1 << 20, "g": 1 << 30}[m[2]]
}

func atLeast(t *testing.T, where, text string, least time.Duration) {
	t.Helper()
	if d, err := time.ParseDuration(text); err != nil || d < least {
		t.Errorf("%s: %q to stop, want at least %v", where, text, least)
	}
}

func TestCompose(t *testing.T) {
	t.Parallel()
	own, all := services(t)
	if got := all.keys(); !slices.Equal(got, []string{"migrate", "postgres", "redis", "web", "worker"}) {
		t.Errorf("services are %q", got)
	}
	for _, name := range all.keys() {
		s := all.at(name)
		if s.at("read_only").v != true || !slices.Equal(s.at("cap_drop").texts(), []string{"ALL"}) || !slices.Contains(s.at("security_opt").texts(), "no-new-privileges:true") {
			t.Errorf("%s: not locked: read_only %v, cap_drop %v, security_opt %v", name, s.at("read_only").v, s.at("cap_drop").v, s.at("security_opt").v)
		}
		if u := s.at("user").text(); u == "" || strings.HasPrefix(u, "0") || u == "root" {
			t.Errorf("%s runs as %q", name, u)
		}
		limit := s.at("deploy", "resources", "limits", "memory").text()
		if m := s.at("environment", "GOMEMLIMIT").text(); m != "" && size(t, m) >= size(t, limit) {
			t.Errorf("%s: GOMEMLIMIT %s is not below %s", name, m, limit)
		}
		if limit == "" || s.at("restart").text() == "" {
			t.Errorf("%s: no limit of memory, or nothing about restarts", name)
		}
		ports := s.at("ports").texts()
		if (len(ports) > 0) != (name == "web") {
			t.Errorf("%s publishes %q; only web does", name, ports)
		}
		if len(ports) > 0 && !strings.HasPrefix(ports[0], "${SECRETARIA_PUBLISH:-127.0.0.1:") {
			t.Errorf("%s is published to everybody: %q", name, ports)
		}
	}
	for name, s := range own {
		atLeast(t, name, s.at("stop_grace_period").text(), stopping)
		if s.at("user").text() != last(t, "USER") {
			t.Errorf("%s runs as %s, the image as %s", name, s.at("user").text(), last(t, "USER"))
		}
		after := s.at("depends_on")
		if after.at("postgres", "condition").text() != "service_healthy" || name != "migrate" && after.at("migrate", "condition").text() != "service_completed_successfully" {
			t.Errorf("%s starts before the database is there and migrated", name)
		}
		env := s.at("environment")
		if u := env.at("DATABASE_URL").text(); !strings.Contains(u, "//"+all.at("postgres", "environment", "POSTGRES_USER").text()+"@postgres:5432/"+all.at("postgres", "environment", "POSTGRES_DB").text()) {
			t.Errorf("%s: %s is not the database that the service postgres has", name, u)
		}
		if !slices.Contains(s.at("networks").texts(), "inside") {
			t.Errorf("%s cannot reach the database", name)
		}
		if u := env.at("REDIS_URL").text(); u != "redis://redis:6379/0" {
			t.Errorf("%s: %s is not the service redis", name, u)
		}
		if c := after.at("redis", "condition").text(); name != "migrate" && c != "service_started" {
			t.Errorf("%s waits for redis to be %q, and works without it", name, c)
		}
	}
	if slices.Contains(all.at("redis", "networks").texts(), "outside") || all.at("redis", "volumes").v != nil {
		t.Error("redis is not by itself, or keeps what is not worth keeping")
	}
	if slices.Contains(all.at("postgres", "networks").texts(), "outside") || documents(t, compose)[0].at("networks", "inside", "internal").v != true {
		t.Error("the database is not by itself")
	}
}

func TestKubernetes(t *testing.T) {
	t.Parallel()
	listed := append(documents(t, kustomize)[0].at("resources").texts(), "kustomization.yaml", "secret.example.yaml")
	found, err := filepath.Glob(filepath.Join(top, kubernetes, "*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range found {
		if !slices.Contains(listed, filepath.Base(f)) && filepath.Base(f) != "secret.yaml" {
			t.Errorf("%s is listed nowhere", f)
		}
	}
	matches := func(selector, labels node) bool {
		for k, v := range selector.strings(t) {
			if labels.at(k).text() != v {
				return false
			}
		}
		return len(selector.keys()) > 0
	}
	budgets := map[string]bool{}
	for name, d := range deployments(t) {
		pod := d.at("spec", "template", "spec")
		labels := d.at("spec", "template", "metadata", "labels")
		if !matches(d.at("spec", "selector", "matchLabels"), labels) {
			t.Errorf("%s does not select its own pods", name)
		}
		for _, o := range objects(t) {
			switch o.at("kind").text() {
			case "PodDisruptionBudget":
				budgets[name] = budgets[name] || matches(o.at("spec", "selector", "matchLabels"), labels)
			case "Service":
				if got, want := matches(o.at("spec", "selector"), labels), strings.HasSuffix(name, "web"); got != want {
					t.Errorf("the Service selects %s: %v, want %v", name, got, want)
				}
			}
		}
		grace, _ := pod.at("terminationGracePeriodSeconds").v.(int)
		pause, _ := pod.at("containers").items()[0].at("lifecycle", "preStop", "sleep", "seconds").v.(int)
		atLeast(t, name, strconv.Itoa(grace)+"s", stopping+time.Duration(pause)*time.Second)
		user, _ := pod.at("securityContext", "runAsUser").v.(int)
		if uid, _, _ := strings.Cut(last(t, "USER"), ":"); strconv.Itoa(user) != uid || pod.at("securityContext", "runAsNonRoot").v != true || pod.at("securityContext", "seccompProfile", "type").text() != "RuntimeDefault" {
			t.Errorf("%s runs as %v, the image as %s", name, pod.at("securityContext").v, uid)
		}
		if pod.at("automountServiceAccountToken").v != false || pod.at("enableServiceLinks").v != false {
			t.Errorf("%s is given what it does not need", name)
		}
		for _, c := range containers(d) {
			s := c.at("securityContext")
			if s.at("allowPrivilegeEscalation").v != false || s.at("readOnlyRootFilesystem").v != true || !slices.Equal(s.at("capabilities", "drop").texts(), []string{"ALL"}) {
				t.Errorf("%s: %s is not locked: %v", name, c.at("name").text(), s.v)
			}
			limit := c.at("resources", "limits", "memory").text()
			for _, e := range c.at("env").items() {
				if e.at("name").text() == "GOMEMLIMIT" && size(t, e.at("value").text()) >= size(t, limit) {
					t.Errorf("%s: GOMEMLIMIT is not below %s", name, limit)
				}
			}
			if ref := c.at("envFrom").items()[0].at("secretRef", "name").text(); ref != documents(t, secrets)[0].at("metadata", "name").text() {
				t.Errorf("%s: there is no Secret %q", name, ref)
			}
		}
		if !budgets[name] {
			t.Errorf("%s has no PodDisruptionBudget", name)
		}
	}
}

func TestUnit(t *testing.T) {
	t.Parallel()
	d := directives(t)
	for name, want := range map[string]string{
		"Service.User": "secretaria", "Service.StateDirectory": "secretaria", "Service.WorkingDirectory": "/var/lib/secretaria", "Service.EnvironmentFile": "/etc/secretaria/env",
		"Service.ProtectSystem": "strict", "Service.NoNewPrivileges": "yes", "Service.KillSignal": "SIGTERM", "Service.Restart": "on-failure", "Service.CapabilityBoundingSet": "",
	} {
		if !slices.Equal(d[name], []string{want}) {
			t.Errorf("%s is %q, want %q", name, d[name], want)
		}
	}
	atLeast(t, unit, d["Service.TimeoutStopSec"][0], stopping)
	_, soft, _ := strings.Cut(d["Service.Environment"][0], "=")
	if high, hard := size(t, d["Service.MemoryHigh"][0]), size(t, d["Service.MemoryMax"][0]); size(t, soft) >= high || high >= hard {
		t.Errorf("GOMEMLIMIT %s, MemoryHigh %v, MemoryMax %v: want them to grow", soft, high, hard)
	}
}

// systemd reads the unit as it would, with a program that is there.
func TestUnitIsVerified(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("systemd-analyze"); err != nil {
		t.Skip("the unit file is not verified: there is no systemd-analyze here")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), filepath.Base(unit))
	text := strings.ReplaceAll(read(t, unit), "/usr/local/bin/secretaria", self)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), "systemd-analyze", "verify", "--man=no", "--recursive-errors=no", path).CombinedOutput()
	if err != nil || strings.Contains(string(out), filepath.Base(unit)) {
		t.Errorf("systemd-analyze verify: %v\n%s", err, out)
	}
}

func TestScriptsAreShell(t *testing.T) {
	t.Parallel()
	if out, err := exec.CommandContext(t.Context(), "sh", "-n", filepath.Join(top, "scripts/dev")).CombinedOutput(); err != nil {
		t.Errorf("sh -n scripts/dev: %v\n%s", err, out)
	}
}
