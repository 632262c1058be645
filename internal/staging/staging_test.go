package staging

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"secretaria/internal/channel/chatwoot/chatwoottest"
	"secretaria/internal/channel/whaticket/whatickettest"
	"secretaria/internal/redis/redistest"
	"secretaria/internal/store/postgres/postgrestest"
)

const (
	sharedSecret = "shared-secret-of-staging-0123456789"
	botSecret    = "bot-secret-of-staging-0123456789"
	customer     = "5511988877766"
	patience     = 30 * time.Second
)

// stack is everything that the check starts.
type stack struct {
	*program
	ctx         context.Context
	whaticket   *whatickettest.Server
	chatwoot    *chatwoottest.Server
	web, worker *process
	client      *http.Client
}

// TestStaging is the check, on processes of this machine. What it prints is for whoever runs
// make staging.
func TestStaging(t *testing.T) {
	s := &stack{program: &program{t: t}, ctx: t.Context(), client: &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}}
	r := &report{out: os.Stdout}
	r.step("build", func() (string, error) { return "the program, without cgo", s.build(s.ctx) })
	r.step("services", s.services)
	r.step("migrate", s.migrate)
	r.step("serve", s.serveAll)
	r.step("health", s.health)
	r.step("metrics", s.metrics)
	r.step("whaticket", s.sayOnWhaticket)
	r.step("chatwoot", s.sayInChatwoot)
	r.step("deliveries", s.deliveries)
	r.step("stop", s.stopAll)
	if r.failed {
		t.Fatal("the check failed, see above")
	}
}

// services starts what the program needs: a database, Redis and two helpdesks.
func (s *stack) services() (string, error) {
	database, cache := postgrestest.Start(s.t), redistest.Start(s.t, "")
	s.whaticket = &whatickettest.Server{}
	if err := s.whaticket.Start(); err != nil {
		return "", err
	}
	s.t.Cleanup(s.whaticket.Close)
	var err error
	if s.chatwoot, err = chatwoottest.Start(chatwoottest.Options{}); err != nil {
		return "", err
	}
	s.t.Cleanup(s.chatwoot.Close)
	s.env = []string{
		"PATH=" + os.Getenv("PATH"), "APP_ENV=staging", "APP_HOST=127.0.0.1", "APP_PORT=0", "TURN_QUIET=100ms",
		"DATABASE_URL=" + database.URL, "REDIS_URL=" + cache.URL,
		"SHARED_SECRET=" + sharedSecret, "WHATSAPP_API_URL=" + s.whaticket.URL(), "WHATSAPP_BEARER_TOKEN=" + whatickettest.DefaultToken,
		"CHATWOOT_WEBHOOK_SECRET=" + botSecret, "CHATWOOT_BASE_URL=" + s.chatwoot.URL(), "CHATWOOT_ACCOUNT_ID=1", "CHATWOOT_ACCESS_TOKEN=bot-token", "ALLOW_PRIVATE_ADDRESSES=127.0.0.1",
	}
	return "private PostgreSQL and Redis, fake Whaticket and Chatwoot", nil
}

// migrate migrates from three processes at once, as an orchestrator might.
func (s *stack) migrate() (string, error) {
	var all sync.WaitGroup
	var mu sync.Mutex
	var errs []error
	said := ""
	for range 3 {
		all.Go(func() {
			out, err := s.run(s.ctx, "migrate")
			mu.Lock()
			defer mu.Unlock()
			said, errs = strings.TrimSpace(out), append(errs, err)
		})
	}
	all.Wait()
	return said + ", by three processes at once", errors.Join(errs...)
}

func (s *stack) serveAll() (found string, err error) {
	if s.worker, err = s.serve("--role", "worker"); err != nil {
		return "", err
	}
	if s.web, err = s.serve("--role", "web"); err != nil {
		return "", err
	}
	s.chatwoot.SetWebhook(s.web.url+"/api/v1/webhooks/agentbot", botSecret)
	return "a web and a worker process", nil
}

// health asks each process as a probe does, and the web process as an operator does.
func (s *stack) health() (string, error) {
	said := ""
	for _, p := range []*process{s.worker, s.web} {
		for _, args := range [][]string{{"health", "--live"}, {"health"}} {
			out, err := s.run(s.ctx, append(args, "--url", p.url)...)
			if err != nil {
				return "", err
			}
			said = strings.TrimSpace(out)
		}
	}
	body, err := s.get(s.web.url + "/api/v1/readiness")
	if err != nil {
		return "", err
	}
	var ready struct{ Services map[string]string }
	if err := json.Unmarshal([]byte(body), &ready); err != nil || ready.Services["chatwoot"] != "connected" {
		return "", fmt.Errorf("readiness does not say that Chatwoot is connected: %s", body)
	}
	return said, nil
}

