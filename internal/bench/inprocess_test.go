package bench

import (
	"path/filepath"
	"testing"
	"time"
	"log/slog"
	"io"
	"syscall"

	"secretaria/internal/agent"
	"secretaria/internal/app"
	"secretaria/internal/channel/whaticket"
	"secretaria/internal/conversation"
	"secretaria/internal/secret"
	"secretaria/internal/telemetry"
)

func BenchmarkInProcess(b *testing.B) {
	a, err := app.New(b.Context(), app.Options{Host: "127.0.0.1", Database: filepath.Join(b.TempDir(), "x.db"), Metrics: true,
		Desks: []agent.Config{{Name: "secretaria"}},
		Inboxes: []app.Inbox{{Name: "whaticket", Desk: "secretaria", Whaticket: &whaticket.Config{Secrets: []secret.String{secret.New("s")}}}},
		Quiet: conversation.Quiet{Window: 10 * time.Minute}, Logger: telemetry.NewLogger(io.Discard, slog.LevelInfo, "json")})
	if err != nil { b.Fatal(err) }
	if err := a.Start(b.Context()); err != nil { b.Fatal(err) }
	defer a.Stop(b.Context())
	var u0, u1 syscall.Rusage
	syscall.Getrusage(0, &u0)
	r := load{addr: a.Addr(), path: "/webhook/whaticket", secret: "s", connections: 64, contacts: 5000, duration: 5 * time.Second}.run(b)
	syscall.Getrusage(0, &u1)
	cpu := time.Duration(u1.Utime.Nano()+u1.Stime.Nano()-u0.Utime.Nano()-u0.Stime.Nano())
	b.ReportMetric(float64(r.accepted)/r.seconds, "acks/s")
	b.ReportMetric(float64(r.quantile(.5).Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(r.quantile(.99).Microseconds())/1000, "p99-ms")
	b.ReportMetric(float64(cpu.Microseconds())/1000/float64(r.accepted), "cpu-ms/op")
	b.ReportMetric(float64(r.refused), "refused")
}
