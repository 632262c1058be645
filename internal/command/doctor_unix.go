//go:build unix

package command

import "syscall"

// openFiles is how many files this process may have open; 0: not known. The Go runtime has
// raised the soft limit to the hard one by now, as it does in the server.
func openFiles() uint64 {
	var l syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l); err != nil {
		return 0
	}
	return uint64(l.Cur)
}
