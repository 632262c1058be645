//go:build !unix

package postgrestest

import "syscall"

// as leaves a program what it is: there is no root to refuse here.
func as(*account) *syscall.SysProcAttr { return nil }
