// Package crash holds the proof that a crash loses nothing and doubles nothing: its tests
// run the real program, as one process on the embedded database and as several on
// PostgreSQL, kill it without warning while customers write, models think and messages go
// out, disturb what it depends on, start it again, and look at what the customers got. It
// has no code of its own. docs/crash.md says what is promised and how to repeat a run.
package crash
