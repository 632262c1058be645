package staging

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"
)

// report prints the steps of a check, and goes no further than the first that fails.
type report struct {
	out    io.Writer
	failed bool
}

// step does something that says in a few words what it found.
func (r *report) step(name string, do func() (found string, err error)) {
	if r.failed {
		return
	}
	began := time.Now()
	found, err := do()
	took := time.Since(began).Round(10 * time.Millisecond)
	if err != nil {
		r.failed = true
		_, _ = fmt.Fprintf(r.out, "staging: %-12s FAILED after %v: %v\n", name, took, err)
		return
	}
	_, _ = fmt.Fprintf(r.out, "staging: %-12s ok %8v  %s\n", name, took, found)
}

func TestReportEndsAtTheFirstFailure(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	r := &report{out: &out}
	ran := ""
	step := func(name string, err error) {
		r.step(name, func() (string, error) { ran += name; return "fine", err })
	}
	step("a", nil)
	step("b", errors.New("no answer"))
	step("c", nil)
	if ran != "ab" || !r.failed {
		t.Errorf("ran %q, failed %v, want a and b alone, and that it failed", ran, r.failed)
	}
	for _, want := range []string{"staging: a            ok", "staging: b            FAILED", "no answer"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("report %q does not have %q", out.String(), want)
		}
	}
}
