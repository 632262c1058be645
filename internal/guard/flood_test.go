package guard

import (
	"strings"
	"testing"
)

// A word said over and over is tiresome and no attack.
func TestFloodIsNoAttack(t *testing.T) {
	t.Parallel()
	g := New()
	for _, word := range []string{"pão ", "ação ", "oi ", "kkk ", "bom dia ", "alô? ", "não ", "socorro ", "quanto custa ", "atende ", "hola ", "hello ", "aaaa ", "👍 ", "pedido 12 "} {
		for _, n := range []int{5, 40, 400} {
			if v := g.Judge(strings.Repeat(word, n)); v.Action > Allow {
				t.Errorf("Judge(%q, %d times) = %+v, want allow", word, n, v)
			}
		}
	}
}
