package app_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"secretaria/internal/channel/chatwoot/chatwoottest"
	"secretaria/internal/channel/whaticket/whatickettest"
	"secretaria/internal/command"
	"secretaria/internal/llm"
	"secretaria/internal/llm/llmtest"
	"secretaria/internal/redis/redistest"
	"secretaria/internal/store/postgres/postgrestest"
	"secretaria/internal/tracing/tracingtest"
	"secretaria/internal/workflow/n8n/n8ntest"
)

// childFolder is the folder that a child of these tests serves from.
const childFolder = "SECRETARIA_TEST_SERVE_FROM"

// TestServeChild is the process whose words TestNothingPlantedComesOut reads: the program as
// its main function starts it.
func TestServeChild(t *testing.T) {
	dir := os.Getenv(childFolder)
	if dir == "" {
		t.Skip("is the child of TestNothingPlantedComesOut")
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(command.Run(ctx, command.Env{Program: "secretaria", Dir: dir, Stdout: os.Stdout, Stderr: os.Stderr, SetDefault: slog.SetDefault}, []string{"serve", "--port", "0"}))
}

// A customer's words, numbers and documents, and the secrets of the house, go in everywhere:
// in every field of every kind of webhook, right, forged and broken, in the configuration, and
// back out of every peer, in errors of every kind. None comes out in a log, a metric, an
// answer, the cause of an attempt, the error of a job, or what commands print.
func TestNothingPlantedComesOut(t *testing.T) {
	t.Parallel()
	for name, databases := range map[string]func(*testing.T, *scene){
		"sqlite":             func(*testing.T, *scene) {},
		"postgres and redis": func(t *testing.T, s *scene) { onlyPostgres(t, s); onlyRedis(t, s) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			databases(t, s)
			s.configure()
			s.serve()
			s.play()
			s.outage()
			s.look()
			s.end()
		})
	}
}

func onlyPostgres(t *testing.T, s *scene) {
	s.postgres = postgrestest.Start(t)
	u, err := url.Parse(s.postgres.URL)
	must(t, err)
	password, _ := u.User.Password()
	s.put("database password", password)
}

func onlyRedis(t *testing.T, s *scene) {
	s.redis = redistest.Start(t, s.put("redis password", redistest.Password()))
}

// scene is one process of the program among gossiping peers.
type scene struct {
	planted
	t        *testing.T
	r        *rand.Rand
	dir, url string
	first    person
	peers    map[string]*gossip
	chatwoot *chatwoottest.Server
	n8n      *n8ntest.Server
	postgres *postgrestest.Server
	redis    *redistest.Server

	collector tracingtest.Collector

	keys  map[string]string // secrets of the configuration
	child *exec.Cmd
	done  chan error

	mu     sync.Mutex
	wrote  bytes.Buffer // by the process, on either stream
	shown  bytes.Buffer // by answers and commands
	dialer *http.Client
}

func newScene(t *testing.T) *scene {
	t.Helper()
	s := &scene{t: t, dir: t.TempDir(), r: rand.New(rand.NewPCG(7, 7)), peers: map[string]*gossip{}, keys: map[string]string{}, done: make(chan error, 1)}
	s.first = s.drawn(s.r)
	for key, value := range map[string]string{
		"loja":     "assinatura-da-loja-jatobá-0417-xyz",
		"filial":   "caminho-da-filial-pitanga-9921-umbuzeiro",
		"quiosque": "cracha-do-quiosque-cambuci-5583-graviola",
		"site":     "assinatura-do-site-mangaba-7740-cajá",
		"token":    "ficha-do-whaticket-araticum-31",
		"password": "senha do whaticket: buriti=8 & pequi",
		"chatwoot": "robo-do-chatwoot-guabiroba-64",
		"openai":   "sk-proj-Umbu0Caja1Jaca2Pitomba3Sapoti4",
		"gemini":   "AIzaSyMangaba5Bacuri6Cupuacu7Tucuma8Aca",
		"n8n":      "chave-do-n8n-jenipapo-26",
		"sign":     "assinatura-do-n8n-bacupari-1208",
		"callback": "retorno-do-n8n-maracuja-7719",
		"basic":    "senha-basica-tamarindo-55",
		"flow":     "caminho-do-fluxo-carambola-90",
		"console":  "senha-da-console-siriguela-12",
		"traces":   "cracha-do-coletor-grumixama-83",
	} {
		s.keys[key] = s.put("secret "+key, value)
	}
	s.dialer = &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return s
}

