package config_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"secretaria/internal/app"
	"secretaria/internal/config"
	"secretaria/internal/secret"
)

// planted is in every secret of these tests, and must be nowhere else.
const planted = "plantedhunter2"

// plant numbers a secret that is long enough for every use.
func plant(n int) string { return fmt.Sprintf("%s-%03d-0123456789abcdefghij", planted, n) }

// plantedYAML has a secret wherever the file can hold one: as a value, from a variable, and
// from a file.
const plantedYAML = `
database: postgres://user:%[1]s@db.example:5432/secretaria
redis: redis://:%[1]s@cache.example:6379/0
server: {console_password: %[1]s}
models:
  gemini: {api_key: "%[1]s"}
  openai: {api_key: "${OPENAI_REFERENCE}"}
  extra: {provider: openai, model: m, key: "${file:run/key}", base_url: https://models.example/v1}
n8n:
  base_url: https://n8n.example
  api_key: %[1]s
  signing_secret: [%[1]s, "${file:run/key}"]
  callback_secret: %[1]s
  header: {name: X-N8n-Key, value: %[1]s}
inboxes:
  loja: {channel: whaticket, secrets: [%[1]s, "${LOJA_SECRET}"], webhook_token: %[1]s, base_url: https://w.example, token: "${file:run/key}", email: a@example.com, password: %[1]s}
  filial: {channel: whaticket, auth: url, secrets: "${file:run/several}", base_url: https://w.example, token: %[1]s}
  outra: {channel: whaticket, auth: token, secrets: "%[1]s"}
  site: {channel: chatwoot, secrets: "${SITE_SECRET}", base_url: https://c.example, token: %[1]s, user_token: "${file:run/key}"}
desks:
  vendas:
    like: sdr
    workflows:
      create_lead:
        url: https://n8n.example/webhook/x
        auth: {mode: header, name: X-Key, secret: "%[1]s"}
`

// plantedSource writes the files and gives the environment that goes with them.
func plantedSource(t *testing.T) config.Source {
	t.Helper()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "secretaria.yaml"), fmt.Sprintf(plantedYAML, plant(1)))
	write(t, filepath.Join(dir, "run/key"), plant(2)+"\n")
	write(t, filepath.Join(dir, "run/several"), plant(3)+"\n\n "+plant(4)+"\r\n")
	write(t, filepath.Join(dir, ".env"), "LOJA_SECRET="+plant(5)+"\nSITE_SECRET_FILE=run/key\n")
	return config.Source{Dir: dir, Environ: []string{"OPENAI_REFERENCE=" + plant(6), "SHARED_SECRET=" + plant(7) + "," + plant(8), "WEBHOOK_TOKEN_OPTIONAL=" + plant(9),
		"WHATSAPP_API_URL=https://w.example", "WHATSAPP_BEARER_TOKEN_FILE=run/key", "WHATICKET_JWT_EMAIL=a@example.com", "WHATICKET_JWT_PASSWORD=" + plant(10)}}
}

// leaksPlanted finds a planted secret in a text, also where a verb has encoded it.
func leaksPlanted(text string) bool {
	for _, form := range []string{planted, fmt.Sprintf("%x", planted), fmt.Sprintf("%X", planted), fmt.Sprintf("% x", planted), base64.StdEncoding.EncodeToString([]byte(planted))[:12], fmt.Sprintf("%d", []byte(planted))[1:30]} {
		if strings.Contains(text, form) {
			return true
		}
	}
	return false
}

