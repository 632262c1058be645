package telemetry

import (
	"cmp"
	"runtime"
	"runtime/debug"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// other is the label value of everything that is not in a closed list.
const other = "other"

// The closed lists. They repeat the words of the packages that use them, which telemetry,
// being below them all, cannot import; what is not listed counts as "other".
var (
	acceptedReasons = []string{"accepted", "duplicate", "ignored"}
	rejectedReasons = []string{"invalid_payload", "unauthorized", "too_large", "unsupported_media_type", "rate_limited_ip",
		"rate_limited_contact", "unavailable", other}
	faultKinds   = []string{"unknown", "transient", "rate_limited", "uncertain", "permanent", "unauthorized", "invalid", "not_found", "conflict", "unsupported", "circuit_open", "held", "budget", other}
	components   = []string{"redis", "postgres", "sqlite", "rq_worker", "spool", other}
	turnOutcomes = []string{"replied", "asked_to_write", "handed_over", "model_failed", "opted_out", "silent", "stale", "lost", "released", "no_inbox", "failed", other}
	channels     = []string{"whaticket", "chatwoot", "simulator", "n8n", other}
	orderKinds   = []string{"say", "note", "attributes", "labels", "assign", "open", "workflow", other}
	attempts     = []string{"sent", "retry", "uncertain", "failed", "absent", "unknown", "cancelled", other}
	guardActions = []string{"allow", "restrict", "deflect", other}
	gateKinds    = []string{"canary", "prompt", "key", "role", "template", "image", "cpf", "card", "cnpj", "cep", "email", "phone", "link", "money", "percent", "day", "hour", "duration", "times", "number", "address", "claim", other}
	reloads      = []string{"taken_up", "unchanged", "refused", other}
	takeovers    = []string{"human_message", "phone_reply", "assigned", "opened", "handoff", "failure", "command", other}
	lanes        = []string{"turn", "delivery"}
	holders      = []string{"bot", "human", "closed"}
	llmOutcomes  = append([]string{"ok", "cancelled"}, faultKinds...)
	circuits     = []string{"closed", "half_open", "open"}
)

// Task says what a latency was measured to.
type Task string

// The tasks: from the acknowledged webhook to the decision, and to the message sent.
const (
	Turn     Task = "turn"
	Delivery Task = "delivery"
)

// Phase is a part of a turn that came to a decision.
type Phase string

// The phases: from due to begun, asking the models with all that failed, everything else that
// the desk does (guard, rules, playbook, gate), and storing what was decided.
const (
	Waited Phase = "waited"
	Asked  Phase = "model"
	Decide Phase = "decide"
	Commit Phase = "commit"
)

// Direction of model tokens.
type Direction string

// The directions. Cached tokens are a part of the input.
const (
	Input  Direction = "input"
	Cached Direction = "cached"
	Output Direction = "output"
)

// Metrics are the program's metrics. Every series with labels from a closed list exists
// from the start at zero, so that a rate is right from the first failure on. All methods
// are safe for concurrent use and cost about a map look-up.
type Metrics struct {
	// QueueSize is how many messages wait for a turn and deliveries to be sent.
	QueueSize prometheus.Gauge
	// Standing is what the database tells of everybody.
	Standing Standing
	// Spool are the webhooks that wait for the database.
	Spool Spool
	// Whaticket and Chatwoot are the peers' metrics; see Peer.
	Whaticket, Chatwoot *Peer
	// LLMLatency is the time of one try, in seconds.
	LLMLatency prometheus.Observer
	// PromptInjectionBlocked counts messages that the guard kept from the model.
	PromptInjectionBlocked prometheus.Counter

	webhooks  map[string]prometheus.Counter
	tasks     map[Task]prometheus.Observer
	phases    map[Phase]prometheus.Observer
	llmErrors map[string]prometheus.Counter
	llmCost   *prometheus.CounterVec
	health    map[string]prometheus.Counter
	guard     map[string]prometheus.Counter
	gate      map[string]prometheus.Counter
	turns     map[string]prometheus.Counter
	reloads   map[string]prometheus.Counter
	takeovers map[string]prometheus.Counter
	sends     map[[3]string]prometheus.Counter

	llmTokens, llmCalls    *prometheus.CounterVec
	llmCircuit             *prometheus.GaugeVec
	httpDuration, httpSize *prometheus.HistogramVec
	httpSeries             sync.Map // httpKey to httpSeries
}

// Peer are the metrics of a helpdesk.
type Peer struct {
	Latency     prometheus.Observer // of one call, in seconds
	Errors      prometheus.Counter  // calls that failed, sends and others
	SendSuccess prometheus.Counter  // messages that the helpdesk took
	SendRetry   prometheus.Counter  // sends that are tried again
}

// Spool are the metrics of what waits for the database on this process's disk.
type Spool struct {
	Waiting   prometheus.Gauge
	OldestAge prometheus.Gauge // in seconds; 0 when nothing waits
	Dead      prometheus.Gauge // set aside, for the next start
	Forwarded prometheus.Counter
}

// Standing is what the database tells of everybody, whichever process asks. The keys of the
// maps are "turn" and "delivery", and "bot", "human" and "closed".
type Standing struct {
	Waiting   map[string]prometheus.Gauge
	OldestAge map[string]prometheus.Gauge // in seconds; 0 when nothing is late
	Holders   map[string]prometheus.Gauge
	OptedOut  prometheus.Gauge
	Workers   prometheus.Gauge
}

// Build says what is running. Without a Revision it is the one that the go command has
// stamped, if it has.
type Build struct{ Version, Revision string }

// NewMetrics registers the metrics. It panics when they are registered already.
func NewMetrics(reg prometheus.Registerer, build Build) *Metrics {
	m := &Metrics{
		webhooks: make(map[string]prometheus.Counter),
		tasks:    make(map[Task]prometheus.Observer),
		phases:   make(map[Phase]prometheus.Observer),
		sends:    make(map[[3]string]prometheus.Counter),
	}
	counter := func(name, help string) prometheus.Counter {
		c := prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
		reg.MustRegister(c)
		return c
	}
	counters := func(name, help string, labels ...string) *prometheus.CounterVec {
		c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
		reg.MustRegister(c)
		return c
	}
	// one gives a vector of one label over a closed list.
	one := func(name, help, label string, values []string) map[string]prometheus.Counter {
		v, all := counters(name, help, label), make(map[string]prometheus.Counter)
		for _, value := range values {
			all[value] = v.WithLabelValues(value)
		}
		return all
	}
	histograms := func(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
		h := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets}, labels)
		reg.MustRegister(h)
		return h
	}
	histogram := func(name, help string, buckets []float64) prometheus.Histogram {
		h := prometheus.NewHistogram(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets})
		reg.MustRegister(h)
		return h
	}

	webhooks := counters("secretaria_webhook_received_total", "Webhooks by what became of them.", "status", "reason")
	for _, reason := range acceptedReasons {
		m.webhooks[reason] = webhooks.WithLabelValues("accepted", reason)
	}
	for _, reason := range rejectedReasons {
		m.webhooks[reason] = webhooks.WithLabelValues("rejected", reason)
	}
	tasks := histograms("secretaria_task_latency_seconds", "Time from the acknowledged webhook to the decision (turn) or to the message sent (delivery).",
		[]float64{.1, .25, .5, 1, 2, 3, 4, 5, 7.5, 10, 15, 20, 30, 60, 120, 300}, "kind")
	for _, t := range []Task{Turn, Delivery} {
		m.tasks[t] = tasks.WithLabelValues(string(t))
	}
	m.QueueSize = prometheus.NewGauge(prometheus.GaugeOpts{Name: "secretaria_queue_size", Help: "Conversations that wait for a turn and deliveries that wait to be sent."})
	reg.MustRegister(m.QueueSize)

	gauge := func(name, help string) prometheus.Gauge {
		g := prometheus.NewGauge(prometheus.GaugeOpts{Name: name, Help: help})
		reg.MustRegister(g)
		return g
	}
	gauges := func(name, help string, labels ...string) *prometheus.GaugeVec {
		g := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, labels)
		reg.MustRegister(g)
		return g
	}
	each := func(v *prometheus.GaugeVec, values []string) map[string]prometheus.Gauge {
		all := make(map[string]prometheus.Gauge)
		for _, value := range values {
			all[value] = v.WithLabelValues(value)
		}
		return all
	}
	m.Standing = Standing{
		Waiting: each(gauges("secretaria_queue_waiting", "What secretaria_queue_size adds up, by lane.", "lane"), lanes),
		OldestAge: each(gauges("secretaria_queue_oldest_age_seconds",
			"How long ago the first conversation became due that still waits for a turn, or for something to be sent; 0 when none does.", "lane"), lanes),
		Holders:  each(gauges("secretaria_conversations", "Conversations by who holds them now.", "holder"), holders),
		OptedOut: gauge("secretaria_opted_out_contacts", "People who want no more messages."),
		Workers:  gauge("secretaria_workers", "Workers that gave a sign of life in the last 30 seconds."),
	}
	phases := histograms("secretaria_turn_phase_seconds", "Parts of the turns that came to a decision: waited (from due to begun), model, decide (all else that the desk does), commit.",
		[]float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 20, 45}, "phase")
	for _, p := range []Phase{Waited, Asked, Decide, Commit} {
		m.phases[p] = phases.WithLabelValues(string(p))
	}
	m.Spool = Spool{
		Waiting:   gauge("secretaria_spool_waiting", "Webhooks that this process has acknowledged and keeps on its disk until the database can be reached."),
		OldestAge: gauge("secretaria_spool_oldest_age_seconds", "How long the first of them has been waiting."),
		Dead:      gauge("secretaria_spool_dead", "Webhooks set aside because they could not be read or stored; the next start tries them again."),
		Forwarded: counter("secretaria_spool_forwarded_total", "Webhooks that came from the spool into the database."),
	}

	peer := func(name, title string) *Peer {
		return &Peer{
			Latency:     histogram("secretaria_"+name+"_latency_seconds", "Time of one call to "+title+".", []float64{.025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60}),
			Errors:      counter("secretaria_"+name+"_errors_total", "Calls to "+title+" that failed."),
			SendSuccess: counter("secretaria_"+name+"_send_success_total", "Messages that "+title+" took."),
			SendRetry:   counter("secretaria_"+name+"_send_retry_total", "Sends to "+title+" that are tried again."),
		}
	}
	m.Whaticket, m.Chatwoot = peer("whaticket", "Whaticket"), peer("chatwoot", "Chatwoot")

	m.LLMLatency = histogram("secretaria_llm_latency_seconds", "Time of one call to the model.", []float64{.25, .5, 1, 1.5, 2, 3, 5, 8, 13, 20, 30, 60})
	m.llmErrors = one("secretaria_llm_errors_total", "Calls to the model that failed, by kind.", "kind", faultKinds)
	m.llmTokens = counters("secretaria_llm_tokens_total", "Tokens that the provider counted; cached ones are a part of the input.", "model", "direction")
	m.llmCalls = counters("secretaria_llm_calls_total", "Tries to ask a model by what became of them: ok, or as in secretaria_llm_errors_total.", "model", "outcome")
	m.llmCircuit = gauges("secretaria_llm_circuit_state", "1 for the state in which this process knows the model's circuit to be, 0 for the others.", "model", "state")
	m.llmCost = counters("secretaria_llm_cost_total", "What calls to a model have cost, in units of the price table; a call that the provider did not count is counted at its worst.", "model")
	for _, name := range []string{"gemini", "openai"} { // those of the environment
		m.LLMModels(name)
		m.LLM(name)
	}
	m.PromptInjectionBlocked = counter("secretaria_llm_prompt_injection_blocked_total", "Messages of customers that the guard kept from the model.")
	m.guard = one("secretaria_guard_total", "Turns in which somebody had written, by what the guard made of it.", "action", guardActions)
	m.gate = one("secretaria_gate_findings_total", "What the gate found in what a model wanted to say, by kind; each kind once a turn.", "kind", gateKinds)

	m.health = one("secretaria_healthcheck_failures_total", "Health checks that failed, by component.", "component", components)
	m.turns = one("secretaria_turns_total", "Turns by outcome.", "outcome", turnOutcomes)
	m.reloads = one("secretaria_config_reload_total", "Changed configurations by what became of them.", "outcome", reloads)
	m.takeovers = one("secretaria_takeovers_total", "Conversations that went to a person, by reason.", "reason", takeovers)
	sends := counters("secretaria_deliveries_total", "Attempts to carry out a delivery, by outcome.", "channel", "kind", "outcome")
	for _, c := range channels {
		for _, k := range orderKinds {
			for _, o := range attempts {
				m.sends[[3]string{c, k, o}] = sends.WithLabelValues(c, k, o)
			}
		}
	}

	m.httpDuration = histograms("http_request_duration_seconds", "Time to answer a request.",
		[]float64{.005, .01, .025, .05, .1, .2, .3, .5, 1, 2.5, 5, 10}, "method", "path", "status")
	m.httpSize = histograms("http_response_size_bytes", "Size of the body of an answer.", prometheus.ExponentialBuckets(64, 8, 6), "method", "path", "status")

	info := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "secretaria_build_info", Help: "What is running; always 1."}, []string{"version", "revision", "goversion"})
	reg.MustRegister(info)
	info.WithLabelValues(build.Version, cmp.Or(build.Revision, stamped()), runtime.Version()).Set(1)
	return m
}

