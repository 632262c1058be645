package command

import (
	"cmp"
	"encoding/json"
	"runtime"
	"runtime/debug"
)

type versionCmd struct {
	JSON bool `help:"As a JSON object."`
}

// Help implements kong.HelpProvider.
func (versionCmd) Help() string {
	return `Example:

	secretaria version --json`
}

type build struct {
	Version  string `json:"version"`
	Commit   string `json:"commit,omitempty"`
	Modified bool   `json:"modified,omitempty"`
	Built    string `json:"built,omitempty"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

func buildOf(version string) build {
	b := build{Version: version, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	if info, ok := debug.ReadBuildInfo(); ok {
		if v := info.Main.Version; b.Version == "" && v != "(devel)" {
			b.Version = v
		}
		for _, s := range info.Settings {
			switch s.Key {
			case "vcs.revision":
				b.Commit = s.Value
			case "vcs.time":
				b.Built = s.Value
			case "vcs.modified":
				b.Modified = s.Value == "true"
			}
		}
	}
	b.Version = cmp.Or(b.Version, "devel")
	return b
}

// Run prints the version.
func (c versionCmd) Run(env *Env) error {
	b := buildOf(env.Version)
	if c.JSON {
		return env.json(b)
	}
	env.printf("secretaria %s\n", b.Version)
	if b.Commit != "" {
		changed := ""
		if b.Modified {
			changed = " (changed)"
		}
		env.printf("commit %s%s\n", b.Commit, changed)
	}
	env.printf("%s %s\n", b.Go, b.Platform)
	return nil
}

func (e *Env) json(v any) error {
	enc := json.NewEncoder(e.Stdout)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}
