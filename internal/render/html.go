package render

import (
	"regexp"
	"strings"
)

// anchor is an open <a href>.
type anchor struct {
	url   string
	into  *strings.Builder
	start int
}

// html drops an element of HTML; a line break becomes one and an address is kept.
func (r *renderer) html(b *strings.Builder, raw string) {
	name, ok := element(raw)
	if r.skip != "" {
		if ok && name == "/"+r.skip {
			r.skip = ""
		}
		return
	}
	if !ok {
		b.WriteString(literal(raw))
		return
	}
	switch name {
	case "br", "/p", "/div", "/li", "/tr", "hr":
		b.WriteByte('\n')
	case "li":
		b.WriteString("- ")
	case "script", "style":
		r.skip = name
	case "a":
		if m := hrefAttribute.FindStringSubmatch(raw); m != nil {
			r.anchor = anchor{target(unescape(m[1] + m[2])), b, b.Len()}
		}
	case "/a":
		if a := r.anchor; a.into == b && a.url != "" {
			if !sameTarget(settle(b.String()[a.start:]), a.url) {
				b.WriteString(" (" + a.url + ")")
			}
		}
		r.anchor = anchor{}
	}
}

var (
	hrefAttribute = regexp.MustCompile(`(?i)\bhref\s*=\s*(?:"([^"]*)"|'([^']*)')`)
	elementName   = regexp.MustCompile(`^<(/?[A-Za-z][A-Za-z0-9]*)[\s/>]`)
)

// htmlElements are the elements that models write by habit.
const htmlElements = " a abbr article b big blockquote body br caption center cite code col colgroup dd del details div dl dt em " +
	"font footer h1 h2 h3 h4 h5 h6 head header hr html i img ins kbd li link main mark meta ol p pre q s samp script section " +
	"small span strike strong style sub summary sup table tbody td tfoot th thead title tr tt u ul var video iframe "

// element returns the name of a tag, "/name" of a closing one, and whether it is HTML;
// comments are HTML without a name.
func element(raw string) (string, bool) {
	if strings.HasPrefix(raw, "<!") || strings.HasPrefix(raw, "<?") {
		return "", true
	}
	m := elementName.FindStringSubmatch(raw)
	if m == nil {
		return "", false
	}
	name := strings.ToLower(m[1])
	return name, strings.Contains(htmlElements, " "+strings.TrimPrefix(name, "/")+" ")
}
