package whaticket

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"secretaria/internal/channel"
	"secretaria/internal/channel/whaticket/whatickettest"
	"secretaria/internal/fault"
	"secretaria/internal/secret"
)

// place is a Logins in memory that fails on request.
type place struct {
	mu      sync.Mutex
	values  map[string][]byte
	saved   [][]byte
	locked  map[string]bool
	refused chan struct{} // receives something when a lock is refused; may be nil
	fail    map[string]bool
}

func newPlace() *place {
	return &place{values: map[string][]byte{}, locked: map[string]bool{}, fail: map[string]bool{}}
}

func (p *place) step(name string) error {
	if p.fail[name] {
		return fault.New(fault.Transient, "away")
	}
	return nil
}

func (p *place) Load(_ context.Context, account string) ([]byte, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	v, ok := p.values[account]
	if err := p.step("load"); err != nil || ok {
		return v, err
	}
	return nil, fault.New(fault.NotFound, "absent")
}

func (p *place) Save(_ context.Context, account string, value []byte, keep time.Duration) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if keep <= 0 {
		return errors.New("kept for ever")
	}
	if err := p.step("save"); err != nil {
		return err
	}
	p.values[account] = value
	p.saved = append(p.saved, value)
	return nil
}

func (p *place) Lock(_ context.Context, account string, hold time.Duration) (func(), error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.step("lock"); err != nil {
		return nil, err
	}
	if p.locked[account] {
		if p.refused != nil {
			select {
			case p.refused <- struct{}{}:
			default:
			}
		}
		return nil, fault.New(fault.Conflict, "held")
	}
	p.locked[account] = hold > 0
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.locked[account] = false
	}, nil
}

// processes are channels of one account with one place.
func processes(t *testing.T, server *whatickettest.Server, p Logins, n int) []*Channel {
	t.Helper()
	client := start(t, server)
	server.CustomerWrote(testNumber, "oi")
	out := make([]*Channel, n)
	for i := range out {
		out[i] = mustNew(t, withLogin(Config{BaseURL: server.URL(), Logins: p}), client)
	}
	return out
}

func speak(t *testing.T, c *Channel) {
	t.Helper()
	if _, err := c.Do(t.Context(), saying(channel.Address{Thread: "42"})); err != nil {
		t.Errorf("Do = %v", err)
	}
}

func count(server *whatickettest.Server, path string) int {
	n := 0
	for _, r := range server.Requests() {
		if r.Path == path {
			n++
		}
	}
	return n
}

// Processes that start at once, find the token dead at once, and lose the session at once,
// log in or renew once in total.
func TestOneLoginForAllProcesses(t *testing.T) {
	t.Parallel()
	server := &whatickettest.Server{}
	all := processes(t, server, newPlace(), 4)
	storm := func() {
		var wg sync.WaitGroup
		for _, c := range all {
			for range 4 {
				wg.Go(func() { speak(t, c) })
			}
		}
		wg.Wait()
	}
	storm()
	if got := server.Logins(); got != 1 {
		t.Errorf("%d logins, want 1", got)
	}
	server.ExpireAccess()
	storm()
	if logins, renewals := server.Logins(), count(server, "/auth/refresh_token"); logins != 1 || renewals != 1 {
		t.Errorf("%d logins and %d renewals after the token died, want one each", logins, renewals)
	}
	server.ExpireSessions()
	storm()
	if got := server.Logins(); got != 2 {
		t.Errorf("%d logins after the session died, want 2", got)
	}
}

// Two tokens died while a process was idle: its own and the one that others had since. Its
// next call succeeds all the same.
func TestAdoptedTokenIsDeadToo(t *testing.T) {
	t.Parallel()
	server := &whatickettest.Server{}
	all := processes(t, server, newPlace(), 3)
	for _, c := range all[:2] {
		speak(t, c)
	}
	server.ExpireAccess()
	speak(t, all[0])
	server.ExpireAccess()
	speak(t, all[1])
	before := len(server.Requests())
	speak(t, all[2])
	if got := calls(server, before); got != "POST /messages/42" {
		t.Errorf("requests of a third process = %s, want no renewal and no dead token", got)
	}
	if got := server.Logins(); got != 1 {
		t.Errorf("%d logins, want 1", got)
	}
}

// Who found a token dead and could not get another keeps others from trying it.
func TestDeadTokenIsTakenOut(t *testing.T) {
	t.Parallel()
	server := &whatickettest.Server{}
	all := processes(t, server, newPlace(), 2)
	speak(t, all[0])
	server.ExpireAccess()
	dead := all[0].session.token
	server.Misbehave(whatickettest.Refuse)
	if _, err := all[0].Do(t.Context(), saying(channel.Address{Thread: "42"})); !fault.Is(err, fault.Unauthorized) {
		t.Fatalf("Do = %v, want fault.Unauthorized", err)
	}
	server.Misbehave(whatickettest.Healthy)
	before := len(server.Requests())
	speak(t, all[1])
	for _, r := range server.Requests()[before:] {
		if strings.Contains(r.Header.Get("Authorization"), dead) {
			t.Errorf("%s %s with the dead token", r.Method, r.Path)
		}
	}
}

