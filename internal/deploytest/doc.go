// Package deploytest tests the files with which the program is deployed, and the page for
// those who operate it, against what the program does: variables, commands, flags, routes,
// ports, users, times and metrics. It reads the files and starts none of what they describe.
// It holds tests and nothing else.
package deploytest
