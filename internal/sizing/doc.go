// Package sizing measures what a message costs on PostgreSQL, in bytes on disk, bytes of the
// log that is written ahead, syncs and transactions: the figures of docs/scaling.md. It has
// only tests.
//
//	go test ./internal/sizing -run TestSizes -v -args -messages 6000
package sizing
