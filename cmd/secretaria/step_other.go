//go:build !unix

package main

import "os"

// stepSignals are none where a program cannot be sent one of its own.
func stepSignals() []os.Signal { return nil }
