//go:build unix

package postgrestest

import "syscall"

// as runs a program as somebody else, and in a group of its own, so that an interrupt at
// the terminal reaches it through us alone.
func as(who *account) *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Setpgid: true}
	if who != nil {
		attr.Credential = &syscall.Credential{Uid: uint32(who.uid), Gid: uint32(who.gid)}
	}
	return attr
}
