package app

import (
	"context"
	"encoding/json"
	"log/slog"
	"maps"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"secretaria/internal/channel"
	"secretaria/internal/channel/chatwoot"
	"secretaria/internal/channel/whaticket"
	"secretaria/internal/fault"
	"secretaria/internal/intake"
	"secretaria/internal/store/postgres"
	"secretaria/internal/telemetry"
)

const (
	whaticketPath = "/webhook/whaticket"
	agentBotPath  = "/api/v1/webhooks/agentbot"
)

// buildServer puts every route in one place. Patterns carry no method where the path alone
// decides, so that a wrong method gets our answer and not net/http's.
func (a *App) buildServer() {
	mux := http.NewServeMux()
	failures := a.limiter("failures", a.o.Limits.Failures)
	whaticketIn := a.intake(channel.Whaticket, whaticket.Stranger(), failures, a.limiter("whaticket", a.o.Limits.Whaticket))
	chatwootIn := a.intake(channel.Chatwoot, chatwoot.Stranger(), failures, a.limiter("chatwoot", a.o.Limits.Chatwoot))
	post := map[string]http.Handler{
		whaticketPath: whaticketIn, whaticketPath + "/{inbox}": whaticketIn, whaticketPath + "/{inbox}/{secret}": whaticketIn,
		agentBotPath: chatwootIn, agentBotPath + "/{inbox}": chatwootIn,
		callbackPath: a.callback(failures),
	}
	for pattern, h := range post {
		if a.o.Role != Worker {
			mux.Handle(pattern, method(h, http.MethodPost))
		}
	}
	get := map[string]http.Handler{
		"/healthz":          a.health(),
		"/api/v1/health":    http.HandlerFunc(alive),
		"/api/v1/readiness": http.HandlerFunc(a.ready),
	}
	if a.o.Metrics {
		get["/metrics"] = a.scrape(promhttp.HandlerFor(a.registry, promhttp.HandlerOpts{}))
	}
	for pattern, h := range get {
		mux.Handle(pattern, method(a.cors(h), http.MethodGet, http.MethodHead, http.MethodOptions))
	}
	mux.HandleFunc("/", notFound)
	a.beginRoutes(slices.Collect(maps.Keys(get)))

	a.server = &http.Server{
		Handler: telemetry.Instrument(canonical(mux), route, a.metrics, a.log),
		// A sender has 10 s for its request; Chatwoot gives up after 5 s anyway.
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		// "OPTIONS *" is answered by us too: every answer carries a correlation id.
		DisableGeneralOptionsHandler: true,
		ErrorLog:                     slog.NewLogLogger(a.log.Handler(), slog.LevelDebug),
	}
}

func (a *App) intake(kind channel.Kind, stranger channel.Channel, failures, contacts intake.Limiter) *intake.Intake {
	var inboxes []intake.Inbox
	for _, in := range a.inboxes {
		if in.Kind() != kind {
			continue
		}
		signed := in.Whaticket != nil && (in.Whaticket.Auth == "" || in.Whaticket.Auth == whaticket.BySignature)
		inboxes = append(inboxes, intake.Inbox{Name: in.Name, Channel: in.channel, Signed: signed, Quiet: a.quiet(in), Hold: in.Hold, TakeBack: in.TakeBack})
	}
	in := intake.New(intake.Config{
		Kind: kind, Inboxes: inboxes, Stranger: stranger, Memory: a.store, Failures: failures, Contacts: contacts,
		DedupeWindow: a.o.DedupeWindow, ClientIP: intake.ClientIP(a.o.TrustedProxies), Logger: a.log,
		Observe: a.webhookEnded, Wake: a.due, Stale: a.moved,
		Spool: a.spool, Outage: postgres.Outage, Traces: a.traces,
	})
	a.intakes[kind] = in
	return in
}

// beginRoutes begins what the routes may answer at zero, so that the rate of the first
// failure is right. Every 500 of a webhook is news, and so is the first 503 of a check.
func (a *App) beginRoutes(get []string) {
	for _, path := range get {
		a.metrics.Route(http.MethodGet, path, http.StatusOK)
	}
	for _, path := range []string{"/healthz", "/api/v1/readiness"} {
		a.metrics.Route(http.MethodGet, path, http.StatusServiceUnavailable)
	}
	if a.o.Role == Worker {
		return
	}
	refused := []int{http.StatusBadRequest, http.StatusUnauthorized, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType,
		http.StatusTooManyRequests, http.StatusInternalServerError}
	a.metrics.Route(http.MethodPost, whaticketPath, append(refused, http.StatusAccepted)...)
	a.metrics.Route(http.MethodPost, agentBotPath, append(refused, http.StatusOK)...)
}

// route names the route of a request for metrics: its pattern, the wildcards folded away.
func route(r *http.Request) string {
	switch p := r.Pattern; {
	case strings.HasPrefix(p, whaticketPath):
		return whaticketPath
	case strings.HasPrefix(p, agentBotPath):
		return agentBotPath
	case p == "/" || p == "":
		return "other"
	default:
		return p
	}
}

// method answers 405 in our form to any other method.
func method(next http.Handler, allowed ...string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !slices.Contains(allowed, r.Method) {
			w.Header().Set("Allow", strings.Join(allowed, ", "))
			problem(w, r, http.StatusMethodNotAllowed, "method not allowed")
			return
		}
		next.ServeHTTP(w, r)
	})
}

