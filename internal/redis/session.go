package redis

import (
	"context"
	"time"

	"github.com/redis/go-redis/v9"

	"secretaria/internal/fault"
)

// Logins keeps what processes share of a login at a helpdesk: a sealed value and a lock for
// each account. It is safe for concurrent use; every call takes at most 300 ms.
type Logins struct{ c *Client }

// Logins returns them.
func (c *Client) Logins() Logins { return Logins{c} }

func loginKey(account string) string { return prefix + "login:" + account }
func lockKey(account string) string  { return prefix + "login-lock:" + account }

// Load returns the value of an account; fault.NotFound where there is none.
func (l Logins) Load(ctx context.Context, account string) (value []byte, err error) {
	err = l.c.do(ctx, Sessions, func(ctx context.Context) (err error) {
		value, err = l.c.rdb.Get(ctx, loginKey(account)).Bytes()
		return err
	})
	return value, err
}

// Save keeps the value of an account for some time.
func (l Logins) Save(ctx context.Context, account string, value []byte, keep time.Duration) error {
	return l.c.do(ctx, Sessions, func(ctx context.Context) error {
		return l.c.rdb.Set(ctx, loginKey(account), value, keep).Err()
	})
}

// unlock deletes a lock that is still its owner's.
var unlock = redis.NewScript(`if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0`)

// Lock takes the lock of an account, or returns fault.Conflict where somebody has it. It ends
// with unlock, or by itself after hold: whoever dies with it keeps nobody waiting.
func (l Logins) Lock(ctx context.Context, account string, hold time.Duration) (func(), error) {
	owner := token()
	err := l.c.do(ctx, Sessions, func(ctx context.Context) error {
		return l.c.rdb.SetArgs(ctx, lockKey(account), owner, redis.SetArgs{Mode: "NX", TTL: hold}).Err()
	})
	if fault.Is(err, fault.NotFound) {
		return nil, fault.New(fault.Conflict, "somebody logs in")
	}
	if err != nil {
		return nil, err
	}
	return func() {
		// The caller may be cancelled, and others wait.
		_ = l.c.do(context.WithoutCancel(ctx), Sessions, func(ctx context.Context) error {
			return unlock.Run(ctx, l.c.rdb, []string{lockKey(account)}, owner).Err()
		})
	}, nil
}
