package config

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Write replaces the files, each in one step: a reader finds the old one or the new one, whole.
// Permissions and, where it may, owners stay; a new file is for its owner alone. A file that is
// a link stays one. Nothing is written where a file is no longer what was planned for.
func (e *Edit) Write() (err error) {
	if len(e.Overruled) > 0 {
		return errors.New("write the configuration: the environment wins over it")
	}
	ready, err := e.prepare()
	defer func() { err = errors.Join(err, drop(ready)) }()
	if err != nil {
		return err
	}
	for i, r := range ready {
		if err := r.commit(); err != nil {
			err = fmt.Errorf("write %s: %w", e.Files[i].Name, err)
			for j := range i { // both or none
				if rerr := e.Files[j].restore(ready[j].target); rerr != nil {
					err = errors.Join(err, fmt.Errorf("put %s back: %w", e.Files[j].Name, rerr))
				}
			}
			return err
		}
	}
	return nil
}

// Rehearse says whether Write would find room and permission now: the files are written beside
// their places, and removed again. Whoever makes something elsewhere that is of no use without
// them asks first.
func (e *Edit) Rehearse() error {
	ready, err := e.prepare()
	return errors.Join(err, drop(ready))
}

// prepare writes the files beside their places. Drop what is returned, beside an error too.
func (e *Edit) prepare() (ready []*replacement, err error) {
	for _, f := range e.Files {
		r, err := f.prepare()
		if err != nil {
			return ready, fmt.Errorf("write %s: %w", f.Name, err)
		}
		ready = append(ready, r)
	}
	return ready, nil
}

func drop(ready []*replacement) (err error) {
	for _, r := range ready {
		err = errors.Join(err, r.drop())
	}
	return err
}

// replacement is a file that is written, and not yet in its place.
type replacement struct {
	target, temp string
}

func (f FileEdit) prepare() (*replacement, error) {
	r := &replacement{target: f.path}
	mode := fs.FileMode(0o600)
	info, err := os.Stat(f.path)
	switch {
	case err == nil:
		if !info.Mode().IsRegular() {
			return nil, errors.New("is not a plain file")
		}
		if r.target, err = filepath.EvalSymlinks(f.path); err != nil {
			return nil, cause(err)
		}
		mode = info.Mode().Perm()
		now, err := os.ReadFile(r.target)
		if err != nil {
			return nil, cause(err)
		}
		if f.Created || !bytes.Equal(now, f.before) {
			return nil, errors.New("somebody has changed it meanwhile; run the command again")
		}
	case !errors.Is(err, fs.ErrNotExist):
		return nil, cause(err)
	case !f.Created:
		return nil, errors.New("somebody has removed it meanwhile; run the command again")
	}
	if _, err := os.Lstat(r.target); f.Created && err == nil {
		return nil, errors.New("is a link that leads nowhere")
	}
	t, err := os.CreateTemp(filepath.Dir(r.target), ".secretaria-*") // mode 0600
	if err != nil {
		return nil, cause(err)
	}
	r.temp = t.Name()
	_, err = t.Write(f.after)
	if err == nil && info != nil {
		err = keepOwner(t.Name(), info)
	}
	if err == nil {
		err = t.Chmod(mode)
	}
	if err == nil {
		err = t.Sync()
	}
	if err = errors.Join(err, t.Close()); err != nil {
		return nil, errors.Join(cause(err), r.drop())
	}
	return r, nil
}

func (r *replacement) commit() error {
	if err := os.Rename(r.temp, r.target); err != nil {
		return cause(err)
	}
	r.temp = ""
	// The name is on the disk when the folder is. Not every system can do that to a folder.
	if dir, err := os.Open(filepath.Dir(r.target)); err == nil {
		_ = dir.Sync()
		return dir.Close()
	}
	return nil
}

// drop removes what was not put in its place.
func (r *replacement) drop() error {
	if r.temp == "" {
		return nil
	}
	err := os.Remove(r.temp)
	r.temp = ""
	return err
}

// restore puts back what was there.
func (f FileEdit) restore(target string) error {
	if f.Created {
		return os.Remove(target)
	}
	back := f
	back.before, back.after = f.after, f.before
	r, err := back.prepare()
	if err != nil {
		return err
	}
	return errors.Join(r.commit(), r.drop())
}