func TestSecretsAreReadFromEverywhere(t *testing.T) {
	t.Parallel()
	o := load(t, plantedSource(t)).Options
	inbox := func(name string) app.Inbox {
		return o.Inboxes[slices.IndexFunc(o.Inboxes, func(i app.Inbox) bool { return i.Name == name })]
	}
	reveal := func(all ...secret.String) (out []string) {
		for _, s := range all {
			out = append(out, s.Reveal())
		}
		return out
	}
	model := o.Models.Named[0].OpenAI
	for name, c := range map[string]struct{ got, want []string }{
		"SHARED_SECRET":         {reveal(inbox("whaticket").Whaticket.Secrets...), []string{plant(7), plant(8)}},
		"WHATSAPP_BEARER_TOKEN": {reveal(inbox("whaticket").Whaticket.Token), []string{plant(2)}},
		"loja secrets":          {reveal(inbox("loja").Whaticket.Secrets...), []string{plant(1), plant(5)}},
		"loja token":            {reveal(inbox("loja").Whaticket.Token), []string{plant(2)}},
		"filial secrets":        {reveal(inbox("filial").Whaticket.URLSecrets...), []string{plant(3), plant(4)}},
		"outra secrets":         {reveal(inbox("outra").Whaticket.WebhookTokens...), []string{plant(1)}},
		"site secrets":          {reveal(inbox("site").Chatwoot.Secrets...), []string{plant(2)}},
		"site user_token":       {reveal(inbox("site").Chatwoot.UserToken), []string{plant(2)}},
		"extra key":             {reveal(model.APIKey), []string{plant(2)}},
		"openai key":            {reveal(o.Models.OpenAI.APIKey), []string{plant(6)}},
		"n8n signing":           {reveal(o.Workflows.Secrets...), []string{plant(1), plant(2)}},
	} {
		if !slices.Equal(c.got, c.want) {
			t.Errorf("%s = %d secrets, want %d, or others", name, len(c.got), len(c.want))
		}
	}
}

func TestNoSecretIsShown(t *testing.T) {
	t.Parallel()
	cfg := load(t, plantedSource(t))
	o := cfg.Options
	shown := map[string]string{"notes": strings.Join(cfg.Notes, "\n"), "files": strings.Join(append(cfg.Files, cfg.Loose...), "\n")}
	things := map[string]any{"config": *cfg, "*config": cfg, "options": o, "*options": &o, "inboxes": o.Inboxes, "models": o.Models, "workflows": o.Workflows, "desks": o.Desks, "in a struct": struct{ c any }{cfg}}
	for _, i := range o.Inboxes {
		things["inbox "+i.Name], things["whaticket "+i.Name], things["chatwoot "+i.Name] = i, i.Whaticket, i.Chatwoot
	}
	for _, n := range append(o.Models.Named, app.NamedModel{Gemini: o.Models.Gemini, OpenAI: o.Models.OpenAI}) {
		things["model "+n.Name], things["gemini "+n.Name], things["openai "+n.Name] = n, n.Gemini, n.OpenAI
	}
	for name, thing := range things {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "% x", "%d", "%T"} {
			shown[name+" by "+verb] = fmt.Sprintf(verb, thing)
		}
		if b, err := json.Marshal(thing); err == nil { // what holds a function cannot be marshalled
			shown[name+" as JSON"] = string(b)
		} else {
			shown[name+" as JSON"] = err.Error()
		}
		if !strings.HasPrefix(name, "config") && !strings.HasSuffix(name, "options") && !strings.Contains(name, "*") && name != "in a struct" && name != "desks" {
			if b, err := yaml.Marshal(thing); err == nil {
				shown[name+" as YAML"] = string(b)
			}
		}
		var log bytes.Buffer
		slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "thing", thing)
		slog.New(slog.NewTextHandler(&log, nil)).Info("x", "thing", thing)
		shown[name+" in a log"] = log.String()
	}
	for how, text := range shown {
		if leaksPlanted(text) {
			t.Errorf("%s shows a secret: %.300s", how, regexp.MustCompile(`.{0,120}`+planted).FindString(text))
		}
	}
}