// configure starts the peers and writes the configuration.
func (s *scene) configure() {
	t := s.t
	email := s.put("login", "robo.pitangueira@padaria-jatoba.com.br")
	helpdesk := &whatickettest.Server{Token: s.keys["token"], Email: email, Password: s.keys["password"]}
	must(t, helpdesk.Start())
	t.Cleanup(helpdesk.Close)
	var err error
	s.chatwoot, err = chatwoottest.Start(chatwoottest.Options{Secret: s.keys["site"], BotToken: s.keys["chatwoot"], RetryDelay: 10 * time.Millisecond})
	must(t, err)
	t.Cleanup(s.chatwoot.Close)
	openai := &llmtest.OpenAI{Server: llmtest.Server{Key: s.keys["openai"], Respond: s.answer}}
	must(t, openai.Start())
	t.Cleanup(func() { openai.Close() })
	gemini := &llmtest.Gemini{Server: llmtest.Server{Key: s.keys["gemini"], Respond: s.answer}}
	must(t, gemini.Start())
	t.Cleanup(func() { gemini.Close() })
	s.n8n = &n8ntest.Server{APIKey: s.keys["n8n"]}
	must(t, s.n8n.Start())
	t.Cleanup(s.n8n.Stop)
	s.n8n.Set(s.keys["flow"], n8ntest.Workflow{Run: func(c n8ntest.Call) (any, error) {
		return map[string]any{"link_meet": s.first.says(), "x": string(c.Body)}, nil
	}})
	s.collector.Start()
	t.Cleanup(s.collector.Close)
	for name, target := range map[string]string{"whaticket": helpdesk.URL(), "chatwoot": s.chatwoot.URL(), "openai": openai.URL(), "gemini": gemini.URL(), "n8n": s.n8n.URL(), "traces": s.collector.URL()} {
		healthy := 1
		if name == "n8n" { // few calls reach it
			healthy = 0
		}
		s.peers[name] = gossiping(t, &s.planted, target, healthy)
	}
	database, cache := "sqlite:data/secretaria.db", ""
	if s.postgres != nil {
		database = s.postgres.URL
	}
	if s.redis != nil {
		cache = s.redis.URL
	}
	file := func(name, text string) { must(t, os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o600)) }
	quoted := func(v string) string { return string(encoded(v)) } // a string of JSON is one of YAML and of .env
	file("secretaria.yaml", strings.NewReplacer(
		"<whaticket>", s.peers["whaticket"].URL, "<chatwoot>", s.peers["chatwoot"].URL, "<flow>", s.peers["n8n"].URL+"/webhook/"+s.keys["flow"], "<email>", email,
		"<loja>", quoted(s.keys["loja"]), "<filial>", quoted(s.keys["filial"]), "<quiosque>", quoted(s.keys["quiosque"]), "<site>", quoted(s.keys["site"]),
		"<token>", quoted(s.keys["token"]), "<password>", quoted(s.keys["password"]), "<bot>", quoted(s.keys["chatwoot"]), "<basic>", quoted(s.keys["basic"]), "<text>", quoted(s.first.text),
	).Replace(plantedHouse))
	env := map[string]string{
		"DATABASE_URL": database, "REDIS_URL": cache, "CONSOLE_PASSWORD": s.keys["console"],
		"OPENAI_API_KEY": s.keys["openai"], "OPENAI_BASE_URL": s.peers["openai"].URL + "/v1", "GEMINI_API_KEY": s.keys["gemini"], "GOOGLE_GEMINI_BASE_URL": s.peers["gemini"].URL,
		"N8N_BASE_URL": s.peers["n8n"].URL, "N8N_API_KEY": s.keys["n8n"], "N8N_SIGNING_SECRET": s.keys["sign"], "N8N_CALLBACK_SECRET": s.keys["callback"],
		"N8N_BASIC_AUTH_USER": "secretaria", "N8N_BASIC_AUTH_PASSWORD": s.keys["basic"],
		"OTEL_EXPORTER_OTLP_ENDPOINT": s.peers["traces"].URL, "OTEL_EXPORTER_OTLP_HEADERS": "authorization=Bearer%20" + s.keys["traces"], "OTEL_EXPORTER_OTLP_TIMEOUT": "500",
	}
	var b strings.Builder
	for k, v := range env {
		fmt.Fprintf(&b, "%s=%s\n", k, quoted(v))
	}
	file(".env", b.String())
}

