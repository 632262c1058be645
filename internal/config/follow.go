package config

import (
	"context"
	"errors"
	"maps"
	"os"
	"time"
)

// still is how often the files are looked at. What has changed is taken up when it is the
// same at two looks: an editor that is half through is not believed.
const still = time.Second

// Follow watches the files that c was made from, and those that it looked for in vain, until
// ctx ends. When something else lies there, it loads again and calls changed with the new
// configuration or with what is wrong with it; at is asked to look at once and to believe
// what it finds. It polls: a mounted ConfigMap, a network disk and an editor that replaces the
// file are all seen. Calls of changed do not overlap.
func (c *Config) Follow(ctx context.Context, at <-chan os.Signal, changed func(*Config, error)) {
	w := watch{loaded: c.seen, cache: map[string]stamp{}}
	tick := time.NewTicker(still)
	defer tick.Stop()
	for {
		asked := false
		select {
		case <-ctx.Done():
			return
		case _, open := <-at:
			if !open {
				at = nil
				continue
			}
			asked = true
		case <-tick.C:
		}
		if !w.look(time.Now()) && !asked {
			continue
		}
		next, err := Load(c.src())
		var ce *Error
		switch {
		case err == nil:
			w.loaded = next.seen
		case errors.As(err, &ce):
			w.loaded = ce.seen
		}
		w.before = nil
		changed(next, err)
	}
}

// watch knows what was loaded and what lay there at the last look.
type watch struct {
	loaded, before map[string]sum
	cache          map[string]stamp
}

// stamp spares the reading of a file that was not touched.
type stamp struct {
	at   time.Time
	size int64
	sum  sum
}

// fresh is how young a file must not be for its time to be trusted: two writes within the
// resolution of a file system's clock look like one.
const fresh = 3 * time.Second

// look says whether something else lies there than was loaded, and has come to rest.
func (w *watch) look(now time.Time) bool {
	current := make(map[string]sum, len(w.loaded))
	for path := range w.loaded {
		current[path] = w.sum(path, now)
	}
	if maps.Equal(current, w.loaded) {
		w.before = nil
		return false
	}
	rest := maps.Equal(current, w.before)
	w.before = current
	return rest
}

func (w *watch) sum(path string, now time.Time) sum {
	info, err := os.Stat(path)
	if err != nil {
		delete(w.cache, path)
		return absent()
	}
	if s, ok := w.cache[path]; ok && s.at.Equal(info.ModTime()) && s.size == info.Size() {
		return s.sum
	}
	sum := fingerprint(path)
	if now.Sub(info.ModTime()) > fresh {
		w.cache[path] = stamp{info.ModTime(), info.Size(), sum}
	}
	return sum
}
