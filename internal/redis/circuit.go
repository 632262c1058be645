package redis

import (
	"context"
	"errors"
	"math"
	"time"

	"github.com/redis/go-redis/v9"

	"secretaria/internal/fault"
	"secretaria/internal/llm/resilient"
)

// Breakers keeps the circuits of models for all processes. The rules are those of a circuit
// in one process, in two scripts; a call to a model takes seconds, so the round trip before
// and after it costs nothing, and a circuit that opens is open for everybody at once.
type Breakers struct{ c *Client }

var _ resilient.Circuit = Breakers{}

// Breakers returns them.
func (c *Client) Breakers() Breakers { return Breakers{c} }

func circuitKey(model string) string { return prefix + "circuit:" + model }

// A circuit is a hash: failures in a row; until, when it has been opened, as microseconds of
// the server's clock; probe and lease, the call that probes and when it is given up.
var ask = redis.NewScript(`
local t = redis.call('TIME')
local now = t[1] * 1000000 + t[2]
local c = redis.call('HMGET', KEYS[1], 'until', 'lease')
if not c[1] then return 'closed' end
if now < tonumber(c[1]) or (c[2] and now < tonumber(c[2])) then return 'open' end
redis.call('HSET', KEYS[1], 'probe', ARGV[1], 'lease', string.format('%.0f', now + ARGV[2]))
return 'half_open'
`)

// Ask implements resilient.Circuit.
func (b Breakers) Ask(ctx context.Context, model string, lease time.Duration) (resilient.State, string, error) {
	pass := token()
	s, err := b.run(ctx, ask, model, pass, lease.Microseconds())
	if s != resilient.HalfOpen {
		pass = ""
	}
	return s, pass, err
}

// What comes from a call that was let through before the circuit opened changes nothing. The
// key outlives the circuit by a day, so that after a quiet night there is still one probe.
var tell = redis.NewScript(`
local t = redis.call('TIME')
local now = t[1] * 1000000 + t[2]
local pass, verdict, threshold, reset = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local c = redis.call('HMGET', KEYS[1], 'until', 'probe')
local mine = pass ~= '' and c[2] == pass
if verdict == 'healthy' and (mine or not c[1]) then
  redis.call('DEL', KEYS[1])
  return 'closed'
end
local function open()
  redis.call('DEL', KEYS[1])
  redis.call('HSET', KEYS[1], 'until', string.format('%.0f', now + reset))
end
if mine and verdict == 'failing' then
  open()
elseif mine then
  redis.call('HDEL', KEYS[1], 'probe', 'lease')
elseif verdict == 'failing' and not c[1] then
  if redis.call('HINCRBY', KEYS[1], 'failures', 1) < threshold then
    redis.call('PEXPIRE', KEYS[1], ARGV[5])
    return 'closed'
  end
  open()
end
redis.call('PEXPIRE', KEYS[1], ARGV[5])
return c[1] and 'open' or redis.call('HEXISTS', KEYS[1], 'until') == 1 and 'open' or 'closed'
`)

// centuries are more than the server would count as the life of a key.
const centuries = 100 * 365 * 24 * time.Hour

// Tell implements resilient.Circuit.
func (b Breakers) Tell(ctx context.Context, model, pass string, r resilient.Result) (resilient.State, error) {
	keep := min(r.Reset, centuries) + 24*time.Hour
	return b.run(ctx, tell, model, pass, string(r.Verdict), min(r.Threshold, math.MaxInt32), r.Reset.Microseconds(), keep.Milliseconds())
}

func (b Breakers) run(ctx context.Context, script *redis.Script, model string, args ...any) (resilient.State, error) {
	var word string
	err := b.c.do(ctx, Circuits, func(ctx context.Context) (err error) {
		word, err = script.Run(ctx, b.c.rdb, []string{circuitKey(model)}, args...).Text()
		return err
	})
	if err != nil {
		return "", err
	}
	switch s := resilient.State(word); s {
	case resilient.Closed, resilient.HalfOpen, resilient.Open:
		return s, nil
	}
	return "", fault.Wrap(fault.Permanent, "nonsense", errors.New("unknown state of a circuit"))
}