// plantedHouse is the configuration, its secrets to be filled in.
const plantedHouse = `
server: {host: 127.0.0.1, log_level: debug, allow_private_addresses: [127.0.0.0/8], trusted_proxies: [127.0.0.1/32]}
turns: {quiet: 20ms, quiet_max: 500ms}
limits: {failures_per_address: 0, whaticket_per_contact: 0, chatwoot_per_contact: 0}
delivery: {timeout: 2s, retries: 1}
models: {timeout: 2s, attempts: 1, breaker_threshold: 100000}
desks:
  sdr:
    workflows:
      schedule_meeting:
        url: "<flow>"
        description: Marca uma reunião.
        tool: true
        auth: {mode: header, name: X-Fluxo, secret: <basic>}
        arguments: {type: object, properties: {name: {type: string, maxLength: 200}}}
        result: {type: object, required: [link_meet], properties: {link_meet: {type: string, maxLength: 2000}}}
inboxes:
  loja: {channel: whaticket, secrets: <loja>, base_url: "<whaticket>", token: <token>, email: <email>, password: <password>}
  filial: {channel: whaticket, auth: url, secrets: <filial>, base_url: "<whaticket>", token: <token>}
  quiosque: {channel: whaticket, auth: token, secrets: <quiosque>, base_url: "<whaticket>", token: <token>}
  site: {channel: chatwoot, secrets: <site>, base_url: "<chatwoot>", account_id: 1, token: <bot>}
`

// answer is a model that repeats what it is told, and calls what it may and what it may not.
func (s *scene) answer(r *llmtest.Request) llmtest.Reply {
	said := r.LastUser()
	reply := llmtest.Reply{Text: "Você disse: " + said, Model: s.first.phone, Usage: llm.Usage{InputTokens: 10, OutputTokens: 10}}
	switch {
	case strings.Contains(said, "reunião"):
		reply.Text = ""
		reply.ToolCalls = []llm.ToolCall{{ID: "t1", Name: "start_schedule_meeting", Arguments: encoded(map[string]any{"name": s.first.name})}}
	case strings.Contains(said, "ferramenta"):
		reply.Text = ""
		reply.ToolCalls = []llm.ToolCall{{ID: s.first.cpf, Name: "manda_" + s.first.phone, Arguments: encoded(map[string]any{"texto": s.first.says()})}}
	case strings.Contains(said, "chave"):
		reply.Text = strings.Join(s.all(), "\n")
	}
	return reply
}

// Write takes what the process says.
func (s *scene) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.wrote.Write(b)
}

func (s *scene) log() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.wrote.String()
}

// serve starts the program in a process of its own and waits for its port.
func (s *scene) serve() {
	t := s.t
	self, err := os.Executable()
	must(t, err)
	s.child = exec.Command(self, "-test.run=^TestServeChild$")
	s.child.Env = append(os.Environ(), childFolder+"="+s.dir)
	s.child.Stderr = s
	out, err := s.child.StdoutPipe()
	must(t, err)
	must(t, s.child.Start())
	t.Cleanup(func() { _ = s.child.Process.Kill() }) // it has ended, unless the test failed
	port := make(chan int, 1)
	go func() {
		lines := bufio.NewReader(out)
		for {
			line, err := lines.ReadBytes('\n')
			_, _ = s.Write(line)
			var o struct {
				Msg  string
				Port int
			}
			if json.Unmarshal(line, &o) == nil && o.Msg == "serving" {
				port <- o.Port
			}
			if err != nil {
				s.done <- s.child.Wait()
				return
			}
		}
	}()
	select {
	case n := <-port:
		s.url = fmt.Sprintf("http://127.0.0.1:%d", n)
	case err := <-s.done:
		t.Fatalf("serve ended: %v\n%s", err, s.log())
	case <-time.After(60 * time.Second):
		t.Fatalf("serve does not serve\n%s", s.log())
	}
	s.chatwoot.SetWebhook(s.url+"/api/v1/webhooks/agentbot/site", s.keys["site"])
}

// ask sends a request and keeps what came back to be searched.
func (s *scene) ask(method, path string, header http.Header, body []byte) (int, string) {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), method, s.url+path, bytes.NewReader(body))
	must(s.t, err)
	if header != nil {
		req.Header = header
	}
	resp, err := s.dialer.Do(req)
	if err != nil && len(body) > 1<<20 {
		return 0, "" // the server did not read on, and its answer was lost on the way
	}
	if err != nil {
		s.t.Fatalf("%s of %d bytes: no answer: %v", method, len(body), err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	must(s.t, err)
	s.mu.Lock()
	defer s.mu.Unlock()
	fmt.Fprintf(&s.shown, "%s answered %d\n", method, resp.StatusCode)
	_ = resp.Header.Write(&s.shown) // a buffer takes everything
	s.shown.Write(append(b, '\n'))
	return resp.StatusCode, resp.Header.Get("X-Correlation-Id")
}

// run runs a command in the process's folder and keeps what it prints.
func (s *scene) run(args ...string) int {
	s.t.Helper()
	var out bytes.Buffer
	code := command.Run(s.t.Context(), command.Env{Program: "secretaria", Dir: s.dir, Stdout: &out, Stderr: &out}, args)
	s.mu.Lock()
	defer s.mu.Unlock()
	fmt.Fprintf(&s.shown, "secretaria %s: %d\n%s\n", args[0], code, out.Bytes())
	return code
}
