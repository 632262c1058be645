//go:build linux || darwin

package main

import (
	"os"

	"golang.org/x/sys/unix"
)

// hider keeps what is typed from being shown, where f is a terminal; nil where it is none.
func hider(f *os.File) func() (show func()) {
	fd := int(f.Fd())
	if _, err := unix.IoctlGetTermios(fd, getTermios); err != nil {
		return nil
	}
	return func() func() {
		before, err := unix.IoctlGetTermios(fd, getTermios)
		if err != nil {
			return func() {}
		}
		hidden := *before
		hidden.Lflag &^= unix.ECHO
		if unix.IoctlSetTermios(fd, setTermios, &hidden) != nil {
			return func() {}
		}
		return func() { _ = unix.IoctlSetTermios(fd, setTermios, before) }
	}
}
