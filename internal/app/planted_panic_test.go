package app_test

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"secretaria/internal/app"
	"secretaria/internal/command"
	"secretaria/internal/delivery"
	"secretaria/internal/intake"
	"secretaria/internal/llm/llmtest"
	"secretaria/internal/store/sqlite"
	"secretaria/internal/telemetry"
	"secretaria/internal/turn"
)

// Whatever panics, wherever, and whatever it throws: it is told where, and not what was said.
func TestNothingPlantedComesOutOfAPanic(t *testing.T) {
	t.Parallel()
	for name, thrown := range map[string]func(person) any{
		"words":  func(who person) any { return who.says() },
		"error":  func(who person) any { return errors.New("no answer for " + who.says()) },
		"struct": func(who person) any { return struct{ Who person }{who} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := &planted{}
			who := p.drawn(rand.New(rand.NewPCG(3, 3)))
			var book *logbook
			h := open(t, func(o *app.Options) {
				book = &logbook{t: t}
				o.Logger = telemetry.NewLogger(book, slog.LevelDebug, "json")
				o.Observe = app.Observer{
					Webhook: func(d intake.Done) {
						if d.Outcome == "unauthorized" {
							panic(thrown(who))
						}
					},
					Turn:     func(turn.Done) { panic(thrown(who)) },
					Delivery: func(delivery.Done) { panic(thrown(who)) },
				}
			})
			h.model.Respond = func(*llmtest.Request) llmtest.Reply { return llmtest.Reply{Text: "Olá, " + who.name} }
			body := says(who.phone, who.says())
			refused := h.request("POST", "/webhook/whaticket", with(signed(whaticketSecret, body), "X-Signature", strings.Repeat("0", 64)), body)
			if resp, err := h.client().Do(refused); err == nil { // half an answer is cut off
				resp.Body.Close()
			}
			if status, _ := h.post(body); status != http.StatusAccepted {
				t.Errorf("webhook answered %d, want 202", status)
			}
			panicked := func() (n int) {
				for _, l := range book.lines() {
					if l["msg"] == "request panicked" || l["msg"] == "job panicked" {
						n++
					}
				}
				return n
			}
			until(t, "panics in a request, a turn and a delivery", func() bool { return panicked() >= 3 })
			_, metrics := h.get("/metrics")
			h.stop()
			p.absent(t, "the log", []byte(book.text()))
			p.absent(t, "metrics", []byte(metrics))
			kept := failures(t, h.options.Database)
			if !strings.Contains(kept, "panicked") {
				t.Errorf("the jobs say %q, want what panicked", kept)
			}
			p.absent(t, "a job", []byte(kept))
		})
	}
}

// failures are the errors of the jobs in an embedded database.
func failures(t *testing.T, path string) string {
	t.Helper()
	db, err := sqlite.Open(t.Context(), path, true)
	must(t, err)
	defer func() { must(t, db.Close()) }()
	var kept sql.NullString
	must(t, db.Writer().QueryRowContext(context.WithoutCancel(t.Context()), "select group_concat(errors, char(10)) from river_job").Scan(&kept))
	return kept.String
}

