// Package ratelimit limits how often something may happen per key, within this process. What
// several processes share lies in package redis and passes the same suite, ratelimittest.
//
// It promises exactness: of any window, at most limit uses are allowed, and the first limit
// uses always are. Memory is bounded: a key costs about 100 bytes and 8 more for each use in
// its window, keys without a use in the window are dropped, and there are at most MaxKeys.
package ratelimit

import (
	"sync"
	"time"
)

// MaxKeys is how many keys a Limiter remembers. When one more comes, the key whose last use
// is the longest ago is forgotten, so that a flood of keys makes the limiter forgiving and
// never makes it refuse a key that has done nothing.
const MaxKeys = 1 << 16

// Limiter is a sliding window per key. It is safe for concurrent use. A nil Limiter allows
// everything.
type Limiter struct {
	limit  int
	window time.Duration
	max    int
	start  time.Time // uses are kept as distances from it, by the monotonic clock

	mu   sync.Mutex
	keys map[string]*key
	// The keys in order of their last use, as a ring: root.next is the most recent.
	root key
}

// key holds the uses of one key within the window, oldest first.
type key struct {
	name       string
	uses       []time.Duration
	prev, next *key
}

// New returns a limiter that allows limit uses of each key within any window. A limit or a
// window of 0 or less allows everything.
func New(limit int, window time.Duration) *Limiter {
	l := &Limiter{limit: limit, window: window, max: MaxKeys, start: time.Now(), keys: make(map[string]*key)}
	l.root.prev, l.root.next = &l.root, &l.root
	return l
}

func (l *Limiter) off() bool { return l == nil || l.limit <= 0 || l.window <= 0 }

// Allow uses key once. When the limit is reached, nothing is used and retryAfter says when
// a use will be free again, in whole seconds from 1 to the window.
func (l *Limiter) Allow(name string) (ok bool, retryAfter time.Duration) {
	if l.off() {
		return true, 0
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Since(l.start)
	k := l.keys[name]
	if k != nil {
		if wait := l.wait(k, now); wait > 0 {
			return false, RetryAfter(wait, l.window)
		}
		k.unlink()
	} else {
		l.makeRoom(now)
		k = &key{name: name}
		l.keys[name] = k
	}
	k.uses = append(k.uses, now)
	k.link(&l.root)
	return true, 0
}

// Peek says what Allow would say, and uses nothing.
func (l *Limiter) Peek(name string) (ok bool, retryAfter time.Duration) {
	if l.off() {
		return true, 0
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if k := l.keys[name]; k != nil {
		if wait := l.wait(k, time.Since(l.start)); wait > 0 {
			return false, RetryAfter(wait, l.window)
		}
	}
	return true, 0
}

// Return gives back the last use of key, when what it was for did not happen. Without a
// use in the window it does nothing.
func (l *Limiter) Return(name string) {
	if l.off() {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	k := l.keys[name]
	if k == nil {
		return
	}
	k.uses = k.uses[:max(0, len(k.uses)-1)]
	if len(k.uses) == 0 {
		l.drop(k)
	}
}

// wait returns how long a key has to wait for a use, 0 when it need not; it forgets uses
// that have left the window.
func (l *Limiter) wait(k *key, now time.Duration) time.Duration {
	gone := 0
	for gone < len(k.uses) && now-k.uses[gone] >= l.window {
		gone++
	}
	// The slice keeps its array: it cannot grow beyond the limit.
	k.uses = k.uses[:copy(k.uses, k.uses[gone:])]
	if len(k.uses) < l.limit {
		return 0
	}
	return k.uses[0] + l.window - now
}

// RetryAfter is what a caller is told who has to wait: whole seconds, rounded up, from 1 to
// the window.
func RetryAfter(wait, window time.Duration) time.Duration {
	up := func(d time.Duration) time.Duration { return (d + time.Second - 1).Truncate(time.Second) }
	return max(time.Second, min(up(wait), up(window)))
}

// makeRoom drops keys that have no use in the window, two at a time, so that the keys never
// outnumber the uses of one window by much and no call takes long; and the oldest key where
// there are too many all the same.
func (l *Limiter) makeRoom(now time.Duration) {
	for range 2 {
		oldest := l.root.prev
		if oldest == &l.root || now-oldest.last() < l.window {
			break
		}
		l.drop(oldest)
	}
	for len(l.keys) >= l.max {
		l.drop(l.root.prev)
	}
}

// last returns the last use; a key whose uses were all forgotten counts as long unused.
func (k *key) last() time.Duration {
	if len(k.uses) == 0 {
		return -1 << 62
	}
	return k.uses[len(k.uses)-1]
}

func (l *Limiter) drop(k *key) {
	k.unlink()
	delete(l.keys, k.name)
}

func (k *key) unlink() { k.prev.next, k.next.prev = k.next, k.prev }

func (k *key) link(root *key) {
	k.prev, k.next = root, root.next
	root.next.prev, root.next = k, k
}
