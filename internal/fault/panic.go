package fault

import (
	"fmt"
	"runtime"
)

// Panicked returns what a recovered panic was, as an error of kind Permanent whose code is
// "panicked". What the runtime says of its own errors is kept ("index out of range [3] with
// length 3"). Of any other value only the type is: it may hold what a customer wrote, or a
// key, and nobody chose these words to be read. Where it happened is told by the stack.
func Panicked(value any) *Error {
	cause := fmt.Errorf("panic of type %T", value)
	if err, ok := value.(runtime.Error); ok {
		cause = err
	}
	return &Error{Kind: Permanent, Code: "panicked", Err: cause}
}
