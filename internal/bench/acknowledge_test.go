package bench

import (
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"secretaria/internal/store/postgres/postgrestest"
)

// What is aimed at, at 64 connections on two shared cores with the generator on the same.
const (
	main64        = 64
	targetRate    = 6000.0
	targetCPU     = 0.25 // ms for each
	targetMemory  = 256.0
	targetShare   = 0.6 // of the plain inserts, grouped in the same way
	targetGrowth  = 1.3 // of p99, with a million conversations
	p99Embedded   = 50.0
	p99Shared     = 60.0
	usualPeople   = 5000
	usualNewcomer = 20
)

// house is the product on a database, with a table for plain inserts beside it.
type house struct {
	database string
	site     site
	table    plain
}

// houses starts the product on a new SQLite file and on a new PostgreSQL, with people who
// are known.
func houses(b *testing.B, callers int) []*house {
	b.Helper()
	dir := b.TempDir()
	file := &house{database: embedded, table: newPlain(b, "sqlite:"+filepath.Join(dir, "plain.db"), 1)}
	file.open(b, "sqlite:"+filepath.Join(dir, "secretaria.db"), nil)
	return []*house{file, onCluster(b, startCluster(b, postgrestest.Options{}), callers)}
}

func onCluster(b *testing.B, c *cluster, callers int) *house {
	b.Helper()
	h := &house{database: shared}
	h.open(b, c.Schema(b), c)
	plainURL := c.Schema(b)
	c.exec(b, plainURL, plainPostgres)
	h.table = newPlain(b, plainURL, callers)
	return h
}

// open starts the product as one process.
func (h *house) open(b *testing.B, database string, c *cluster) {
	b.Helper()
	p := serve(b, "", quiet(database)...)
	h.site = site{processes: []*process{p}, web: []string{p.addr}, server: c}
	h.site.introduce(b, crowd{people: usualPeople})
}

// introduce lets everybody write once.
func (s site) introduce(b *testing.B, who crowd) {
	b.Helper()
	for _, kind := range kinds() {
		postAll(b, who.everybody(b, kind), 16, s.web...)
	}
}

// acknowledge measures accepted webhooks, each on disk, by connections, on both databases;
// and beside them plain inserts and a bare HTTP server.
func acknowledge(b *testing.B, p plan, r *report) {
	all := houses(b, slices.Max(p.connections))
	var cells []*cell
	limits := map[*house]map[string]*cell{}
	add := func(c *cell) *cell {
		cells = append(cells, c)
		return c
	}
	var ackRows, limitRows []*cell
	bare := ceiling(b, "", nil)
	storing := map[*house]site{}
	for _, h := range all {
		limits[h] = map[string]*cell{}
		database := h.table.database
		if h.site.server == nil {
			database += ".http" // a file belongs to one process
		}
		storing[h] = ceiling(b, database, h.site.server)
	}
	for _, n := range p.connections {
		conns := strconv.Itoa(n)
		for _, h := range all {
			for _, kind := range kinds() {
				c := add(&cell{name: []string{h.database, kind, conns}, measure: func() sample { return h.site.load(b, p, kind, n, crowd{people: usualPeople}) }})
				ackRows = append(ackRows, c)
			}
			c := add(&cell{name: []string{h.database, "plain inserts, grouped", conns}, measure: func() sample { return site{server: h.site.server}.together(b, p, h.table, n) }})
			limits[h][conns] = c
			limitRows = append(limitRows, c)
			if n == 1 || n == main64 {
				limitRows = append(limitRows, add(&cell{name: []string{h.database, "plain inserts, one by one", conns}, measure: func() sample { return site{server: h.site.server}.singly(b, p, h.table, n) }}))
			}
		}
		if n != 1 && n != main64 {
			continue
		}
		for _, kind := range kinds() {
			requests := crowd{people: usualPeople}.requests(b, kind, 2000)
			limitRows = append(limitRows, add(&cell{name: []string{"none", "bare HTTP, " + kind, conns}, measure: func() sample { return bare.repeats(b, p, n, requests) }}))
			if n == 1 {
				continue
			}
			for _, h := range all {
				c := add(&cell{name: []string{h.database, "bare HTTP and a grouped plain insert, " + kind, conns}, measure: func() sample { return storing[h].repeats(b, p, n, requests) }})
				limits[h][kind+conns] = c
				limitRows = append(limitRows, c)
			}
		}
	}
	slices.SortStableFunc(ackRows, func(a, b *cell) int { return strings.Compare(b.name[0]+b.name[1], a.name[0]+a.name[1]) })
	slices.SortStableFunc(limitRows, func(a, b *cell) int { return strings.Compare(b.name[0]+b.name[1], a.name[0]+a.name[1]) })
	interleave(b, p.rounds, cells)
	if b.Failed() {
		return
	}
	t := table{title: "Acknowledged webhooks, each on disk", head: append(append([]string{"database", "channel", "connections"}, loadHead...), "of grouped plain inserts", "of the same behind bare HTTP", "targets")}
	for _, h := range all {
		for _, c := range ackRows {
			if c.name[0] != h.database {
				continue
			}
			conns := c.name[2]
			share := c.share(limits[h][conns], rate)
			behind, targets := "", ""
			if conns == strconv.Itoa(main64) {
				behind = spread(c.share(limits[h][c.name[1]+conns], rate), percent)
				targets = r.targets(h.database+", "+c.name[1]+", 64 connections", c, share, h.database == shared)
			}
			t.row(append(c.figures(), spread(share, percent), behind, targets)...)
		}
	}
	l := table{title: "What the machine gives without us", head: append([]string{"database", "what", "callers"}, loadHead...),
		note: "The generator's processor time includes the callers of plain inserts: they are in its process. Ours is that of the bare HTTP server, a process of its own."}
	for _, c := range limitRows {
		l.row(c.figures()...)
	}
	must(b, r.add("acknowledge", t, l))
}

