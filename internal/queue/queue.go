// Package queue runs durable jobs with River and keeps the dispatcher, which turns due
// lanes of conversations into jobs.
//
// River is the clock and the hands; the conversation rows are the truth. A job that is
// lost, late or doubled costs nothing: the dispatcher finds every lane that is due and has
// no live lease, at once after a commit in the same process, else every Sweep.
package queue

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivermigrate"

	"secretaria/internal/fault"
	"secretaria/internal/job"
	"secretaria/internal/redact"
)

// Sweep is how often a dispatcher looks by itself, unless its Config says otherwise.
const Sweep = 250 * time.Millisecond

// Config tunes the queue. Zero fields take the defaults.
type Config struct {
	// Workers bounds the jobs of one lane that run at the same time; default 1000. A turn
	// waits for its model most of its life, so this is memory, not processors.
	Workers int
	// Poll is how often River looks for jobs that nobody told it of; default 500 ms.
	Poll time.Duration
	// Sweep is how often the dispatcher looks for due lanes without being woken; default Sweep.
	Sweep time.Duration
	// Lease is how long a claimed lane is ours without being renewed; default 10 s. It is
	// the time that work of a killed process waits on a shared database.
	Lease time.Duration
	// SoftStop is how long Stop lets running jobs end by themselves; default 4 s.
	SoftStop time.Duration
	Logger   *slog.Logger
}

// Dispatcher is what the queue needs of the store.
type Dispatcher interface {
	Dispatch(ctx context.Context, lane job.Lane, now time.Time, limit int, lease time.Duration) (claimed int, next time.Time, err error)
}

// Handlers do the work of jobs. They keep their own deadlines and return an error only to
// have it seen: the lane, not the job, is tried again.
type Handlers struct {
	Turn    func(context.Context, job.Turn) error
	Deliver func(context.Context, job.Deliver) error
}

// engine is River's client, whatever database it runs on.
type engine interface {
	Start(context.Context) error
	Stop(context.Context) error
	StopAndCancel(context.Context) error
}

// Queue is River with our dispatcher.
type Queue struct {
	cfg      Config
	client   engine
	bell     *bell
	handlers Handlers
	store    Dispatcher
	running  map[job.Lane]*atomic.Int64
	wake     map[job.Lane]chan struct{}
	stop     context.CancelFunc
	loops    sync.WaitGroup
}

// MigrateSQLite brings River's tables up to the version that this program needs.
func MigrateSQLite(ctx context.Context, db *sql.DB) error {
	return migrate[*sql.Tx](ctx, riversqlite.New(db))
}

// MigratePostgres brings River's tables up to the version that this program needs.
func MigratePostgres(ctx context.Context, pool *pgxpool.Pool) error {
	return migrate[pgx.Tx](ctx, riverpgxv5.New(pool))
}

