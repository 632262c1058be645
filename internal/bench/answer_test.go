package bench

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"secretaria/internal/channel/whaticket/whatickettest"
	"secretaria/internal/llm/llmtest"
	"secretaria/internal/redis/redistest"
	"secretaria/internal/store/postgres/postgrestest"
)

// start measures how soon a fresh install listens, and what it costs to run idle.
func start(b *testing.B, p plan, r *report) {
	path, err := build()
	must(b, err)
	info, err := os.Stat(path)
	must(b, err)
	t := table{title: "Start and idle", head: []string{"database", "start to first answer ms", "idle memory MB", "idle CPU, ms a second", "targets"},
		note: fmt.Sprintf("A start on an empty database includes its migrations; on PostgreSQL these take most of it. The binary has %.0f MB.", float64(info.Size())/(1<<20))}
	c := startCluster(b, postgrestest.Options{})
	for _, database := range []string{embedded, shared} {
		var started, memory, busy []float64
		for range p.rounds {
			url := "sqlite:" + filepath.Join(b.TempDir(), "secretaria.db")
			if database == shared {
				url = c.Schema(b)
			}
			s := serve(b, "", "DATABASE_URL="+url)
			started = append(started, ms(s.started))
			before := s.cpu()
			<-time.After(p.idle) // idling is what is measured
			now, _ := s.memory(b)
			memory = append(memory, now)
			busy = append(busy, ms(s.cpu()-before)/p.idle.Seconds())
			s.stop(b)
		}
		t.row(database, spread(started, fixed(0, "")), spread(memory, fixed(0, "")), spread(busy, fixed(0, "")), strings.Join([]string{
			r.judge("listening, "+database, median(started), false, 1000, fixed(0, " ms")),
			r.judge("memory idle, "+database, median(memory), false, 64, fixed(0, " MB")),
		}, ", "))
	}
	must(b, r.add("start", t))
}

// town is a fake model, a fake Whaticket, and the product between them.
type town struct {
	desk      *whatickettest.Server
	site      site
	answering *process // whose turns are measured
	thinking  atomic.Int64
	most      atomic.Int64 // calls of the model at the same time
}

// How the product is run.
const (
	oneFile      = "SQLite, one process"
	oneProcess   = "PostgreSQL, one process"
	webAndWorker = "PostgreSQL, web and worker"
	withRedis    = "PostgreSQL and Redis, web and worker"
)

// newTown starts everything; customers are answered at once.
func newTown(b *testing.B, how string, delay time.Duration) *town {
	b.Helper()
	w := &town{desk: &whatickettest.Server{}}
	model := &llmtest.OpenAI{}
	model.Delay, model.Record = delay, -1
	front := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, req *http.Request) {
		for now, most := w.thinking.Add(1), w.most.Load(); now > most && !w.most.CompareAndSwap(most, now); {
			most = w.most.Load()
		}
		defer w.thinking.Add(-1)
		model.ServeHTTP(rw, req)
	}))
	b.Cleanup(front.Close)
	must(b, w.desk.Start())
	b.Cleanup(w.desk.Close)
	env := []string{"OPENAI_API_KEY=sk-bench", "OPENAI_BASE_URL=" + front.URL + "/v1", "WHATSAPP_API_URL=" + w.desk.URL(),
		"WHATSAPP_BEARER_TOKEN=" + whatickettest.DefaultToken, "ALLOW_PRIVATE_ADDRESSES=true", "TURN_QUIET=0s"}
	if how == oneFile {
		w.answering = serve(b, "", append(env, "DATABASE_URL=sqlite:"+filepath.Join(b.TempDir(), "secretaria.db"))...)
		w.site = site{processes: []*process{w.answering}, web: []string{w.answering.addr}}
		return w
	}
	c := startCluster(b, postgrestest.Options{})
	env = append(env, "DATABASE_URL="+c.URL)
	if how == withRedis {
		env = append(env, "REDIS_URL="+redistest.URL(b))
	}
	if how == oneProcess {
		w.answering = serve(b, "", env...)
		w.site = site{processes: []*process{w.answering}, web: []string{w.answering.addr}, server: c}
		return w
	}
	web := serve(b, "web", env...)
	w.answering = serve(b, "worker", env...)
	w.site = site{processes: []*process{web, w.answering}, web: []string{web.addr}, server: c}
	return w
}

// overhead measures the whole way of a message at low load: from the first byte of the
// webhook to the reply at the helpdesk, five a second, with no quiet window.
func overhead(b *testing.B, p plan, r *report) {
	const delay = 50 * time.Millisecond
	t := table{title: "From webhook to reply, five messages a second", head: []string{"how", "p50 ms", "p99 ms", "beyond the model p50 ms", "p99 ms", "targets"},
		note: fmt.Sprintf("%d messages on Whaticket, a model that takes %d ms, TURN_QUIET=0s.", p.messages, delay.Milliseconds())}
	for _, how := range []string{oneFile, oneProcess, webAndWorker, withRedis} {
		b.Run(strings.ReplaceAll(how, " ", "-"), func(b *testing.B) {
			way, err := newTown(b, how, delay).ways(b, p.messages)
			must(b, err)
			over50, over99 := ms(way.quantile(.5)-delay), ms(way.quantile(.99)-delay)
			one := fixed(1, "")
			t.row(how, one(ms(way.quantile(.5))), one(ms(way.quantile(.99))), one(over50), one(over99), strings.Join([]string{
				r.judge("turn beyond the model, p50: "+how, over50, false, 40, fixed(1, " ms")),
				r.judge("turn beyond the model, p99: "+how, over99, false, 120, fixed(1, " ms")),
			}, ", "))
		})
	}
	must(b, r.add("overhead", t))
}

