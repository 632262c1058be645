package config

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func bareDraft() *draft {
	return newDraft(Source{Dir: "testdata/none"})
}

// Whatever stands between double quotes comes out as it was meant, and what is wrong with
// any other text names a line that there is.
func FuzzDotEnv(f *testing.F) {
	for _, s := range []string{"", "a b # c", `"`, `\`, `it's`, "KEY=value\nexport X='y' # z", "=\n\"", "A=\"b\nA=c"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if !strings.ContainsAny(text, "\n\r") {
			quoted := strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\t", `\t`).Replace(text)
			d := bareDraft()
			got := d.parseDotEnv(`KEY="` + quoted + `" # comment`)["KEY"].value
			if got != text || len(d.problems) > 0 {
				t.Errorf("KEY=%q is read as %q, %v", text, got, d.problems)
			}
		}
		d := bareDraft()
		entries := d.parseDotEnv(text)
		lines := strings.Count(text, "\n") + 1
		for key, e := range entries {
			if e.line < 1 || e.line > lines || !envName.MatchString(key) {
				t.Errorf("parse %q: key %q in line %d of %d", text, key, e.line, lines)
			}
		}
		for _, p := range d.problems {
			if p.file() != DotEnv || p.line() < 1 || p.line() > lines {
				t.Errorf("parse %q: problem at %q, of %d lines", text, p.Where, lines)
			}
		}
	})
}

// Any file gives a configuration or problems with a place, and no secret among them.
func FuzzYAML(f *testing.F) {
	for _, s := range []string{
		"", "server:\n  port: 1\n", "a: &x {b: *x}", "inboxes: &x\n  loja: *x\n", "desks:\n  sdr: {like: sdr}\n", "server: [1, 2]\nlimits: {window: {}}",
		"inboxes:\n  loja:\n    channel: whaticket\n    secrets: [SEKRIT, SEKRIT]\n    auth: url\n", "? {a: b}\n: c\n", "<<: {server: {}}", "\ufeffserver:", "a: !!binary x", "database: SEKRIT",
		"inboxes:\n  site: {channel: chatwoot, secrets: SEKRIT, token: 'SEK RIT'}\n",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d := bareDraft()
		d.root = d.parseYAML([]byte(text))
		d.understand()
		if len(d.problems) == 0 {
			if err := d.o.Validate(); err != nil {
				t.Errorf("%q is taken, and is not valid: %v", text, err)
			}
		}
		for _, p := range d.problems {
			if p.file() != DefaultFile {
				t.Errorf("%q: problem %q without a place", text, p)
			}
			if utf8.ValidString(text) && !utf8.ValidString(p.Text) {
				t.Errorf("%q: problem %q is not text", text, p.Text)
			}
		}
	})
}
