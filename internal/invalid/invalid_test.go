package invalid_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"secretaria/internal/invalid"
)

func TestUnder(t *testing.T) {
	t.Parallel()
	err := errors.Join(invalid.At("question", "is empty"), invalid.Under("list", errors.Join(invalid.At("[1]", "is %d", 3))), errors.New("whole"))
	var got []string
	for _, f := range invalid.Fields(invalid.Under("slots[2]", err)) {
		got = append(got, f.Error())
	}
	want := []string{"slots[2].question: is empty", "slots[2].list[1]: is 3", "slots[2]: whole"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("fields (-want +got):\n%s", diff)
	}
	if err := invalid.Under("x", nil); err != nil {
		t.Errorf("Under(nil) = %v, want nil", err)
	}
}
