package simulation

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"secretaria/internal/conversation"
	"secretaria/internal/job"
	"secretaria/internal/store/sqlite"
)

// errOver is what everything gets that still runs when a life has ended.
var errOver = errors.New("the simulation is over")

// world is one life: everything that happens is drawn from its seed, and noted.
//
// Nothing but the seed may decide what happens next, and goroutines that wake up at the
// same instant run in any order. So every call takes a time of its own, drawn to the
// nanosecond, and no two things happen at one instant; what is drawn for a call hangs on
// what the call is about, and not on how many were drawn before it.
type world struct {
	seed  uint64
	shape shape
	start time.Time
	store *sqlite.Store
	all   sync.WaitGroup // every goroutine but the store's
	ended chan struct{}  // closed when the life is over

	effects sync.Mutex // one effect on the store at a time, and what is checked with it

	mu        sync.Mutex // guards what follows
	calm      bool       // no faults any more
	outage    bool       // the database is away
	drawn     map[string]int
	trail     []string
	processes []*process
	down      int       // processes that are to be started again
	under     int       // webhooks on their way
	troubled  time.Time // when the last call with a fault is over
	deaths    int
	counts    map[string]int // what happened how often: a simulation in which nothing goes wrong proves nothing

	actors   func(*world, *sync.WaitGroup) // who lives here; default: people
	desk     func(*process) thinking       // who answers; default: the agent
	desks    []*desk
	flows    automation
	messages map[string]*message // by the word that nobody else says
	keys     map[string]*message // by desk and the helpdesk's key
	judge
}

// shape is what a seed is like: some lives are quiet, in others everything fails.
type shape struct {
	roles                                         []role
	conversations                                 int
	kinds                                         []deskKind // of each conversation
	store, slow, death, desk, model, jobs, hooks  float64    // how likely each fault is at each call
	flows                                         float64    // of workflows
	books                                         float64    // how likely a question makes the desk start one
	asks                                          bool       // the engine can be asked about a call
	kills, outages                                int
	people                                        float64
	think, sweep, hold, quiet, quietMax, downtime time.Duration
	// peaceful has nothing but customers and people: what fails there fails without an excuse.
	peaceful bool
}

type role string

const (
	both   role = "web and worker"
	web    role = "web"
	worker role = "worker"
)

func draw(r *rand.Rand) shape {
	crews := [][]role{{both}, {both}, {both, both}, {web, worker}, {both, both, both}, {web, worker, worker}, {web, web, worker}}
	s := shape{
		roles: pick(r, crews), conversations: 1 + r.IntN(3),
		store: pick(r, []float64{0, 0, .03, .1, .2}), slow: pick(r, []float64{0, 0, .03, .1}), death: pick(r, []float64{0, .01, .03, .08}),
		desk: pick(r, []float64{0, .1, .3, .6}), model: pick(r, []float64{0, .05, .2}), jobs: pick(r, []float64{0, .1, .3}), hooks: pick(r, []float64{0, .1, .3}),
		kills: pick(r, []int{0, 1, 2, 3}), outages: pick(r, []int{0, 0, 0, 1}), people: pick(r, []float64{0, .3, .7}),
		think: pick(r, []time.Duration{500 * time.Millisecond, 3 * time.Second, 8 * time.Second}), sweep: pick(r, []time.Duration{500 * time.Millisecond, time.Second, 2 * time.Second}),
		hold: pick(r, []time.Duration{0, 0, 15 * time.Second}), quiet: pick(r, []time.Duration{0, time.Second, 4 * time.Second}), quietMax: 20 * time.Second,
		downtime: pick(r, []time.Duration{time.Second, 5 * time.Second, 15 * time.Second}),
	}
	s.flows, s.books, s.asks = pick(r, []float64{0, .1, .4}), pick(r, []float64{0, .2, .5}), chance(r, .6)
	if s.peaceful = r.IntN(8) == 0; s.peaceful {
		s.flows = 0
		s.store, s.slow, s.death, s.desk, s.model, s.jobs, s.hooks, s.kills, s.outages = 0, 0, 0, 0, 0, 0, 0, 0, 0
	}
	for range s.conversations {
		s.kinds = append(s.kinds, pick(r, []deskKind{marked, marked, found, blind}))
	}
	return s
}