// ways sends messages of as many people, five a second, and says how long each took.
func (w *town) ways(b *testing.B, count int) (result, error) {
	b.Helper()
	t, err := bodyOf(whaticketKind)
	if err != nil {
		return result{}, err
	}
	ctx, cancel := context.WithTimeout(b.Context(), time.Minute)
	defer cancel()
	begun := make([]time.Time, count)
	var sent []whatickettest.Message
	var missing error
	var receiving sync.WaitGroup
	receiving.Go(func() { sent, missing = w.desk.Wait(ctx, count) })
	post := &poster{addrs: w.site.web}
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for i := range count {
		request := t.request(1<<40+numbers.Add(1), known(whaticketKind, i))
		<-tick.C
		begun[i] = time.Now()
		if status, err := post.post(request); err != nil || status != http.StatusAccepted {
			b.Fatalf("webhook answered %d %v", status, err)
		}
	}
	receiving.Wait()
	if missing != nil {
		return result{}, missing
	}
	var out result
	for _, m := range sent[:count] {
		token, err := strconv.Atoi(m.Number[len(m.Number)-7:])
		if i := (token - firstPerson) / 2; err == nil && i >= 0 && i < count {
			out.latency = append(out.latency, m.At.Sub(begun[i]))
		}
	}
	slices.Sort(out.latency)
	return out, nil
}

// flooded is what many customers at once came to.
type flooded struct{ acknowledged, replied, memory, thinking, cpu float64 }

// flood lets so many customers write in the same moment and waits for all replies.
func (w *town) flood(b *testing.B, count int) flooded {
	b.Helper()
	requests := crowd{people: 2 * count}.everybody(b, whaticketKind)
	ctx, cancel := context.WithTimeout(b.Context(), time.Minute)
	defer cancel()
	used := w.answering.cpu()
	begun := time.Now()
	postAll(b, requests, 64, w.site.web...)
	out := flooded{acknowledged: time.Since(begun).Seconds()}
	got, err := w.desk.Wait(ctx, count)
	if err != nil {
		b.Fatalf("%d replies of %d: %v", len(got), count, err)
	}
	out.replied = time.Since(begun).Seconds()
	_, out.memory = w.answering.memory(b)
	out.thinking = float64(w.most.Load())
	out.cpu = ms(w.answering.cpu() - used)
	return out
}

var floodHead = []string{"how", "all acknowledged s", "all replied s", "turns at the model at once", "peak memory MB", "CPU ms each", "targets"}

func floods(b *testing.B, p plan, how string, count int) (row []string, replied, memory []float64) {
	b.Helper()
	var acknowledged, thinking, cpu []float64
	for range p.floods {
		b.Run(strings.ReplaceAll(how, " ", "-"), func(b *testing.B) {
			f := newTown(b, how, 2*time.Second).flood(b, count)
			acknowledged, replied, memory = append(acknowledged, f.acknowledged), append(replied, f.replied), append(memory, f.memory)
			thinking, cpu = append(thinking, f.thinking), append(cpu, f.cpu/float64(count))
		})
	}
	return []string{how, spread(acknowledged, fixed(2, "")), spread(replied, fixed(2, "")), spread(thinking, whole), spread(memory, fixed(0, "")), spread(cpu, fixed(2, ""))}, replied, memory
}

// burst measures how long many customers who write in the same moment wait for their answers
// from a model that takes two seconds.
func burst(b *testing.B, p plan, r *report) {
	t := table{title: fmt.Sprintf("%s customers at once, a model that takes 2 s", whole(float64(p.burst))), head: floodHead}
	for _, how := range []string{oneFile, oneProcess} {
		row, replied, memory := floods(b, p, how, p.burst)
		if b.Failed() {
			return
		}
		what := fmt.Sprintf("%d replies, %s", p.burst, how)
		t.row(append(row, r.judge(what, median(replied), false, 8, fixed(1, " s"))+", "+r.judge("memory: "+what, median(memory), false, targetMemory, fixed(0, " MB")))...)
	}
	must(b, r.add("burst", t))
}

// thousand measures one worker with a thousand turns in flight.
func thousand(b *testing.B, p plan, r *report) {
	t := table{title: fmt.Sprintf("%s turns in flight in one process, a model that takes 2 s", whole(float64(p.turns))), head: floodHead,
		note: "Memory and processor time are those of the process that runs the turns."}
	for _, how := range []string{oneFile, webAndWorker} {
		row, _, memory := floods(b, p, how, p.turns)
		if b.Failed() {
			return
		}
		t.row(append(row, r.judge(fmt.Sprintf("memory with %d turns in flight, %s", p.turns, how), median(memory), false, targetMemory, fixed(0, " MB")))...)
	}
	must(b, r.add("turns", t))
}
