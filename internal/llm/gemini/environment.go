package gemini

import (
	"reflect"
	"unsafe"

	"google.golang.org/genai"
)

// blind gives the library an empty environment. Its constructor reads GOOGLE_API_KEY,
// GEMINI_API_KEY, GOOGLE_CLOUD_PROJECT and others even where everything is configured, and
// prints a warning, a wrong one at that, with the log package when both keys are set. It has
// a provider for the environment, but only for its own tests: hence the way around the
// unexported field. Should the field go away, the constructor behaves as it does without us,
// and TestEnvironment says so.
func blind(conf *genai.ClientConfig) {
	f := reflect.ValueOf(conf).Elem().FieldByName("envVarProvider")
	empty := func() map[string]string { return nil }
	if !f.IsValid() || f.Type() != reflect.TypeOf(empty) {
		return
	}
	reflect.NewAt(f.Type(), unsafe.Pointer(f.UnsafeAddr())).Elem().Set(reflect.ValueOf(empty))
}
