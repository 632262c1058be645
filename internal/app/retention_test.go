package app_test

import (
	"strings"
	"testing"
	"time"

	"secretaria/internal/app"
	"secretaria/internal/fault"
	"secretaria/internal/secret"
	"secretaria/internal/store"
	"secretaria/internal/store/postgres/postgrestest"
)

// What was kept long enough is removed by the running server; who writes again is somebody
// new, and a repeat of what is gone changes nothing.
func TestRetention(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*testing.T, *app.Options){
		"sqlite":   func(*testing.T, *app.Options) {},
		"postgres": func(t *testing.T, o *app.Options) { o.Postgres = secret.New(postgrestest.URL(t)) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := open(t, func(o *app.Options) {
				change(t, o)
				// A time that is over at once; of what is not finished nothing is taken.
				o.Retention = app.Retention{Messages: time.Millisecond, Every: 50 * time.Millisecond}
			})
			body := []byte(`{"key":{"remoteJid":"5511988877766@s.whatsapp.net","fromMe":false,"id":"OLD1"},"message":{"conversation":"oi"}}`)
			if _, got := h.post(body); got != `{"queued":true}` {
				t.Fatalf("webhook answered %s", got)
			}
			h.sent(1)
			deadline := time.After(20 * time.Second)
			tick := time.NewTicker(10 * time.Millisecond)
			defer tick.Stop()
			for {
				// The person goes last.
				found, err := h.app.Store().People(t.Context(), store.PersonFilter{Values: []string{"+5511988877766"}})
				must(t, err)
				if len(found) == 0 {
					break
				}
				select {
				case <-tick.C:
				case <-deadline:
					t.Fatalf("%+v is still there", found)
				}
			}
			if _, got := h.post(body); got != `{"queued":true,"duplicate":true}` {
				t.Errorf("a repeat of what is gone was answered %s", got)
			}
			if _, err := h.app.Store().Conversation(t.Context(), 1); !fault.Is(err, fault.NotFound) {
				t.Errorf("Conversation = %v, want not found", err)
			}
			if status, got := h.whatsapp("5511988877766", "voltei"); status != 202 || strings.Contains(got, "duplicate") {
				t.Errorf("a new message was answered %d %s", status, got)
			}
			h.sent(2)
		})
	}
}
