package bench

import (
	"context"
	"fmt"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"secretaria/internal/channel/whaticket/whatickettest"
	"secretaria/internal/llm/llmtest"
)

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// BenchmarkStart measures how soon a fresh install listens, and what it costs to run idle.
func BenchmarkStart(b *testing.B) {
	p := serve(b)
	b.ReportMetric(ms(p.started), "start-ms")
	before := p.cpu(b)
	<-time.After(5 * time.Second) // idling is what is measured
	now, _ := p.memory(b)
	b.ReportMetric(now, "idle-rss-MB")
	b.ReportMetric(ms(p.cpu(b)-before)/5, "idle-cpu-ms/s")
	path, err := build()
	if err != nil {
		b.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(info.Size())/(1<<20), "binary-MB")
}

// BenchmarkAcknowledge measures acknowledged webhooks, each on disk, at 64 connections. The
// quiet window keeps turns out of the picture. Whaticket's connections are closed after
// each answer, Chatwoot's are kept.
func BenchmarkAcknowledge(b *testing.B) {
	for _, kind := range []string{"whaticket", "chatwoot"} {
		b.Run(kind, func(b *testing.B) {
			p := serve(b, "TURN_QUIET=1h", "TURN_QUIET_MAX=2h", "CHATWOOT_WEBHOOK_SECRET="+secretText)
			l := load{addr: p.addr, kind: kind, connections: 64, contacts: 5000, duration: 2 * time.Second}
			l.run(b) // contacts and conversations are there before the measure
			before := p.cpu(b)
			l.first, l.duration = 1<<40, 8*time.Second
			r := l.run(b)
			used := p.cpu(b) - before
			_, peak := p.memory(b)
			b.ReportMetric(float64(r.accepted)/r.seconds, "acks/s")
			b.ReportMetric(ms(r.quantile(.5)), "p50-ms")
			b.ReportMetric(ms(r.quantile(.99)), "p99-ms")
			b.ReportMetric(ms(used)/float64(max(r.accepted, 1)), "cpu-ms/ack")
			b.ReportMetric(float64(r.refused), "refused")
			b.ReportMetric(peak, "peak-rss-MB")
		})
	}
}

// peers starts a fake model and a fake Whaticket and returns what tells serve of them.
func peers(b *testing.B, delay time.Duration) (*llmtest.OpenAI, *whatickettest.Server, []string) {
	b.Helper()
	model := &llmtest.OpenAI{}
	model.Delay = delay
	if err := model.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { model.Close() })
	desk := &whatickettest.Server{}
	if err := desk.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(desk.Close)
	return model, desk, []string{"OPENAI_API_KEY=sk-bench", "OPENAI_BASE_URL=" + model.BaseURL(), "WHATSAPP_API_URL=" + desk.URL(),
		"WHATSAPP_BEARER_TOKEN=" + whatickettest.DefaultToken, "ALLOW_PRIVATE_ADDRESSES=true", "TURN_QUIET=0s"}
}

// BenchmarkTurnOverhead measures what a turn takes beyond its model's time: from the
// webhook's first byte to the reply at the helpdesk, at five messages a second, with a zero
// quiet window.
func BenchmarkTurnOverhead(b *testing.B) {
	const delay, count = 50 * time.Millisecond, 100
	_, desk, env := peers(b, delay)
	p := serve(b, env...)
	ctx, cancel := context.WithTimeout(b.Context(), time.Minute)
	defer cancel()
	begun := make([]time.Time, count)
	arrived := make([]time.Time, count)
	var receiving sync.WaitGroup
	receiving.Go(func() {
		for n := 1; n <= count; n++ {
			got, err := desk.Wait(ctx, n)
			if err != nil {
				b.Errorf("%d replies of %d: %v", len(got), count, err)
				return
			}
			m := got[n-1]
			var i int
			fmt.Sscanf(m.Number, "551190000%04d", &i)
			arrived[i] = m.At
		}
	})
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for i := range count {
		<-tick.C
		begun[i] = time.Now()
		body := whatickettest.Baileys{JID: fmt.Sprintf("551190000%04d@s.whatsapp.net", i), ID: fmt.Sprintf("T%d", i), Text: "Olá", At: time.Now()}.Body()
		if status, err := post(p.addr, "/webhook/whaticket", body); err != nil || status != 202 {
			b.Fatalf("webhook answered %d %v", status, err)
		}
	}
	receiving.Wait()
	var over []time.Duration
	for i := range count {
		over = append(over, arrived[i].Sub(begun[i])-delay)
	}
	slices.Sort(over)
	r := result{latency: over}
	b.ReportMetric(ms(r.quantile(.5)), "overhead-p50-ms")
	b.ReportMetric(ms(r.quantile(.99)), "overhead-p99-ms")
}

// BenchmarkSixHundredAtOnce measures how long 600 customers who write in the same moment
// wait for their answers from a model that takes two seconds.
func BenchmarkSixHundredAtOnce(b *testing.B) {
	const count = 600
	model, desk, env := peers(b, 2*time.Second)
	p := serve(b, env...)
	ctx, cancel := context.WithTimeout(b.Context(), time.Minute)
	defer cancel()
	begun := time.Now()
	var next atomic.Int64
	var posting sync.WaitGroup
	for range 64 {
		posting.Go(func() {
			for i := next.Add(1); i <= count; i = next.Add(1) {
				body := whatickettest.Baileys{JID: fmt.Sprintf("551190000%04d@s.whatsapp.net", i), ID: fmt.Sprintf("S%d", i), Text: "Olá", At: time.Now()}.Body()
				if status, err := post(p.addr, "/webhook/whaticket", body); err != nil || status != 202 {
					b.Errorf("webhook answered %d %v", status, err)
				}
			}
		})
	}
	posting.Wait()
	acknowledged := time.Since(begun)
	got, err := desk.Wait(ctx, count)
	if err != nil {
		b.Fatalf("%d replies of %d: %v", len(got), count, err)
	}
	_, peak := p.memory(b)
	b.ReportMetric(time.Since(begun).Seconds(), "all-replied-s")
	b.ReportMetric(acknowledged.Seconds(), "all-acknowledged-s")
	b.ReportMetric(peak, "peak-rss-MB")
	b.ReportMetric(float64(model.Count()), "model-calls")
}
