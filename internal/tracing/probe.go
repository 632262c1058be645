package tracing

import (
	"bytes"
	"cmp"
	"context"
	"net/http"
	"time"

	"secretaria/internal/fault"
	"secretaria/internal/httpclient"
)

// Probe asks the collector of a configuration whether it would take spans, by a batch without
// any; nil also where tracing is off. Its errors are faults: of the network as httpclient makes
// them, of answers by their status. A collector that takes batches but not one that is empty
// says 400, which is no error here: it was reached, and has let us in. A Retry-After is not
// waited for.
func Probe(ctx context.Context, cfg Config, policy httpclient.Policy) error {
	if !cfg.On() {
		return nil
	}
	client := httpclient.New(httpclient.Options{Timeout: cmp.Or(cfg.Timeout, 10*time.Second), MaxBody: 64 << 10, Policy: policy})
	defer client.Close()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, cfg.URL(), bytes.NewReader(nil)) // no field of the message: no bytes
	if err != nil {
		return fault.New(fault.Invalid, "url")
	}
	all, err := pairs(cfg.Headers.Reveal())
	if err != nil {
		return fault.New(fault.Invalid, "headers")
	}
	for _, p := range all {
		req.Header.Set(p.key, p.value)
	}
	req.Header.Set("Content-Type", "application/x-protobuf")
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	if resp.Status == http.StatusBadRequest {
		return nil
	}
	return resp.Fault("collector refused")
}
