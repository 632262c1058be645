//go:build unix

package sqlite

import (
	"errors"
	"fmt"
	"os"
	"syscall"

	"secretaria/internal/fault"
)

// Lock makes this process the only server of the file until release. Commands that read or
// replay beside a server do not take it. The lock ends with the process, however it ends.
func Lock(path string) (release func(), err error) {
	f, err := os.OpenFile(path+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock database: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fault.New(fault.Conflict, "another server is running on "+path+": stop it, or give this one a database of its own (DATABASE_URL)")
		}
		return nil, fmt.Errorf("lock database: %w", err)
	}
	return func() { f.Close() }, nil
}