// Whatever is wrong with a line that holds a secret, and however, the words about it do not
// repeat the secret.
func TestNoErrorShowsASecret(t *testing.T) {
	t.Parallel()
	src := plantedSource(t)
	whole := fmt.Sprintf(plantedYAML, plant(1))
	at := regexp.MustCompile(`"?`+plant(1)+`"?`).FindAllStringIndex(whole, -1)
	if len(at) < 12 {
		t.Fatalf("%d secrets in the file, want more", len(at))
	}
	try := func(how, file, text string, environ ...string) {
		t.Helper()
		dir := t.TempDir()
		s := config.Source{Dir: dir, Environ: append(slices.Clone(src.Environ), environ...)}
		for _, name := range []string{"secretaria.yaml", ".env", "run/key", "run/several"} {
			content, err := os.ReadFile(filepath.Join(src.Dir, name))
			if err != nil {
				t.Fatal(err)
			}
			if name == file {
				content = []byte(text)
			}
			write(t, filepath.Join(dir, name), string(content))
		}
		cfg, err := config.Load(s)
		said := fmt.Sprint(err)
		if err == nil {
			said = strings.Join(cfg.Notes, "\n")
		}
		if leaksPlanted(said) {
			t.Errorf("%s: %s", how, said)
		}
		var ce *config.Error
		if err != nil && !errors.As(err, &ce) {
			t.Errorf("%s: %v, want an *Error", how, err)
		}
		if leaksPlanted(fmt.Sprintf("%+v %#v", err, err)) {
			t.Errorf("%s: the error shows it, printed by its fields", how)
		}
	}
	for n, place := range at {
		before, after := whole[:place[0]], whole[place[1]:]
		for _, c := range []string{
			"*" + plant(1), "&" + plant(1), "!" + plant(1), "!!" + plant(1), "%" + plant(1), "@" + plant(1), "`" + plant(1), "'" + plant(1), `"` + plant(1), "[" + plant(1), "{" + plant(1), "{" + plant(1) + ": x}",
			"[" + plant(1) + ", " + plant(1) + "]", "[[" + plant(1) + "]]", plant(1) + ": " + plant(1), "x: " + plant(1), "- " + plant(1), "|\n" + plant(1), plant(1) + " ${" + plant(1) + "}", "${" + plant(1),
			"<<: *" + plant(1), `"\x` + plant(1) + `"`, `"` + plant(1) + `\q"`, "file:" + plant(1), plant(1) + " " + plant(1), "\"" + plant(1) + "\\n" + plant(1) + "\"",
			plant(1) + "\x00", "? " + plant(1), "!<tag:" + plant(1) + "> x", "é" + plant(1) + "\u00a0",
		} {
			try(fmt.Sprintf("secret %d as %.5q", n, c), "secretaria.yaml", before+c+after)
		}
	}
	for _, line := range []string{
		"SHARED_SECRT=" + plant(1), "export " + plant(1), plant(1), plant(1) + "=1", "CHATWOOT_WEBHOOK_SECRET=\"" + plant(1), "CHATWOOT_WEBHOOK_SECRET='" + plant(1) + "' x",
		"CHATWOOT_WEBHOOK_SECRET=\"\\" + plant(1) + "\"", "SHARED_SECRET=" + plant(1) + "\nSHARED_SECRET=" + plant(1), "GEMINI_API_KEY=" + plant(1) + " é", "CHATWOOT_ACCESS_TOKEN=" + plant(1) + " x", "= " + plant(1),
	} {
		if strings.HasPrefix(line, plant(1)+"=") {
			continue // a name is no secret
		}
		try(fmt.Sprintf(".env with %.30q", line), ".env", line)
	}
	for _, v := range []string{
		"REDIS_URL=" + plant(1), "REDIS_URL=redis://:" + plant(1) + "@h:port", "REDIS_URL=redis://:" + plant(1) + "@h/x", "REDIS_URL=redis://%zz" + plant(1), "DATABASE_URL=" + plant(1), "DATABASE_URL=postgres://u:" + plant(1) + "@",
		"DATABASE_URL=mysql://u:" + plant(1) + "@h/d", "DATABASE_URL=postgres://u:%zz" + plant(1) + "@h/d", "WHATSAPP_API_URL=https://u:" + plant(1) + "@h", "WHATSAPP_API_URL=https://h/%zz" + plant(1),
		"CHATWOOT_BASE_URL=https://u:" + plant(1) + "@h", "CHATWOOT_BASE_URL=https://h?token=" + plant(1), "GOOGLE_GEMINI_BASE_URL=https://u:" + plant(1) + "@h", "OPENAI_BASE_URL=https://u:" + plant(1) + "@h/v1",
		"OPENAI_BASE_URL=https://h/v1?key=" + plant(1), "N8N_BASE_URL=https://u:" + plant(1) + "@h", "N8N_WEBHOOK_CREATE_LEAD_URL=https://u:" + plant(1) + "@h/webhook/x", "N8N_WEBHOOK_SCHEDULE_URL=:" + plant(1),
		"GEMINI_API_KEY=" + plant(1) + " x", "GEMINI_API_KEY=é" + plant(1), "OPENAI_API_KEY=" + plant(1) + "\n", "WHATSAPP_BEARER_TOKEN=" + plant(1) + " x", "CHATWOOT_ACCESS_TOKEN=" + plant(1) + " x", "N8N_BASIC_AUTH_PASSWORD=" + plant(1) + "\x01",
		"SHARED_SECRET_FILE=/" + plant(1), "CONSOLE_PASSWORD=" + plant(1),
	} {
		if strings.Contains(v, "_FILE=") {
			continue // a path is no secret
		}
		dir := t.TempDir()
		for _, extra := range [][]string{nil, {"CHATWOOT_WEBHOOK_SECRET=" + plant(2), "SHARED_SECRET=" + plant(2), "N8N_BASIC_AUTH_USER=u"}} {
			cfg, err := config.Load(config.Source{Dir: dir, Environ: append([]string{v}, extra...)})
			said := fmt.Sprint(err)
			if err == nil {
				said = strings.Join(cfg.Notes, "\n")
			}
			if leaksPlanted(said) {
				t.Errorf("%.40q: %s", v, said)
			}
		}
	}
}

