package bench

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"os"
	"testing"
	"time"
)

// ceilingEnv makes this binary a bare HTTP server at that address; ceilingTable lets it
// insert a plain row for each webhook into the table of that database, in groups.
const (
	ceilingEnv   = "BENCH_CEILING"
	ceilingTable = "BENCH_CEILING_DATABASE"
)

// ceiling starts it: what HTTP alone costs on this machine, or HTTP and a plain insert, with
// the same generator.
func ceiling(b *testing.B, database string, c *cluster) site {
	b.Helper()
	self, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	addr := "127.0.0.1:" + freePort(b)
	p := launch(b, addr, self, nil, []string{ceilingEnv + "=" + addr, ceilingTable + "=" + database})
	b.Cleanup(func() { p.kill() })
	return site{processes: []*process{p}, web: []string{addr}, server: c}
}

// kill ends a process that does not know how to end.
func (p *process) kill() {
	if !p.ended {
		p.ended = true
		_ = p.cmd.Process.Kill()
		_ = p.cmd.Wait()
	}
}

// serveCeiling verifies signatures, stores what it is told to, and answers.
func serveCeiling(addr, database string) error {
	keep := func() error { return nil }
	if database != "" {
		table, shut, err := openPlain(context.Background(), database, postgresWriters)
		if err != nil {
			return err
		}
		defer shut.Close()
		waiting, stop := table.group()
		defer stop()
		keep = func() error { return (&grouped{waiting: waiting, m: member{ended: make(chan error, 1)}}).do() }
	}
	handle := func(timestamp, signature, prefix string, status int, answer string, shut bool) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
			given := r.Header.Get(signature)
			if err != nil || len(given) < len(prefix) || !verified(r.Header.Get(timestamp), given[len(prefix):], body) {
				w.WriteHeader(http.StatusUnauthorized)
				return
			}
			if keep() != nil {
				w.WriteHeader(http.StatusInternalServerError)
				return
			}
			w.Header().Set("Content-Type", "application/json")
			if shut {
				w.Header().Set("Connection", "close")
			}
			w.WriteHeader(status)
			_, _ = io.WriteString(w, answer)
		}
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/api/v1/health", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc(whaticketPath, handle("X-Timestamp", "X-Signature", "", http.StatusAccepted, `{"queued":true}`, true))
	mux.HandleFunc(chatwootPath, handle("X-Chatwoot-Timestamp", "X-Chatwoot-Signature", "sha256=", http.StatusOK, `{"ok":true}`, false))
	server := &http.Server{Addr: addr, Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func verified(timestamp, signature string, body []byte) bool {
	mac := hmac.New(sha256.New, []byte(secretText))
	mac.Write([]byte(timestamp + "."))
	mac.Write(body)
	want := make([]byte, 0, 2*sha256.Size)
	return hmac.Equal(hex.AppendEncode(want, mac.Sum(nil)), []byte(signature))
}
