package config

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"unicode/utf8"
)

// sum stands for what lies at a path: a file's content, a folder's names, or nothing.
type sum [sha256.Size]byte

func sumOf(kind string, content []byte) sum {
	h := sha256.New()
	_, _ = h.Write([]byte(kind + "\x00")) // never fails
	_, _ = h.Write(content)
	return sum(h.Sum(nil))
}

// absent is what lies where nothing can be read, whatever the reason.
func absent() sum { return sumOf("absent", nil) }

// maxRead bounds any file that is read, in bytes.
const maxRead = 4 << 20

// readBounded reads a file of at most maxRead bytes.
func readBounded(path string) ([]byte, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, err
	case info.IsDir():
		return nil, errors.New("is a folder")
	case info.Size() > maxRead:
		return nil, fmt.Errorf("has more than %d MiB", maxRead>>20)
	}
	return os.ReadFile(path)
}

// readFolder lists the names in a folder, sorted.
func readFolder(path string) ([]string, error) {
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, err
	}
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name()
	}
	return names, nil
}

// fingerprint is the sum of what lies at a path now.
func fingerprint(path string) sum {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		names, err := readFolder(path)
		if err != nil {
			return absent()
		}
		return sumOf("folder", []byte(strings.Join(names, "\x00")))
	}
	content, err := readBounded(path)
	if err != nil {
		return absent()
	}
	return sumOf("file", content)
}

// slurp reads a file and remembers what it saw there, also that there was nothing: this is
// what a server watches.
func (d *draft) slurp(shown string) ([]byte, error) {
	content, planned := d.src.instead[d.at(shown)]
	var err error
	if !planned {
		content, err = readBounded(d.at(shown))
	}
	if err != nil {
		d.seen[d.at(shown)] = absent()
		return nil, err
	}
	d.seen[d.at(shown)] = sumOf("file", content)
	return content, nil
}

// list is slurp for a folder.
func (d *draft) list(shown string) ([]string, error) {
	names, err := readFolder(d.at(shown))
	if err != nil {
		d.seen[d.at(shown)] = absent()
		return nil, err
	}
	d.seen[d.at(shown)] = sumOf("folder", []byte(strings.Join(names, "\x00")))
	return names, nil
}

// readText reads a text of at most limit bytes with something in it.
func (d *draft) readText(shown string, limit int) (string, error) {
	content, err := d.slurp(shown)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
		return "", fmt.Errorf("cannot be read: %w", cause(err))
	}
	if err != nil {
		return "", cause(err)
	}
	d.read(shown)
	body := strings.TrimSpace(strings.TrimPrefix(string(content), "\ufeff"))
	switch {
	case len(content) > limit:
		return "", fmt.Errorf("has more than %d KiB", limit>>10)
	case !utf8.Valid(content):
		return "", errors.New("is not UTF-8 text")
	case body == "":
		return "", errors.New("is empty")
	}
	return body, nil
}

// read remembers the name of a file that was read, once.
func (d *draft) read(shown string) {
	for _, f := range d.cfg.Files {
		if f == shown {
			return
		}
	}
	d.cfg.Files = append(d.cfg.Files, shown)
}
