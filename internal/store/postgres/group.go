package postgres

import (
	"context"
	"slices"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5"

	"secretaria/internal/channel"
	"secretaria/internal/store"
)

// maxGroup bounds the webhooks of one commit, and so how long the first of them waits for
// the last.
const maxGroup = 128

// groups stores webhooks that arrive together in shared transactions. A group reads and
// locks once, decides each of its members from that alone, and writes once: two round trips
// and one commit, however many they are. Whoever needs more than was read (a new contact, a
// row that somebody else holds) is told errAlone, and so is everybody when a group breaks.
//
// One group is stored at a time, and the next fills meanwhile. Two at a time make groups
// half as large, and each message cost both us and the server twice the processor time.
type groups struct {
	s       *Store
	waiting chan *member
	done    sync.WaitGroup

	mu     sync.RWMutex // guards closing waiting against a late receive
	closed bool
}

// member is one webhook with one event.
type member struct {
	ctx   context.Context
	a     *store.Arrival
	out   []store.Result
	err   error
	ended chan struct{}
}

// who is the person as far as the order of strangers goes.
func (m *member) who() string {
	for _, id := range m.a.Events[0].Contact.Identities {
		return string(id.Kind) + id.Value
	}
	return ""
}

// strangers counts those for whom a conversation may have to be made.
func strangers(es []*event) (n int) {
	for _, e := range es {
		if _, found, err := e.Locate(); !found && err == nil {
			n++
		}
	}
	return n
}

// groupable says whether a webhook is what most are: one message with an identity.
func groupable(a *store.Arrival) bool {
	return len(a.Events) == 1 && a.Events[0].Kind == channel.Received && (a.Events[0].Key != "" || a.Fallback != nil)
}

func newGroups(s *Store) *groups {
	g := &groups{s: s, waiting: make(chan *member, 4*maxGroup)}
	g.done.Go(g.loop)
	return g
}

// receive returns once the webhook is on disk, or was not stored at all.
func (g *groups) receive(ctx context.Context, a *store.Arrival) ([]store.Result, error) {
	m := &member{ctx: ctx, a: a, ended: make(chan struct{})}
	g.mu.RLock()
	if g.closed {
		g.mu.RUnlock()
		return nil, errClosed
	}
	select {
	case g.waiting <- m:
		g.mu.RUnlock()
	case <-ctx.Done():
		g.mu.RUnlock()
		return nil, database("receive", ctx.Err())
	}
	// Waiting for the end even when ctx is done: the writer skips those whose callers are
	// gone, and of the others the outcome is known soon.
	<-m.ended
	return m.out, m.err
}

func (g *groups) close() {
	g.mu.Lock()
	if !g.closed {
		g.closed = true
		close(g.waiting)
	}
	g.mu.Unlock()
	g.done.Wait()
}

func (g *groups) loop() {
	all := make([]*member, 0, maxGroup)
	for first := range g.waiting {
		all = append(all[:0], first)
	fill:
		for len(all) < maxGroup {
			select {
			case m, ok := <-g.waiting:
				if !ok {
					break fill
				}
				all = append(all, m)
			default:
				break fill
			}
		}
		live := all[:0:0]
		for _, m := range all {
			if err := m.ctx.Err(); err != nil {
				m.err = database("receive", err)
			} else {
				live = append(live, m)
			}
		}
		if len(live) > 0 {
			if err := g.commit(live); err != nil {
				for _, m := range live {
					m.out, m.err = nil, err
				}
			}
		}
		for _, m := range all {
			close(m.ended)
		}
	}
}

// commit stores those members that it can; the others get errAlone. So does everybody when
// something breaks, but where there is no database, nobody need look for it again.
func (g *groups) commit(members []*member) error {
	if !g.s.enter() {
		return errClosed
	}
	defer g.s.leave()
	// The transaction belongs to no single caller, so no caller's context ends it.
	q, end, err := g.s.begin(context.Background())
	if err != nil {
		return database("receive", err)
	}
	defer end()
	if q.group(members) != nil {
		return errAlone
	}
	return nil
}

func (q *session) group(members []*member) error {
	// Groups that store the same strangers at the same time do so in the same order.
	slices.SortStableFunc(members, func(a, b *member) int { return strings.Compare(a.who(), b.who()) })
	es := make([]*event, len(members))
	for i, m := range members {
		m.out = make([]store.Result, 1)
		es[i] = newEvent(m.a, 0, &m.out[0])
	}
	k, err := q.know("conversations_lock_free", es)
	if err != nil {
		return err
	}
	for _, e := range es {
		e.k = k
	}
	if n := strangers(es); n > 0 {
		if err := q.draw(k, n); err != nil {
			return err
		}
	}
	var plain messages
	fresh := map[string]bool{} // a repeat of one of these finds it when the group is stored
	for i, m := range members {
		e := es[i]
		// What a member writes is queued apart, for it may turn out not to fit.
		mine := *q
		mine.shut, mine.batch = true, &pgx.Batch{}
		e.session = &mine
		if fresh[string(e.Identity)] || e.Store() != nil {
			m.out, m.err = nil, errAlone
			continue
		}
		if mine.message != nil && mine.batch.Len() == 1 {
			plain.add(mine.message)
		} else {
			// What else it writes may be about messages of those before it.
			q.insert(&plain)
			q.batch.QueuedQueries = append(q.batch.QueuedQueries, mine.batch.QueuedQueries...)
		}
		fresh[string(e.Identity)] = !m.out[0].Duplicate
	}
	q.insert(&plain)
	q.saveAll(k.conversations)
	return q.commit()
}
