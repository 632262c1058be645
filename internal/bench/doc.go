// Package bench measures the product as it is deployed: the real binary, as processes of its
// own, over loopback, with the load generator and the fake peers in the process that
// measures. Beside the product it measures, in the same run, what the machine gives without
// it: plain inserts with the same durability through the same driver, and a bare HTTP server.
// Figures are of one machine and one run; what is compared takes turns within that run.
//
// It has no code of its own. BENCH (full, short, smoke), BENCH_ONLY (sections, with commas),
// BENCH_CACHE (a folder that keeps filled databases) and BENCH_PAGE (a page whose figures are
// replaced) choose what it does; docs/benchmarks.md explains.
package bench
