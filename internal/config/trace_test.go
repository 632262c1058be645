package config_test

import (
	"fmt"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"secretaria/internal/config"
	"secretaria/internal/secret"
	"secretaria/internal/tracing"
)

func TestTraces(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "headers"), "authorization=Bearer%20hush\n")
	write(t, filepath.Join(dir, ".env"), "OTEL_EXPORTER_OTLP_ENDPOINT=http://collector:4318\nOTEL_EXPORTER_OTLP_HEADERS_FILE=headers\nOTEL_SERVICE_NAME=arquivo\nOTEL_EXPORTER_OTLP_TIMEOUT=250\n")
	cfg := load(t, config.Source{Dir: dir, Environ: []string{"OTEL_SERVICE_NAME=ambiente", "OTEL_TRACES_SAMPLER=traceidratio", "OTEL_TRACES_SAMPLER_ARG=0.5"}})
	want := tracing.Config{Endpoint: "http://collector:4318", Headers: secret.New("authorization=Bearer%20hush"), Timeout: 250 * time.Millisecond, Service: "ambiente", Sampler: "traceidratio", SamplerArg: "0.5"}
	if diff := cmp.Diff(want, cfg.Options.Traces, cmp.Comparer(func(a, b secret.String) bool { return a.Reveal() == b.Reveal() })); diff != "" {
		t.Errorf("traces (-want +got):\n%s", diff)
	}
	if shown := fmt.Sprintf("%v %+v", cfg, cfg.Options); strings.Contains(shown, "hush") {
		t.Errorf("the headers are shown: %s", shown)
	}
	// Whoever names a collector in its own network has named its address.
	if err := cfg.Options.Addresses.Check("collector", netip.MustParseAddr("172.18.0.9")); err != nil {
		t.Errorf("the collector must not be called: %v", err)
	}
	if len(cfg.Notes) > 0 {
		t.Errorf("notes: %q", cfg.Notes)
	}
}

// What is wrong beside an endpoint is an error that names the key and shows no secret; without
// an endpoint it is some other program's business.
func TestTracesGoneWrong(t *testing.T) {
	t.Parallel()
	for key, bad := range map[string]string{
		"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc", "OTEL_EXPORTER_OTLP_COMPRESSION": "zstd", "OTEL_EXPORTER_OTLP_HEADERS": "hush", "OTEL_RESOURCE_ATTRIBUTES": "hush",
		"OTEL_TRACES_SAMPLER": "jaeger_remote",
	} {
		dir := t.TempDir()
		write(t, filepath.Join(dir, ".env"), key+"="+bad+"\nOTEL_EXPORTER_OTLP_ENDPOINT=http://collector:4318\n")
		_, err := config.Load(config.Source{Dir: dir})
		if err == nil || !strings.Contains(err.Error(), ".env:1: "+key) || strings.Contains(err.Error(), "hush") {
			t.Errorf("Load with %s=%s: %v, want an error of .env:1 that names it and does not show it", key, bad, err)
		}
		if _, err := config.Load(config.Source{Dir: t.TempDir(), Environ: []string{key + "=" + bad}}); err != nil {
			t.Errorf("Load with %s=%s and no endpoint: %v", key, bad, err)
		}
	}
	cfg := load(t, config.Source{Dir: t.TempDir(), Environ: []string{"OTEL_EXPORTER_OTLP_ENDPOINT=http://collector:4317"}})
	if len(cfg.Notes) != 1 || !strings.Contains(cfg.Notes[0], "4318") {
		t.Errorf("notes = %q, want one of the port", cfg.Notes)
	}
}
