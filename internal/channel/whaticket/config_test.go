package whaticket

import (
	"strings"
	"testing"

	"secretaria/internal/channel"
	"secretaria/internal/fault"
	"secretaria/internal/secret"
)

func TestConfigValidate(t *testing.T) {
	t.Parallel()
	good := Config{
		BaseURL: "https://wa.example.com/api/messages/send", Token: secret.New("tok"),
		Email: "a@b.c", Password: secret.New("pw"),
		Secrets: []secret.String{secret.New("s")}, DefaultCountry: "55", HandoffQueue: "3", HandoffUser: "1",
	}
	if err := good.Validate(); err != nil {
		t.Fatalf("Validate = %v, want nil", err)
	}
	for _, tc := range []struct {
		key    string
		change func(*Config)
	}{
		{"SHARED_SECRET", func(c *Config) { c.Secrets = nil }},
		{"SHARED_SECRET", func(c *Config) { c.Secrets = append(c.Secrets, secret.String{}) }},
		{"WEBHOOK_TOKEN_OPTIONAL", func(c *Config) { c.WebhookTokens = []secret.String{{}} }},
		{"WEBHOOK_TOKEN_OPTIONAL", func(c *Config) { c.Auth = ByToken }},
		{"url_secrets", func(c *Config) { c.Auth = ByURL }},
		{"url_secrets", func(c *Config) { c.URLSecrets = []secret.String{secret.New("short-url-secret")} }},
		{"auth", func(c *Config) { c.Auth = "none" }},
		{"window", func(c *Config) { c.Window = -1 }},
		{"WHATSAPP_API_URL", func(c *Config) { c.BaseURL = "wa.example.com" }},
		{"WHATSAPP_API_URL", func(c *Config) { c.BaseURL = "https://user:pw@wa.example.com" }},
		{"WHATSAPP_API_URL", func(c *Config) { c.BaseURL = "https://wa.example.com?token=1" }},
		{"WHATSAPP_API_URL", func(c *Config) { c.BaseURL = "" }},
		{"WHATSAPP_BEARER_TOKEN", func(c *Config) { c.Token = secret.New("tok\n") }},
		{"WHATICKET_JWT_EMAIL", func(c *Config) { c.Password = secret.String{} }},
		{"WHATICKET_JWT_EMAIL", func(c *Config) { c.Email = "" }},
		{"default_country", func(c *Config) { c.DefaultCountry = "BR" }},
		{"handoff_queue", func(c *Config) { c.HandoffQueue = "Geral" }},
		{"handoff_user", func(c *Config) { c.HandoffUser = "-1" }},
	} {
		cfg := good
		tc.change(&cfg)
		err := cfg.Validate()
		if err == nil || !strings.Contains(err.Error(), tc.key+":") {
			t.Errorf("Validate = %v, want an error about %s", err, tc.key)
			continue
		}
		if strings.Contains(err.Error(), "short-url-secret") || strings.Contains(err.Error(), "user:pw") {
			t.Errorf("Validate gives a secret away: %v", err)
		}
		if _, err := New(cfg, nil); err == nil {
			t.Errorf("New took what Validate refuses for %s", tc.key)
		}
	}
}

func TestNewBaseURL(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"https://wa.example.com":                        "https://wa.example.com",
		"https://wa.example.com/":                       "https://wa.example.com",
		"https://wa.example.com/api/messages/send":      "https://wa.example.com",
		"https://wa.example.com/api/messages/send/":     "https://wa.example.com",
		"https://example.com/back/api/messages/send":    "https://example.com/back",
		"http://127.0.0.1:8080/backend":                 "http://127.0.0.1:8080/backend",
		"https://wa.example.com/api/messages/send-else": "https://wa.example.com/api/messages/send-else",
	} {
		if got := mustNew(t, Config{BaseURL: given}, nil).base; got != want {
			t.Errorf("New(BaseURL %q).base = %q, want %q", given, got, want)
		}
	}
}

// An inbox that only listens, and one that does not exist, can do nothing and say so.
func TestNothingToReach(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]*Channel{"listening": mustNew(t, Config{}, nil), "stranger": Stranger()} {
		for _, kind := range []channel.OrderKind{channel.Say, channel.OpenUp} {
			if c.Supports(kind) {
				t.Errorf("%s: Supports(%q) = true", name, kind)
			}
			if _, err := c.Do(t.Context(), channel.Order{Kind: kind, Text: "oi"}); !fault.Is(err, fault.Unsupported) {
				t.Errorf("%s: Do(%q) = %v, want fault.Unsupported", name, kind, err)
			}
		}
		if verdict, _, err := c.Reconcile(t.Context(), channel.Order{Kind: channel.Say}); verdict != channel.CannotTell || err != nil {
			t.Errorf("%s: Reconcile = %v, %v, want CannotTell", name, verdict, err)
		}
		if err := c.Probe(t.Context()); !fault.Is(err, fault.Unsupported) {
			t.Errorf("%s: Probe = %v, want fault.Unsupported", name, err)
		}
	}
}
