//go:build unix

package redistest

import "syscall"

// apart puts a program into a group of its own, so that an interrupt at the terminal reaches
// it through us alone.
func apart() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
