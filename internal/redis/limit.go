package redis

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"time"

	"github.com/redis/go-redis/v9"

	"secretaria/internal/ratelimit"
)

// Limiter is a sliding window per key that all processes share, with the meaning of
// ratelimit.Limiter. When Redis fails it allows everything: a limit is there against abuse,
// and no customer is turned away because a part of ours is down. It is safe for concurrent use.
type Limiter struct {
	c      *Client
	name   string
	limit  int
	window time.Duration
}

// Limiter returns the limiter of a name, which begins its keys: limit uses of each key within
// any window, counted in microseconds by the server's clock. A limit or a window of 0 or less
// allows everything.
func (c *Client) Limiter(name string, limit int, window time.Duration) *Limiter {
	if window > 0 {
		window = max(window, time.Microsecond)
	}
	return &Limiter{c: c, name: name, limit: limit, window: window}
}

// allow keeps the uses of a key as a list of times, oldest first, and answers how many
// microseconds the caller has to wait; 0: it was counted. The server's clock may be set back:
// time stands still then, and where that would be for longer than a window, it begins anew.
var allow = redis.NewScript(`
local t = redis.call('TIME')
local now = t[1] * 1000000 + t[2]
local limit, window = tonumber(ARGV[1]), tonumber(ARGV[2])
local last = redis.call('LINDEX', KEYS[1], -1)
if last and last - now > window then
  redis.call('DEL', KEYS[1])
elseif last and last - now > 0 then
  now = tonumber(last)
end
local first = redis.call('LINDEX', KEYS[1], 0)
while first and now - first >= window do
  redis.call('LPOP', KEYS[1])
  first = redis.call('LINDEX', KEYS[1], 0)
end
local n = redis.call('LLEN', KEYS[1])
if n >= limit then
  return redis.call('LINDEX', KEYS[1], n - limit) + window - now
end
redis.call('RPUSH', KEYS[1], string.format('%.0f', now))
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 0
`)

// Allow uses key once, in one round trip of at most 100 ms (read_timeout in the URL). When the limit is reached, nothing
// is used and retryAfter says when a use will be free again, in whole seconds from 1 to the
// window.
func (l *Limiter) Allow(key string) (ok bool, retryAfter time.Duration) {
	if l.limit <= 0 || l.window <= 0 {
		return true, 0
	}
	var wait int64
	// The list outlives the window by the rounding, never the other way round.
	expire := l.window.Milliseconds() + 1
	err := l.c.do(context.Background(), Limits, func(ctx context.Context) (err error) {
		wait, err = allow.Run(ctx, l.c.rdb, []string{l.key(key)}, l.limit, l.window.Microseconds(), expire).Int64()
		return err
	})
	if err != nil || wait <= 0 {
		return true, 0
	}
	return false, ratelimit.RetryAfter(time.Duration(wait)*time.Microsecond, l.window)
}

// Return gives back the last use of key, when what it was for did not happen. Without a
// use in the window it does nothing.
func (l *Limiter) Return(key string) {
	if l.limit <= 0 || l.window <= 0 {
		return
	}
	// Where it fails, a use too many is counted.
	_ = l.c.do(context.Background(), Limits, func(ctx context.Context) error {
		return l.c.rdb.RPop(ctx, l.key(key)).Err()
	})
}

// key hides what is counted: there are few enough phone numbers to try them all, so a hash
// alone would not.
func (l *Limiter) key(key string) string {
	sum := hmac.New(sha256.New, l.c.pepper)
	sum.Write([]byte(key))
	return prefix + "limit:" + l.name + ":" + hex.EncodeToString(sum.Sum(nil)[:16])
}
