package command_test

import (
	"strings"
	"testing"

	"secretaria/internal/redis/redistest"
)

func TestCheckTriesRedis(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]struct {
		code int
		text string
	}{
		"redis://:hunter2@127.0.0.1:1": {1, "redis: cannot be used: connection refused"},
		redistest.URL(t):               {0, "redis: is there"},
	} {
		got := run(t, t.TempDir(), []string{"REDIS_URL=" + url}, "check")
		if got.code != want.code || !strings.Contains(got.stdout, want.text) || strings.Contains(got.stdout+got.err, "hunter2") {
			t.Errorf("check of %s: %v, want exit code %d and %q", want.text, got, want.code, want.text)
		}
	}
	if got := run(t, t.TempDir(), []string{"REDIS_URL=redis://127.0.0.1:1"}, "check", "--offline"); got.code != 0 || strings.Contains(got.stdout, "redis:") {
		t.Errorf("check --offline: %v, want no call", got)
	}
	if got := run(t, t.TempDir(), []string{"REDIS_URL=redis://:hunter2@h/x"}, "check"); got.code != 1 || !strings.Contains(got.stdout, "REDIS_URL") || strings.Contains(got.stdout+got.err, "hunter2") {
		t.Errorf("check of a wrong URL: %v, want it named without the password", got)
	}
}
