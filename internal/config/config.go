// Package config turns what an operator wrote, in the environment, in .env and in
// secretaria.yaml, into app.Options.
//
// It promises to find everything that is wrong at once, naming the key and, in a file, the
// line; to take no key that it does not know; never to show a secret; and to write nothing,
// except where a caller asks for the secret of a trial inbox, or has an Edit written, which puts
// an inbox into the files and leaves every other byte of them alone. Only commands use it.
//
// For one setting the command line wins over the environment, the environment over .env,
// and .env over the YAML file.
package config

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"secretaria/internal/app"
	"secretaria/internal/house"
	"secretaria/internal/httpclient"
)

// DefaultFile is read from the working directory where no other file is named.
const DefaultFile = "secretaria.yaml"

// DotEnv is read from the working directory where it exists.
const DotEnv = ".env"

// Source is where configuration comes from. Nothing else is looked at.
type Source struct {
	// Environ is the process environment, "KEY=value" each.
	Environ []string
	// Flags are keys given on the command line; they win over everything.
	Flags map[string]string
	// Dir is the working directory: .env, secretaria.yaml and relative paths are looked for
	// there. Empty: the process's own.
	Dir string
	// File is the YAML file, relative to Dir; empty: secretaria.yaml where it exists.
	File string
	// DesksAlone is for talking to a desk without anything around it: inboxes are not looked
	// at, and a variable that is not set is a value that is not there.
	DesksAlone bool

	// instead is what would be read at a path, as slurp knows it, in place of what lies there.
	instead map[string][]byte
}

// Config is a valid configuration.
type Config struct {
	Options app.Options
	// Notes are what an operator should know although it stops nothing: keys without an
	// effect yet, names that look like a slip of the pen.
	Notes []string
	// Environment is APP_ENV, a label.
	Environment string
	LogLevel    slog.Level
	// Trial says that no inbox is configured; see AddTrial.
	Trial bool
	// Files are the files that were read, as they were named.
	Files []string

	// Loose are the files with a secret in them, as they were named, that others on this
	// machine can read or that its group can change.
	Loose []string

	src  func() Source  // behind a function: printed, it would show the environment
	seen map[string]sum // what lay at every path that was looked at
}

// Load reads and checks everything. An error that is about the configuration is an *Error.
func Load(src Source) (*Config, error) {
	d, err := load(src)
	if err != nil {
		return nil, err
	}
	return d.cfg, nil
}

// load is Load with all that was read, also where it is wrong.
func load(src Source) (*draft, error) {
	d := newDraft(src)
	d.readDotEnv()
	d.readFile()
	d.understand()
	if len(d.problems) > 0 {
		return d, &Error{Problems: d.problems, seen: d.seen}
	}
	d.cfg.Options, d.cfg.Trial = d.o, len(d.o.Inboxes) == 0
	if err := d.o.Validate(); err != nil {
		// Everything is checked above, with its line; this is the net beneath.
		for _, text := range flatten(err) {
			d.problem("", "", "%s", text)
		}
		return d, &Error{Problems: d.problems, seen: d.seen}
	}
	return d, nil
}

// understand makes options of what was read.
func (d *draft) understand() {
	d.apply()
	d.desks()
	d.askedFor()
	if !d.src.DesksAlone {
		d.inboxes()
	} else if d.root != nil {
		d.root.get("inboxes")
	}
	d.strangers()
	if !d.set("ALLOW_PRIVATE_ADDRESSES") {
		var urls []string
		for _, p := range d.o.Peers() {
			urls = append(urls, p.URL)
		}
		d.o.Addresses = httpclient.Named(urls...)
	}
	d.finish()
}

func newDraft(src Source) *draft {
	d := &draft{src: src, env: environ(src.Environ), found: map[string]value{}, sections: map[string]*section{}, seen: map[string]sum{},
		rows: map[house.Source]*yaml.Node{}}
	d.file = cmp.Or(src.File, DefaultFile)
	d.cfg = &Config{src: func() Source { return src }, seen: d.seen}
	return d
}

// draft is a configuration on its way.
type draft struct {
	src      Source
	env      map[string]string
	dotenv   map[string]entry
	root     *section // of the YAML file; nil without one
	file     string   // its path as shown
	sections map[string]*section
	o        app.Options
	cfg      *Config
	single   singles
	found    map[string]value // the keys that are set
	problems []Problem
	seen     map[string]sum // see slurp
	roots    []*yaml.Node   // of all YAML files
	nodes    int            // read so far, aliases followed
	rows     map[house.Source]*yaml.Node
	// modelsAsked are the names that desks ask for, to be checked when all models are known.
	modelsAsked []asked
}

// entry is a line of .env.
type entry struct {
	value string
	line  int
}

func environ(list []string) map[string]string {
	env := make(map[string]string, len(list))
	for _, kv := range list {
		if k, v, ok := strings.Cut(kv, "="); ok && k != "" {
			env[k] = v
		}
	}
	return env
}

// at is a path seen from the working directory.
func (d *draft) at(path string) string {
	if path == "" || filepath.IsAbs(path) || d.src.Dir == "" {
		return path
	}
	return filepath.Join(d.src.Dir, path)
}

