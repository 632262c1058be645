package app

import (
	"cmp"
	"fmt"

	"secretaria/internal/telemetry"
	"secretaria/internal/tracing"
)

// openTraces begins to export traces, where somebody collects them. It is called before
// whatever is traced is built, so that it is stopped after all of that.
func (a *App) openTraces() error {
	if !a.o.Traces.On() {
		return nil
	}
	metrics := telemetry.NewTraces(a.registry, []string{tracing.Exported, tracing.Rejected, tracing.Failed, tracing.Dropped}, tracing.FailureKinds())
	traces, err := tracing.New(a.o.Traces, tracing.Deps{Policy: a.o.Addresses, Version: a.o.Version, Instance: a.id, Role: cmp.Or(string(a.o.Role), "all"),
		Logger: a.log, Spans: metrics.Spans, BatchFailed: metrics.BatchFailed})
	if err != nil {
		return fmt.Errorf("traces: %w", err)
	}
	a.traces = traces
	a.onStop("traces", traces.Stop)
	return nil
}