// stamped is the commit that the program was built from, "" where it does not say.
func stamped() string {
	built, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	for _, s := range built.Settings {
		if s.Key == "vcs.revision" {
			return s.Value
		}
	}
	return ""
}

// count adds one to the counter of a word, or of "other".
func count(all map[string]prometheus.Counter, word string) {
	c, ok := all[word]
	if !ok {
		c = all[other]
	}
	c.Inc()
}

// WebhookReceived counts a webhook by its outcome: "accepted", "duplicate" and "ignored"
// are accepted, everything else is rejected.
func (m *Metrics) WebhookReceived(outcome string) { count(m.webhooks, outcome) }

// TaskLatency records the time since the webhook was acknowledged.
func (m *Metrics) TaskLatency(t Task, d time.Duration) {
	if o, ok := m.tasks[t]; ok {
		o.Observe(d.Seconds())
	}
}

// LLMError counts a failed call by its fault kind, or, where the provider was not asked:
// "circuit_open", "held" (it wants to be left alone for now), "budget".
func (m *Metrics) LLMError(kind string) { count(m.llmErrors, kind) }

// LLM are the metrics of one model. Its methods are safe for concurrent use.
type LLM struct {
	tokens  map[Direction]prometheus.Counter
	calls   map[string]prometheus.Counter
	circuit func(state string) prometheus.Gauge
}

