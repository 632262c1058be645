// Package doctest tests what is written for people against what the program does: keys,
// defaults, commands, flags, make targets, metrics, links and examples. Both READMEs say
// the same. It holds tests and nothing else.
package doctest