// A configuration that cannot be used is told without its secrets: by serve, on the terminal
// and off it, and by check.
func TestNothingPlantedComesOutOfAConfiguration(t *testing.T) {
	t.Parallel()
	const key = "Guariroba-7=Pequi/88+Baru"
	const inPath = "Guariroba77Pequi88Baru"
	for name, line := range map[string]string{
		"database, bad port":      `DATABASE_URL=postgres://ana:Guariroba77Pequi88Baru@db.example:port/x`,
		"database, bad escape":    `DATABASE_URL=postgres://ana:Guariroba77Pequi88Baru%zz@db.example/x`,
		"database, bad host":      `DATABASE_URL="postgres://ana:Guariroba77Pequi88Baru@[db.example/x"`,
		"database, none there":    `DATABASE_URL=postgres://ana:Guariroba77Pequi88Baru@127.0.0.1:1/x?connect_timeout=1`,
		"database, unknown kind":  `DATABASE_URL=mysql://ana:Guariroba77Pequi88Baru@db.example/x`,
		"redis, bad port":         `REDIS_URL=redis://:Guariroba77Pequi88Baru@cache.example:port`,
		"redis, bad escape":       `REDIS_URL=redis://:Guariroba77Pequi88Baru%zz@cache.example`,
		"redis, unknown kind":     `REDIS_URL=http://:Guariroba77Pequi88Baru@cache.example`,
		"helpdesk, user info":     "SHARED_SECRET=um-segredo-comprido-o-bastante-para-valer\nWHATSAPP_API_URL=https://ana:Guariroba77Pequi88Baru@w.example:port",
		"helpdesk, a token":       "SHARED_SECRET=um-segredo-comprido-o-bastante-para-valer\nWHATSAPP_API_URL=https://w.example\nWHATSAPP_BEARER_TOKEN=\"Guariroba-7=Pequi/88+Baru ção\"",
		"model, user info":        "OPENAI_API_KEY=Guariroba-7=Pequi/88+Baru\nOPENAI_BASE_URL=https://ana:Guariroba77Pequi88Baru@m.example:port/v1",
		"model, no address":       "OPENAI_API_KEY=Guariroba-7=Pequi/88+Baru\nOPENAI_BASE_URL=Guariroba77Pequi88Baru",
		"n8n, user info":          "N8N_API_KEY=Guariroba-7=Pequi/88+Baru\nN8N_BASE_URL=ftp://ana:Guariroba77Pequi88Baru@n.example",
		"webhook, no address":     "N8N_BASE_URL=https://n.example\nN8N_WEBHOOK_SCHEDULE_URL=https://ana:Guariroba77Pequi88Baru@n.example:port/webhook/Guariroba77Pequi88Baru",
		"n8n, half a user":        "N8N_BASE_URL=https://n.example\nN8N_BASIC_AUTH_PASSWORD=Guariroba-7=Pequi/88+Baru",
		"secret, too short":       "SHARED_SECRET=Guariroba77\nCHATWOOT_WEBHOOK_SECRET=Guariroba77",
		"a line that is no line":  "Guariroba-7=Pequi/88+Baru\nGuariroba77Pequi88Baru",
		"quotes that do not end":  `SHARED_SECRET="Guariroba-7=Pequi/88+Baru`,
		"the same key twice":      "SHARED_SECRET=Guariroba-7=Pequi/88+Baru\nSHARED_SECRET=Guariroba77Pequi88Baru",
		"a key that nobody knows": "SHARED_SECRETT=Guariroba-7=Pequi/88+Baru",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := &planted{}
			p.put("secret", key)
			p.put("secret in an address", inPath)
			dir := t.TempDir()
			must(t, os.WriteFile(filepath.Join(dir, ".env"), []byte("APP_HOST=127.0.0.1\nSPOOL_DIR=\n"+line+"\n"), 0o600))
			for _, args := range [][]string{{"serve", "--port", "0"}, {"check"}, {"check", "--json", "--offline"}, {"deliveries", "list"}, {"migrate"}} {
				for _, terminal := range []bool{false, true} {
					ctx, cancel := context.WithCancel(t.Context())
					out := &plantedOutput{served: cancel} // what starts all the same is stopped
					command.Run(ctx, command.Env{Program: "secretaria", Dir: dir, Terminal: terminal, Stdout: out, Stderr: out}, args)
					cancel()
					if p.absent(t, strings.Join(args, " "), out.b.Bytes()); out.b.Len() == 0 {
						t.Errorf("%v says nothing", args)
					}
				}
			}
		})
	}
}

// plantedOutput keeps what a command writes, and stops it once it serves.
type plantedOutput struct {
	served func()
	b      bytes.Buffer
}

// Write implements io.Writer.
func (o *plantedOutput) Write(b []byte) (int, error) {
	var l struct{ Msg string }
	if json.Unmarshal(b, &l) == nil && l.Msg == "serving" || bytes.Contains(b, []byte("msg=serving")) {
		o.served()
	}
	return o.b.Write(b)
}