func pick[T any](r *rand.Rand, of []T) T { return of[r.IntN(len(of))] }

// between draws a duration; its nanoseconds make it nobody else's.
func between(r *rand.Rand, low, high time.Duration) time.Duration {
	return low + time.Duration(r.Int64N(int64(high-low)+1))
}

func chance(r *rand.Rand, p float64) bool { return r.Float64() < p }

// newWorld makes a world; call it inside a bubble, with the path of a fresh migrated database.
func newWorld(ctx context.Context, seed uint64, path string) (*world, error) {
	w := &world{seed: seed, start: time.Now(), ended: make(chan struct{}), drawn: map[string]int{}, counts: map[string]int{}, messages: map[string]*message{}, keys: map[string]*message{}}
	w.judge, w.actors, w.flows = newJudge(), (*world).people, newAutomation()
	w.shape = draw(w.dice("shape"))
	for _, kind := range []deskKind{marked, found, blind} {
		w.desks = append(w.desks, &desk{w: w, inbox: string(kind), kind: kind})
	}
	db, err := sqlite.Open(ctx, path, true)
	if err != nil {
		return nil, err
	}
	w.store, err = sqlite.New(ctx, db, func(_ context.Context, _ *sql.Tx, lane job.Lane, claims []job.Claim) error {
		w.enqueue(lane, claims)
		return nil
	})
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return w, nil
}

// dice are thrown for one thing alone: the nth of its name.
func (w *world) dice(name string) *rand.Rand {
	w.mu.Lock()
	w.drawn[name]++
	n := w.drawn[name]
	w.mu.Unlock()
	h := fnv.New64a()
	fmt.Fprintf(h, "%s/%d", name, n)
	return rand.New(rand.NewPCG(w.seed, h.Sum64()))
}

