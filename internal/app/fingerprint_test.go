package app

import (
	"bytes"
	"maps"
	"net/netip"
	"reflect"
	"slices"
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
	"secretaria/internal/tracing"
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
		Traces:         tracing.Config{Endpoint: "http://node-1:4318", Sampler: "traceidratio", SamplerArg: "0.1"},
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
		"another share of traces":     {func(o *Options) { o.Traces.SamplerArg = "0.2" }, []string{"OTEL_TRACES_SAMPLER"}},
		"no traces":                   {func(o *Options) { o.Traces.Disabled = true }, []string{"OTEL_TRACES_SAMPLER"}},
		"another collector":           {func(o *Options) { o.Traces.Endpoint = "http://node-2:4318" }, nil},
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

// A new option is either in the fingerprint or a process's own: whoever adds one says which.
func TestFingerprintKnowsEveryOption(t *testing.T) {
	t.Parallel()
	own := []string{"Version", "Host", "Port", "Database", "Postgres", "Spool", "Role", "Queue", "Logger", "Observe"}
	shared := []string{"Inboxes", "Desks", "Redis", "Models", "Workflows", "Quiet", "Limits", "DedupeWindow", "SendTimeout", "Schedule", "Retention", "Addresses",
		"TrustedProxies", "AllowedOrigins", "Metrics", "Traces"}
	for f := range reflect.TypeFor[Options]().Fields() {
		if slices.Contains(own, f.Name) == slices.Contains(shared, f.Name) {
			t.Errorf("Options.%s is in both lists or in none", f.Name)
		}
	}
	base := some().Fingerprint()
	for _, name := range append(slices.Clone(own), shared...) {
		o := some()
		if v := reflect.ValueOf(&o).Elem().FieldByName(name); !changed(v) {
			t.Logf("Options.%s cannot be changed here", name)
			continue
		}
		differs := !maps.EqualFunc(base, o.Fingerprint(), bytes.Equal)
		if want := slices.Contains(shared, name); differs != want {
			t.Errorf("another Options.%s changes the fingerprint: %v, want %v", name, differs, want)
		}
	}
}

// changed gives a value another one, wherever it first can.
func changed(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(!v.Bool())
	case reflect.Int, reflect.Int64:
		v.SetInt(v.Int() + 7)
	case reflect.Float64:
		v.SetFloat(v.Float() + 7)
	case reflect.String:
		v.SetString(v.String() + "x")
	case reflect.Slice:
		next := reflect.MakeSlice(v.Type(), v.Len()+1, v.Len()+1)
		reflect.Copy(next, v)
		v.Set(next)
	case reflect.Struct:
		switch v.Interface().(type) {
		case secret.String:
			v.Set(reflect.ValueOf(secret.New("another")))
			return true
		case tracing.Config:
			v.FieldByName("SamplerArg").SetString("0.3")
			return true
		}
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() && changed(v.Field(i)) {
				return true
			}
		}
		return false
	default:
		return false
	}
	return true
}

// What waits for a restart is told by what it means: a file that is there now and says nothing
// of models has changed no model.
func TestRestartIsAskedForChangesAlone(t *testing.T) {
	t.Parallel()
	before, after := some(), some()
	after.Models.Named, after.AllowedOrigins, after.Inboxes[0].Whaticket.Secrets = []NamedModel{}, []string{}, slices.Clone(before.Inboxes[0].Whaticket.Secrets)
	if keys := before.waiting(after); len(keys) > 0 {
		t.Errorf("waiting() = %q, want nothing: empty lists mean what none does", keys)
	}
	after.Models.Resilience.Attempts++
	after.Inboxes[1].Chatwoot.Token = secret.New("another")
	after.Traces.SamplerArg = "0.2"
	if keys := before.waiting(after); !slices.Equal(keys, []string{"OTEL_*", "models", "inboxes.site"}) {
		t.Errorf("waiting() = %q, want the models, the inbox and the traces", keys)
	}
}
