// Package app is the composition root: it alone knows every adapter, builds the program
// from Options, runs it and stops it.
package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"secretaria/internal/agent"
	"secretaria/internal/budget"
	"secretaria/internal/channel"
	"secretaria/internal/channel/chatwoot"
	"secretaria/internal/channel/whaticket"
	"secretaria/internal/conversation"
	"secretaria/internal/delivery"
	"secretaria/internal/event"
	"secretaria/internal/guard"
	"secretaria/internal/httpclient"
	"secretaria/internal/intake"
	"secretaria/internal/job"
	"secretaria/internal/llm/resilient"
	"secretaria/internal/queue"
	"secretaria/internal/redis"
	"secretaria/internal/spool"
	"secretaria/internal/store"
	"secretaria/internal/takeback"
	"secretaria/internal/telemetry"
	"secretaria/internal/tracing"
	"secretaria/internal/turn"
)

// inbox is an Inbox with its connection.
type inbox struct {
	Inbox
	channel channel.Channel
	client  *httpclient.Client
}

// App is the program. New builds it, Start runs it, Stop ends it; each once.
type App struct {
	o        Options
	log      *slog.Logger
	store    *memory
	queue    lanes
	later    *later       // nil: the database was there at the start
	spool    *spool.Spool // nil: there is none
	intakes  map[channel.Kind]*intake.Intake
	turns    *turn.Worker
	sends    *delivery.Worker
	inboxes  []inbox
	models   map[string]*resilient.Model              // by their names in chains
	limits   atomic.Pointer[map[string]budget.Limits] // of desks, by name
	apart    budget.Ledger                            // nil: the store's
	metrics  *telemetry.Metrics
	registry *prometheus.Registry
	server   *http.Server
	listener net.Listener
	id       string
	database string          // the component's name in health and metrics
	redis    *redis.Client   // nil: not configured
	traces   *tracing.Tracer // nil: nobody collects them
	bus      event.Bus

	flows atomic.Pointer[flows]

	standing standing

	reloading sync.Mutex // guards now
	now       answering  // what Reload replaces

	building sync.Mutex // guards teardown
	teardown []teardown
	ending   sync.WaitGroup // parts that are ending, some after Stop
	failed   chan error
	beating  bool // begun by work, which may have to try again
	beats    sync.WaitGroup
	presence presence
}

// New opens and migrates the database and builds every part. Nothing listens or runs yet.
func New(ctx context.Context, o Options) (_ *App, err error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	o = o.filled()
	id, err := uuid.NewV7()
	if err != nil {
		return nil, fmt.Errorf("make worker id: %w", err)
	}
	a := &App{o: o, log: cmp.Or(o.Logger, slog.New(slog.DiscardHandler)), id: id.String(), registry: prometheus.NewRegistry(), failed: make(chan error, 2),
		intakes: map[channel.Kind]*intake.Intake{}}
	defer func() {
		if err != nil {
			err = errors.Join(err, a.Stop(context.WithoutCancel(ctx)))
		}
	}()
	a.metrics = telemetry.NewMetrics(a.registry, telemetry.Build{Version: o.Version})
	a.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	if err := a.openTraces(); err != nil {
		return nil, err
	}
	if err := a.openRedis(); err != nil {
		return nil, err
	}
	if err := a.buildModels(); err != nil {
		return nil, err
	}
	if err := a.openStore(ctx); err != nil {
		return nil, err
	}
	if err := a.openSpool(ctx); err != nil {
		return nil, err
	}
	if err := a.connect(); err != nil {
		return nil, err
	}
	if err := a.buildWorkers(); err != nil {
		return nil, err
	}
	a.listen()
	a.buildServer()
	return a, nil
}

// connect builds the channels. Each has a client of its own, so that one helpdesk that
// hangs takes no connection from another.
func (a *App) connect() error {
	for _, i := range a.o.Inboxes {
		client := httpclient.New(httpclient.Options{Timeout: a.o.SendTimeout, Policy: a.o.Addresses})
		in := inbox{Inbox: i, client: client}
		var err error
		if i.Whaticket != nil {
			cfg := *i.Whaticket
			if a.redis != nil {
				cfg.Logins = a.redis.Logins()
			}
			in.channel, err = whaticket.New(cfg, client)
		} else {
			in.channel, err = chatwoot.New(*i.Chatwoot, client)
		}
		if err != nil {
			return fmt.Errorf("inbox %s: %w", i.Name, err)
		}
		a.onStop("client of "+i.Name, func(context.Context) error { client.Close(); return nil })
		a.inboxes = append(a.inboxes, in)
	}
	return nil
}

// desks builds the desks, each with its model.
func (a *App) desks(configs []agent.Config) (map[string]*agent.Agent, error) {
	desks := map[string]*agent.Agent{}
	judge := guard.New() // one for all: it is the same for every desk
	for _, cfg := range configs {
		model, err := a.model(cfg)
		if err != nil {
			return nil, fmt.Errorf("desk %s: %w", cfg.Name, err)
		}
		if desks[cfg.Name], err = agent.New(cfg, agent.Deps{Model: model, Library: a.library(cfg), Guard: judge}); err != nil {
			return nil, fmt.Errorf("desk %s: %w", cfg.Name, err)
		}
	}
	return desks, nil
}

// forTurns is what a turn needs of each inbox.
func (a *App) forTurns(desks map[string]*agent.Agent, inboxes []inbox) map[string]turn.Inbox {
	turns := map[string]turn.Inbox{}
	for _, in := range inboxes {
		turns[in.Name] = turn.Inbox{Desk: desks[in.Desk], Supports: in.channel.Supports, Team: in.Team, Person: in.Person, Labels: in.Labels, Hold: in.Hold, Typing: typing(in)}
	}
	return turns
}

