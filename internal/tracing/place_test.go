package tracing

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"go.opentelemetry.io/otel/trace"
)

func TestTraceID(t *testing.T) {
	t.Parallel()
	for correlation, want := range map[string]string{
		"0190a5c6-7b1e-7c3d-8e4f-a1b2c3d4e5f6": "0190a5c67b1e7c3d8e4fa1b2c3d4e5f6",
		"0190A5C6-7B1E-7C3D-8E4F-A1B2C3D4E5F6": "0190a5c67b1e7c3d8e4fa1b2c3d4e5f6",
		"0190a5c67b1e7c3d8e4fa1b2c3d4e5f6":     "0190a5c67b1e7c3d8e4fa1b2c3d4e5f6", // nginx writes its own so
	} {
		if got := TraceID(correlation); got != want {
			t.Errorf("TraceID(%q) = %s, want %s", correlation, got, want)
		}
	}
	seen := map[string]string{}
	for _, correlation := range []string{"", "req-1", "req-2", uuid.Nil.String(), strings.Repeat("x", 64)} {
		got := TraceID(correlation)
		if was, twice := seen[got]; twice || got == strings.Repeat("0", 32) || len(got) != 32 {
			t.Errorf("TraceID(%q) = %s, as of %q", correlation, got, was)
		}
		seen[got] = correlation
	}
}

// The ids of spans follow from their places, and from everything that a place is told.
func TestSpanIDs(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 22, 10, 0, 0, 123456789, time.UTC)
	seen := map[trace.SpanID]Place{}
	for _, p := range []Place{Webhook(1, "a"), Webhook(2, "a"), Webhook(1, "b"), Delivery("1", "a"), Delivery("1", "b"), Delivery("2", "a"), Spooled("a", at), Spooled("a", at.Add(1)), Spooled("b", at)} {
		if was, twice := seen[p.span()]; twice || !p.span().IsValid() {
			t.Errorf("%+v and %+v have the id %s", p, was, p.span())
		}
		seen[p.span()] = p
	}
	if a, b := Spooled("a", at), Spooled("a", at.In(time.FixedZone("BRT", -3*3600))); a.span() != b.span() {
		t.Errorf("one instant has two ids: %s and %s", a.span(), b.span())
	}
	if id := Root("a").span(); id.IsValid() {
		t.Errorf("a root hangs under %s", id)
	}
	// Two versions of the program share traces: the ids must not change.
	if got, want := Webhook(7, "0190a5c6-7b1e-7c3d-8e4f-a1b2c3d4e5f6").span().String(), "8444970b9999a21e"; got != want {
		t.Errorf("id of a webhook = %s, want %s", got, want)
	}
	if got, want := Delivery("0190a5c6-7b1e-7c3d-8e4f-a1b2c3d4e5f7", "0190a5c6-7b1e-7c3d-8e4f-a1b2c3d4e5f6").span().String(), "4cbaff6515dedfff"; got != want {
		t.Errorf("id of a delivery = %s, want %s", got, want)
	}
}

// A share is kept of UUIDs of whatever age, and of hashes; who keeps more keeps those as well.
func TestRatio(t *testing.T) {
	t.Parallel()
	const n = 20000
	r := rand.New(rand.NewPCG(1, 2))
	v7 := func(i int) trace.TraceID { // of one day, some of the same millisecond
		id := uuid.UUID{}
		ms := uint64(1_790_000_000_000 + i*13)
		for b := range 6 {
			id[b] = byte(ms >> (40 - 8*b))
		}
		for b := 6; b < 16; b++ {
			id[b] = byte(r.Uint32())
		}
		id[6], id[8] = id[6]&0x0f|0x70, id[8]&0x3f|0x80
		return trace.TraceID(id)
	}
	for name, draw := range map[string]func(int) trace.TraceID{
		"of a day":         v7,
		"of a millisecond": func(int) trace.TraceID { return v7(0) },
		"hashes":           func(int) trace.TraceID { return Root(uuid.NewString() + "x").trace() },
		"counted":          func(i int) trace.TraceID { return trace.TraceID{0x01, 15: byte(i), 14: byte(i >> 8)} },
	} {
		for _, share := range []float64{0.001, 0.1, 0.5, 0.9} {
			kept, less := 0, 0
			for i := range n {
				id := draw(i)
				if ratio(share)(id) {
					kept++
				} else if ratio(share / 2)(id) {
					less++
				}
			}
			// Five standard deviations: it fails once in a million runs.
			if off := math.Abs(float64(kept) - share*n); off > 5*math.Sqrt(n*share*(1-share)) {
				t.Errorf("%s: %d of %d kept, want about %v", name, kept, n, share*n)
			}
			if less > 0 {
				t.Errorf("%s: %d are kept by half the share and not by %v", name, less, share)
			}
		}
		if id := draw(3); ratio(0)(id) || !ratio(1)(id) {
			t.Errorf("%s: none keeps one, or all loses one", name)
		}
	}
}
