package n8n_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"secretaria/internal/callback"
	"secretaria/internal/fault"
	"secretaria/internal/httpclient"
	"secretaria/internal/secret"
	"secretaria/internal/workflow"
	"secretaria/internal/workflow/n8n"
)

// The workflows of docs/n8n on a real n8n: "make test-n8n" installs one and says where it is.
func TestRealN8N(t *testing.T) {
	bin := os.Getenv("N8N_BIN")
	if bin == "" {
		t.Skip("set N8N_BIN to the n8n to be tried, or use make test-n8n")
	}
	told := make(chan callback.Report, 4)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Errorf("read callback: %v", err)
		}
		if _, err := workflow.Verify(r.Header, []secret.String{secret.New("callback-secret-of-the-test")}, time.Now(), body); err != nil {
			t.Errorf("callback %s with %v: %v", body, r.Header, err)
		}
		report, err := callback.Parse(body)
		if err != nil {
			t.Errorf("callback %s: %v", body, err)
		}
		w.WriteHeader(http.StatusAccepted)
		told <- report
	}))
	defer server.Close()
	base := startReal(t, bin, server.URL)
	key := realKey(t, base)
	client := httpclient.New(httpclient.Options{Policy: httpclient.Local(), MaxBody: 4 << 20})
	defer client.Close()
	e, err := n8n.New(n8n.Config{BaseURL: base, APIKey: key, Secrets: []secret.String{secret.New("signing-secret-of-the-test")}}, client)
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Probe(t.Context()); err != nil {
		t.Fatalf("Probe: %v", err)
	}
	lead := workflow.CreateLead(base + "/webhook/create-lead")
	lead.Result = json.RawMessage(`{"type":"object","properties":{"ok":{"type":"boolean"},"filed":{"type":"string"},"repeated":{"type":"boolean"}},"required":["ok"]}`)
	request := func(d workflow.Declared, key string) workflow.Request {
		return workflow.Request{Workflow: d, Key: key, Conversation: 7, Correlation: "c-1", Since: time.Now(), Arguments: json.RawMessage(`{"name":"Ana Conceição <ana>","times":["2026-11-30T10:00:00-03:00"],"n":1.50}`)}
	}
	// n8n listens before its webhooks are there, and then says 404.
	wait(t, "the webhooks", func() bool {
		_, err := e.Call(t.Context(), request(lead, "01900000-lead"))
		if err != nil && !fault.Is(err, fault.NotFound) {
			t.Fatalf("create_lead: %v of kind %v", err, fault.KindOf(err))
		}
		if err != nil {
			t.Logf("not ready: %v", err)
		}
		return err == nil
	})
	a, err := e.Call(t.Context(), request(lead, "01900001-lead"))
	if err != nil || string(a.Result) != `{"filed":"Ana Conceição <ana>","ok":true}` {
		t.Errorf("create_lead = %s, %v", a.Result, err)
	}
	a, err = e.Call(t.Context(), request(lead, "01900001-lead"))
	if err != nil || string(a.Result) != `{"filed":"Ana Conceição <ana>","ok":true,"repeated":true}` {
		t.Errorf("create_lead again = %s, %v, want the first answer", a.Result, err)
	}
	meeting := request(workflow.ScheduleMeeting(base+"/webhook/schedule-meeting"), "01900002-meet")
	a, err = e.Call(t.Context(), meeting)
	if err != nil || string(a.Result) != `{"link_meet":"https://meet.example/01900002","starts_at":"2026-11-30T10:00:00-03:00"}` {
		t.Errorf("schedule_meeting = %s, %v", a.Result, err)
	}
	text, err := workflow.Render(meeting.Workflow.Reply, a.Result)
	t.Logf("the customer reads: %s (%v)", text, err)
	wait(t, "the execution", func() bool {
		v, again, err := e.Reconcile(t.Context(), meeting)
		if err != nil && !fault.Is(err, fault.Transient) {
			t.Fatalf("Reconcile: %v", err)
		}
		if v == workflow.Taken && string(again.Result) != string(a.Result) {
			t.Fatalf("Reconcile = %s, want %s", again.Result, a.Result)
		}
		return v == workflow.Taken
	})
	unknown := request(meeting.Workflow, "01900009-none")
	unknown.Since = time.Now().Add(-time.Hour)
	if v, _, err := e.Reconcile(t.Context(), unknown); v != workflow.CannotTell || err != nil {
		t.Errorf("Reconcile of what was never sent = %v, %v, want that it cannot tell", v, err)
	}
	later := request(workflow.ScheduleMeeting(base+"/webhook/schedule-meeting-later"), "01900003-meet")
	if a, err := e.Call(t.Context(), later); err != nil || a.Result != nil {
		t.Errorf("schedule_meeting answered later = %s, %v, want only that it started", a.Result, err)
	}
	select {
	case r := <-told:
		if r.ID != "01900003-meet" || r.Failed || string(r.Result) != `{"link_meet":"https://meet.example/01900003"}` {
			t.Errorf("callback = %+v %s", r, r.Result)
		}
	case <-time.After(time.Minute):
		t.Error("no callback within a minute")
	}
	// A call of somebody else does nothing.
	stranger, err := n8n.New(n8n.Config{BaseURL: base, Secrets: []secret.String{secret.New("another")}}, client)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stranger.Call(t.Context(), request(lead, "01900004-lead")); !fault.Is(err, fault.Permanent) || fault.Code(err) != "workflow failed" {
		t.Errorf("create_lead with a wrong signature = %v, want that the workflow failed", err)
	}
	if _, err := e.Call(t.Context(), request(workflow.CreateLead(base+"/webhook/nobody"), "k")); !fault.Is(err, fault.NotFound) {
		t.Errorf("call of an unknown path = %v of kind %v, want %v", err, fault.KindOf(err), fault.NotFound)
	}
}

