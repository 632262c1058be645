package tracing

import (
	"math"
	"net/http"
	"strconv"
	"time"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/proto"

	"secretaria/internal/fault"
	"secretaria/internal/httpclient"
)

// exchange is what the transport saw of the last try of a batch.
type exchange struct {
	err      error // why it failed
	rejected int   // spans that the collector has refused, of a batch that it took
}

type exchangeCtx struct{}

// transport sends the library's requests through our client, which bounds, classifies and
// checks the address. The library's own errors quote the collector and its address.
type transport struct{ client *httpclient.Client }

// RoundTrip implements http.RoundTripper.
func (t transport) RoundTrip(req *http.Request) (*http.Response, error) {
	seen, ok := req.Context().Value(exchangeCtx{}).(*exchange)
	if !ok {
		seen = &exchange{}
	}
	*seen = exchange{}
	resp, err := t.client.Do(req)
	if err != nil {
		if fault.KindOf(err).Retryable() {
			err = passing{err}
		}
		seen.err = err
		return nil, err
	}
	seen.err = resp.Fault("collector refused")
	if resp.Status < 300 {
		var said collector.ExportTraceServiceResponse
		if proto.Unmarshal(resp.Body, &said) == nil {
			seen.rejected = int(max(0, min(said.GetPartialSuccess().GetRejectedSpans(), maxBatch)))
		}
	}
	// The library has no use for the body: whatever it holds, the spans have arrived or not. Of
	// the headers it reads how long to wait, and a number that is too long for it is no wait.
	header := http.Header{}
	if wish := httpclient.RetryAfter(resp.Header, time.Now()); wish > 0 {
		header.Set("Retry-After", strconv.Itoa(int(math.Ceil(wish.Seconds()))))
	}
	return &http.Response{StatusCode: resp.Status, Status: http.StatusText(resp.Status), Header: header, Body: http.NoBody, Request: req}, nil
}

// passing is an error that the library tries again after.
type passing struct{ error }

// Temporary is what the library asks.
func (passing) Temporary() bool { return true }

func (p passing) Unwrap() error { return p.error }
