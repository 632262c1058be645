package config_test

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"secretaria/internal/agent"
	"secretaria/internal/app"
	"secretaria/internal/config"
)

var update = flag.Bool("update", false, "write what is got into the cases")

// Each case holds the files of a working directory, the environment in "env", the command
// line's keys in "flags", and in "want" the summary of what comes out, or all problems.
func TestLoad(t *testing.T) {
	t.Parallel()
	cases, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(cases) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, name := range cases {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			t.Parallel()
			archive, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			src := config.Source{Dir: t.TempDir(), Flags: map[string]string{}}
			want := ""
			for _, f := range archive.Files {
				switch f.Name {
				case "env":
					src.Environ = strings.Split(strings.TrimSpace(string(f.Data)), "\n")
				case "flags":
					for line := range strings.Lines(string(f.Data)) {
						k, v, _ := strings.Cut(strings.TrimSpace(line), "=")
						src.Flags[k] = v
					}
				case "file":
					src.File = strings.TrimSpace(string(f.Data))
				case "want":
					want = string(f.Data)
				default:
					write(t, filepath.Join(src.Dir, f.Name), string(f.Data))
				}
			}
			before := tree(t, src.Dir)
			got := ""
			cfg, err := config.Load(src)
			var ce *config.Error
			switch {
			case errors.As(err, &ce):
				for _, p := range ce.Problems {
					got += p.String() + "\n"
				}
			case err != nil:
				t.Fatalf("Load: %v, want an *Error", err)
			default:
				got = summary(cfg, src.Dir)
			}
			if *update {
				for i := range archive.Files {
					if archive.Files[i].Name == "want" {
						archive.Files[i].Data = []byte(got)
					}
				}
				write(t, name, string(txtar.Format(archive)))
				return
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("Load (-want +got):\n%s", diff)
			}
			if strings.Contains(got, "hunter2") {
				t.Error("Load shows a secret")
			}
			if after := tree(t, src.Dir); !slices.Equal(before, after) {
				t.Errorf("Load left %q, was %q", after, before)
			}
		})
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func tree(t *testing.T, dir string) []string {
	t.Helper()
	var names []string
	err := filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
		names = append(names, path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// summary tells in lines what was understood. Secrets are counted, not shown.
func summary(c *config.Config, dir string) string {
	var b strings.Builder
	o := c.Options
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	database, err := filepath.Rel(dir, o.Database)
	if err != nil {
		database = o.Database
	}
	line("server %s %s:%d level=%v metrics=%v origins=%v proxies=%v", c.Environment, o.Host, o.Port, c.LogLevel, o.Metrics, o.AllowedOrigins, o.TrustedProxies)
	line("addresses all=%v hosts=%v networks=%v", o.Addresses.All, o.Addresses.Hosts, o.Addresses.Networks)
	line("database %s", database)
	if !o.Redis.IsZero() {
		line("redis %s", o.Redis)
	}
	line("quiet %v max %v", o.Quiet.Window, o.Quiet.Max)
	line("limits failures=%d whaticket=%d chatwoot=%d window=%v dedupe=%v", o.Limits.Failures, o.Limits.Whaticket, o.Limits.Chatwoot, o.Limits.Window, o.DedupeWindow)
	line("send timeout=%v schedule=%v", o.SendTimeout, o.Schedule)
	if g := o.Models.Gemini; g != nil {
		line("gemini key=%v model=%q base=%q", g.APIKey, g.Model, g.BaseURL)
	}
	if m := o.Models.OpenAI; m != nil {
		line("openai key=%v model=%q base=%q", m.APIKey, m.Model, m.BaseURL)
	}
	if o.Traces.On() {
		line("traces %+v", o.Traces)
	}
	r := o.Models.Resilience
	for _, n := range o.Models.Named {
		line("model %s gemini=%v openai=%v offline=%v price=%v timeout=%v", n.Name, n.Gemini, n.OpenAI, n.Offline, n.Price, n.Timeout)
	}
	if len(o.Models.Prices) > 0 || o.Models.Limits.Set() {
		line("prices %v %s limits=%v", o.Models.Prices, o.Models.Currency, o.Models.Limits)
	}
	if w := o.Workflows; w.BaseURL != "" || w.Auth.Mode != "" || len(w.Secrets)+len(w.CallbackSecrets) > 0 {
		line("workflows base=%q key=%v auth=%v secrets=%d callback=%d", w.BaseURL, w.APIKey, w.Auth, len(w.Secrets), len(w.CallbackSecrets))
	}
	line("models timeout=%v attempts=%d threshold=%d reset=%v", r.Timeout, r.Attempts, r.BreakerThreshold, r.BreakerReset)
	for _, d := range o.Desks {
		persona, _, _ := strings.Cut(d.Persona, ".")
		line("desk %s persona=%q keywords=%q transfer=%q hours=%q zone=%v messages=%d age=%v", d.Name, persona, d.Keywords, d.Transfer, d.Hours, d.Location, d.MaxMessages, d.MaxAge)
		details(line, d)
	}
	for _, i := range o.Inboxes {
		line("inbox %s %s desk=%s dry=%v hold=%v team=%q person=%q labels=%q", i.Name, i.Kind(), i.Desk, i.Dry(), i.Hold, i.Team, i.Person, i.Labels)
		if i.Quiet != nil {
			line("  quiet %v max %v", i.Quiet.Window, i.Quiet.Max)
		}
		if w := i.Whaticket; w != nil {
			line("  auth=%s secrets=%d tokens=%d urls=%d base=%q token=%v email=%q password=%v country=%q window=%v queue=%q user=%q", w.Auth, len(w.Secrets), len(w.WebhookTokens), len(w.URLSecrets),
				w.BaseURL, w.Token, w.Email, w.Password, w.DefaultCountry, w.Window, w.HandoffQueue, w.HandoffUser)
		}
		if w := i.Chatwoot; w != nil {
			line("  form=%q secrets=%d base=%q account=%q token=%v user=%v bot=%q window=%v", w.Form, len(w.Secrets), w.BaseURL, w.AccountID, w.Token, w.UserToken, w.BotID, w.Window)
		}
	}
	line("trial %v", c.Trial)
	for _, n := range c.Notes {
		line("note %s", n)
	}
	return b.String()
}

// details are what a desk has beside what every desk has.
func details(line func(string, ...any), d agent.Config) {
	if d.Language != "" || d.Rules != "" || d.Greeting != "" || d.Closed != "" || d.OnlyOpen {
		line("  language=%q rules=%q greeting=%q closed=%q only_open=%v", d.Language, d.Rules, d.Greeting, d.Closed, d.OnlyOpen)
	}
	if d.Open.Zone != nil {
		line("  open %s", d.Open.Text("en"))
	}
	if h := d.Handoff; h.Failures+len(h.Topics)+len(h.Labels) > 0 || h.Patient || h.Team+h.Person != "" {
		line("  handoff %+v", h)
	}
	if d.Budget+d.MaxTokens+len(d.Models) > 0 || d.Limits.Set() || d.Loops != (agent.Loops{}) {
		line("  models=%q limits=%v tokens=%d answer=%d loops=%+v", d.Models, d.Limits, d.Budget, d.MaxTokens, d.Loops)
	}
	if p := d.Playbook; p != nil {
		var slots []string
		for _, s := range p.Slots {
			slots = append(slots, s.Key+":"+string(s.Kind))
		}
		line("  playbook %s %s slots=%v moves=%v score=%s %s of %d", p.Name, p.Version, slots, len(p.Moves), p.Score.Name, p.Score.Version, len(p.Score.Rules))
	}
	for _, w := range d.Workflows {
		line("  workflow %s url=%q on=%v tool=%v repeatable=%v timeout=%v auth=%v reply=%q arguments=%v result=%v", w.Name, w.URL, w.On, w.Tool, w.Repeatable, w.Timeout, w.Auth, w.Reply, w.Arguments != nil, w.Result != nil)
	}
	if h := d.House; h != nil {
		for _, t := range h.Tables {
			for _, r := range t.Rows {
				line("  fact %s %v from %v", t.Kind, r.Columns, r.Source)
			}
		}
		for _, p := range h.Pages {
			line("  page %q from %v", p.Text, p.Source)
		}
	}
}

// A newcomer copies the example and starts: that must be the same as starting with nothing.
func TestDotEnvExampleChangesNothing(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../.env.example")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	want := load(t, config.Source{Dir: dir})
	write(t, filepath.Join(dir, ".env"), string(text))
	got := load(t, config.Source{Dir: dir})
	if diff := cmp.Diff(summary(want, dir), summary(got, dir)); diff != "" {
		t.Errorf("Load with .env.example (-without +with):\n%s", diff)
	}
}

func TestDotEnvExampleNamesEveryKey(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../.env.example")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for line := range strings.Lines(string(text)) {
		if key, _, ok := strings.Cut(line, "="); ok && !strings.HasPrefix(line, "#") {
			got = append(got, key)
		}
	}
	if diff := cmp.Diff(config.Keys(), got); diff != "" {
		t.Errorf("keys of .env.example (-known +there):\n%s", diff)
	}
}

// Every documented key takes a sensible value, in the environment and in .env.
func TestDocumentedKeys(t *testing.T) {
	t.Parallel()
	// As documented, in its order.
	documented := map[string]string{
		"APP_ENV": "production", "APP_PORT": "9000", "SHARED_SECRET": "a-long-enough-secret", "WEBHOOK_TOKEN_OPTIONAL": "token", "WHATSAPP_API_URL": "https://w.example.com",
		"WHATSAPP_BEARER_TOKEN": "t", "WHATICKET_JWT_EMAIL": "a@example.com", "WHATICKET_JWT_PASSWORD": "p", "GEMINI_API_KEY": "k", "GEMINI_MODEL": "gemini-2.5-flash",
		"GOOGLE_GEMINI_BASE_URL": "https://g.example.com", "OPENAI_API_KEY": "k", "OPENAI_MODEL": "m", "OPENAI_BASE_URL": "https://o.example.com/v1", "DATABASE_URL": "sqlite:x.db",
		"REDIS_URL": "redis://localhost:6379/0", "CHATWOOT_BASE_URL": "https://c.example.com", "CHATWOOT_ACCOUNT_ID": "1", "CHATWOOT_ACCESS_TOKEN": "t",
		"CHATWOOT_WEBHOOK_SECRET": "a-long-enough-secret", "N8N_BASE_URL": "https://n.example.com", "N8N_API_KEY": "k", "N8N_WEBHOOK_CREATE_LEAD_URL": "https://n.example.com/webhook/1",
		"N8N_WEBHOOK_SCHEDULE_URL": "https://n.example.com/webhook/2", "N8N_BASIC_AUTH_USER": "u", "N8N_BASIC_AUTH_PASSWORD": "p", "N8N_SIGNING_SECRET": "a-long-enough-secret", "N8N_CALLBACK_SECRET": "a-long-enough-secret", "PROMETHEUS_ENABLED": "false", "DEDUPE_TTL_SECONDS": "300",
		"RATE_LIMIT_REQUESTS": "60", "RATE_LIMIT_WINDOW": "60", "WEBHOOK_RATE_LIMIT_IP": "60", "WEBHOOK_RATE_LIMIT_NUMBER": "20", "CONTEXT_MAX_MESSAGES": "10", "CONTEXT_TTL_SECONDS": "86400",
		"REQUEST_TIMEOUT_SECONDS": "10", "LLM_TIMEOUT_SECONDS": "30", "LLM_RETRY_ATTEMPTS": "3", "LLM_CIRCUIT_BREAKER_THRESHOLD": "5", "LLM_CIRCUIT_BREAKER_RESET_SECONDS": "300",
		"RQ_RETRY_MAX_ATTEMPTS": "5", "ALLOWED_ORIGINS": "https://a.example.com,https://b.example.com", "TIMEZONE": "America/Manaus", "BUSINESS_HOURS": "08:00-18:00",
		"ESCALATION_KEYWORDS": "humano,pessoa", "TRANSFER_TO_HUMAN_MESSAGE": "Um momento.", "LOG_LEVEL": "DEBUG", "APP_HOST": "127.0.0.1", "TURN_QUIET": "300ms", "TURN_QUIET_MAX": "2s",
		"TRUSTED_PROXIES": "10.0.0.0/8,192.168.0.1", "ALLOW_PRIVATE_ADDRESSES": "true", "CONSOLE_PASSWORD": "p",
		"SPOOL_DIR": "spool", "SPOOL_MAX_MB": "64", "RETENTION_MESSAGES": "90d", "RETENTION_WEBHOOKS": "3d", "RETENTION_AUDIT": "forever",
		"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://collector:4318/v1/traces", "OTEL_EXPORTER_OTLP_HEADERS": "authorization=Bearer%20t",
		"OTEL_EXPORTER_OTLP_TIMEOUT": "5000", "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip", "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf", "OTEL_SERVICE_NAME": "recepcao",
		"OTEL_RESOURCE_ATTRIBUTES": "team=a", "OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.1", "OTEL_SDK_DISABLED": "false",
	}
	var env []string
	for key, v := range documented {
		if !slices.Contains(config.Keys(), key) {
			t.Errorf("%s is documented and not known", key)
		}
		env = append(env, key+"="+v)
	}
	for _, key := range config.Keys() {
		if _, ok := documented[key]; !ok {
			t.Errorf("%s is known and not documented", key)
		}
	}
	dir := t.TempDir()
	byEnv := load(t, config.Source{Dir: dir, Environ: env})
	write(t, filepath.Join(dir, ".env"), strings.Join(env, "\n"))
	byFile := load(t, config.Source{Dir: dir})
	if diff := cmp.Diff(summary(byEnv, dir), summary(byFile, dir)); diff != "" {
		t.Errorf("Load (-environment +.env):\n%s", diff)
	}
	if len(byEnv.Options.Inboxes) != 2 || byEnv.Options.Models.Gemini == nil || byEnv.Options.Models.OpenAI == nil {
		t.Errorf("Load of every key gives %s", summary(byEnv, dir))
	}
}

// A bad value of any key that can have one names the key.
func TestBadValuesNameTheKey(t *testing.T) {
	t.Parallel()
	for key, bad := range map[string][]string{
		"APP_ENV": {"no way"}, "APP_HOST": {"http://x", "a:80"}, "APP_PORT": {"99999", "-1", "http", "80.5", "99999999999999999999"}, "LOG_LEVEL": {"loud"}, "PROMETHEUS_ENABLED": {"maybe"},
		"ALLOWED_ORIGINS": {"example.com", "*"}, "TRUSTED_PROXIES": {"proxy", "10.0.0.0/99"}, "ALLOW_PRIVATE_ADDRESSES": {"10.0.0.0/99", "a b"},
		"DATABASE_URL": {"postgres://u:p@h", "postgresql:///d", "mysql://h/d", "data.db", "sqlite:", "sqlite::memory:"}, "REDIS_URL": {"localhost:6379", "http://x", "redis://", "redis://:secret@h/x", "redis://h?secret=1"},
		"WEBHOOK_RATE_LIMIT_IP": {"abc", "-1", "1.5"}, "WEBHOOK_RATE_LIMIT_NUMBER": {"abc"}, "RATE_LIMIT_REQUESTS": {"abc"}, "RATE_LIMIT_WINDOW": {"abc", "0", "-5", "5x"},
		"DEDUPE_TTL_SECONDS": {"5m", "abc", "-1", "NaN"}, "CONTEXT_MAX_MESSAGES": {"0", "x"}, "CONTEXT_TTL_SECONDS": {"-1", "1d"}, "REQUEST_TIMEOUT_SECONDS": {"0", "x"},
		"LLM_TIMEOUT_SECONDS": {"0", "30s"}, "LLM_RETRY_ATTEMPTS": {"-1", "x"}, "LLM_CIRCUIT_BREAKER_THRESHOLD": {"x"}, "LLM_CIRCUIT_BREAKER_RESET_SECONDS": {"x"},
		"RQ_RETRY_MAX_ATTEMPTS": {"x", "-1"}, "TIMEZONE": {"Mars/Olympus", "../etc/passwd", "Local"}, "BUSINESS_HOURS": {"25:00-26:00"}, "ESCALATION_KEYWORDS": {",,"},
		"TURN_QUIET": {"5", "-4s", "4 s", "soon"}, "TURN_QUIET_MAX": {"20", "x"}, "N8N_BASE_URL": {"n8n"}, "N8N_BASIC_AUTH_USER": {"alone"}, "SHARED_SECRET": {","},
		"OTEL_EXPORTER_OTLP_ENDPOINT": {"collector:4318", "grpc://collector:4317"}, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": {"v1/traces"}, "OTEL_EXPORTER_OTLP_TIMEOUT": {"0", "10s", "-1"}, "OTEL_SDK_DISABLED": {"maybe"},
	} {
		for _, v := range bad {
			_, err := config.Load(config.Source{Dir: t.TempDir(), Environ: []string{key + "=" + v}})
			if err == nil || !strings.Contains(err.Error(), key) {
				t.Errorf("Load(%s=%q) = %v, want an error that names the key", key, v, err)
			}
		}
	}
}

// What is longer than a duration can be is long, and neither short nor negative.
func TestLongDurations(t *testing.T) {
	t.Parallel()
	for _, env := range [][]string{
		{"REQUEST_TIMEOUT_SECONDS=1e30", "DEDUPE_TTL_SECONDS=99999999999999999999", "TURN_QUIET=9999999999h"},
		{"REQUEST_TIMEOUT_SECONDS=9223372036", "DEDUPE_TTL_SECONDS=9e99999", "TURN_QUIET=2540400h"},
	} {
		c := load(t, config.Source{Dir: t.TempDir(), Environ: env})
		const century = 100 * 365 * 24 * time.Hour
		for name, d := range map[string]time.Duration{"timeout": c.Options.SendTimeout, "dedupe": c.Options.DedupeWindow, "quiet": c.Options.Quiet.Window, "quiet max": c.Options.Quiet.Max} {
			if d != century {
				t.Errorf("%s of %q = %v, want %v", name, env, d, century)
			}
		}
	}
}

func load(t *testing.T, src config.Source) *config.Config {
	t.Helper()
	c, err := config.Load(src)
	if err != nil {
		t.Fatalf("Load: %v", err)
	}
	return c
}

func TestYAMLExample(t *testing.T) {
	t.Parallel()
	c := load(t, config.Source{Dir: "../..", File: "secretaria.example.yaml", Environ: []string{
		"GEMINI_KEY=k", "LOJA_SECRET=a-long-enough-secret", "LOJA_TOKEN=t", "LOJA_PASSWORD=p", "FILIAL_URL_SECRET=0123456789012345678901234567890123", "FILIAL_TOKEN=t",
		"SITE_SECRET=a-long-enough-secret", "SITE_SECRET_OLD=another-long-enough-secret", "SITE_BOT_TOKEN=t",
	}})
	got := summary(c, "../..")
	for _, want := range []string{
		"inbox loja whaticket desk=secretaria dry=false hold=24h0m0s team=\"3\" person=\"7\"",
		"inbox filial whaticket desk=financeiro", "auth=url secrets=0 tokens=0 urls=1",
		"inbox site chatwoot desk=sdr dry=false", "secrets=2", "labels=[\"lead\"]",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("Load(secretaria.example.yaml) lacks %q:\n%s", want, got)
		}
	}
	if len(c.Notes) > 0 {
		t.Errorf("Load(secretaria.example.yaml) notes %q, want none", c.Notes)
	}
}

