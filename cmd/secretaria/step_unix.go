//go:build unix

package main

import (
	"os"
	"syscall"
)

// stepSignals step the level of serve's log.
func stepSignals() []os.Signal { return []os.Signal{syscall.SIGUSR1} }
