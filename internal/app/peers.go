package app

import "slices"

// Peer is somebody who is called.
type Peer struct {
	About string // "inbox loja", "model gemini", "n8n", "workflow create_lead"
	URL   string
}

// Peers are the helpdesks, models and workflow engines that have an address in the
// configuration, each address once. The providers' own are not among them.
func (o Options) Peers() []Peer {
	var out []Peer
	add := func(about, url string) {
		if url != "" && !slices.ContainsFunc(out, func(p Peer) bool { return p.URL == url }) {
			out = append(out, Peer{about, url})
		}
	}
	for _, i := range o.Inboxes {
		switch {
		case i.Whaticket != nil:
			add("inbox "+i.Name, i.Whaticket.BaseURL)
		case i.Chatwoot != nil:
			add("inbox "+i.Name, i.Chatwoot.BaseURL)
		}
	}
	for _, n := range o.Models.all() {
		switch {
		case n.Gemini != nil:
			add("model "+n.Name, n.Gemini.BaseURL)
		case n.OpenAI != nil:
			add("model "+n.Name, n.OpenAI.BaseURL)
		}
	}
	add("n8n", o.Workflows.BaseURL)
	for _, d := range o.Desks {
		for _, w := range d.Workflows {
			add("workflow "+w.Name, w.URL)
		}
	}
	add("traces", o.Traces.URL())
	return out
}
