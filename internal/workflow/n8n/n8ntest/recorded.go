package n8ntest

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"net/http"
	"path"
	"strings"
)

//go:embed testdata/*.json
var files embed.FS

// Exchange is one recorded request with the answer that a real n8n gave. A Body that is a
// JSON string was plain text.
type Exchange struct {
	Title      string   `json:"title"`
	ObservedOn []string `json:"observed_on"`
	Note       string   `json:"note"`
	Request    struct {
		Method  string            `json:"method"`
		Path    string            `json:"path"`
		Headers map[string]string `json:"headers"`
		Body    json.RawMessage   `json:"body"`
	} `json:"request"`
	Response struct {
		Status  int               `json:"status"`
		Headers map[string]string `json:"headers"`
		Body    json.RawMessage   `json:"body"`
	} `json:"response"`
}

// Recorded returns the exchanges of testdata by name ("webhook-immediate").
func Recorded() (map[string]Exchange, error) {
	entries, err := files.ReadDir("testdata")
	if err != nil {
		return nil, fmt.Errorf("read recorded exchanges: %w", err)
	}
	all := map[string]Exchange{}
	for _, entry := range entries {
		name := strings.TrimSuffix(entry.Name(), ".json")
		if name == "workflows" {
			continue
		}
		b, err := files.ReadFile(path.Join("testdata", entry.Name()))
		if err != nil {
			return nil, fmt.Errorf("read recorded exchange: %w", err)
		}
		var x Exchange
		if err := json.Unmarshal(b, &x); err != nil {
			return nil, fmt.Errorf("recorded exchange %s: %w", name, err)
		}
		all[name] = x
	}
	return all, nil
}

// Answer writes the recorded answer, with another body where one is given.
func (x Exchange) Answer(w http.ResponseWriter, body []byte) {
	for k, v := range x.Response.Headers {
		if !strings.EqualFold(k, "Content-Length") {
			w.Header().Set(k, v)
		}
	}
	if body == nil {
		body = x.Response.Body
		var text string
		if json.Unmarshal(body, &text) == nil {
			body = []byte(text)
			w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		} else {
			var compact bytes.Buffer
			if json.Compact(&compact, body) == nil {
				body = compact.Bytes()
			}
		}
	}
	w.WriteHeader(x.Response.Status)
	_, _ = w.Write(body) // whoever asked is gone
}
