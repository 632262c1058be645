//go:build !unix

package redistest

import "syscall"

// apart leaves a program where it is.
func apart() *syscall.SysProcAttr { return nil }
