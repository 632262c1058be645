// Package simulation plays whole lives of the engine in no time at all: intake, turns,
// deliveries and the dispatcher of several processes over one real store, with customers,
// people, helpdesks and a model around them, under a clock that jumps (testing/synctest).
//
// Everything that can go wrong is drawn from a seed: processes that die between a call and
// its answer, a database that loses answers, helpdesks that are late, deaf or forgetful,
// webhooks that come twice or in any order, people who take over. The same seed plays the
// same life again. Its tests promise what the crash campaign promises of the whole program,
// two thousand times over. It has no code of its own.
package simulation