// metrics looks for what alerts are made of, in both processes.
func (s *stack) metrics() (string, error) {
	names := []string{"secretaria_webhook_received_total", "secretaria_queue_size", "secretaria_task_latency_seconds", "secretaria_whaticket_errors_total",
		"secretaria_llm_errors_total", "secretaria_healthcheck_failures_total", "http_request_duration_seconds"}
	for _, p := range []*process{s.worker, s.web} {
		body, err := s.get(p.url + "/metrics")
		if err != nil {
			return "", err
		}
		for _, name := range names {
			if !strings.Contains(body, "# TYPE "+name+" ") {
				return "", fmt.Errorf("%s/metrics does not have %s", p.url, name)
			}
		}
	}
	return fmt.Sprintf("%d published names in web and worker", len(names)), nil
}

func (s *stack) get(url string) (string, error) {
	resp, err := s.client.Get(url)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s answers %d: %s", url, resp.StatusCode, body)
	}
	return string(body), err
}

// sayOnWhaticket sends a signed message as a customer, with the command that operators have
// for it, and waits until the helpdesk has the answer.
func (s *stack) sayOnWhaticket() (string, error) {
	s.whaticket.CustomerWrote(customer, "Olá, bom dia!")
	out, err := s.run(s.ctx, "send", "whaticket", "--url", s.web.url, "--number", customer, "Olá, bom dia!")
	if err != nil {
		return "", err
	}
	if !strings.Contains(out, "  sent (delivery ") {
		return "", fmt.Errorf("send does not say that the answer was sent: %s", out)
	}
	ctx, cancel := context.WithTimeoutCause(s.ctx, patience, errors.New("no answer in time"))
	defer cancel()
	got, err := s.whaticket.Wait(ctx, 1)
	if err != nil {
		return "", fmt.Errorf("%w\nworker:\n%s", err, s.worker.tail())
	}
	if got[0].Number != customer {
		return "", fmt.Errorf("the answer went to %q", got[0].Number)
	}
	return fmt.Sprintf("signed message in, answer of %d bytes at the helpdesk", len(got[0].Body)), nil
}

// sayInChatwoot lets the fake Chatwoot sign and post, as a real one does.
func (s *stack) sayInChatwoot() (string, error) {
	id := s.chatwoot.Open(chatwoottest.Contact{})
	hook, err := s.chatwoot.Customer(s.ctx, id, "Olá, bom dia!")
	if err != nil {
		return "", err
	}
	if hook.Status != http.StatusOK {
		return "", fmt.Errorf("the webhook was answered %d", hook.Status)
	}
	ctx, cancel := context.WithTimeoutCause(s.ctx, patience, errors.New("no answer in time"))
	defer cancel()
	if err := s.chatwoot.Wait(ctx, func() bool { return len(s.chatwoot.Conversation(id).Said()) > 0 }); err != nil {
		return "", fmt.Errorf("%w\nworker:\n%s", err, s.worker.tail())
	}
	return fmt.Sprintf("signed message in, answer of %d bytes at the helpdesk", len(s.chatwoot.Conversation(id).Said()[0].Content)), nil
}

// deliveries checks what the database says of it.
func (s *stack) deliveries() (string, error) {
	for deadline := time.Now().Add(patience); ; {
		out, err := s.run(s.ctx, "deliveries", "list", "--json")
		if err != nil {
			return "", err
		}
		var list []struct{ Status, Channel string }
		if err := json.Unmarshal([]byte(out), &list); err != nil {
			return "", err
		}
		sent := map[string]int{}
		for _, d := range list {
			if d.Status == "SENT" {
				sent[d.Channel]++
			}
		}
		if sent["whaticket"] > 0 && sent["chatwoot"] > 0 {
			return fmt.Sprintf("%d of %d are SENT", sent["whaticket"]+sent["chatwoot"], len(list)), nil
		}
		if time.Now().After(deadline) {
			return "", fmt.Errorf("not sent: %s", out)
		}
	}
}

func (s *stack) stopAll() (string, error) {
	if err := errors.Join(s.web.stop(), s.worker.stop()); err != nil {
		return "", err
	}
	return "both ended in good order", nil
}