// wait tries until it works, for two minutes.
func wait(t *testing.T, what string, done func() bool) {
	t.Helper()
	tick, late := time.NewTicker(500*time.Millisecond), time.After(2*time.Minute)
	defer tick.Stop()
	for !done() {
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("%s: not there after two minutes", what)
		}
	}
}

// startReal starts an n8n of its own with the workflows of docs/n8n, and ends it by its
// process when the test does.
func startReal(t *testing.T, bin, callbackURL string) string {
	t.Helper()
	home := t.TempDir()
	port, broker := freePort(t), freePort(t)
	env := append(os.Environ(), "N8N_USER_FOLDER="+home, "NODE_ENV=production", "N8N_LISTEN_ADDRESS=127.0.0.1", "N8N_PORT="+port, "N8N_DIAGNOSTICS_ENABLED=false",
		"N8N_VERSION_NOTIFICATIONS_ENABLED=false", "N8N_TEMPLATES_ENABLED=false", "N8N_PERSONALIZATION_ENABLED=false", "N8N_HIRING_BANNER_ENABLED=false", "NODE_FUNCTION_ALLOW_BUILTIN=crypto",
		"N8N_SECURE_COOKIE=false", "N8N_RUNNERS_BROKER_PORT="+broker)
	run := func(args ...string) error {
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
		defer cancel()
		cmd := exec.CommandContext(ctx, bin, args...)
		cmd.Env, cmd.Dir = env, home
		out, err := cmd.CombinedOutput()
		if err != nil {
			return fmt.Errorf("n8n %s: %w\n%s", args[0], err, out)
		}
		return nil
	}
	files, err := filepath.Glob("../../../docs/n8n/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no workflows: %v", err)
	}
	for i, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for old, own := range map[string]string{"change-me-signing-secret": "signing-secret-of-the-test", "change-me-callback-secret": "callback-secret-of-the-test",
			"http://127.0.0.1:8080/api/v1/workflows/callback": callbackURL} {
			b = bytes.ReplaceAll(b, []byte(old), []byte(own))
		}
		var w struct {
			ID string `json:"id"`
		}
		if err := json.Unmarshal(b, &w); err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(home, fmt.Sprint("workflow", i, ".json"))
		if err := os.WriteFile(file, b, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := run("import:workflow", "--input="+file); err != nil {
			t.Fatal(err)
		}
		if err := run("publish:workflow", "--id="+w.ID); err != nil {
			// Before 2.0 the command had another name.
			if err2 := run("update:workflow", "--id="+w.ID, "--active=true"); err2 != nil {
				t.Fatal(errors.Join(err, err2))
			}
		}
	}
	var log bytes.Buffer
	cmd := exec.Command(bin, "start")
	cmd.Env, cmd.Dir, cmd.Stdout, cmd.Stderr = env, home, &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		select {
		case <-ended:
		case <-time.After(30 * time.Second):
			_ = cmd.Process.Kill()
			<-ended
		}
		if t.Failed() {
			t.Logf("n8n said:\n%s", log.String())
		}
	})
	base := "http://127.0.0.1:" + port
	wait(t, "n8n", func() bool {
		select {
		case err := <-ended:
			ended <- err
			t.Fatalf("n8n ended: %v", err)
		default:
		}
		resp, err := http.Get(base + "/healthz/readiness")
		if err != nil {
			return false
		}
		resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
	return base
}

// freePort is one of the loopback interface that nobody listens on.
func freePort(t *testing.T) string {
	t.Helper()
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// realKey makes an owner and an API key that may read executions.
func realKey(t *testing.T, base string) secret.String {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	c := &http.Client{Jar: jar, Timeout: 20 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	var body []byte
	post := func(path, data string) int {
		resp, err := c.Post(base+path, "application/json", strings.NewReader(data))
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		defer resp.Body.Close()
		if body, err = io.ReadAll(resp.Body); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		return resp.StatusCode
	}
	// The editor's own pages come a moment after the health page.
	wait(t, "the owner", func() bool {
		return post("/rest/owner/setup", `{"email":"owner@example.com","firstName":"A","lastName":"B","password":"Password-123"}`) == http.StatusOK
	})
	if status := post("/rest/api-keys", `{"label":"test","expiresAt":null,"scopes":["execution:read","execution:list","workflow:list"]}`); status != http.StatusOK {
		t.Fatalf("make API key: %d %s", status, body)
	}
	var made struct {
		Data struct {
			Key string `json:"rawApiKey"`
		} `json:"data"`
	}
	if err := json.Unmarshal(body, &made); err != nil || made.Data.Key == "" {
		t.Fatalf("make API key: %v in %d bytes", err, len(body))
	}
	return secret.New(made.Data.Key)
}