func migrate[TTx any](ctx context.Context, peer riverdriver.Driver[TTx]) error {
	m, err := rivermigrate.New(peer, &rivermigrate.Config{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return fmt.Errorf("prepare queue migration: %w", err)
	}
	if err := refuseNewer(ctx, m, peer.GetExecutor()); err != nil {
		return err
	}
	// River reads its version before it takes the lock. When two programs start at once, the
	// second finds tables where it wanted to make them, and the work done when it looks again.
	for try := 1; ; try++ {
		_, err := m.Migrate(ctx, rivermigrate.DirectionUp, nil)
		if err == nil {
			return nil
		}
		if try == migrateTries || ctx.Err() != nil {
			return fmt.Errorf("migrate queue: %w", err)
		}
	}
}

// refuseNewer refuses tables that a newer River has changed. River itself would go on with
// them, and find out by its mistakes.
func refuseNewer[TTx any](ctx context.Context, m *rivermigrate.Migrator[TTx], db riverdriver.Executor) error {
	const versions = "river_migration"
	// There is no such table before the first migration, and no line before the fifth.
	there, err := db.TableExists(ctx, &riverdriver.TableExistsParams{Table: versions})
	if err == nil && there {
		there, err = db.ColumnExists(ctx, &riverdriver.ColumnExistsParams{Table: versions, Column: "line"})
	}
	if err != nil {
		return fmt.Errorf("look for queue: %w", err)
	}
	if !there {
		return nil
	}
	found, err := db.MigrationGetByLine(ctx, &riverdriver.MigrationGetByLineParams{Line: riverdriver.MigrationLineMain})
	if err != nil {
		return fmt.Errorf("read queue version: %w", err)
	}
	all := m.AllVersions()
	known := all[len(all)-1].Version
	for _, v := range found {
		if v.Version > known {
			return fault.New(fault.Permanent, fmt.Sprintf("the queue in the database has version %d, this program knows %d: install the newer program, or restore a backup", v.Version, known))
		}
	}
	return nil
}

// migrateTries is more than River has versions: each may be lost to another program once.
const migrateTries = 12

// Enqueue inserts the jobs of claimed lanes in the claiming transaction.
type Enqueue[TTx any] = func(ctx context.Context, tx TTx, lane job.Lane, claims []job.Claim) error

// SQLite prepares a queue on the migrated embedded database; nothing runs before Start.
func SQLite(db *sql.DB, cfg Config) (*Queue, Enqueue[*sql.Tx], error) {
	return build[*sql.Tx](riversqlite.New(db), cfg)
}

// Postgres prepares a queue on a migrated PostgreSQL; nothing runs before Start.
func Postgres(pool *pgxpool.Pool, cfg Config) (*Queue, Enqueue[pgx.Tx], error) {
	return build[pgx.Tx](riverpgxv5.New(pool), cfg)
}

func build[TTx any](peer riverdriver.Driver[TTx], cfg Config) (*Queue, Enqueue[TTx], error) {
	cfg.Workers = cmp.Or(cfg.Workers, 1000)
	cfg.Poll = cmp.Or(cfg.Poll, 500*time.Millisecond)
	cfg.Sweep = cmp.Or(cfg.Sweep, Sweep)
	cfg.Lease = cmp.Or(cfg.Lease, 10*time.Second)
	cfg.SoftStop = cmp.Or(cfg.SoftStop, 4*time.Second)
	cfg.Logger = cmp.Or(cfg.Logger, slog.New(slog.DiscardHandler))
	q := &Queue{cfg: cfg, bell: newBell(), running: map[job.Lane]*atomic.Int64{}, wake: map[job.Lane]chan struct{}{}}
	queues := map[string]river.QueueConfig{}
	for _, lane := range lanes() {
		q.running[lane] = new(atomic.Int64)
		q.wake[lane] = make(chan struct{}, 1)
		queues[string(lane)] = river.QueueConfig{MaxWorkers: cfg.Workers}
	}
	workers := river.NewWorkers()
	river.AddWorker(workers, river.WorkFunc(func(ctx context.Context, j *river.Job[job.Turn]) error {
		return q.run(ctx, job.Turns, func() error { return q.handlers.Turn(ctx, j.Args) })
	}))
	river.AddWorker(workers, river.WorkFunc(func(ctx context.Context, j *river.Job[job.Deliver]) error {
		return q.run(ctx, job.Deliveries, func() error { return q.handlers.Deliver(ctx, j.Args) })
	}))
	client, err := river.NewClient[TTx](driver[TTx]{peer, q.bell}, &river.Config{
		Queues:            queues,
		Workers:           workers,
		FetchCooldown:     min(5*time.Millisecond, cfg.Poll),
		FetchPollInterval: cfg.Poll,
		JobTimeout:        -1,
		// The lane is what is tried again, with its own schedule.
		MaxAttempts:                 1,
		CompletedJobRetentionPeriod: 10 * time.Minute,
		DiscardedJobRetentionPeriod: 7 * 24 * time.Hour,
		SoftStopTimeout:             cfg.SoftStop,
		Logger:                      slog.New(quiet{cfg.Logger.Handler()}),
	})
	if err != nil {
		return nil, nil, fmt.Errorf("prepare queue: %w", err)
	}
	q.client = client
	return q, func(ctx context.Context, tx TTx, lane job.Lane, claims []job.Claim) error {
		if _, err := client.InsertManyFastTx(ctx, tx, jobs(lane, claims)); err != nil {
			return fmt.Errorf("insert jobs: %w", err)
		}
		return nil
	}, nil
}

// jobs are what River is given for claimed lanes.
func jobs(lane job.Lane, claims []job.Claim) []river.InsertManyParams {
	params := make([]river.InsertManyParams, len(claims))
	for i, c := range claims {
		params[i].InsertOpts = &river.InsertOpts{Queue: string(lane)}
		switch lane {
		case job.Turns:
			params[i].Args = job.Turn(c)
		default:
			params[i].Args = job.Deliver(c)
		}
	}
	return params
}

func lanes() []job.Lane { return []job.Lane{job.Turns, job.Deliveries} }

// run counts a job while it is done, and masks what River keeps of its failure: the row of a
// job holds the text of an error and, of a panic, whatever was thrown.
func (q *Queue) run(ctx context.Context, lane job.Lane, work func() error) (err error) {
	n := q.running[lane]
	n.Add(1)
	defer n.Add(-1)
	defer func() {
		if p := recover(); p != nil {
			q.cfg.Logger.ErrorContext(ctx, "job panicked", "lane", string(lane), "stack", string(debug.Stack()))
			err = fault.Panicked(p)
		}
		err = redact.Error(err)
	}()
	return work()
}

// Wake tells the dispatcher that a lane may be due. It never blocks.
func (q *Queue) Wake(lane job.Lane) {
	select {
	case q.wake[lane] <- struct{}{}:
	default:
	}
}

// Ring tells River that jobs of a lane were committed in this process. It never blocks; a
// job that nobody rings for waits for Poll.
func (q *Queue) Ring(lane job.Lane) { q.bell.ring(lane) }

// Running counts the jobs of both lanes that run now.
func (q *Queue) Running() (turns, deliveries int) {
	return int(q.running[job.Turns].Load()), int(q.running[job.Deliveries].Load())
}

// Start runs workers and dispatcher until Stop.
func (q *Queue) Start(ctx context.Context, store Dispatcher, h Handlers) error {
	q.store, q.handlers = store, h
	// Jobs outlive the context that started them: Stop lets them end.
	if err := q.client.Start(context.WithoutCancel(ctx)); err != nil {
		return fmt.Errorf("start queue: %w", err)
	}
	loop, stop := context.WithCancel(context.WithoutCancel(ctx))
	q.stop = stop
	for _, lane := range lanes() {
		q.loops.Go(func() { q.dispatch(loop, lane) })
	}
	return nil
}

// Stop ends the dispatcher, lets running jobs end for SoftStop, then cancels them and
// waits for that, within ctx.
func (q *Queue) Stop(ctx context.Context) error {
	if q.stop == nil {
		return nil
	}
	q.stop()
	q.loops.Wait()
	soft, cancel := context.WithTimeoutCause(ctx, q.cfg.SoftStop, errors.New("soft stop"))
	defer cancel()
	if err := q.client.Stop(soft); err == nil {
		return nil
	}
	if err := q.client.StopAndCancel(ctx); err != nil {
		return fmt.Errorf("stop queue: %w", err)
	}
	return nil
}

// dispatch claims what is due, then sleeps until it is woken, the next lane falls due, or
// the sweep.
func (q *Queue) dispatch(ctx context.Context, lane job.Lane) {
	const batch = 200
	timer := time.NewTimer(0)
	defer timer.Stop()
	failing := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-q.wake[lane]:
		case <-timer.C:
		}
		free := q.cfg.Workers - int(q.running[lane].Load())
		limit := min(batch, free)
		now := time.Now()
		n, next, err := q.store.Dispatch(ctx, lane, now, limit, q.cfg.Lease)
		if n > 0 {
			q.bell.ring(lane)
		}
		if failing && err == nil {
			failing = false
			q.cfg.Logger.Info("dispatch goes on", "lane", string(lane))
		}
		wait := q.cfg.Sweep
		switch {
		case err != nil:
			// Once for each time that the database is away, not four times a second.
			if !failing && ctx.Err() == nil {
				failing = true
				q.cfg.Logger.Error("dispatch failed", "lane", string(lane), "error", err.Error())
			}
		case n == limit && limit > 0:
			// There may be more. Let River fetch in between.
			wait = breath
		case !next.IsZero():
			wait = max(0, min(wait, next.Sub(now)))
		}
		timer.Reset(max(wait, breath))
		// Thousands of webhooks a second wake it thousands of times; looking that often
		// would find no more.
		select {
		case <-ctx.Done():
			return
		case <-time.After(breath - time.Since(now)):
		}
	}
}

// breath is the least time between two looks of the dispatcher.
const breath = 5 * time.Millisecond

// quiet keeps River's own lines to what an operator has to know: it logs at info what is
// news to River's developers.
type quiet struct{ slog.Handler }

func (h quiet) Enabled(ctx context.Context, l slog.Level) bool {
	return l >= slog.LevelWarn && h.Handler.Enabled(ctx, l)
}

// Handle leaves out what a failed connection says of host, user and database: the health
// of the database is told elsewhere, without them.
func (h quiet) Handle(ctx context.Context, r slog.Record) error {
	out := slog.NewRecord(r.Time, r.Level, r.Message, r.PC)
	r.Attrs(func(a slog.Attr) bool {
		if (a.Key == "err" || a.Key == "error") && strings.Contains(a.Value.String(), "connect") {
			a.Value = slog.StringValue("no connection to the database")
		}
		out.AddAttrs(a)
		return true
	})
	return h.Handler.Handle(ctx, out)
}

func (h quiet) WithAttrs(a []slog.Attr) slog.Handler { return quiet{h.Handler.WithAttrs(a)} }
func (h quiet) WithGroup(n string) slog.Handler      { return quiet{h.Handler.WithGroup(n)} }