func (a *App) buildWorkers() error {
	desks, err := a.desks(a.o.Desks)
	if err != nil {
		return err
	}
	a.setLimits(a.o.Desks)
	a.now = answering{a.o.Desks, a.inboxes}
	f, err := a.newFlows(a.o.Desks, a.inboxes)
	if err != nil {
		return err
	}
	a.setFlows(f)
	a.onStop("client of n8n", func(context.Context) error { a.flows.Load().client.Close(); return nil })
	turns, sends := a.forTurns(desks, a.inboxes), a.forSends(f, a.inboxes)
	a.turns = turn.New(turn.Config{Memory: a.store, Inboxes: turns, Lease: a.o.Queue.Lease, Logger: a.log, Observe: a.turnEnded, Wake: a.wake, Traces: a.traces})
	a.sends = delivery.New(delivery.Config{Memory: a.store, Inboxes: sends, Lease: a.o.Queue.Lease, Timeout: a.o.SendTimeout, Schedule: a.o.Schedule, Logger: a.log, Observe: a.deliveryEnded, BotHolds: a.botHolds, Traces: a.traces})
	return nil
}

// hands carry out what is done at an inbox's helpdesk.
func (a *App) hands(in inbox) delivery.Sender {
	desk, ok := in.channel.(takeback.Helpdesk)
	if !ok {
		return in.channel
	}
	return &takeback.Sender{Helpdesk: desk, Memory: a.store, Inbox: in.Name, Channel: in.Kind(), Quiet: a.quiet(in), Hold: in.Hold, Grace: in.TakeBack}
}

// quiet is when a burst of an inbox is over.
func (a *App) quiet(in inbox) conversation.Quiet {
	if in.Quiet != nil {
		return *in.Quiet
	}
	return a.o.Quiet
}

// typing shows a customer that an answer is coming, nil where the inbox cannot or must not.
func typing(in inbox) func(context.Context, channel.Address) {
	if in.Dry() || !in.channel.Supports(channel.Typing) {
		return nil
	}
	return func(ctx context.Context, to channel.Address) {
		// Nobody is helped by knowing that it failed: the answer comes all the same.
		_, _ = in.channel.Do(ctx, channel.Order{Kind: channel.Typing, Address: to})
	}
}

// wake is told what a turn has left: a conversation that is due again is the dispatcher's,
// deliveries have their job already.
func (a *App) wake(lane job.Lane) {
	if lane == job.Deliveries {
		a.queue.Ring(lane)
		return
	}
	a.queue.Wake(lane)
}

// Start listens, then runs workers and server until Stop. When it returns, webhooks are
// accepted.
func (a *App) Start(ctx context.Context) error {
	// The server's own time limits end dead connections; keep-alive probes would cost four
	// system calls on each of Whaticket's connections, which live for one request.
	lc := net.ListenConfig{KeepAlive: -1}
	l, err := lc.Listen(ctx, "tcp", net.JoinHostPort(a.o.Host, strconv.Itoa(a.o.Port)))
	if err != nil {
		return fmt.Errorf("listen (APP_HOST, APP_PORT): %w", err)
	}
	a.listener = l
	a.onStop("listener", func(context.Context) error {
		if err := l.Close(); !errors.Is(err, net.ErrClosed) {
			return err
		}
		return nil
	})
	if a.later != nil {
		a.openLater(ctx)
	} else if err := a.work(ctx); err != nil {
		return err
	}
	a.startSpool(ctx)
	go func() {
		if err := a.server.Serve(l); !errors.Is(err, http.ErrServerClosed) && !errors.Is(err, net.ErrClosed) {
			a.failed <- fmt.Errorf("serve: %w", err)
		}
	}()
	// Stopped first: what is accepted is finished, what is not yet accepted goes elsewhere.
	a.onStop("server", func(ctx context.Context) error {
		// Shutdown hangs up on a request that is read after it began. So first nobody else is
		// let in, and whoever is in has a moment to be read.
		_ = l.Close() // "listener" closes it where this is not reached
		select {
		case <-time.After(lastRead):
		case <-ctx.Done():
		}
		ctx, cancel := context.WithTimeoutCause(ctx, 3*time.Second, errors.New("server did not drain"))
		defer cancel()
		if err := a.server.Shutdown(ctx); err != nil {
			return errors.Join(a.server.Close())
		}
		return nil
	})
	return nil
}

// lastRead is how long a request that came just before the end may take to be read.
const lastRead = 250 * time.Millisecond

// work starts what needs the database.
func (a *App) work(ctx context.Context) error {
	if err := a.store.Recover(ctx, time.Now()); err != nil {
		return fmt.Errorf("recover: %w", err)
	}
	if err := a.beat(ctx); err != nil {
		return err
	}
	if a.o.Role == Web {
		return nil
	}
	q := a.queue.queue.Load()
	if err := q.Start(ctx, a.store, queue.Handlers{Turn: a.turns.Run, Deliver: a.sends.Run}); err != nil {
		return err
	}
	a.onStop("queue", q.Stop)
	a.retain(ctx)
	return nil
}

// Addr is where the server listens, "127.0.0.1:8080"; "" before Start.
func (a *App) Addr() string {
	if a.listener == nil {
		return ""
	}
	return a.listener.Addr().String()
}

// Store is the memory, for tools that show what happened.
func (a *App) Store() store.Store { return a.store }

// Failed delivers the error that ended the server without Stop.
func (a *App) Failed() <-chan error { return a.failed }
