package intake

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"secretaria/internal/channel"
	"secretaria/internal/channel/chatwoot"
	"secretaria/internal/httpclient"
	"secretaria/internal/jsontree"
	"secretaria/internal/secret"
)

// What is spooled of Chatwoot's webhooks has none of the tokens that come in them, and is read
// as if they were there.
func TestSpooledWithoutTokens(t *testing.T) {
	t.Parallel()
	client := httpclient.New(httpclient.Options{})
	t.Cleanup(client.Close)
	ch, err := chatwoot.New(chatwoot.Config{Secrets: []secret.String{secret.New("a-secret-that-is-long-enough")}}, client)
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("../channel/chatwoot/chatwoottest/testdata/events/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("there are no webhooks of Chatwoot's: %v", err)
	}
	tokens := 0
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		bare := jsontree.Blank(body, secretive)
		if strings.Contains(string(body), "pubsub_token") {
			tokens++
		}
		for _, found := range values(t, bare, "pubsub_token") {
			if found != nil {
				t.Errorf("%s: pubsub_token is spooled", file)
			}
		}
		now := time.Now()
		want, werr := ch.Parse(&channel.Request{Header: http.Header{}, Body: body, Received: now})
		got, gerr := ch.Parse(&channel.Request{Header: http.Header{}, Body: bare, Received: now})
		if diff := cmp.Diff(want, got); diff != "" || (werr == nil) != (gerr == nil) {
			t.Errorf("%s: Parse without tokens: %v, %v (-with +without):\n%s", file, werr, gerr, diff)
		}
	}
	if tokens == 0 {
		t.Error("no webhook has a token: the test would prove nothing")
	}
}

// values are those of a key, however deep.
func values(t *testing.T, body []byte, key string) (out []any) {
	t.Helper()
	var v any
	if err := json.Unmarshal(body, &v); err != nil {
		t.Fatal(err)
	}
	var walk func(any)
	walk = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			for k, one := range v {
				if k == key {
					out = append(out, one)
				}
				walk(one)
			}
		case []any:
			for _, one := range v {
				walk(one)
			}
		}
	}
	walk(v)
	return out
}