// LLM begins the metrics of a model at zero, but for its circuit: see LLM.Circuit. Names are
// those of the configuration: a bounded list.
func (m *Metrics) LLM(name string) *LLM {
	l := &LLM{tokens: make(map[Direction]prometheus.Counter), calls: make(map[string]prometheus.Counter),
		circuit: func(state string) prometheus.Gauge { return m.llmCircuit.WithLabelValues(name, state) }}
	for _, d := range []Direction{Input, Cached, Output} {
		l.tokens[d] = m.llmTokens.WithLabelValues(name, string(d))
	}
	for _, o := range llmOutcomes {
		l.calls[o] = m.llmCalls.WithLabelValues(name, o)
	}
	return l
}

// Tokens adds tokens; numbers below 1 add nothing.
func (l *LLM) Tokens(d Direction, n int) {
	if c, ok := l.tokens[d]; ok && n > 0 {
		c.Add(float64(n))
	}
}

// Called counts a try by its outcome: "ok", "cancelled", or a word of Metrics.LLMError.
func (l *LLM) Called(outcome string) { count(l.calls, outcome) }

// Circuit says in which state the model's circuit is: "closed", "half_open" or "open". A
// model that is never told of has none.
func (l *LLM) Circuit(state string) {
	for _, s := range circuits {
		g := l.circuit(s)
		if s == state {
			g.Set(1)
		} else {
			g.Set(0)
		}
	}
}

