package postgres

import (
	"runtime"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"secretaria/internal/job"
	"secretaria/internal/store/postgres/postgrestest"
)

// BenchmarkReceive is the way of a webhook into the database: 64 callers, one text each, to
// many conversations; by people who are known, and by people who are not.
func BenchmarkReceive(b *testing.B) {
	for _, c := range []struct {
		name   string
		people int
	}{{"known", 1000}, {"new", 1 << 40}} {
		b.Run(c.name, func(b *testing.B) {
			s := open(b, postgrestest.URL(b), nil)
			fill(b, s.db, 1000)
			run(b, s.db, "update conversations set contact_name = 'Maria'")
			var next atomic.Int64
			next.Store(1000)
			b.SetParallelism((64 + runtime.GOMAXPROCS(0) - 1) / runtime.GOMAXPROCS(0))
			b.ReportAllocs()
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					n := int(next.Add(1))
					a := arrival("Bom dia, quanto custa o plano anual?", n%c.people)
					a.Events[0].Contact.Identities[0].Value = "v" + strconv.Itoa(1+n%c.people)
					a.Events[0].Key = "b" + strconv.Itoa(n)
					if _, err := s.Receive(b.Context(), a); err != nil {
						b.Errorf("Receive: %v", err)
					}
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "msg/s")
		})
	}
}

// BenchmarkReceiveAlone is one caller after the other: what a webhook waits at low load.
func BenchmarkReceiveAlone(b *testing.B) {
	s := open(b, postgrestest.URL(b), nil)
	for n := 0; b.Loop(); n++ {
		a := arrival("Bom dia, quanto custa o plano anual?", n%100)
		a.Events[0].Key = strconv.Itoa(n)
		if _, err := s.Receive(b.Context(), a); err != nil {
			b.Fatalf("Receive: %v", err)
		}
	}
}

// BenchmarkDispatch claims lanes by the hundred, of ten thousand that are due.
func BenchmarkDispatch(b *testing.B) {
	s := open(b, postgrestest.URL(b), nil)
	fill(b, s.db, 10_000)
	run(b, s.db, "update conversations set due_at = id, turn_lease = 0")
	now := noon
	claimed := 0
	for b.Loop() {
		n, _, err := s.Dispatch(b.Context(), job.Turns, now, 100, time.Minute)
		if err != nil {
			b.Fatalf("Dispatch: %v", err)
		}
		if claimed += n; n == 0 {
			now = now.Add(time.Hour) // all leases have run out
		}
	}
	b.ReportMetric(float64(claimed)/b.Elapsed().Seconds(), "claims/s")
}
