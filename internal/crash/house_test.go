package crash

import (
	"bufio"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"secretaria/internal/porttest"
	"secretaria/internal/redis/redistest"
	"secretaria/internal/store/postgres/postgrestest"
)

// place is where one process after the other runs.
type place struct {
	role string // web, worker, or "" for both
	dir  string
	port int
	run  *process // nil: nobody is there
	seat int      // its number at the model
	// frozen is since when the process stands still; zero: it does not.
	frozen time.Time
}

// house is the program as it is deployed: processes, and what they depend on.
type house struct {
	t        *testing.T
	town     *town
	program  *program
	database string
	postgres *postgrestest.Server // nil on the embedded database
	redis    *redistest.Server    // likewise
	places   []*place
	starts   int
	last     time.Time // the last start
}

// embedded is one process with its own database.
func embedded(t *testing.T, w *town, p *program) *house {
	t.Helper()
	h := &house{t: t, town: w, program: p, database: "sqlite:" + filepath.Join(t.TempDir(), "secretaria.db")}
	h.add("")
	h.open()
	return h
}

// shared is two web processes and two workers on one PostgreSQL and one Redis.
func shared(t *testing.T, w *town, p *program) *house {
	t.Helper()
	server := postgrestest.Start(t)
	h := &house{t: t, town: w, program: p, postgres: server, database: server.URL, redis: redistest.Start(t, redistest.Password())}
	for _, role := range []string{"web", "web", "worker", "worker"} {
		h.add(role)
	}
	h.open()
	return h
}

func (h *house) add(role string) *place {
	p := &place{role: role, dir: h.t.TempDir(), port: porttest.Free(h.t)}
	h.places = append(h.places, p)
	return p
}

// open starts everybody for the first time and tells the balancer.
func (h *house) open() {
	h.t.Helper()
	for _, p := range h.places {
		h.start(p)
	}
	h.announce()
}

// announce tells the balancer which web processes run. It is not told of those that are
// killed.
func (h *house) announce() {
	var front []string
	for _, p := range h.places {
		if p.web() && p.run != nil {
			front = append(front, p.url())
		}
	}
	h.town.balancer.set(front...)
}

func (p *place) web() bool    { return p.role != "worker" }
func (p *place) worker() bool { return p.role != "web" }
func (p *place) url() string  { return fmt.Sprintf("http://127.0.0.1:%d", p.port) }

func (p *place) String() string {
	if p.role == "" {
		return fmt.Sprintf("the process (%d)", p.seat)
	}
	return fmt.Sprintf("a %s (%d)", p.role, p.seat)
}

// of lists the places of a role.
func (h *house) of(role func(*place) bool) []*place {
	var list []*place
	for _, p := range h.places {
		if role(p) {
			list = append(list, p)
		}
	}
	return list
}

// start starts a process where nobody is.
func (h *house) start(p *place) {
	h.t.Helper()
	if p.run != nil {
		return
	}
	seat := h.town.seat()
	h.town.configure(p.dir, seat)
	args := []string{}
	if p.role != "" {
		args = append(args, "--role", p.role)
	}
	p.run = h.program.serve(h.t, p.dir, h.environment(p, seat), p.port, args...)
	p.seat = seat
	h.town.seated(seat, p.run)
	h.starts++
	h.last = time.Now()
	h.town.note(nil, "%s is started", p)
}

// kill kills a process without warning.
func (h *house) kill(p *place) {
	if p.run == nil {
		return
	}
	h.town.note(nil, "%s is killed", p)
	p.run.kill()
	p.run, p.frozen = nil, time.Time{}
}

// freeze makes a process stand still, as a machine does that is out of memory or being moved.
func (h *house) freeze(p *place) {
	h.t.Helper()
	must(h.t, freeze(p.run.cmd.Process))
	p.frozen = time.Now()
	h.town.note(nil, "%s is frozen", p)
}

// thaw lets it go on where it was.
func (h *house) thaw(p *place) {
	h.t.Helper()
	h.town.outage(p.seat, p.frozen, time.Now())
	must(h.t, thaw(p.run.cmd.Process))
	p.frozen = time.Time{}
	h.town.note(nil, "%s is thawed", p)
}

// restartDatabase kills PostgreSQL and starts it again.
func (h *house) restartDatabase() {
	h.t.Helper()
	h.town.note(nil, "PostgreSQL is killed")
	from := time.Now()
	h.postgres.Kill()
	h.postgres.Restart(h.t)
	h.town.outage(-1, from, time.Now())
	h.town.note(nil, "PostgreSQL is started")
}

// command runs a command of the program beside the processes.
func (h *house) command(args ...string) []byte {
	h.t.Helper()
	p := h.places[0]
	return h.program.run(h.t, p.dir, h.environment(p, p.seat), args...)
}

// environment is what a process is told, besides the inboxes.
func (h *house) environment(p *place, seat int) []string {
	env := []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + p.dir, "APP_HOST=127.0.0.1", "APP_PORT=" + strconv.Itoa(p.port), "DATABASE_URL=" + h.database,
		fmt.Sprintf("OPENAI_BASE_URL=%s/%d/v1", h.town.model.server.URL, seat), "OPENAI_API_KEY=" + modelKey, "OPENAI_MODEL=gpt-test", "ALLOW_PRIVATE_ADDRESSES=true",
		"TURN_QUIET=100ms", "REQUEST_TIMEOUT_SECONDS=2", "RATE_LIMIT_REQUESTS=100000", "WEBHOOK_RATE_LIMIT_NUMBER=100000",
	}
	if h.redis != nil {
		env = append(env, "REDIS_URL="+h.redis.URL)
	}
	return env
}

// queued is what the program itself says that it has left to do; -1 where it says nothing.
func (h *house) queued() int {
	for _, p := range h.places {
		if p.run == nil {
			continue
		}
		if n := queued(h.town.client, p.url()); n >= 0 {
			return n
		}
	}
	return -1
}

func queued(client *http.Client, base string) int {
	resp, err := client.Get(base + "/metrics")
	if err != nil {
		return -1
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	for lines.Scan() {
		if v, ok := strings.CutPrefix(lines.Text(), "secretaria_queue_size "); ok {
			n, err := strconv.Atoi(v)
			if err != nil {
				return -1
			}
			return n
		}
	}
	return -1
}

// stop ends everybody in good order.
func (h *house) stop() {
	h.t.Helper()
	for _, p := range h.places {
		if p.run != nil {
			p.run.stop(h.t)
			p.run = nil
		}
	}
}
