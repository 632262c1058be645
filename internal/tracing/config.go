package tracing

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"path"
	"strconv"
	"strings"
	"time"

	"secretaria/internal/secret"
)

// Config is what OpenTelemetry's variables of the same names say. Without an endpoint, or when
// Disabled, tracing is off and nothing else of it is looked at.
type Config struct {
	// Endpoint is OTEL_EXPORTER_OTLP_ENDPOINT: the base, to which /v1/traces is added.
	Endpoint string
	// TracesEndpoint is OTEL_EXPORTER_OTLP_TRACES_ENDPOINT, taken as it is. It wins.
	TracesEndpoint string
	// Headers is OTEL_EXPORTER_OTLP_HEADERS: key=value pairs with commas between them, values
	// as in a URL. It is what opens the collector's door.
	Headers secret.String
	// Timeout is OTEL_EXPORTER_OTLP_TIMEOUT: of one request; default 10 s.
	Timeout time.Duration
	// Compression is OTEL_EXPORTER_OTLP_COMPRESSION: gzip or none (default).
	Compression string
	// Protocol is OTEL_EXPORTER_OTLP_PROTOCOL: http/protobuf, and nothing else is spoken.
	Protocol string
	// Service is OTEL_SERVICE_NAME; default the one of Resource, else "secretaria".
	Service string
	// Resource is OTEL_RESOURCE_ATTRIBUTES, written as Headers is.
	Resource string
	// Sampler and SamplerArg are OTEL_TRACES_SAMPLER and OTEL_TRACES_SAMPLER_ARG. Since nobody
	// else's trace is ever continued, "parentbased_" makes no difference.
	Sampler, SamplerArg string
	// Disabled is OTEL_SDK_DISABLED.
	Disabled bool
	// Delay is how long a span waits for others to be sent with; default 5 s.
	Delay time.Duration
}

// protocol is the only one that is spoken.
const protocol = "http/protobuf"

// On says whether there is a collector to send to.
func (c Config) On() bool { return !c.Disabled && (c.Endpoint != "" || c.TracesEndpoint != "") }

// Share is how much of the traces is kept, 0 to 1; 0 also where tracing is off, and for a
// sampler that Validate refuses. All processes of an installation need the same.
func (c Config) Share() float64 {
	if !c.On() {
		return 0
	}
	share, err := c.sampled()
	if err != nil {
		return 0
	}
	return share
}

// URL is where spans are sent; "" when tracing is off.
func (c Config) URL() string {
	if !c.On() {
		return ""
	}
	if c.TracesEndpoint != "" {
		return c.TracesEndpoint
	}
	u, err := url.Parse(c.Endpoint)
	if err != nil {
		return c.Endpoint
	}
	u.Path = path.Join("/", u.Path, "v1/traces")
	return u.String()
}

// Validate says what is wrong, a line "KEY: text" for each thing, without repeating a secret.
func (c Config) Validate() error {
	if !c.On() {
		return nil
	}
	var errs []error
	bad := func(key string, err error) {
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", key, err))
		}
	}
	if c.TracesEndpoint != "" {
		bad("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", checkURL(c.TracesEndpoint))
	} else {
		bad("OTEL_EXPORTER_OTLP_ENDPOINT", checkURL(c.Endpoint))
	}
	_, err := pairs(c.Headers.Reveal())
	bad("OTEL_EXPORTER_OTLP_HEADERS", err)
	if err == nil {
		bad("OTEL_EXPORTER_OTLP_HEADERS", checkHeaders(c.Headers.Reveal()))
	}
	if c.Timeout < 0 {
		bad("OTEL_EXPORTER_OTLP_TIMEOUT", errors.New("must be more than 0"))
	}
	if c.Compression != "" && c.Compression != "none" && c.Compression != "gzip" {
		bad("OTEL_EXPORTER_OTLP_COMPRESSION", fmt.Errorf("%q is neither gzip nor none", c.Compression))
	}
	if c.Protocol != "" && c.Protocol != protocol {
		bad("OTEL_EXPORTER_OTLP_PROTOCOL", fmt.Errorf("%q is not spoken here, only %s: a collector takes that on port 4318", c.Protocol, protocol))
	}
	_, err = pairs(c.Resource)
	bad("OTEL_RESOURCE_ATTRIBUTES", err)
	_, err = c.sampled()
	errs = append(errs, err)
	return errors.Join(errs...)
}

// checkURL does not repeat the address: it may hold what it should not.
func checkURL(text string) error {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "":
		return errors.New("is not an address such as http://otel-collector:4318")
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return errors.New("must be without a user, '?' and '#': what opens the door belongs into OTEL_EXPORTER_OTLP_HEADERS")
	}
	return nil
}

// pair is a key and its value.
type pair struct{ key, value string }

// pairs reads "key=value,key=value", values percent-encoded.
func pairs(text string) ([]pair, error) {
	var out []pair
	for i, item := range strings.Split(text, ",") {
		if item = strings.TrimSpace(item); item == "" {
			continue
		}
		key, value, ok := strings.Cut(item, "=")
		key = strings.TrimSpace(key)
		decoded, err := url.PathUnescape(strings.TrimSpace(value))
		if !ok || key == "" || err != nil {
			return nil, fmt.Errorf("pair %d is not key=value, with %%2C for a comma in a value", i+1)
		}
		out = append(out, pair{key, decoded})
	}
	return out, nil
}

func checkHeaders(text string) error {
	all, err := pairs(text)
	if err != nil {
		return err
	}
	for i, p := range all {
		token := strings.Trim(strings.ToLower(p.key), "abcdefghijklmnopqrstuvwxyz0123456789!#$%&'*+-.^_`|~") == ""
		if !token || strings.ContainsFunc(p.value, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			return fmt.Errorf("pair %d cannot be a header", i+1)
		}
	}
	return nil
}

// sampled is the share of the traces that is kept, 0 to 1.
func (c Config) sampled() (float64, error) {
	name := strings.TrimPrefix(strings.ToLower(strings.TrimSpace(c.Sampler)), "parentbased_")
	switch name {
	case "", "always_on":
		return 1, nil
	case "always_off":
		return 0, nil
	case "traceidratio":
		share, err := strconv.ParseFloat(cmp.Or(strings.TrimSpace(c.SamplerArg), "1"), 64)
		if err != nil || !(share >= 0 && share <= 1) {
			return 0, fmt.Errorf("OTEL_TRACES_SAMPLER_ARG: %q is not between 0 and 1", c.SamplerArg)
		}
		return share, nil
	}
	return 0, fmt.Errorf("OTEL_TRACES_SAMPLER: %q is none of always_on, always_off and traceidratio, with or without parentbased_ before it", c.Sampler)
}
