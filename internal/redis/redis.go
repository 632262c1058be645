// Package redis is what the processes of one installation share for a short while: limits,
// the login at a helpdesk, the circuits of models, and events.
//
// It promises that nothing depends on it. Opening a client never waits for a server; every
// command has a bound; after a few failures in a row the client takes the server for away,
// and every use then fails at once, so that a server that is down or silent costs a webhook
// some hundred milliseconds once and nothing afterwards. A probe of the client's own, about
// once a second, finds out when the server is back; no customer pays for it. What a use does
// without a server is for the use to say: limits allow, the rest is each process's own.
//
// All keys begin with "secretaria:" and expire. None holds a phone number, an address or a
// credential that works. One Redis database belongs to one installation.
package redis

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"
	"github.com/redis/go-redis/v9/maintnotifications"

	"secretaria/internal/fault"
	"secretaria/internal/secret"
)

// prefix begins every key and channel.
const prefix = "secretaria:"

// The bounds, for a server in the same place. One that is farther away says so in its URL:
// read_timeout there bounds every command, and dial_timeout a connection.
const (
	dialTime = 200 * time.Millisecond
	// commandTime bounds a command, its connection included.
	commandTime = 300 * time.Millisecond
	// limitTime bounds the command that a webhook waits for.
	limitTime = 100 * time.Millisecond
)

// Use is what a command is for: a bounded label.
type Use string

// The uses.
const (
	Limits   Use = "limits"
	Sessions Use = "sessions"
	Circuits Use = "circuits"
	Events   Use = "events"
)

// health is no use: it is counted as a health check.
const health Use = "health"

// Uses lists the uses, for metrics that begin at zero.
func Uses() []Use { return []Use{Limits, Sessions, Circuits, Events} }

// Options of a Client.
type Options struct {
	// Pepper goes into the hashes of what could be guessed, such as phone numbers. All
	// processes of an installation have the same.
	Pepper []byte
	// Logger is told when the server goes away and when it is back, a line each.
	Logger *slog.Logger
	// Failed is told of every use that Redis did not serve. It may be nil, must be quick and
	// safe for concurrent use.
	Failed func(Use)
}

// Client is a connection to a Redis that may be there. It is safe for concurrent use.
type Client struct {
	rdb    *redis.Client
	db     int
	bound  map[Use]time.Duration
	pepper []byte
	log    *slog.Logger
	failed func(Use)
	gate   gate

	stop  context.CancelFunc
	alive context.Context // ends with Close
	loops sync.WaitGroup
}

// Validate says what is wrong with a URL, in words that follow its key and without repeating
// it: redis:// or rediss:// (TLS), with an optional user, password and number of a database.
func Validate(url secret.String) error {
	_, err := parse(url)
	return err
}

