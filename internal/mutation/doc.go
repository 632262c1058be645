// Package mutation breaks the code that nobody may get past, one small change at a time, and
// asks the tests of that code whether they notice: the verifiers of signatures, the guard and
// the gate.
//
// A change is a mutant: a condition negated, a boundary moved, "and" for "or", plus for minus,
// a number one more or one less, a statement or a case left out, a zero returned. All mutants
// of a package are compiled into one test binary, through an overlay that leaves the tree as it
// is, and a variable of the environment says which of them is alive; so a mutant costs one run
// of the tests that reach it, and nothing else. Mutants that no test can see because they change
// nothing are listed with the reason in testdata/equivalent.txt.
//
// It has only tests. "make mutate" draws a sample of each target from a seed and fails where
// more than one mutant in ten survives; docs/mutation.md has the figures.
package mutation
