// Package crash holds the proof that a crash loses nothing and doubles nothing: its test
// runs the real program, kills it without warning while customers write, models think and
// messages go out, starts it again, and looks at what the customers got. It has no code of
// its own.
package crash
