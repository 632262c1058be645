package config

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"runtime"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"secretaria/internal/secret"
)

// Where a secret may come from: KEY=value, KEY_FILE=path, and in the YAML file a value of its
// own, ${NAME}, for which NAME or NAME_FILE is set, or ${file:path}. A file holds the secret
// and white space around it; where several may be active, one on each line.

// fileSuffix ends the name of a variable that names a file which holds a secret.
const fileSuffix = "_FILE"

// maxSecret bounds a file of secrets, in bytes.
const maxSecret = 64 << 10

var fileReference = regexp.MustCompile(`^\$\{file:([^{}]+)\}$`)

// secretFile reads what lies in a file of secrets.
func (d *draft) secretFile(path string) (string, error) {
	text, err := d.slurp(path)
	if err != nil {
		return "", fmt.Errorf("the file cannot be read: %w", cause(err))
	}
	if len(text) > maxSecret {
		return "", errors.New("the file is too long for a secret")
	}
	value := strings.TrimSpace(strings.TrimPrefix(string(text), "\ufeff"))
	if value == "" {
		return "", errors.New("the file is empty")
	}
	d.holds(path)
	return value, nil
}

// holds remembers a file with a secret in it, where others on this machine can read or change it.
func (d *draft) holds(shown string) {
	info, err := os.Stat(d.at(shown))
	if err != nil || runtime.GOOS == "windows" || info.Mode().Perm()&0o026 == 0 || slices.Contains(d.cfg.Loose, shown) {
		return
	}
	d.cfg.Loose = append(d.cfg.Loose, shown)
}

// ofVariable is the secret of a variable, which may stand in a file that KEY_FILE names. get
// finds a variable in one place, and set says that one of the two is there at all.
func (d *draft) ofVariable(key string, get func(string) (string, bool)) (text string, set bool, err error) {
	text, set = get(key)
	path, fromFile := get(key + fileSuffix)
	path, text = strings.TrimSpace(path), strings.TrimSpace(text)
	switch {
	case path != "" && text != "":
		return "", true, fmt.Errorf("is set, and so is %s%s: which of them is meant?", key, fileSuffix)
	case path != "":
		if text, err = d.secretFile(path); err != nil {
			return "", true, &ofFile{err}
		}
		return text, true, nil
	}
	return text, set || fromFile, nil
}

// ofFile is what is wrong with the file that KEY_FILE names.
type ofFile struct{ error }

func (e *ofFile) Unwrap() error { return e.error }

// lines splits what was read from a file of several secrets; nil where there is one line.
func lines(text string) []string {
	if !strings.Contains(text, "\n") {
		return nil
	}
	var out []string
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			out = append(out, line)
		}
	}
	return out
}

// expandSecret is expand for secrets.
func (d *draft) expandSecret(v value, text string) (string, bool) {
	trimmed := strings.TrimSpace(text)
	if m := fileReference.FindStringSubmatch(trimmed); m != nil {
		got, err := d.secretFile(strings.TrimSpace(m[1]))
		if err != nil && d.src.DesksAlone {
			return "", true
		}
		if err != nil {
			d.problem(v.path, v.where, "%v", err)
			return "", false
		}
		return got, true
	}
	m := reference.FindStringSubmatch(trimmed)
	if m == nil {
		if trimmed != "" {
			file, _, _ := strings.Cut(v.where, ":")
			d.holds(file)
		}
		return d.expand(v, text)
	}
	if _, inEnvironment := d.env[m[1]]; !inEnvironment && d.dotenv[m[1]].value != "" {
		d.holds(DotEnv)
	}
	for _, from := range []func(string) (string, bool){d.inEnvironment, d.inDotEnv} {
		got, set, err := d.ofVariable(m[1], from)
		if err != nil {
			name := m[1]
			if inFile := (*ofFile)(nil); errors.As(err, &inFile) {
				name += fileSuffix + ":"
			}
			d.problem(v.path, v.where, "%s %v", name, err)
			return "", false
		}
		if set && got != "" {
			return got, true
		}
	}
	return d.expand(v, text) // which says what is missing
}

func (d *draft) inEnvironment(key string) (string, bool) { v, ok := d.env[key]; return v, ok }

func (d *draft) inDotEnv(key string) (string, bool) {
	e, ok := d.dotenv[key]
	return e.value, ok
}

// secret is the one that was written for a key of which there can be one.
func (v value) secret() (secret.String, error) {
	if len(v.list) > 1 || lines(v.text) != nil {
		return secret.String{}, errors.New("is more than one value or line: only one can be active here")
	}
	// A database may be called file:path.
	if strings.HasPrefix(v.text, "file:") && v.path != "database" {
		return secret.String{}, errors.New("looks like the name of a file: write ${file:path}, or set the variable that ends in " + fileSuffix)
	}
	return secret.New(v.text), nil
}

// secrets are those that were written for a key of which several may be active.
func (v value) secrets() []secret.String {
	if v.list == nil {
		v.list = lines(v.text)
	}
	var out []secret.String
	for _, s := range v.items() {
		out = append(out, secret.New(s))
	}
	return out
}

// readSecret is read for a key that holds one secret.
func readSecret(s *section, key string, to *secret.String) {
	if v, ok := s.secret(key); ok {
		one, err := v.secret()
		if err != nil {
			s.d.problem(v.path, v.where, "%v", err)
			return
		}
		*to = one
	}
}

// readSecrets is read for a key that holds several.
func readSecrets(s *section, key string, set func([]secret.String)) {
	if v, ok := s.secret(key); ok {
		set(v.secrets())
		if len(v.secrets()) == 0 {
			s.d.problem(v.path, v.where, "%v", noneIsNone(value{}))
		}
	}
}

// secret reads the secret at a node.
func (x *decoder) secret(path string, n *yaml.Node, set func(secret.String)) {
	if n.Kind != yaml.ScalarNode {
		x.problem(path, n, "expected a value")
		return
	}
	text, ok := x.textBy(path, n, x.d.expandSecret)
	if !ok {
		return
	}
	one, err := value{text: text}.secret()
	if err != nil {
		x.problem(path, n, "%v", err)
		return
	}
	set(one)
}
