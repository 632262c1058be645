// Package tracingtest is a collector of traces: a real HTTP server that decodes what it is
// sent, keeps it, and misbehaves on request.
package tracingtest

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"time"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	traces "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// Span is a span that arrived. Ids are hexadecimal, "" where there is none.
type Span struct {
	Trace, ID, Parent string
	Name, Kind        string         // Kind is server, client, producer, consumer or internal
	Attributes        map[string]any // string, int64 or bool
	Resource          map[string]any
	Failed            bool
	Status            string // the message of a failure
	Links             []Link
	Events            int
	Start, End        time.Time
}

// Link is a link of a span.
type Link struct{ Trace, ID string }

// Collector is the server. Its fields are set before anything is sent to it.
type Collector struct {
	// Misbehave answers a request in place of the collector and returns true, or leaves it to
	// the collector. try counts all requests from 1. Nil: it behaves.
	Misbehave func(w http.ResponseWriter, r *http.Request, try int) bool
	// Refuse is how many spans of each request are refused while the others are taken.
	Refuse int64

	server  *httptest.Server
	mu      sync.Mutex
	tries   int
	spans   []Span
	raw     bytes.Buffer
	headers []http.Header
	paths   []string
	news    chan struct{} // closed when something arrives
}

// Start serves until Close.
func (c *Collector) Start() *Collector {
	c.news = make(chan struct{})
	c.server = httptest.NewServer(c)
	return c
}

// URL is its address, without a path.
func (c *Collector) URL() string { return c.server.URL }

// Close ends it, and every request that still hangs.
func (c *Collector) Close() {
	c.server.CloseClientConnections()
	c.server.Close()
}

// ServeHTTP implements http.Handler.
func (c *Collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	c.tries++
	try := c.tries
	c.headers, c.paths = append(c.headers, r.Header.Clone()), append(c.paths, r.URL.Path)
	c.mu.Unlock()
	body, err := read(r) // whoever hangs does so with the whole request, and sees that it is given up
	if c.Misbehave != nil && c.Misbehave(w, r, try) {
		c.tell()
		return
	}
	var req collector.ExportTraceServiceRequest
	if err == nil {
		err = proto.Unmarshal(body, &req)
	}
	if err != nil || r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/x-protobuf" {
		http.Error(w, fmt.Sprintf("not a request for traces: %v", err), http.StatusBadRequest)
		return
	}
	out, err := proto.Marshal(&collector.ExportTraceServiceResponse{PartialSuccess: &collector.ExportTracePartialSuccess{RejectedSpans: c.Refuse}})
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	c.mu.Lock()
	c.raw.Write(body)
	for _, rs := range req.GetResourceSpans() {
		for _, ss := range rs.GetScopeSpans() {
			for _, s := range ss.GetSpans() {
				c.spans = append(c.spans, span(rs, s))
			}
		}
	}
	c.mu.Unlock()
	w.Header().Set("Content-Type", "application/x-protobuf")
	_, _ = w.Write(out)
	c.tell()
}

func read(r *http.Request) ([]byte, error) {
	body := io.Reader(r.Body)
	if r.Header.Get("Content-Encoding") == "gzip" {
		z, err := gzip.NewReader(body)
		if err != nil {
			return nil, err
		}
		body = z
	}
	return io.ReadAll(body)
}

func (c *Collector) tell() {
	c.mu.Lock()
	defer c.mu.Unlock()
	close(c.news)
	c.news = make(chan struct{})
}

// Spans are those that arrived so far.
func (c *Collector) Spans() []Span {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]Span(nil), c.spans...)
}

// Raw is all that arrived, unpacked, one request after the other.
func (c *Collector) Raw() []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	return bytes.Clone(c.raw.Bytes())
}

// Requests are the headers and paths of all requests.
func (c *Collector) Requests() ([]http.Header, []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]http.Header(nil), c.headers...), append([]string(nil), c.paths...)
}

// Await waits until what has arrived is enough, or ctx ends: then the error says what is there.
func (c *Collector) Await(ctx context.Context, enough func([]Span) bool) ([]Span, error) {
	for {
		c.mu.Lock()
		news := c.news
		c.mu.Unlock()
		spans := c.Spans()
		if enough(spans) {
			return spans, nil
		}
		select {
		case <-news:
		case <-ctx.Done():
			return spans, fmt.Errorf("the spans did not come (%w), but these:\n%s", ctx.Err(), Tree(spans))
		}
	}
}

// Tree draws spans as the trees that they are, in the order of their beginnings.
func Tree(spans []Span) string {
	var b strings.Builder
	known := map[string]bool{}
	for _, s := range spans {
		known[s.ID] = true
	}
	var draw func(parent, indent string)
	draw = func(parent, indent string) {
		for _, s := range sorted(spans) {
			if s.Parent != parent || parent == "" && s.Parent != "" {
				continue
			}
			fmt.Fprintf(&b, "%s%s\n", indent, s.Name)
			draw(s.ID, indent+"  ")
		}
	}
	draw("", "")
	for _, s := range sorted(spans) {
		if s.Parent != "" && !known[s.Parent] {
			known[s.Parent] = true
			fmt.Fprintln(&b, "? a parent that did not come")
			draw(s.Parent, "  ")
		}
	}
	return b.String()
}

func span(of *traces.ResourceSpans, s *traces.Span) Span {
	out := Span{
		Trace: hex.EncodeToString(s.GetTraceId()), ID: hex.EncodeToString(s.GetSpanId()), Parent: hex.EncodeToString(s.GetParentSpanId()),
		Name: s.GetName(), Kind: strings.ToLower(strings.TrimPrefix(s.GetKind().String(), "SPAN_KIND_")),
		Attributes: values(s.GetAttributes()), Resource: values(of.GetResource().GetAttributes()),
		Failed: s.GetStatus().GetCode() == traces.Status_STATUS_CODE_ERROR, Status: s.GetStatus().GetMessage(), Events: len(s.GetEvents()),
		Start: time.Unix(0, int64(s.GetStartTimeUnixNano())), End: time.Unix(0, int64(s.GetEndTimeUnixNano())),
	}
	for _, l := range s.GetLinks() {
		out.Links = append(out.Links, Link{hex.EncodeToString(l.GetTraceId()), hex.EncodeToString(l.GetSpanId())})
	}
	return out
}

func values(all []*common.KeyValue) map[string]any {
	out := map[string]any{}
	for _, kv := range all {
		switch v := kv.GetValue().GetValue().(type) {
		case *common.AnyValue_StringValue:
			out[kv.GetKey()] = v.StringValue
		case *common.AnyValue_IntValue:
			out[kv.GetKey()] = v.IntValue
		case *common.AnyValue_BoolValue:
			out[kv.GetKey()] = v.BoolValue
		default:
			out[kv.GetKey()] = fmt.Sprint(kv.GetValue())
		}
	}
	return out
}

func sorted(spans []Span) []Span {
	out := slices.Clone(spans)
	slices.SortStableFunc(out, func(a, b Span) int { return a.Start.Compare(b.Start) })
	return out
}