func (d *draft) readDotEnv() {
	text, err := d.slurp(DotEnv)
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	if err != nil {
		d.problem("", DotEnv, "cannot be read: %v", cause(err))
		return
	}
	d.read(DotEnv)
	d.dotenv = d.parseDotEnv(string(text))
}

func (d *draft) readFile() {
	text, err := d.slurp(d.file)
	if errors.Is(err, fs.ErrNotExist) && d.src.File == "" {
		return
	}
	if err != nil {
		d.problem("", d.file, "cannot be read: %v", cause(err))
		return
	}
	d.read(d.file)
	d.root = d.parseYAML(text)
}

// cause is the error beneath one that repeats the path.
func cause(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}

// lookup finds the value of a key that has no place in the YAML file, or is overridden.
func (d *draft) lookup(s *setting) (v value, ok bool) {
	if text, ok := d.src.Flags[s.key]; ok {
		return value{text: text, where: "command line"}, true
	}
	for _, layer := range []struct {
		where string
		get   func(string) (string, int, bool)
	}{
		{"", func(k string) (string, int, bool) { v, ok := d.env[k]; return v, 0, ok }},
		{DotEnv, func(k string) (string, int, bool) { e, ok := d.dotenv[k]; return e.value, e.line, ok }},
	} {
		text, line, ok := layer.get(s.key)
		where := place(layer.where, line)
		if s.secret {
			var err error
			text, ok, err = d.ofVariable(s.key, func(key string) (string, bool) { v, _, ok := layer.get(key); return v, ok })
			_, fileLine, named := layer.get(s.key + fileSuffix)
			if named && line == 0 {
				where = place(layer.where, fileLine)
			}
			if inFile := (*ofFile)(nil); errors.As(err, &inFile) {
				d.problem(s.key+fileSuffix, place(layer.where, fileLine), "%v", err)
				return value{}, false
			} else if err != nil {
				d.problem(s.key, where, "%v", err)
				return value{}, false
			}
			if layer.where != "" && !named && opens(text) {
				d.holds(layer.where)
			}
		}
		if ok {
			// Set to nothing means not set, and hides what lies beneath.
			return value{text: strings.TrimSpace(text), where: where}, strings.TrimSpace(text) != ""
		}
	}
	if s.secret {
		return d.fromFile(s.path, (*section).secret)
	}
	return d.fromFile(s.path, (*section).value)
}

// opens says whether a value of a secret key opens anything: an address without a password
// does not.
func opens(text string) bool {
	_, rest, isURL := strings.Cut(text, "://")
	return text != "" && (!isURL || strings.Contains(rest, "@")) && !strings.HasPrefix(text, "sqlite:")
}

// apply gives every setting its value.
func (d *draft) apply() {
	d.defaults()
	for _, s := range settings() {
		d.expect(s.path)
		v, ok := d.lookup(&s)
		if !ok {
			continue
		}
		d.found[s.key] = v
		if _, err := v.secret(); s.secret && !s.several && err != nil {
			d.problem(v.name(s.key), v.where, "%v", err)
			continue
		}
		if err := s.set(d, v); err != nil {
			d.problem(v.name(s.key), v.where, "%v", err)
			continue
		}
		if s.unused != "" {
			d.note("%s: %s", v.name(s.key), s.unused)
		}
	}
	d.tune()
}

// set says whether a key was given a value.
func (d *draft) set(key string) bool { _, ok := d.found[key]; return ok }

func (d *draft) note(format string, args ...any) {
	d.cfg.Notes = append(d.cfg.Notes, fmt.Sprintf(format, args...))
}

// strangers looks for keys that nobody knows: errors in our own files, hints in the
// environment, which belongs to the machine.
func (d *draft) strangers() {
	known := Keys()
	referred := d.references()
	for key, e := range d.dotenv {
		if !isKnown(known, key) && !referred[key] && !referred[strings.TrimSuffix(key, fileSuffix)] {
			d.problem(key, place(DotEnv, e.line), "unknown key%s", didYouMean(key, known))
		}
	}
	for key := range d.env {
		if isKnown(known, key) || referred[key] || referred[strings.TrimSuffix(key, fileSuffix)] || !slices.ContainsFunc(prefixes(), func(p string) bool { return strings.HasPrefix(key, p) }) {
			continue
		}
		if hint := nearest(key, known); hint != "" {
			d.note("%s is set but means nothing here; did you mean %s?", key, hint)
		}
	}
}

func isKnown(known []string, key string) bool {
	base := strings.TrimSuffix(key, fileSuffix)
	return slices.Contains(known, key) || base != key && slices.Contains(secretKeys(), base)
}

func (d *draft) finish() {
	for _, path := range sortedKeys(d.sections) {
		d.sections[path].end()
	}
	slices.Sort(d.cfg.Notes)
	d.cfg.Notes = slices.Compact(d.cfg.Notes)
	slices.SortStableFunc(d.problems, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.file(), b.file()), cmp.Compare(a.line(), b.line()), cmp.Compare(a.Key, b.Key), cmp.Compare(a.Text, b.Text))
	})
	d.problems = slices.Compact(d.problems)
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
