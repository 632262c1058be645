package fault

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"
)

func TestAccessors(t *testing.T) {
	t.Parallel()
	limited := &Error{Kind: RateLimited, Code: "slow down", Status: 429, RetryAfter: time.Minute, Err: context.DeadlineExceeded}
	for _, c := range []struct {
		name  string
		err   error
		kind  Kind
		code  string
		stat  int
		after time.Duration
		text  string
	}{
		{"nil", nil, Unknown, "", 0, 0, ""},
		{"unclassified", errors.New("x"), Unknown, "internal", 0, 0, "x"},
		{"classified", limited, RateLimited, "slow down", 429, time.Minute, "slow down (status 429): context deadline exceeded"},
		{"wrapped", fmt.Errorf("send: %w", limited), RateLimited, "slow down", 429, time.Minute, "send: slow down (status 429): context deadline exceeded"},
		{"outermost wins", Wrap(Permanent, "gave up", limited), Permanent, "gave up", 0, 0, "gave up: slow down (status 429): context deadline exceeded"},
		{"joined", errors.Join(errors.New("x"), limited), RateLimited, "slow down", 429, time.Minute, "x\nslow down (status 429): context deadline exceeded"},
		{"without a code", New(NotFound, ""), NotFound, "not_found", 0, 0, "not_found"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := KindOf(c.err); got != c.kind {
				t.Errorf("KindOf = %v, want %v", got, c.kind)
			}
			if got := Code(c.err); got != c.code {
				t.Errorf("Code = %q, want %q", got, c.code)
			}
			if got := StatusOf(c.err); got != c.stat {
				t.Errorf("StatusOf = %d, want %d", got, c.stat)
			}
			if got := RetryAfter(c.err); got != c.after {
				t.Errorf("RetryAfter = %v, want %v", got, c.after)
			}
			if c.err != nil && c.err.Error() != c.text {
				t.Errorf("Error() = %q, want %q", c.err, c.text)
			}
		})
	}
	if !errors.Is(limited, context.DeadlineExceeded) {
		t.Error("errors.Is does not find the cause")
	}
	if Is(nil, Unknown) || !Is(limited, RateLimited) || Is(limited, Transient) {
		t.Error("Is does not follow the kind")
	}
	if err := Wrap(Permanent, "x", nil); err != nil {
		t.Errorf("Wrap(nil) = %v, want nil", err)
	}
}

func TestKinds(t *testing.T) {
	t.Parallel()
	retryable := map[Kind]bool{Unknown: true, Transient: true, RateLimited: true, Uncertain: true}
	seen := map[string]bool{}
	for k := Unknown; k <= Unsupported; k++ {
		if seen[k.String()] || k.String() == "" {
			t.Errorf("kind %d is called %q, which is no name of its own", k, k)
		}
		seen[k.String()] = true
		if got := k.Retryable(); got != retryable[k] {
			t.Errorf("%v.Retryable() = %v, want %v", k, got, retryable[k])
		}
	}
	for _, k := range []Kind{-1, Unsupported + 1} {
		if got := k.String(); got != "unknown" {
			t.Errorf("Kind(%d).String() = %q, want unknown", k, got)
		}
	}
}
