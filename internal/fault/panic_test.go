package fault

import (
	"errors"
	"testing"
)

func TestPanicked(t *testing.T) {
	t.Parallel()
	recovered := func(f func()) (err error) {
		defer func() { err = Panicked(recover()) }()
		f()
		return nil
	}
	var none []int
	var anything any = "o cliente disse 11987654321"
	for name, c := range map[string]struct {
		f    func()
		want string
	}{
		"runtime":   {func() { _ = none[len(none)] }, "panicked: runtime error: index out of range [0] with length 0"},
		"assertion": {func() { _ = anything.(int) }, "panicked: interface conversion: interface {} is string, not int"},
		"words":     {func() { panic(anything) }, "panicked: panic of type string"},
		"error":     {func() { panic(errors.New(anything.(string))) }, "panicked: panic of type *errors.errorString"},
		"value":     {func() { panic(struct{ Text any }{anything}) }, "panicked: panic of type struct { Text interface {} }"},
	} {
		err := recovered(c.f)
		if got := err.Error(); got != c.want {
			t.Errorf("%s: Panicked = %q, want %q", name, got, c.want)
		}
		if KindOf(err) != Permanent || Code(err) != "panicked" {
			t.Errorf("%s: Panicked has the kind %v and the code %q", name, KindOf(err), Code(err))
		}
	}
}
