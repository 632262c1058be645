package sqlite

import (
	"path/filepath"
	"runtime"
	"strconv"
	"sync/atomic"
	"testing"

	"secretaria/internal/store"
)

// BenchmarkReceive is the way of a webhook into the file: 64 callers, one text each, by five
// thousand people who are known.
func BenchmarkReceive(b *testing.B) {
	const people = 5000
	s := open(b, filepath.Join(b.TempDir(), "secretaria.db"), nil)
	var next atomic.Int64
	said := func(n int) store.Arrival {
		a := arrival("Bom dia, quanto custa o plano anual?", n%people)
		a.Events[0].Key = "b" + strconv.Itoa(n)
		return a
	}
	receive := func() {
		if _, err := s.Receive(b.Context(), said(int(next.Add(1)))); err != nil {
			b.Errorf("Receive: %v", err)
		}
	}
	b.SetParallelism((64 + runtime.GOMAXPROCS(0) - 1) / runtime.GOMAXPROCS(0))
	known := make(chan bool, 64)
	for range cap(known) {
		go func() {
			for next.Load() < people {
				receive()
			}
			known <- true
		}()
	}
	for range cap(known) {
		<-known
	}
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			receive()
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "msg/s")
}

// BenchmarkOpen is the opening of a migrated file, which every command pays.
func BenchmarkOpen(b *testing.B) {
	path := filepath.Join(b.TempDir(), "secretaria.db")
	open(b, path, nil)
	for b.Loop() {
		db, err := Open(b.Context(), path, true)
		if err != nil {
			b.Fatalf("Open: %v", err)
		}
		s, err := New(b.Context(), db, nil)
		if err != nil {
			b.Fatalf("New: %v", err)
		}
		if err := s.Close(); err != nil {
			b.Fatalf("Close: %v", err)
		}
	}
}
