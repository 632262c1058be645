// Package upgrade checks that the databases of every released version become today's: the
// same tables as a new installation has, with nothing lost and nothing that was under way
// forgotten. It has only tests.
//
// What a version left behind is kept as a dump with a little data, a folder for each version,
// in testdata/released of the store it belongs to. Releasing a version adds its folder, made
// by the program as it is released and never changed afterwards:
//
//	go test ./internal/upgrade -run TestSnapshot -args -snapshot 0.1.0
//
// For PostgreSQL that needs its pg_dump.
package upgrade
