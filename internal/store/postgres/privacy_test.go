package postgres

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"secretaria/internal/conversation"
	"secretaria/internal/fault"
	"secretaria/internal/job"
	"secretaria/internal/store"
	"secretaria/internal/store/postgres/postgrestest"
)

// What an earlier version kept in plain words is hashed when the store is opened, by whoever
// opens it first, and works as before.
func TestPlainOptOutsAreHashed(t *testing.T) {
	t.Parallel()
	db := openDB(t, postgrestest.URL(t))
	if _, err := db.Migrate(t.Context()); err != nil {
		t.Fatalf("Migrate: %v", err)
	}
	run(t, db, `insert into contacts (id, inbox, created_at) values (900, 'vendas', 1), (901, 'vendas', 1);
insert into identities (inbox, kind, value, contact_id) values ('vendas', 'raw', '77', 900), ('vendas', 'raw', '78', 901);
insert into opt_outs (inbox, kind, value, at, conversation_id) values ('vendas', 'raw', '77', 5, 1), ('vendas', 'contact', '900', 5, 1)`)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if _, err := New(context.Background(), db, nil); err != nil {
				t.Errorf("New: %v", err)
			}
		})
	}
	wg.Wait()
	if n := number(t, db, "select count(*) from opt_outs where value = '77' or kind = 'contact' and value <> '900'"); n != 0 {
		t.Errorf("%d opt-outs are in plain words", n)
	}
	if n := number(t, db, "select count(*) from identities i join opt_outs o on o.value = i.token where i.value = '77' and o.value like 'k1:%'"); n != 1 {
		t.Errorf("%d opt-outs are known by the hash, want 1", n)
	}
	s, err := New(t.Context(), db, nil)
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	for contact, out := range map[conversation.ContactID]bool{900: true, 901: false} {
		if p, err := s.People(t.Context(), store.PersonFilter{Contact: contact}); err != nil || len(p) != 1 || p[0].OptedOutAt.IsZero() == out {
			t.Errorf("People(%d) = %+v, %v, want opted out: %v", contact, p, err, out)
		}
	}
}

// While two processes store what somebody writes, answer it and erase it again and again,
// every erasure takes all there is at that moment, nothing breaks, and in the end nothing is left.
func TestErasingBesideEverything(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	fences := map[job.Lane]map[conversation.ID]int64{job.Turns: {}, job.Deliveries: {}}
	both := pair(t, func(_ context.Context, _ pgx.Tx, lane job.Lane, claims []job.Claim) error {
		mu.Lock()
		defer mu.Unlock()
		for _, c := range claims {
			fences[lane][c.Conversation] = c.Fence
		}
		return nil
	})
	const people, rounds = 3, 40
	now := noon
	var writers, others sync.WaitGroup
	for i := range both {
		for person := range people {
			writers.Go(func() {
				for n := range rounds {
					a := arrival("oi", person)
					a.Quiet, a.Events[0].Key = conversation.Quiet{}, fmt.Sprintf("%d-%d-%d", i, person, n)
					if n%3 == 0 {
						a.Events[0].Thread = fmt.Sprintf("1/%d", person)
					}
					if _, err := both[i].Receive(t.Context(), a); err != nil {
						t.Errorf("Receive: %v", err)
					}
				}
			})
		}
	}
	ended := make(chan struct{})
	loop := func(step func()) {
		others.Go(func() {
			for {
				select {
				case <-ended:
					return
				default:
					step()
				}
			}
		})
	}
	lost := func(err error) bool {
		return err == nil || fault.Is(err, fault.Conflict) || fault.Is(err, fault.NotFound)
	}
	loop(func() {
		later := now.Add(time.Minute)
		if _, _, err := both[1].Dispatch(t.Context(), job.Turns, later, 10, time.Millisecond); err != nil {
			t.Errorf("Dispatch: %v", err)
		}
		mu.Lock()
		claims := map[conversation.ID]int64{}
		for id, fence := range fences[job.Turns] {
			claims[id] = fence
			delete(fences[job.Turns], id)
		}
		mu.Unlock()
		for id, fence := range claims {
			turn, err := both[1].BeginTurn(t.Context(), job.Turn{Conversation: id, Fence: fence}, later, time.Minute, 20)
			if err != nil {
				if !lost(err) {
					t.Errorf("BeginTurn: %v", err)
				}
				continue
			}
			err = both[1].Decide(t.Context(), store.Decision{Conversation: id, Fence: turn.Fence, Epoch: turn.Conversation.State.Epoch, Revision: turn.Conversation.Revision, Partial: true,
				Through: turn.Pending[len(turn.Pending)-1].ID, Now: later, Lease: time.Minute, Memory: []byte(`{}`), Profile: []byte(`{}`), Lead: &store.Lead{Desk: "sdr", State: "new", Body: []byte(`{}`)}})
			if !lost(err) {
				t.Errorf("Decide: %v", err)
			}
		}
	})
	loop(func() { eraseAll(t, both[0], people, now) })
	writers.Wait()
	close(ended)
	others.Wait()
	eraseAll(t, both[0], people, now)
	db := both[0].db
	for _, table := range strings.Fields("contacts identities conversations messages turns deliveries memories profiles leads firings") {
		if n := number(t, db, "select count(*) from "+table); n != 0 {
			t.Errorf("%d rows are left in %s", n, table)
		}
	}
	if n := number(t, db, "select count(*) from forgotten"); n != 2*people*rounds {
		t.Errorf("%d messages are known, want %d", n, 2*people*rounds)
	}
	again := arrival("oi", 0)
	again.Events[0].Key = "0-0-0"
	if out, err := both[1].Receive(t.Context(), again); err != nil || !out[0].Duplicate {
		t.Errorf("Receive of a repeat = %+v, %v, want a duplicate", out, err)
	}
}

func eraseAll(t *testing.T, s *Store, people int, now time.Time) {
	t.Helper()
	for person := range people {
		found, err := s.People(t.Context(), store.PersonFilter{Values: []string{fmt.Sprint(person)}})
		if err != nil {
			t.Errorf("People: %v", err)
		}
		for _, p := range found {
			if _, err := s.Erase(t.Context(), store.Erasure{Contact: p.Contact, Now: now, Act: store.Act{Actor: "user:ana", Action: "contact.erase"}}); err != nil && !fault.Is(err, fault.NotFound) {
				t.Errorf("Erase: %v", err)
			}
		}
	}
}
