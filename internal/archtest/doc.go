// Package archtest tests the house itself: which way imports point, what may be called
// where, and that what is written about the tree is still true.
//
// It holds tests and nothing else. The rules are the tables of rules_test.go, each with its
// reason; whoever meets one and is right to differ adds a line with a reason to the
// exceptions beside it. An exception that nothing needs any more fails too.
//
// The tests read the sources as they lie in the checkout, also those that a build tag
// leaves out, and use the standard library and the go command alone.
package archtest