// TurnPhase records how long a part of a turn took.
func (m *Metrics) TurnPhase(p Phase, d time.Duration) {
	if o, ok := m.phases[p]; ok {
		o.Observe(d.Seconds())
	}
}

// LLMModels begins the cost of these models at zero. Their names are those of the
// configuration: a bounded list.
func (m *Metrics) LLMModels(names ...string) {
	for _, name := range names {
		m.llmCost.WithLabelValues(name)
	}
}

// LLMCost adds what a call to a model has cost; amounts that are not above 0 add nothing.
func (m *Metrics) LLMCost(model string, units float64) {
	if units > 0 {
		m.llmCost.WithLabelValues(model).Add(units)
	}
}

// Guarded counts a turn by what the guard made of the messages: "allow", "restrict", "deflect".
func (m *Metrics) Guarded(action string) { count(m.guard, action) }

// GateFound counts what the gate found in what a model wanted to say.
func (m *Metrics) GateFound(kind string) { count(m.gate, kind) }

// HealthFailure counts a failed check of a component.
func (m *Metrics) HealthFailure(component string) { count(m.health, component) }

// TurnEnded counts a turn by its outcome.
func (m *Metrics) TurnEnded(outcome string) { count(m.turns, outcome) }

// ConfigReloaded counts a changed configuration: "taken_up", "unchanged" in what can be
// taken up, or "refused".
func (m *Metrics) ConfigReloaded(outcome string) { count(m.reloads, outcome) }