// Every key that sounds like a secret may come from a file, and says by its name what is
// wrong with one.
func TestEverySecretMayComeFromAFile(t *testing.T) {
	t.Parallel()
	secretly := regexp.MustCompile(`SECRET|TOKEN|PASSWORD|API_KEY|^DATABASE_URL$|^REDIS_URL$`)
	n := 0
	for _, key := range config.Keys() {
		if !secretly.MatchString(key) {
			continue
		}
		n++
		dir := t.TempDir()
		if err := os.Mkdir(filepath.Join(dir, "folder"), 0o700); err != nil {
			t.Fatal(err)
		}
		for file, want := range map[string]string{"missing": "no such file", "folder": "is a folder"} {
			_, err := config.Load(config.Source{Dir: dir, Environ: []string{key + "_FILE=" + file}})
			if err == nil || !strings.Contains(err.Error(), key+"_FILE: the file cannot be read: "+want) {
				t.Errorf("Load(%s_FILE=%s) = %v, want an error that names the key", key, file, err)
			}
		}
	}
	if n < 14 {
		t.Errorf("%d secrets, want more", n)
	}
}

func TestLooseFiles(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		mode os.FileMode
		want bool
	}{{0o600, false}, {0o400, false}, {0o640, false}, {0o644, true}, {0o620, true}, {0o604, true}, {0o602, true}} {
		src := plantedSource(t)
		for _, name := range []string{"secretaria.yaml", ".env", "run/key"} {
			if err := os.Chmod(filepath.Join(src.Dir, name), c.mode); err != nil {
				t.Fatal(err)
			}
		}
		got := load(t, src).Loose
		slices.Sort(got)
		want := []string(nil)
		if c.want {
			want = []string{".env", "run/key", "secretaria.yaml"}
		}
		if !slices.Equal(got, want) {
			t.Errorf("Loose with mode %v = %q, want %q", c.mode, got, want)
		}
	}
	// A file in which no secret stands may be read by everybody.
	dir := t.TempDir()
	write(t, filepath.Join(dir, ".env"), "APP_PORT=1\nSHARED_SECRET_FILE=key\nDATABASE_URL=sqlite:x.db\nREDIS_URL=redis://h:1\n")
	write(t, filepath.Join(dir, "key"), plant(1))
	write(t, filepath.Join(dir, "secretaria.yaml"), "inboxes:\n  a: {channel: chatwoot, secrets: \"${file:key}\"}\n")
	for _, name := range []string{".env", "secretaria.yaml"} {
		if err := os.Chmod(filepath.Join(dir, name), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got := load(t, config.Source{Dir: dir}).Loose; len(got) > 0 {
		t.Errorf("Loose = %q, want none", got)
	}
}