func must(b *testing.B, err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

// targets judges a cell at 64 connections.
func (r *report) targets(what string, c *cell, share []float64, server bool) string {
	worst := p99Embedded
	if server {
		worst = p99Shared
	}
	out := []string{
		r.judge("acknowledged a second: "+what, median(c.of(rate)), true, targetRate, fixed(0, "/s")),
		r.judge("p99: "+what, median(c.of(p99)), false, worst, fixed(1, " ms")),
		r.judge("our processor time for each: "+what, median(c.of(ours)), false, targetCPU, fixed(2, " ms")),
		r.judge("memory: "+what, median(c.of(memory)), false, targetMemory, fixed(0, " MB")),
	}
	if server {
		out = append(out, r.judge("share of grouped plain inserts: "+what, median(share), true, targetShare, percent))
	}
	return strings.Join(out, ", ")
}

// processes measures several web processes behind a client that takes them in turn, with a
// worker beside them, on one PostgreSQL.
func processes(b *testing.B, p plan, r *report) {
	c := startCluster(b, postgrestest.Options{})
	database := c.Schema(b)
	var web []*process
	for range slices.Max(p.processes) {
		web = append(web, serve(b, "web", quiet(database)...))
	}
	worker := serve(b, "worker", quiet(database)...)
	var cells []*cell
	for _, kind := range kinds() {
		for _, n := range p.processes {
			s := site{processes: append(slices.Clone(web[:n]), worker), server: c}
			for _, w := range web[:n] {
				s.web = append(s.web, w.addr)
			}
			if len(cells) == 0 {
				s.introduce(b, crowd{people: usualPeople})
			}
			cells = append(cells, &cell{name: []string{kind, strconv.Itoa(n)}, measure: func() sample { return s.load(b, p, kind, main64, crowd{people: usualPeople}) }})
		}
	}
	interleave(b, p.rounds, cells)
	if b.Failed() {
		return
	}
	t := table{title: "Web processes on one PostgreSQL, 64 connections", head: append(append([]string{"channel", "web processes"}, loadHead...), "of one process"),
		note: "One worker runs beside them; its processor time is in ours, and memory is that of the largest process."}
	for i, c := range cells {
		one := cells[i-i%len(p.processes)]
		t.row(append(c.figures(), spread(c.share(one, rate), fixed(2, "×")))...)
	}
	must(b, r.add("processes", t))
}

// stored measures how the figures change with what is stored: random known people, and one
// message in twenty by somebody new.
func stored(b *testing.B, p plan, r *report) {
	t := table{title: "With conversations stored, 64 connections", head: append(append([]string{"database", "channel", "conversations"}, loadHead...), "p99 of the first", "targets"),
		note: fmt.Sprintf("%d messages each. Five per cent of the messages are by people who are new; the others by known ones, drawn from all (from %s where none were stored before). Rows with nothing stored and with many take turns.", perConversation, whole(usualPeople))}
	var took []string
	for _, database := range []string{embedded, shared} {
		b.Run(database, func(b *testing.B) {
			var from archive
			var c *cluster
			if database == embedded {
				from = newFiles(b, p)
			} else {
				kept := newTemplates(b, p)
				from, c = kept, kept.cluster
			}
			var cells []*cell
			for _, kind := range kinds() {
				for _, size := range p.stored {
					cells = append(cells, &cell{name: []string{database, kind, whole(float64(size))}})
				}
			}
			for i, size := range p.stored {
				url, ask, filled := from.copy(b, size)
				if filled > 0 {
					took = append(took, fmt.Sprintf("%s, %s conversations: %s", database, whole(float64(size)), filled.Round(100*time.Millisecond)))
				}
				running := serve(b, "", quiet(url)...)
				s := site{processes: []*process{running}, web: []string{running.addr}, server: c}
				who := crowd{people: size, newcomer: usualNewcomer}
				if size == 0 {
					who.people = usualPeople
					s.introduce(b, who)
				} else {
					checkFilled(b, ask, running.addr)
				}
				for j, kind := range kinds() {
					cells[j*len(p.stored)+i].measure = func() sample { return s.load(b, p, kind, main64, who) }
				}
			}
			interleave(b, p.rounds, cells)
			if b.Failed() {
				return
			}
			for i, c := range cells {
				first := cells[i-i%len(p.stored)]
				growth := c.share(first, p99)
				targets := ""
				if i%len(p.stored) == len(p.stored)-1 {
					targets = r.judge(fmt.Sprintf("p99 beside an empty store: %s, %s, %s conversations", database, c.name[1], c.name[2]), median(growth), false, targetGrowth, fixed(2, "×"))
				}
				t.row(append(c.figures(), spread(growth, fixed(2, "×")), targets)...)
			}
		})
	}
	if b.Failed() {
		return
	}
	if len(took) > 0 {
		t.note += " Filling took: " + strings.Join(took, "; ") + "."
	}
	must(b, r.add("stored", t))
}

// slow measures with a server whose every sync takes two milliseconds more.
func slow(b *testing.B, p plan, r *report) {
	env, err := slowSync(b)
	if err != nil {
		fmt.Fprintf(r.out, "slow: left out: %v\n", err)
		return
	}
	h := onCluster(b, startCluster(b, postgrestest.Options{Env: env}), main64)
	limits := site{server: h.site.server}
	lone := &cell{name: []string{"plain inserts, one by one", "1"}, measure: func() sample { return limits.singly(b, p, h.table, 1) }}
	grouped := &cell{name: []string{"plain inserts, grouped", "64"}, measure: func() sample { return limits.together(b, p, h.table, main64) }}
	cells := []*cell{lone, {name: []string{"plain inserts, one by one", "64"}, measure: func() sample { return limits.singly(b, p, h.table, main64) }}, grouped}
	for _, kind := range kinds() {
		cells = append(cells, &cell{name: []string{"us, " + kind, "64"}, measure: func() sample { return h.site.load(b, p, kind, main64, crowd{people: usualPeople}) }})
	}
	interleave(b, p.rounds, cells)
	if b.Failed() {
		return
	}
	if got := median(lone.of(p50)); got < 2 {
		b.Fatalf("a commit takes %.2f ms with slow syncs: they were not made slow", got)
	}
	t := table{title: "PostgreSQL with every sync 2 ms slower", head: append(append([]string{"what", "callers"}, loadHead...), "of grouped plain inserts", "targets"),
		note: "SQLite has no such row: it calls the kernel from Go, where nothing can be put in between."}
	for i, c := range cells {
		share, targets := c.share(grouped, rate), ""
		if i > 2 {
			targets = r.targets("every sync 2 ms slower, "+c.name[0], c, share, true)
		}
		t.row(append(c.figures(), spread(share, percent), targets)...)
	}
	must(b, r.add("slow", t))
}

// duplicates measures webhooks that were accepted before.
func duplicates(b *testing.B, p plan, r *report) {
	var cells []*cell
	for _, h := range houses(b, 1) {
		for _, kind := range kinds() {
			requests := crowd{people: usualPeople}.requests(b, kind, 2000)
			postAll(b, requests, 16, h.site.web...)
			cells = append(cells, &cell{name: []string{h.database, kind}, measure: func() sample { return h.site.repeats(b, p, main64, requests) }})
		}
	}
	interleave(b, p.rounds, cells)
	if b.Failed() {
		return
	}
	t := table{title: "Repeats of known webhooks, 64 connections", head: append([]string{"database", "channel"}, loadHead...)}
	for _, c := range cells {
		t.row(c.figures()...)
	}
	must(b, r.add("duplicates", t))
}
