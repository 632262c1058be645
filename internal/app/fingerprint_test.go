package app

import (
	"bytes"
	"net/netip"
	"reflect"
	"testing"
	"time"

	"secretaria/internal/agent"
	"secretaria/internal/channel/chatwoot"
	"secretaria/internal/channel/whaticket"
	"secretaria/internal/hours"
	"secretaria/internal/house"
	"secretaria/internal/httpclient"
	"secretaria/internal/playbook"
	"secretaria/internal/secret"
)

// some are options with something in every corner that matters.
func some() Options {
	zone := time.FixedZone("BRT", -3*3600)
	return Options{
		Host: "127.0.0.1", Port: 1, Database: "a.db", Role: Web, Spool: Spool{Dir: "a"},
		Inboxes: []Inbox{
			{Name: "loja", Desk: "sdr", Labels: []string{"lead"}, Whaticket: &whaticket.Config{BaseURL: "https://w.example", Secrets: []secret.String{secret.New("um"), secret.New("dois")}}},
			{Name: "site", Desk: "sdr", Chatwoot: &chatwoot.Config{BaseURL: "https://c.example", Token: secret.New("t")}},
		},
		Desks: []agent.Config{{
			Name: "sdr", Location: zone, Open: hours.Hours{}, Playbook: &playbook.Playbook{},
			House: &house.House{Pages: []house.Page{{Text: "a"}}},
		}},
		Addresses:      httpclient.Policy{Networks: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}},
		TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")},
	}
}

func TestFingerprint(t *testing.T) {
	t.Parallel()
	base := some().Fingerprint()
	for name, c := range map[string]struct {
		change func(*Options)
		want   []string
	}{
		"nothing":                     {func(*Options) {}, nil},
		"what is a process's own":     {func(o *Options) { o.Host, o.Port, o.Role, o.Database, o.Spool.Dir = "::1", 2, Worker, "b.db", "b" }, nil},
		"where a row was written":     {func(o *Options) { o.Desks[0].House.Pages[0].Source.File = "elsewhere.md" }, nil},
		"an empty list for none":      {func(o *Options) { o.AllowedOrigins = []string{} }, nil},
		"a default that is written":   {func(o *Options) { o.SendTimeout = 30 * time.Second }, nil},
		"a secret":                    {func(o *Options) { o.Inboxes[0].Whaticket.Secrets[1] = secret.New("drei") }, []string{"inboxes.loja"}},
		"secrets joined":              {func(o *Options) { o.Inboxes[0].Whaticket.Secrets = []secret.String{secret.New("umdois")} }, []string{"inboxes.loja"}},
		"a desk's zone":               {func(o *Options) { o.Desks[0].Location = time.UTC }, []string{"desks.sdr"}},
		"a page":                      {func(o *Options) { o.Desks[0].House.Pages[0].Text = "b" }, []string{"desks.sdr"}},
		"a proxy":                     {func(o *Options) { o.TrustedProxies[0] = netip.MustParsePrefix("10.0.0.0/9") }, []string{"TRUSTED_PROXIES"}},
		"an address":                  {func(o *Options) { o.Addresses.Networks[0] = netip.MustParsePrefix("10.0.0.0/9") }, []string{"ALLOW_PRIVATE_ADDRESSES"}},
		"an inbox more":               {func(o *Options) { o.Inboxes = append(o.Inboxes, Inbox{Name: "nova"}) }, []string{"inboxes.nova"}},
		"a label, and an hour":        {func(o *Options) { o.Inboxes[0].Labels[0], o.Quiet.Window = "cliente", time.Hour }, []string{"inboxes.loja", "turns"}},
		"another Redis, and another ": {func(o *Options) { o.Redis, o.Metrics = secret.New("redis://a"), true }, []string{"PROMETHEUS_ENABLED", "REDIS_URL"}},
	} {
		o := some()
		c.change(&o)
		next := o.Fingerprint()
		got := map[string]bool{}
		for key := range base {
			if !bytes.Equal(base[key], next[key]) {
				got[key] = true
			}
		}
		for key := range next {
			if base[key] == nil {
				got[key] = true
			}
		}
		if len(got) != len(c.want) {
			t.Errorf("%s: differs in %v, want %v", name, got, c.want)
		}
		for _, key := range c.want {
			if !got[key] {
				t.Errorf("%s: differs in %v, want %v", name, got, c.want)
			}
		}
	}
}

// Whatever can be configured is in the fingerprint: fields that are not exported would not be,
// and what is neither plain nor known here might be forgotten.
func TestFingerprintSeesAll(t *testing.T) {
	t.Parallel()
	known := map[reflect.Type]bool{reflect.TypeFor[secret.String](): true, reflect.TypeFor[time.Location](): true, reflect.TypeFor[netip.Prefix](): true}
	parts := map[string]bool{"Inbox.Whaticket.Logins": true, "Models.Resilience.Circuit": true} // of the running program
	seen := map[reflect.Type]bool{}
	var walk func(reflect.Type, string)
	walk = func(ty reflect.Type, path string) {
		switch ty.Kind() {
		case reflect.Pointer, reflect.Slice, reflect.Array:
			walk(ty.Elem(), path)
		case reflect.Map:
			walk(ty.Key(), path)
			walk(ty.Elem(), path)
		case reflect.Struct:
			if seen[ty] || known[ty] {
				return
			}
			seen[ty] = true
			for f := range ty.Fields() {
				if !f.IsExported() {
					t.Errorf("%s.%s of %v would not be seen", path, f.Name, ty)
				}
				walk(f.Type, path+"."+f.Name)
			}
		case reflect.Interface, reflect.Func, reflect.Chan, reflect.UnsafePointer, reflect.Complex64, reflect.Complex128:
			if !parts[path] {
				t.Errorf("%s (%v) would not be seen", path, ty)
			}
		}
	}
	walk(reflect.TypeFor[Inbox](), "Inbox")
	walk(reflect.TypeFor[agent.Config](), "Desk")
	walk(reflect.TypeFor[Models](), "Models")
	for _, p := range (Options{}).common() {
		if list, ok := p.value.([]any); ok {
			for _, v := range list {
				walk(reflect.TypeOf(v), p.key)
			}
			continue
		}
		walk(reflect.TypeOf(p.value), p.key)
	}
}
