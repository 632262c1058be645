// Package invalid says which value of a description is wrong. A package that is described in
// a configuration file (a playbook, a table of facts, opening hours) checks itself and names
// the value by its path; whoever read the file knows the line.
package invalid

import (
	"errors"
	"fmt"
)

// Field is a value that cannot be used. Its text names a remedy where there is one.
type Field struct {
	// Path leads to the value from the top of the description: "slots[2].question", "" for the
	// description as a whole. Keys are those of the file.
	Path string
	Text string
}

func (f *Field) Error() string {
	if f.Path == "" {
		return f.Text
	}
	return f.Path + ": " + f.Text
}

// At returns a Field.
func At(path, format string, args ...any) error {
	return &Field{Path: path, Text: fmt.Sprintf(format, args...)}
}

// Under puts a path before the paths of all fields in err, which may be joined.
func Under(path string, err error) error {
	var out []error
	for _, f := range Fields(err) {
		switch {
		case f.Path == "":
			f.Path = path
		case f.Path[0] == '[':
			f.Path = path + f.Path
		default:
			f.Path = path + "." + f.Path
		}
		out = append(out, f)
	}
	return errors.Join(out...)
}

// Fields lists what is wrong, in order. An error that is none of ours becomes a Field
// without a path.
func Fields(err error) []*Field {
	if err == nil {
		return nil
	}
	if many, ok := err.(interface{ Unwrap() []error }); ok {
		var out []*Field
		for _, e := range many.Unwrap() {
			out = append(out, Fields(e)...)
		}
		return out
	}
	var f *Field
	if errors.As(err, &f) {
		copied := *f
		return []*Field{&copied}
	}
	return []*Field{{Text: err.Error()}}
}