// canonical refuses paths that ServeMux would redirect, with an HTML page, to a cleaned form.
func canonical(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p := r.URL.Path
		clean := path.Clean("/" + p)
		slashed := clean != "/" && p == clean+"/"
		if p != clean && !slashed || r.Method == http.MethodConnect {
			notFound(w, r)
			return
		}
		if slashed {
			// A slash at the end is a slip of whoever typed the address, and a webhook's
			// sender would not follow a redirect.
			r2 := r.Clone(r.Context())
			r2.URL.Path = clean
			defer func() { r.Pattern = r2.Pattern }()
			next.ServeHTTP(w, r2)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// cors lets the configured origins read; webhooks have none.
func (a *App) cors(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Add("Vary", "Origin")
		if origin := r.Header.Get("Origin"); origin != "" && slices.Contains(a.o.AllowedOrigins, origin) {
			h.Set("Access-Control-Allow-Origin", origin)
			h.Set("Access-Control-Expose-Headers", "X-Correlation-ID")
			if r.Method == http.MethodOptions {
				h.Set("Access-Control-Allow-Methods", "GET, HEAD")
				h.Set("Access-Control-Max-Age", "600")
			}
		}
		if r.Method == http.MethodOptions {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func notFound(w http.ResponseWriter, r *http.Request) {
	problem(w, r, http.StatusNotFound, "not found")
}

// problem answers with the words under the name that the route's callers know.
func problem(w http.ResponseWriter, r *http.Request, status int, words string) {
	key := "error"
	if strings.HasPrefix(r.URL.Path, "/api/") && r.URL.Path != callbackPath {
		key = "detail"
	}
	if strings.HasPrefix(r.URL.Path, whaticketPath) {
		w.Header().Set("Connection", "close")
	}
	reply(w, status, map[string]string{key: words})
}

func reply(w http.ResponseWriter, status int, body any) {
	b, err := json.Marshal(body)
	if err != nil {
		b, status = []byte("{}"), http.StatusInternalServerError
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(append(b, '\n')) // whoever asked is gone
}

func alive(w http.ResponseWriter, _ *http.Request) {
	reply(w, http.StatusOK, map[string]string{"status": "ok"})
}

// freshBeat is how old the last sign of a live worker may be.
const freshBeat = 30 * time.Second

// health checks every part that an answer to a customer needs of ours.
func (a *App) health() http.Handler {
	ping := func(ctx context.Context) (map[string]any, error) { return nil, a.store.Ping(ctx) }
	worker := func(ctx context.Context) (map[string]any, error) {
		now := time.Now()
		n, freshest, err := a.store.Workers(ctx, now.Add(-freshBeat))
		if err != nil {
			return nil, err
		}
		if n == 0 {
			return map[string]any{"workers": 0}, fault.New(fault.Transient, "no live worker")
		}
		return map[string]any{"workers": n, "freshest_heartbeat_age_seconds": max(0, now.Sub(freshest).Round(time.Millisecond).Seconds())}, nil
	}
	parts := []telemetry.Component{
		{Name: a.database, Check: ping, Timeout: checkTime},
		{Name: "rq_worker", Check: worker, Timeout: checkTime},
	}
	if a.redis != nil {
		shared := func(ctx context.Context) (map[string]any, error) { return nil, a.redis.Ping(ctx) }
		parts = append(parts, telemetry.Component{Name: "redis", Check: shared, Timeout: checkTime})
	}
	if a.spool != nil {
		parts = append(parts, telemetry.Component{Name: "spool", Check: a.checkSpool, Timeout: checkTime})
	}
	return telemetry.NewHealth(a.metrics.HealthFailure, parts...)
}

// checkTime bounds one health check.
const checkTime = 2 * time.Second

// scrape reads what is only known to the database at the moment that somebody asks.
func (a *App) scrape(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), checkTime)
		defer cancel()
		a.gaugeSpool()
		a.standing.show(ctx, a.store, a.metrics)
		next.ServeHTTP(w, r)
	})
}

// ready says whether the helpdesks can be reached: what an orchestrator or a person asks
// before traffic is sent here.
func (a *App) ready(w http.ResponseWriter, r *http.Request) {
	// Whoever asked may be gone; that says nothing about the helpdesks.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), 5*time.Second)
	defer cancel()
	services := map[string]string{"chatwoot": "not_configured", "n8n": "not_configured", "redis": "not_configured"}
	status, code := "ready", http.StatusOK
	if err := a.store.Ping(ctx); err != nil {
		status, code = "not_ready", http.StatusServiceUnavailable
	}
	if a.redis != nil {
		// Everything goes on without it: an error is shown and keeps no traffic away.
		services["redis"] = "connected"
		if err := a.redis.Ping(ctx); err != nil {
			services["redis"] = "error"
		}
	}
	services["n8n"] = a.n8nReady(ctx)
	for _, in := range a.inboxes {
		kind := string(in.Kind())
		if in.Dry() {
			if services[kind] == "" {
				services[kind] = "not_configured"
			}
			continue
		}
		switch err := in.channel.Probe(ctx); {
		case fault.Is(err, fault.Unsupported):
			// An address without credentials: nothing is to be reached.
			if services[kind] == "" {
				services[kind] = "not_configured"
			}
		case err != nil:
			services[kind] = "error"
			status, code = "not_ready", http.StatusServiceUnavailable
			a.log.Warn("helpdesk not ready", "inbox", in.Name, "channel", kind, "cause", fault.Code(err), "http_status", fault.StatusOf(err))
		case services[kind] != "error":
			services[kind] = "connected"
		}
	}
	reply(w, code, map[string]any{"status": status, "services": services})
}
