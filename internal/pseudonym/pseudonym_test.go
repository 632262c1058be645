package pseudonym

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

func TestOf(t *testing.T) {
	t.Parallel()
	k, other := New(), New()
	const phone = "+5511987654321"
	got := k.Of("identity", "vendas", "phone", phone)
	if len(got) != 27 || !strings.HasPrefix(got, Prefix) || strings.Contains(got, "5511") {
		t.Errorf("Of = %q, want 27 characters that begin with %q", got, Prefix)
	}
	for name, differs := range map[string]string{
		"another person": k.Of("identity", "vendas", "phone", phone+"0"), "another key": other.Of("identity", "vendas", "phone", phone),
		"another cut": k.Of("identity", "vendasp", "hone", phone), "fewer parts": k.Of("identity", "vendas", "phone"),
	} {
		if differs == got {
			t.Errorf("Of is the same for %s", name)
		}
	}
	again, err := Parse(k.Text())
	if err != nil || again.Of("identity", "vendas", "phone", phone) != got || !bytes.Equal(again.Sum("x"), k.Sum("x")) || len(k.Sum("x")) != 16 {
		t.Errorf("Parse(Text()) = another key, %v", err)
	}
	if shown := fmt.Sprintf("%v %+v", k, k); strings.Contains(shown, k.Text()) {
		t.Error("a key prints itself")
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "abc", "c2hvcnQ=", strings.Repeat("A", 100)} {
		if _, err := Parse(text); err == nil {
			t.Errorf("Parse(%q) = a key, want an error", text)
		}
	}
}
