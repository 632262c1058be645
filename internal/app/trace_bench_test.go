package app_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"secretaria/internal/agent"
	"secretaria/internal/app"
	"secretaria/internal/channel/whaticket"
	"secretaria/internal/conversation"
	"secretaria/internal/delivery"
	"secretaria/internal/secret"
	"secretaria/internal/tracing"
	"secretaria/internal/tracing/tracingtest"
)

// BenchmarkTraces is what following costs: a webhook until it is acknowledged, and a message
// until its answer is recorded, by rules alone and sent nowhere, on the embedded database. Only
// the ratios within one run mean something; collector and customers share the machine.
func BenchmarkTraces(b *testing.B) {
	for _, c := range []struct {
		name  string
		quiet time.Duration
	}{{"webhook", time.Hour}, {"message", time.Millisecond}} {
		for _, mode := range []string{"off", "sampled out", "on"} {
			b.Run(c.name+"/"+mode, func(b *testing.B) {
				collector := (&tracingtest.Collector{}).Start()
				b.Cleanup(collector.Close)
				var delivered atomic.Int64
				o := app.Options{
					Host: "127.0.0.1", Database: filepath.Join(b.TempDir(), "secretaria.db"), Desks: []agent.Config{{Name: "secretaria"}},
					Inboxes: []app.Inbox{{Name: "whaticket", Desk: "secretaria", Whaticket: &whaticket.Config{Secrets: []secret.String{secret.New(whaticketSecret)}}}},
					Quiet:   conversation.Quiet{Window: c.quiet, Max: time.Hour}, DedupeWindow: time.Minute,
					Observe: app.Observer{Delivery: func(delivery.Done) { delivered.Add(1) }},
				}
				switch mode {
				case "sampled out":
					o.Traces = tracing.Config{Endpoint: collector.URL(), Sampler: "always_off"}
				case "on":
					o.Traces = tracing.Config{Endpoint: collector.URL()}
				}
				a, err := app.New(context.Background(), o)
				if err == nil {
					err = a.Start(context.Background())
				}
				if err != nil {
					b.Fatal(err)
				}
				client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
				b.Cleanup(func() {
					client.CloseIdleConnections()
					if err := a.Stop(context.Background()); err != nil {
						b.Error(err)
					}
				})
				var n atomic.Int64
				b.SetParallelism(16)
				b.ReportAllocs()
				b.ResetTimer()
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						body := says(fmt.Sprintf("5511%09d", 900000000+n.Add(1)), "Quero falar com um atendente")
						req, err := http.NewRequest(http.MethodPost, "http://"+a.Addr()+"/webhook/whaticket", bytes.NewReader(body))
						if err != nil {
							b.Error(err)
							return
						}
						req.Header = signed(whaticketSecret, body)
						resp, err := client.Do(req)
						if err != nil {
							b.Error(err)
							return
						}
						_, _ = io.Copy(io.Discard, resp.Body)
						_ = resp.Body.Close()
						if resp.StatusCode != http.StatusAccepted {
							b.Errorf("webhook answered %d", resp.StatusCode)
							return
						}
					}
				})
				if c.name == "message" {
					for delivered.Load() < int64(b.N) {
						<-time.After(time.Millisecond)
					}
				}
			})
		}
	}
}
