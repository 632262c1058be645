package profile_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"secretaria/internal/profile"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ address, want string }{
		{"127.0.0.1:6060", ""},
		{"127.0.0.1:0", ""},
		{"127.9.8.7:6060", ""},
		{"[::1]:6060", ""},
		{"[::ffff:127.0.0.1]:6060", ""},
		{"0.0.0.0:6060", "reached from elsewhere"},
		{"[::]:6060", "reached from elsewhere"},
		{"10.0.0.7:6060", "use 127.0.0.1:6060"},
		{"192.168.0.2:7", "use 127.0.0.1:7"},
		{"[fe80::1%lo]:6060", "reached from elsewhere"},
		{":6060", "not an address with a port"},
		{"6060", "not an address with a port"},
		{"127.0.0.1", "not an address with a port"},
		{"127.0.0.1:70000", "not an address with a port"},
		{"localhost:6060", "not an address with a port"},
		{"example.com:6060", "not an address with a port"},
		{"", "not an address with a port"},
	} {
		err := profile.Check(c.address)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("Check(%q) = %v, want %q", c.address, err, c.want)
		}
	}
}

// It does not run beside others: the rates of sampling are the process's.
func TestServer(t *testing.T) { //nolint:paralleltest // see above
	if s, err := profile.Start(t.Context(), "0.0.0.0:0", slog.New(slog.DiscardHandler)); err == nil {
		t.Errorf("Start on all addresses = %v, want an error", s.Addr())
	}
	s, err := profile.Start(t.Context(), "127.0.0.1:0", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"heap", "allocs", "goroutine", "mutex", "block", "threadcreate", "profile?seconds=1"} {
		status, body := get(t, s.Addr(), "", "/debug/pprof/"+path)
		z, err := gzip.NewReader(bytes.NewReader(body))
		if status != http.StatusOK || err != nil {
			t.Errorf("GET %s = %d, %v, want a profile", path, status, err)
			continue
		}
		if raw, err := io.ReadAll(z); err != nil || len(raw) == 0 {
			t.Errorf("GET %s = %d bytes, %v", path, len(raw), err)
		}
	}
	if status, body := get(t, s.Addr(), "", "/debug/pprof/trace?seconds=0.1"); status != http.StatusOK || !bytes.HasPrefix(body, []byte("go 1.")) {
		t.Errorf("GET trace = %d, %.20q", status, body)
	}
	if status, body := get(t, s.Addr(), "localhost:6060", "/debug/pprof/"); status != http.StatusOK || !bytes.Contains(body, []byte("goroutine")) {
		t.Errorf("GET the list = %d, %.100q", status, body)
	}
	for _, path := range []string{"/debug/pprof/cmdline", "/debug/pprof/symbol", "/debug/pprof/nothing", "/debug/vars", "/metrics", "/"} {
		if status, body := get(t, s.Addr(), "", path); status != http.StatusNotFound {
			t.Errorf("GET %s = %d, %.100q, want 404", path, status, body)
		}
	}
	for _, host := range []string{"rebound.example:6060", "192.168.0.2:6060", "127.0.0.1.example.com", "localhost.example.com:1"} {
		if status, _ := get(t, s.Addr(), host, "/debug/pprof/heap"); status != http.StatusForbidden {
			t.Errorf("GET with Host %s = %d, want 403", host, status)
		}
	}
	// A profile that is being taken does not hold the stop up.
	answered := make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.Addr()+"/debug/pprof/profile?seconds=3600", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(answered)
		if resp, err := http.DefaultClient.Do(req); err == nil {
			_, _ = io.Copy(io.Discard, resp.Body)
			_ = resp.Body.Close()
		}
	}()
	if err := s.Stop(); err != nil {
		t.Errorf("Stop() = %v", err)
	}
	<-answered
}

// get asks with a Host of its own where one is given.
func get(t *testing.T, address, host, path string) (int, []byte) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address+path, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	req.Host = host
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, body
}
