package command

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"secretaria/internal/app"
)

// wants compares a finding with its level and what its remedy has to say.
func wants(t *testing.T, got []finding, l level, text string, remedies ...string) {
	t.Helper()
	if len(got) != 1 || got[0].Level != l || !strings.Contains(got[0].Text, text) {
		t.Fatalf("findings = %+v, want one of level %q with %q", got, l, text)
	}
	for _, want := range remedies {
		if !strings.Contains(got[0].Remedy, want) {
			t.Errorf("remedy of %q = %q, want %q in it", got[0].Text, got[0].Remedy, want)
		}
	}
}

func TestSlowDisk(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		takes time.Duration
		level level
		text  string
	}{{time.Millisecond, fine, "takes 1ms"}, {49 * time.Millisecond, fine, "takes 49ms"}, {diskSlow, hint, "takes 50ms, which is slow"}, {diskBroken, problem, "takes 1s: helpdesks give up"}} {
		dir := t.TempDir()
		synctest.Test(t, func(t *testing.T) {
			syncs := 0
			got := diskFindings(app.Options{Database: filepath.Join(dir, "secretaria.db")}, func(*os.File) error {
				syncs++
				<-time.After(c.takes)
				return nil
			})
			var remedies []string
			if c.level != fine {
				remedies = []string{"move the folder to a local SSD", "mova a pasta para um SSD local"}
			}
			wants(t, got, c.level, c.text, remedies...)
			if most := max(1, int(time.Second/c.takes)); syncs == 0 || syncs > min(10, most) {
				t.Errorf("a disk of %v was asked %d times", c.takes, syncs)
			}
		})
		if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
			t.Errorf("the measurement left %v, %v", left, err)
		}
	}
	full := diskFindings(app.Options{Database: filepath.Join(t.TempDir(), "secretaria.db")}, func(f *os.File) error {
		return &os.PathError{Op: "sync", Path: f.Name(), Err: syscall.ENOSPC}
	})
	wants(t, full, problem, "no space left", "make room", "libere espaço")
	if got := diskFindings(app.Options{Database: filepath.Join(t.TempDir(), "none", "secretaria.db")}, nil); got != nil {
		t.Errorf("findings of a folder that is not there = %+v, want none", got)
	}
}

func TestFewFiles(t *testing.T) {
	t.Parallel()
	const english, portuguese = "LimitNOFILE=65536", "aumente"
	wants(t, filesFindings(255), problem, "255 files may be open", english, portuguese)
	wants(t, filesFindings(1024), hint, "which is few", english, portuguese)
	wants(t, filesFindings(4096), fine, "4096 files")
	wants(t, filesFindings(1<<64-1), fine, "any number of files")
	if got := filesFindings(0); got != nil {
		t.Errorf("findings of an unknown limit = %+v, want none", got)
	}
	if openFiles() == 0 {
		t.Error("openFiles() = 0, want this process's limit")
	}
}