func TestTrialInbox(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first := load(t, config.Source{Dir: dir})
	if err := first.AddTrial(false); !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("AddTrial(false) = %v, want os.ErrNotExist", err)
	}
	if got := tree(t, dir); len(got) != 1 {
		t.Fatalf("AddTrial(false) left %q", got)
	}
	if err := first.AddTrial(true); err != nil {
		t.Fatalf("AddTrial(true) = %v", err)
	}
	info, err := os.Stat(first.TrialFile())
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode of %s = %v, %v, want 0600", first.TrialFile(), info, err)
	}
	second := load(t, config.Source{Dir: dir})
	if err := second.AddTrial(false); err != nil {
		t.Fatalf("AddTrial(false) after AddTrial(true) = %v", err)
	}
	a, b := first.Options.Inboxes[0], second.Options.Inboxes[0]
	if got, want := b.Whaticket.Secrets[0].Reveal(), a.Whaticket.Secrets[0].Reveal(); got != want || len(got) != 64 {
		t.Errorf("secret of the second process has %d characters, the same: %v", len(got), got == want)
	}
	if !b.Dry() || b.Name != "whaticket" || b.Desk != "secretaria" || !second.Trial {
		t.Errorf("trial inbox = %+v", b)
	}
	if err := second.Options.Validate(); err != nil {
		t.Errorf("Validate with the trial inbox = %v", err)
	}
}

func TestSpool(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, c := range []struct {
		env  []string
		want app.Spool
	}{
		{nil, app.Spool{Dir: filepath.Join(dir, "data/spool"), MaxBytes: 256 << 20}},
		{[]string{"SPOOL_DIR=/var/spool/s", "SPOOL_MAX_MB=1"}, app.Spool{Dir: "/var/spool/s", MaxBytes: 1 << 20}},
		{[]string{"SPOOL_MAX_MB=0"}, app.Spool{Dir: filepath.Join(dir, "data/spool")}},
	} {
		if got := load(t, config.Source{Dir: dir, Environ: c.env}).Options.Spool; got != c.want {
			t.Errorf("Load(%q).Options.Spool = %+v, want %+v", c.env, got, c.want)
		}
	}
	_, err := config.Load(config.Source{Dir: dir, Environ: []string{"SPOOL_MAX_MB=much"}})
	if err == nil || !strings.Contains(err.Error(), "SPOOL_MAX_MB") {
		t.Errorf("Load(SPOOL_MAX_MB=much) = %v, want an error that names the key", err)
	}
}
