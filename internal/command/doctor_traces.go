package command

import (
	"context"
	"errors"
	"fmt"

	"secretaria/internal/app"
	"secretaria/internal/fault"
	"secretaria/internal/httpclient"
	"secretaria/internal/tracing"
)

// traceFindings ask the collector of traces, where one is named. Nothing that is found is more
// than a note: no answer waits for it.
func traceFindings(ctx context.Context, o app.Options, met map[string]visit) []finding {
	cfg := o.Traces
	if !cfg.On() {
		return nil
	}
	const about = "traces"
	key := "OTEL_EXPORTER_OTLP_ENDPOINT"
	if cfg.TracesEndpoint != "" {
		key = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
	}
	away := func(err error) []finding {
		text, remedy := unreachable(err, key)
		return []finding{{hint, about, "the collector: " + text + "; spans are dropped meanwhile, and answers are not affected", remedy}}
	}
	if v := met[origin(cfg.URL())]; fault.Code(v.err) == httpclient.CodeRefused {
		return nil // the network's findings have said it
	} else if v.err != nil {
		return away(v.err)
	}
	cfg.Timeout = min(o.SendTimeout, visitWithin)
	ctx, cancel := context.WithTimeoutCause(ctx, visitWithin, errors.New("probe took too long"))
	defer cancel()
	err := tracing.Probe(ctx, cfg, o.Addresses)
	refused := fmt.Sprintf("the collector refuses them (%d): ", fault.StatusOf(err))
	switch {
	case err == nil:
		return []finding{{fine, about, "the collector takes them", ""}}
	case fault.Is(err, fault.Unauthorized):
		return []finding{{hint, about, refused + "it does not let us in", "correct OTEL_EXPORTER_OTLP_HEADERS (corrija OTEL_EXPORTER_OTLP_HEADERS)"}}
	case fault.StatusOf(err) != 0 && !fault.KindOf(err).Retryable():
		return []finding{{hint, about, refused + "nobody takes OTLP over HTTP at this address",
			fmt.Sprintf("correct the address in %s: the collector's HTTP receiver, mostly port 4318 (corrija o endereço em %s: o receptor HTTP do coletor, em geral a porta 4318)", key, key)}}
	case fault.StatusOf(err) != 0:
		return []finding{{hint, about, refused + "for the time being", "see whether the collector is overloaded, and whether what it passes spans on to is there (veja se o coletor está sobrecarregado e se o destino dele está no ar)"}}
	}
	return away(err)
}
