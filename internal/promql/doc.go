// Package promql tests what is asked of the metrics: the queries of docs/promql.md and of the
// dashboards, the recording rules and the alerts. The real program serves mixed traffic, a real
// Prometheus scrapes it, and every query must have an answer that can be true. promtool checks
// the files of deploy/prometheus and makes every alert fire and clear.
//
// Where the machine has no Prometheus, its tests are skipped and say so. It holds tests and
// nothing else.
package promql
