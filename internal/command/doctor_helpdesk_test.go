package command

import (
	"strings"
	"testing"

	"secretaria/internal/channel/whaticket"
)

// A connection that is down beside one that works is worth a look; with none, nothing works.
func TestConnectionsOfWhaticket(t *testing.T) {
	t.Parallel()
	up, down := whaticket.Connection{Name: "loja", Status: "CONNECTED"}, whaticket.Connection{Name: "filial", Status: "TIMEOUT"}
	for _, c := range []struct {
		name     string
		of       []whaticket.Connection
		level    level
		text     string
		remedies []string
	}{
		{"one of two", []whaticket.Connection{up, down}, hint, `"filial" is not up (TIMEOUT)`, []string{"read the QR code", "leia o QR code"}},
		{"the only one", []whaticket.Connection{down}, problem, "nothing comes in", []string{"read the QR code", "leia o QR code"}},
		{"none", []whaticket.Connection{}, problem, "has no WhatsApp connection", []string{"add one", "crie uma"}},
	} {
		wants(t, whaticketFindings("w", whaticket.Examination{Connections: c.of}), c.level, c.text, c.remedies...)
	}
	if got := whaticketFindings("w", whaticket.Examination{Connections: []whaticket.Connection{up}}); got != nil {
		t.Errorf("findings of a Whaticket that is well = %+v, want none", got)
	}
	if got := whaticketFindings("w", whaticket.Examination{}); got != nil {
		t.Errorf("findings where nobody may look = %+v, want none", got)
	}
	if f := unfinished("w", nil); f.Level != hint || !strings.Contains(f.Remedy, "rode check de novo") {
		t.Errorf("unfinished = %+v, want a note with what to do", f)
	}
}
