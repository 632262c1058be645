//go:build race

package faultproxy

// raced says that the race detector is on.
const raced = true
