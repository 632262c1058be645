package whatickettest

import (
	"embed"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
)

//go:embed exchanges/*.json
var exchanges embed.FS

// Exchange is one recorded request with its answer.
type Exchange struct {
	Name     string
	Response struct {
		Status   int
		Headers  map[string]string
		Body     any     // of JSON; nil is an empty body
		BodyText *string `json:"body_text"`
	}
}

// mustExchange panics for a name that does not exist: a mistake in the code that asks.
func mustExchange(name string) Exchange {
	raw, err := exchanges.ReadFile("exchanges/" + name + ".json")
	if err != nil {
		panic(fmt.Sprintf("whatickettest: no recorded exchange %q", name))
	}
	var e Exchange
	if err := json.Unmarshal(raw, &e); err != nil {
		panic(fmt.Sprintf("whatickettest: exchange %q: %v", name, err))
	}
	return e
}

// Recorded returns a recorded exchange by name; it panics for a name that does not exist.
func Recorded(name string) Exchange { return mustExchange(name) }

// write answers as recorded.
func write(w http.ResponseWriter, name string) { mustExchange(name).WriteTo(w) }

// WriteTo writes the recorded answer.
func (e Exchange) WriteTo(w http.ResponseWriter) {
	for k, v := range e.Response.Headers {
		if k != "Content-Length" {
			w.Header().Set(k, v)
		}
	}
	switch {
	case e.Response.BodyText != nil:
		w.WriteHeader(e.Response.Status)
		_, _ = io.WriteString(w, *e.Response.BodyText)
	case e.Response.Body != nil:
		w.WriteHeader(e.Response.Status)
		_ = json.NewEncoder(w).Encode(e.Response.Body)
	default:
		// An empty body has no Content-Type: nil keeps net/http from guessing one.
		w.Header()["Content-Type"] = nil
		w.Header().Set("Content-Length", "0")
		w.WriteHeader(e.Response.Status)
	}
}