func parse(url secret.String) (*redis.Options, error) {
	scheme, rest, ok := strings.Cut(url.Reveal(), "://")
	if !ok || scheme != "redis" && scheme != "rediss" || rest == "" {
		return nil, fault.New(fault.Invalid, "is not a URL such as redis://example.com")
	}
	o, err := redis.ParseURL(url.Reveal())
	if err == nil {
		_, port, _ := net.SplitHostPort(o.Addr)
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil {
		// Its own words may repeat the password.
		return nil, fault.New(fault.Invalid, "is not a URL such as redis://user:password@example.com:6379/0 (in a password, @ is written %40, and so on)")
	}
	return o, nil
}

// Open returns a client of the server at a URL. It fails only where the URL is wrong; whether
// the server is there, it finds out by itself. Close it.
func Open(url secret.String, o Options) (*Client, error) {
	opt, err := parse(url)
	if err != nil {
		return nil, fmt.Errorf("REDIS_URL: %w", err)
	}
	// The library writes to stderr by itself, hosts included. What there is to say, we say.
	logging.Disable()
	opt.Protocol = 2
	opt.DisableIdentity = true
	opt.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	opt.MaxRetries = -1
	opt.DialerRetries = 1
	opt.DialTimeout = cmp.Or(max(0, opt.DialTimeout), dialTime)
	given := max(0, opt.ReadTimeout) // 0: the URL says nothing
	command, limit := cmp.Or(given, commandTime), cmp.Or(given, limitTime)
	opt.ReadTimeout, opt.WriteTimeout, opt.PoolTimeout = command, command, command
	opt.ContextTimeoutEnabled = true
	opt.PoolSize, opt.ReadBufferSize, opt.WriteBufferSize = 16, 4<<10, 4<<10
	c := &Client{rdb: redis.NewClient(opt), db: opt.DB, pepper: o.Pepper,
		bound: map[Use]time.Duration{Limits: limit, Sessions: command, Circuits: command, Events: command, health: command + opt.DialTimeout},
		log:   cmp.Or(o.Logger, slog.New(slog.DiscardHandler)), failed: o.Failed}
	c.gate.fell = make(chan struct{}, 1)
	if c.failed == nil {
		c.failed = func(Use) {}
	}
	c.alive, c.stop = context.WithCancel(context.Background())
	c.loops.Go(c.watch)
	return c, nil
}

// Close ends everything that the client started, and waits for it.
func (c *Client) Close() error {
	c.stop()
	err := c.rdb.Close()
	c.loops.Wait()
	if err != nil {
		return fmt.Errorf("close redis: %w", err)
	}
	return nil
}

// Up says whether the server is taken to be there.
func (c *Client) Up() bool { return !c.gate.down.Load() }

// Ping asks the server itself, within half a second, whatever is thought of it, and takes note of
// the answer. The error is a fault whose code may be shown.
func (c *Client) Ping(ctx context.Context) error {
	bounded, cancel := context.WithTimeout(ctx, c.bound[health])
	defer cancel()
	err := probe.Run(bounded, c.rdb, []string{prefix + "probe"}).Err()
	if ctx.Err() != nil && err != nil {
		return fault.New(fault.Transient, "cancelled")
	}
	err = classify(err)
	c.judge(err, true)
	return err
}

// probe does what the uses need: a script that writes. A server that is read-only, full or
// still loading answers PING all the same.
var probe = redis.NewScript(`redis.call('SET', KEYS[1], '1', 'PX', 60000) return 1`)

// errAway is the failure of a use while the server is away.
var errAway = fault.New(fault.Transient, "redis away")

// do runs one command within the bound of its use, unless the server is away. What f returns as redis.Nil
// comes back as fault.NotFound.
func (c *Client) do(ctx context.Context, use Use, f func(context.Context) error) error {
	if c.gate.down.Load() {
		c.failed(use)
		return errAway
	}
	bounded, cancel := context.WithTimeout(ctx, c.bound[use])
	defer cancel()
	err := f(bounded)
	switch {
	case err == nil:
		c.judge(nil, false)
		return nil
	case errors.Is(err, redis.Nil):
		c.judge(nil, false)
		return fault.New(fault.NotFound, "absent")
	case ctx.Err() != nil:
		// The caller is gone; that says nothing about the server.
		return fault.New(fault.Transient, "cancelled")
	}
	c.failed(use)
	err = classify(err)
	c.judge(err, false)
	return err
}

// classify gives a failure its kind and a code without host, user or words of the server.
func classify(err error) error {
	var answered redis.Error
	var dns *net.DNSError
	var timeout net.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &answered):
		switch word, _, _ := strings.Cut(answered.Error(), " "); {
		case word == "WRONGPASS" || word == "NOAUTH" || strings.Contains(answered.Error(), "invalid password"):
			return fault.New(fault.Unauthorized, "password refused")
		case strings.Contains(answered.Error(), "max number of clients"):
			return fault.New(fault.Transient, "refused: too many clients")
		case word == "NOPERM":
			return fault.New(fault.Unsupported, "refused: NOPERM")
		case slices.Contains([]string{"LOADING", "READONLY", "OOM", "MISCONF", "BUSY", "NOREPLICAS", "MASTERDOWN", "CLUSTERDOWN", "MOVED"}, word):
			return fault.New(fault.Transient, "refused: "+word)
		}
		return fault.New(fault.Permanent, "refused")
	case errors.As(err, &dns):
		return fault.New(fault.Transient, "host not found")
	case errors.Is(err, syscall.ECONNREFUSED):
		return fault.New(fault.Transient, "connection refused")
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout(), errors.Is(err, redis.ErrPoolTimeout):
		return fault.New(fault.Transient, "timeout")
	case errors.Is(err, io.EOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return fault.New(fault.Transient, "connection lost")
	}
	return fault.New(fault.Transient, "no connection")
}

// token is a name that nobody else has.
func token() string { return rand.Text() }