// TakenOver counts a conversation that went to a person.
func (m *Metrics) TakenOver(reason string) { count(m.takeovers, reason) }

// DeliveryAttempted counts an attempt by channel, kind of order and outcome.
func (m *Metrics) DeliveryAttempted(channel, kind, outcome string) {
	c, ok := m.sends[[3]string{channel, kind, outcome}]
	if !ok {
		c = m.sends[[3]string{among(channels, channel), among(orderKinds, kind), among(attempts, outcome)}]
	}
	c.Inc()
}

// Peer returns the metrics of a helpdesk by its channel's name, nil when there are none.
func (m *Metrics) Peer(channel string) *Peer {
	switch channel {
	case "whaticket":
		return m.Whaticket
	case "chatwoot":
		return m.Chatwoot
	}
	return nil
}

func among(list []string, word string) string {
	for _, w := range list {
		if w == word {
			return w
		}
	}
	return other
}

type httpKey struct {
	method, path string
	status       int
}

type httpSeries struct{ duration, size prometheus.Observer }

// Route begins the answers of a route at zero, so that the rate of its first failure is
// right. path is what Instrument's route function calls it.
func (m *Metrics) Route(method, path string, statuses ...int) {
	for _, status := range statuses {
		m.series(method, path, status)
	}
}

// request records an answered request. path must be bounded by the caller.
func (m *Metrics) request(method, path string, status int, d time.Duration, size int64) {
	series := m.series(method, path, status)
	series.duration.Observe(d.Seconds())
	series.size.Observe(float64(size))
}

func (m *Metrics) series(method, path string, status int) httpSeries {
	key := httpKey{among(methods, method), path, status}
	s, ok := m.httpSeries.Load(key)
	if !ok {
		code := strconv.Itoa(status)
		s, _ = m.httpSeries.LoadOrStore(key, httpSeries{
			m.httpDuration.WithLabelValues(key.method, path, code), m.httpSize.WithLabelValues(key.method, path, code),
		})
	}
	return s.(httpSeries)
}

var methods = []string{"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"}
