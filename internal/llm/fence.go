package llm

import (
	"crypto/rand"
	"strings"
)

// Fence parts what strangers wrote from what we say to a model: everything untrusted stands
// between two tags that carry a random mark of the request, which nobody outside can know.
// The zero value fences nothing.
type Fence string

// NewMark returns a random mark: 12 letters and digits, some 60 bits.
func NewMark() string { return strings.ToLower(rand.Text()[:12]) }

// Open and Close are the tags.
func (f Fence) Open() string  { return "<d-" + string(f) + ">" }
func (f Fence) Close() string { return "</d-" + string(f) + ">" }

// Wrap puts a text between the tags. The mark itself is taken out of it first.
func (f Fence) Wrap(text string) string {
	if f == "" {
		return text
	}
	return f.Open() + f.Clean(text) + f.Close()
}

// Clean takes the mark out of a text, in whatever case, also where taking it out makes a new one.
func (f Fence) Clean(text string) string {
	for f != "" {
		at := strings.Index(strings.ToLower(text), strings.ToLower(string(f)))
		if at < 0 || at+len(f) > len(text) {
			break
		}
		text = text[:at] + text[at+len(f):]
	}
	return text
}

// Unwrap takes the tags out and leaves what stands between them.
func (f Fence) Unwrap(text string) string {
	if f == "" {
		return text
	}
	return strings.NewReplacer(f.Open(), "", f.Close(), "").Replace(text)
}

// Unfenced is the request as it would be without its fence: for whoever answers by rules, to
// whom the tags say nothing.
func (r *Request) Unfenced() *Request {
	if r.Fence == "" {
		return r
	}
	plain := *r
	plain.Fence = ""
	plain.System = r.Fence.Unwrap(r.System)
	plain.Messages = make([]Message, len(r.Messages))
	for i, m := range r.Messages {
		m.Text = r.Fence.Unwrap(m.Text)
		plain.Messages[i] = m
	}
	return &plain
}
