package tracing_test

import (
	"fmt"
	"strings"
	"testing"

	"secretaria/internal/secret"
	"secretaria/internal/tracing"
)

func TestURL(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ base, traces, want string }{
		{"http://collector:4318", "", "http://collector:4318/v1/traces"},
		{"http://collector:4318/", "", "http://collector:4318/v1/traces"},
		{"https://otlp.example.com/tenant/a/", "", "https://otlp.example.com/tenant/a/v1/traces"},
		{"http://collector:4318", "http://other:4318/spans", "http://other:4318/spans"},
		{"", "http://other:4318", "http://other:4318"},
		{"", "", ""},
	} {
		cfg := tracing.Config{Endpoint: c.base, TracesEndpoint: c.traces}
		if got := cfg.URL(); got != c.want || cfg.Validate() != nil {
			t.Errorf("URL of %q and %q = %q, %v, want %q", c.base, c.traces, got, cfg.Validate(), c.want)
		}
		if cfg.Disabled = true; cfg.URL() != "" || cfg.On() {
			t.Errorf("URL of %q, disabled, is %q", c.base, cfg.URL())
		}
	}
}

func TestValidate(t *testing.T) {
	t.Parallel()
	on := tracing.Config{Endpoint: "http://collector:4318"}
	for name, c := range map[string]struct {
		change func(*tracing.Config)
		want   string // the key; "" where all is well
	}{
		"nothing else":         {func(*tracing.Config) {}, ""},
		"an address":           {func(c *tracing.Config) { c.Endpoint = "collector:4318" }, "OTEL_EXPORTER_OTLP_ENDPOINT"},
		"another scheme":       {func(c *tracing.Config) { c.Endpoint = "grpc://collector" }, "OTEL_EXPORTER_OTLP_ENDPOINT"},
		"a password":           {func(c *tracing.Config) { c.Endpoint = "https://u:hush@collector" }, "OTEL_EXPORTER_OTLP_ENDPOINT"},
		"a query":              {func(c *tracing.Config) { c.TracesEndpoint = "https://collector/v1/traces?key=hush" }, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"},
		"headers":              {func(c *tracing.Config) { c.Headers = secret.New("a=b, C-d = e%20f ,,") }, ""},
		"no pair":              {func(c *tracing.Config) { c.Headers = secret.New("a=b,hush") }, "OTEL_EXPORTER_OTLP_HEADERS"},
		"no key":               {func(c *tracing.Config) { c.Headers = secret.New("=hush") }, "OTEL_EXPORTER_OTLP_HEADERS"},
		"no header":            {func(c *tracing.Config) { c.Headers = secret.New("a b=hush") }, "OTEL_EXPORTER_OTLP_HEADERS"},
		"a second line":        {func(c *tracing.Config) { c.Headers = secret.New("a=hush%0d%0ab: c") }, "OTEL_EXPORTER_OTLP_HEADERS"},
		"half an escape":       {func(c *tracing.Config) { c.Headers = secret.New("a=hush%2") }, "OTEL_EXPORTER_OTLP_HEADERS"},
		"gzip":                 {func(c *tracing.Config) { c.Compression = "gzip" }, ""},
		"none":                 {func(c *tracing.Config) { c.Compression = "none" }, ""},
		"zstd":                 {func(c *tracing.Config) { c.Compression = "zstd" }, "OTEL_EXPORTER_OTLP_COMPRESSION"},
		"protobuf":             {func(c *tracing.Config) { c.Protocol = "http/protobuf" }, ""},
		"grpc":                 {func(c *tracing.Config) { c.Protocol = "grpc" }, "OTEL_EXPORTER_OTLP_PROTOCOL"},
		"json":                 {func(c *tracing.Config) { c.Protocol = "http/json" }, "OTEL_EXPORTER_OTLP_PROTOCOL"},
		"a time":               {func(c *tracing.Config) { c.Timeout = -1 }, "OTEL_EXPORTER_OTLP_TIMEOUT"},
		"attributes":           {func(c *tracing.Config) { c.Resource = "a" }, "OTEL_RESOURCE_ATTRIBUTES"},
		"always_on":            {func(c *tracing.Config) { c.Sampler = "Always_On" }, ""},
		"parentbased off":      {func(c *tracing.Config) { c.Sampler = "parentbased_always_off" }, ""},
		"a ratio":              {func(c *tracing.Config) { c.Sampler, c.SamplerArg = "traceidratio", "0.25" }, ""},
		"a ratio of all":       {func(c *tracing.Config) { c.Sampler = "parentbased_traceidratio" }, ""},
		"more than all":        {func(c *tracing.Config) { c.Sampler, c.SamplerArg = "traceidratio", "1.5" }, "OTEL_TRACES_SAMPLER_ARG"},
		"no number":            {func(c *tracing.Config) { c.Sampler, c.SamplerArg = "traceidratio", "NaN" }, "OTEL_TRACES_SAMPLER_ARG"},
		"an unused argument":   {func(c *tracing.Config) { c.SamplerArg = "nonsense" }, ""},
		"an unknown sampler":   {func(c *tracing.Config) { c.Sampler = "jaeger_remote" }, "OTEL_TRACES_SAMPLER"},
		"off, whatever is set": {func(c *tracing.Config) { c.Endpoint, c.Protocol, c.Sampler = "", "grpc", "xray" }, ""},
	} {
		cfg := on
		c.change(&cfg)
		err := cfg.Validate()
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.HasPrefix(err.Error(), c.want+": ")) {
			t.Errorf("%s: Validate = %v, want %q", name, err, c.want)
		}
		if err != nil && strings.Contains(err.Error(), "hush") || strings.Contains(fmt.Sprintf("%+v %v", cfg, cfg), "hush") && cfg.TracesEndpoint == "" && cfg.Endpoint == on.Endpoint {
			t.Errorf("%s: a secret is shown: %v", name, err)
		}
		tr, failed := tracing.New(cfg, tracing.Deps{})
		if (failed != nil) != (err != nil) {
			t.Errorf("%s: New = %v, Validate = %v", name, failed, err)
		}
		if err := tr.Stop(t.Context()); err != nil {
			t.Errorf("%s: Stop = %v", name, err)
		}
	}
}
