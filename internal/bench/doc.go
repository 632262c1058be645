// Package bench measures the product as it is deployed: the real binary as a process of its
// own, over loopback, with fake peers in the process that measures. Figures are of this
// machine and this run; what is compared must come from one run.
package bench
