package job

import (
	"encoding/json"
	"testing"
)

// Rows of jobs outlive the program that wrote them.
func TestJobsAreWrittenAsBefore(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		args       interface{ Kind() string }
		kind, want string
	}{
		{Turn{Conversation: 7, Fence: 3}, "turn", `{"conversation":7,"fence":3}`},
		{Deliver{Conversation: 7, Fence: 3}, "delivery", `{"conversation":7,"fence":3}`},
	} {
		got, err := json.Marshal(c.args)
		if err != nil || string(got) != c.want || c.args.Kind() != c.kind {
			t.Errorf("%T is kind %q, %s, %v, want kind %q, %s", c.args, c.args.Kind(), got, err, c.kind, c.want)
		}
	}
}