// note writes a line of the trail.
func (w *world) note(format string, args ...any) {
	select {
	case <-w.ended: // what ends now ends in any order
		return
	default:
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.trail = append(w.trail, fmt.Sprintf("%11.6f ", time.Since(w.start).Seconds())+fmt.Sprintf(format, args...))
}

func (w *world) count(what string) {
	w.mu.Lock()
	w.counts[what]++
	w.mu.Unlock()
}

// trace identifies a life: the same seed has the same.
func (w *world) trace() uint64 {
	h := fnv.New64a()
	for _, line := range w.trail {
		h.Write([]byte(line + "\n"))
	}
	return h.Sum64()
}

// run starts a goroutine that the end of the world waits for.
func (w *world) run(f func()) {
	w.all.Go(func() {
		defer func() {
			if p := recover(); p != nil { // the seed has to be told all the same
				w.wrong("panic: %v\n%s", p, debug.Stack())
			}
		}()
		f()
	})
}

// wait lets time pass; false when the life is over.
func (w *world) wait(d time.Duration) bool {
	select {
	case <-w.ended:
		return false
	default:
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-w.ended:
		return false
	}
}

// faulty says whether something goes wrong with a call.
func (w *world) faulty(r *rand.Rand, p float64) bool {
	hit := chance(r, p)
	w.mu.Lock()
	defer w.mu.Unlock()
	return hit && !w.calm
}

// trouble says how long something that was drawn to go wrong will take.
func (w *world) trouble(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if until := time.Now().Add(d); until.After(w.troubled) {
		w.troubled = until
	}
}

// begin and end bound a webhook on its way.
func (w *world) begin() {
	w.mu.Lock()
	w.under++
	w.mu.Unlock()
}

func (w *world) end() {
	w.mu.Lock()
	w.under--
	w.mu.Unlock()
}

// live plays the life to its end.
func (w *world) live(ctx context.Context) {
	for i, r := range w.shape.roles {
		w.processes = append(w.processes, nil)
		w.startProcess(ctx, i, 1, r)
	}
	var actors sync.WaitGroup
	w.actors(w, &actors)
	w.misfortune(ctx, &actors)
	actors.Wait()
	w.mu.Lock()
	w.calm = true
	w.mu.Unlock()
	w.note("calm")
	w.settle(ctx)
	close(w.ended)
	w.mu.Lock()
	procs := append([]*process(nil), w.processes...)
	w.mu.Unlock()
	for _, p := range procs {
		p.cancel()
	}
	w.all.Wait()
}

// settle waits until nothing is left to do, and says so when that takes too long.
func (w *world) settle(ctx context.Context) {
	const look = 250 * time.Millisecond
	calm := time.Now()
	for {
		w.mu.Lock()
		under, down := w.under, w.down
		busy := under > 0 || down > 0 || w.troubled.After(time.Now())
		w.mu.Unlock()
		if !busy {
			break
		}
		if time.Since(calm) > 3*time.Minute {
			w.wrong("faults do not end: %d webhooks under way, %d processes down", under, down)
			return
		}
		w.wait(look)
	}
	healed := time.Now()
	w.note("healed")
	limit := healed.Add(time.Minute)
	// What a helpdesk has refused waits for its next try, by the schedule or the helpdesk's
	// wish; once.
	for _, d := range w.unfinished(ctx) {
		if at := d.NextAt.Add(time.Minute); at.After(limit) {
			limit = at
		}
	}
	for {
		limit = w.awake(healed, limit)
		turns, deliveries, err := w.store.Backlog(ctx, time.Now().Add(24*time.Hour))
		if err != nil {
			w.wrong("Backlog: %v", err)
			return
		}
		w.mu.Lock()
		under := w.under // a workflow that was started by the last turn has yet to report
		w.mu.Unlock()
		if turns == 0 && deliveries == 0 && under == 0 {
			break
		}
		if under > 0 {
			limit = later(limit, time.Now().Add(time.Minute))
		}
		if time.Now().After(limit) {
			w.wrong("%d turns and %d deliveries are left %v after the last fault: %s", turns, deliveries, time.Since(healed), w.describe(w.unfinished(ctx)))
			return
		}
		w.wait(look)
	}
	w.note("settled")
	// An echo may still be on its way, and a doubled job.
	w.wait(20 * time.Second)
	w.checkEnd(ctx)
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// awake puts a limit off until a minute after the last desk that sleeps has woken: one that
// waits for a workflow does so for minutes.
func (w *world) awake(healed, limit time.Time) time.Time {
	w.effects.Lock()
	defer w.effects.Unlock()
	for _, at := range w.sleeps {
		if at = at.Add(time.Minute); at.Before(healed.Add(20 * time.Minute)) {
			limit = later(limit, at)
		}
	}
	return limit
}

// misfortune kills processes and takes the database away, at times that nothing explains.
func (w *world) misfortune(ctx context.Context, actors *sync.WaitGroup) {
	for range w.shape.kills {
		r := w.dice("kill")
		actors.Go(func() {
			w.wait(between(r, 0, 40*time.Second))
			w.mu.Lock()
			p := w.processes[r.IntN(len(w.processes))]
			w.mu.Unlock()
			if chance(r, .3) {
				p.stop()
			} else {
				p.kill("killed")
			}
		})
	}
	for range w.shape.outages {
		r := w.dice("outage")
		actors.Go(func() {
			w.wait(between(r, 0, 30*time.Second))
			w.setOutage(true)
			w.wait(between(r, time.Second, 15*time.Second))
			w.setOutage(false)
		})
	}
}

func (w *world) setOutage(out bool) {
	w.note("database away: %v", out)
	w.mu.Lock()
	w.outage = out
	if out {
		w.counts["outage"]++
	}
	w.mu.Unlock()
}

// tail is the end of the trail, and what the seed was like.
func (w *world) tail(n int) string {
	from := max(0, len(w.trail)-n)
	return fmt.Sprintf("seed %d: %+v\n%s", w.seed, w.shape, strings.Join(w.trail[from:], "\n"))
}

func name(id conversation.ID) string { return fmt.Sprintf("c%d", id) }