// What is stored is of no use to who reads it, and nonsense in its place does no harm.
func TestSharedIsSealed(t *testing.T) {
	t.Parallel()
	server, p := &whatickettest.Server{}, newPlace()
	c := processes(t, server, p, 1)[0]
	speak(t, c)
	if len(p.values) != 1 {
		t.Fatalf("%d accounts are shared, want 1", len(p.values))
	}
	var account string
	for name, value := range p.values {
		account = name
		for _, known := range []string{c.session.token, c.session.cookie, whatickettest.DefaultEmail, whatickettest.DefaultPassword, "token", "127.0.0.1"} {
			if strings.Contains(name, known) || bytes.Contains(value, []byte(known)) {
				t.Errorf("%q can be read in %q: %q", known, name, value)
			}
		}
	}
	stranger := newShared(p, c.base, whatickettest.DefaultEmail, secret.New("another password"))
	if stranger.account != account {
		t.Error("the account's name depends on more than base URL and e-mail")
	}
	if got, err := stranger.load(t.Context(), ""); err != nil || got != (login{}) {
		t.Errorf("load() with another password = %+v, %v, want nothing", got, err)
	}
	// Another account's value does not pass for ours.
	if got, err := newShared(&place{values: map[string][]byte{newShared(p, "http://b", "e", secret.New("p")).account: p.values[account]}}, "http://b", "e",
		secret.New(whatickettest.DefaultPassword)).load(t.Context(), ""); err != nil || got != (login{}) {
		t.Errorf("load() of another account's value = %+v, %v, want nothing", got, err)
	}
	whole := p.values[account]
	for _, nonsense := range [][]byte{nil, {}, []byte("x"), bytes.Repeat([]byte("x"), 1000), whole[:len(whole)-1], append(bytes.Clone(whole), 0)} {
		p.values[account] = nonsense
		if got, err := c.session.shared.load(t.Context(), ""); err != nil || got != (login{}) {
			t.Errorf("load() of %.20q = %+v, %v, want nothing", nonsense, got, err)
		}
	}
	c.session.token = ""
	speak(t, c)
	if got, err := c.session.shared.load(t.Context(), ""); err != nil || got != (login{c.session.token, c.session.cookie}) {
		t.Errorf("load() after nonsense was replaced = %+v, %v, want the login", got, err)
	}
}

// Whatever fails of what is shared, each process has its own login, as without it.
func TestNothingShared(t *testing.T) {
	t.Parallel()
	for step, want := range map[string]int{"load": 2, "save": 2, "lock": 1} { // one after the other, the second needs no lock
		server, p := &whatickettest.Server{}, newPlace()
		p.fail[step] = true
		all := processes(t, server, p, 2)
		for range 2 {
			for _, c := range all {
				speak(t, c)
			}
		}
		if got := server.Logins(); got != want {
			t.Errorf("%s fails: %d logins of two processes, want %d", step, got, want)
		}
	}
}

// Somebody else is logging in: his token is waited for, his death too, and a caller who goes
// away does not wait.
func TestSomebodyElseLogsIn(t *testing.T) {
	t.Parallel()
	server, p := &whatickettest.Server{}, newPlace()
	p.refused = make(chan struct{}, 1)
	all := processes(t, server, p, 2)
	account := all[0].session.shared.account
	release, err := p.Lock(t.Context(), account, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	gone := make(chan error, 1)
	go func() {
		_, err := all[0].Do(ctx, saying(channel.Address{Thread: "42"}))
		gone <- err
	}()
	<-p.refused
	cancel()
	if err := <-gone; !fault.Is(err, fault.Transient) || fault.Code(err) != "cancelled" {
		t.Errorf("Do of a caller who went away = %v, want cancelled", err)
	}
	done := make(chan error, 1)
	go func() {
		_, err := all[1].Do(t.Context(), saying(channel.Address{Thread: "42"}))
		done <- err
	}()
	<-p.refused
	if got := server.Logins(); got != 0 {
		t.Errorf("%d logins while somebody else logs in, want 0", got)
	}
	release() // as by the death of its owner: nothing was saved
	if err := <-done; err != nil {
		t.Errorf("Do = %v", err)
	}
	if got := server.Logins(); got != 1 {
		t.Errorf("%d logins, want 1", got)
	}
}
