package exchange

import (
	"net/http"
	"strings"
	"testing"

	"secretaria/internal/fault"
	"secretaria/internal/httpclient"
)

func TestWord(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ in, key, punctuation, want string }{
		{"INVALID_ARGUMENT", "k-123", "_", "INVALID_ARGUMENT"},
		{"messages[1].role", "k-123", "_.[]", "messages[1].role"},
		{"messages[1].role", "k-123", "_", ""},
		{"two words", "k-123", "_", ""},
		{"bad-k-123", "k-123", "-", ""},
		{"plain", "", "", "plain"},
		{strings.Repeat("a", 65), "k-123", "", ""},
	} {
		if got := Word(c.in, c.key, c.punctuation); got != c.want {
			t.Errorf("Word(%q, %q, %q) = %q, want %q", c.in, c.key, c.punctuation, got, c.want)
		}
	}
}

func TestUnreadable(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]fault.Kind{"": fault.Transient, ` {"a":`: fault.Transient, `{"a":1}`: fault.Permanent, `[]`: fault.Permanent, "<html>": fault.Permanent} {
		if err := Unreadable([]byte(body)); !fault.Is(err, want) {
			t.Errorf("Unreadable(%q) = %v, want %v", body, err, want)
		}
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]string{
		http.StatusTooManyRequests: "rate limited", http.StatusBadGateway: "provider failed", http.StatusUnauthorized: "key refused",
		http.StatusFound: "redirected", http.StatusNotFound: "model or path not found", http.StatusBadRequest: "request refused",
	} {
		if got := Refused(&httpclient.Response{Status: status}); got.Code != want || got.Status != status {
			t.Errorf("Refused(%d) = %q with status %d, want %q", status, got.Code, got.Status, want)
		}
	}
}
