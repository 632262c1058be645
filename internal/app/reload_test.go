package app_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"secretaria/internal/agent"
	"secretaria/internal/app"
	"secretaria/internal/llm/llmtest"
)

// A turn that is thinking while the desks are replaced ends as it began, and the next one has
// the new desk.
func TestReloadWhileATurnThinks(t *testing.T) {
	t.Parallel()
	h := open(t, func(o *app.Options) { o.Desks[0].Persona = "Você é a Bia, do jeito antigo." })
	thinking, goOn := make(chan struct{}, 8), make(chan struct{})
	h.model.Respond = func(r *llmtest.Request) llmtest.Reply {
		thinking <- struct{}{}
		<-goOn
		text := "nenhuma"
		for _, word := range []string{"antigo", "novo"} {
			if strings.Contains(string(r.Body), "do jeito "+word) {
				text = word
			}
		}
		return llmtest.Reply{Text: "Resposta do jeito " + text + "."}
	}
	h.whatsapp(customer, "vocês consertam bicicletas amarelas?")
	<-thinking
	next := h.options
	next.Desks = slices.Clone(next.Desks)
	next.Desks[0].Persona = "Você é a Bia, do jeito novo."
	got, err := h.app.Reload(next)
	if want := (app.Reloaded{Desks: []string{"secretaria"}}); err != nil || !cmp.Equal(want, got) {
		t.Errorf("Reload = %+v, %v, want %+v", got, err, want)
	}
	close(goOn)
	if got := h.sent(1)[0].Body; !strings.Contains(got, "antigo") {
		t.Errorf("the turn in flight said %q, want the old persona", got)
	}
	h.whatsapp(customer, "e vocês vendem patinetes azuis?")
	if got := h.sent(2)[1].Body; !strings.Contains(got, "novo") {
		t.Errorf("the next turn said %q, want the new persona", got)
	}
	if _, metrics := h.get("/metrics"); !strings.Contains(metrics, `secretaria_config_reload_total{outcome="taken_up"} 1`) {
		t.Error("metrics do not count the reload")
	}
}

func TestReloadThatCannotBe(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	h.model.Respond = func(*llmtest.Request) llmtest.Reply { return llmtest.Reply{Text: "Sim."} }
	next := h.options
	next.Desks = []agent.Config{{Name: "outra"}}
	next.Inboxes = nil
	if _, err := h.app.Reload(next); err == nil || !strings.Contains(err.Error(), "secretaria") {
		t.Errorf("Reload without the desk of an inbox = %v, want an error that names it", err)
	}
	next = h.options
	next.Port++
	next.Limits.Failures++
	next.Inboxes = slices.Clone(next.Inboxes)
	next.Inboxes[0].Desk = "sdr"
	next.Inboxes[1].Hold++
	got, err := h.app.Reload(next)
	if want := (app.Reloaded{Inboxes: []string{"whaticket"}, Restart: []string{"APP_PORT", "limits", "inboxes.chatwoot"}}); err != nil || !cmp.Equal(want, got) {
		t.Errorf("Reload = %+v, %v, want %+v", got, err, want)
	}
	h.whatsapp(customer, "vocês consertam bicicletas amarelas?")
	h.sent(1) // the program goes on
}

// A new option is either taken up by Reload or named as waiting for a restart.
func TestReloadKnowsEveryOption(t *testing.T) {
	t.Parallel()
	known := []string{"Version", "Host", "Port", "Database", "Postgres", "Spool", "Redis", "Role", "Inboxes", "Desks", "Models", "Workflows", "Quiet", "DedupeWindow", "Limits",
		"SendTimeout", "Schedule", "Retention", "Addresses", "TrustedProxies", "AllowedOrigins", "Metrics", "Queue", "Traces", "Logger", "Observe"}
	options := reflect.TypeFor[app.Options]()
	for i := range options.NumField() {
		if name := options.Field(i).Name; !slices.Contains(known, name) {
			t.Errorf("app.Options.%s: add it to waiting in reload.go, or let Reload take it up, and then name it here", name)
		}
	}
}
