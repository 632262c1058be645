// Package profile serves what the Go runtime knows of the program: where its time goes, its
// memory, what waits for what.
//
// It promises to be reached from this machine alone: it listens on a loopback address or not
// at all, on a listener of its own and never beside the webhooks, and it answers only requests
// that name a loopback host, so that a page in a browser on this machine gets nothing by a
// name that it has pointed here. It tells neither the command line nor the environment. What
// a heap holds of customers is not in a profile: those count and name functions.
package profile

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"net/netip"
	"runtime"
	"time"
)

// How often locks and waits are sampled while profiles are served: one contended lock in a
// hundred, and one wait for each millisecond of waiting. Both are off in the runtime
// otherwise, since each of them costs a little.
const (
	mutexFraction = 100
	blockRate     = int(time.Millisecond)
)

// headerTime bounds how long a client may take to say what it wants. An answer has no bound:
// a CPU profile takes as long as was asked for.
const headerTime = 5 * time.Second

// Server serves the profiles under /debug/pprof/.
type Server struct {
	listener net.Listener
	http     http.Server
	ended    chan struct{}
}

// Check says what is wrong with an address to serve profiles on: it has to be a loopback
// address with a port, such as 127.0.0.1:6060 or [::1]:6060. Names are refused, localhost
// too, since whoever says what they mean could say something else.
func Check(address string) error {
	at, err := netip.ParseAddrPort(address)
	switch {
	case err != nil:
		return fmt.Errorf("%q is not an address with a port: use 127.0.0.1:6060", address)
	case !at.Addr().IsLoopback():
		return fmt.Errorf("%q can be reached from elsewhere, and profiles are for this machine alone: use 127.0.0.1:%d", address, at.Port())
	}
	return nil
}

// Start listens on an address that Check accepts, port 0 being any, and serves until Stop.
// One server at a time in a process, since the rates of sampling are the process's.
func Start(ctx context.Context, address string, log *slog.Logger) (*Server, error) {
	if err := Check(address); err != nil {
		return nil, err
	}
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen for profiles: %w", err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	s := &Server{
		listener: listener,
		http: http.Server{
			Handler: local(mux), ReadHeaderTimeout: headerTime, IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10,
			ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
		},
		ended: make(chan struct{}),
	}
	runtime.SetMutexProfileFraction(mutexFraction)
	runtime.SetBlockProfileRate(blockRate)
	go func() {
		defer close(s.ended)
		if err := s.http.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			log.Error("profiles not served any more", "error", err.Error())
		}
	}()
	return s, nil
}

// Addr is where it listens.
func (s *Server) Addr() string { return s.listener.Addr().String() }

// Stop ends it at once, profiles that are being taken included: who stops a server does not
// wait for them.
func (s *Server) Stop() error {
	err := s.http.Close()
	<-s.ended
	runtime.SetMutexProfileFraction(0)
	runtime.SetBlockProfileRate(0)
	if err != nil {
		return fmt.Errorf("stop serving profiles: %w", err)
	}
	return nil
}

// local lets only requests through that name this machine.
func local(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, err := net.SplitHostPort(r.Host)
		if err != nil {
			host = r.Host
		}
		if a, err := netip.ParseAddr(host); host != "localhost" && (err != nil || !a.IsLoopback()) {
			http.Error(w, "profiles are for this machine alone", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}
