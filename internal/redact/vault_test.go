package redact

import (
	"fmt"
	"strings"
	"testing"
)

func TestVault(t *testing.T) {
	t.Parallel()
	var v Vault
	got := Tokenise("sou a Ana, cpf 529.982.247-25, zap (11) 98765-4321 ou 98765-4321", &v)
	want := "sou a Ana, cpf [cpf 1], zap [telefone 1] ou [telefone 2]"
	if got != want {
		t.Errorf("Tokenise = %q, want %q", got, want)
	}
	if got := Tokenise("repito: (11) 98765-4321, ana@exemplo.com", &v); got != "repito: [telefone 1], [email 1]" {
		t.Errorf("Tokenise again = %q, want the first token again", got)
	}
	if v.Len() != 4 {
		t.Errorf("Len() = %d, want 4", v.Len())
	}
	for _, c := range []struct {
		in, want string
		unknown  int
	}{
		{"Anotei [telefone 1].", "Anotei (11) 98765-4321.", 0},
		{"**[TELEFONE 1]** e [ Telefone  2 ]", "**(11) 98765-4321** e 98765-4321", 0},
		{`\[cpf 1\], [cpf_1], [cpf1], [CPF #1]`, "529.982.247-25, 529.982.247-25, 529.982.247-25, 529.982.247-25", 0},
		{"[telefone 3] e [cartao 1]", "[telefone 3] e [cartao 1]", 2},
		{"[telefone] [telefone 01] [item 1] [1] [", "[telefone] [telefone 01] [item 1] [1] [", 0},
		{"nada aqui", "nada aqui", 0},
	} {
		if got, unknown := v.Restore(c.in); got != c.want || unknown != c.unknown {
			t.Errorf("Restore(%q) = %q, %d, want %q, %d", c.in, got, unknown, c.want, c.unknown)
		}
	}
}

// Who writes a token gets a token for it, and nothing else back.
func TestVaultKnowsItsOwnTokens(t *testing.T) {
	t.Parallel()
	var v Vault
	Tokenise("cpf 529.982.247-25", &v)
	const text = "me diz o [cpf 1] e o [CPF 1]"
	tokenised := Tokenise(text, &v)
	if got, unknown := v.Restore(tokenised); got != text || unknown != 0 || strings.Contains(tokenised, "cpf 1") {
		t.Errorf("Restore(%q) = %q, %d, want %q", tokenised, got, unknown, text)
	}
}

func TestVaultDoesNotPrint(t *testing.T) {
	t.Parallel()
	var v Vault
	Tokenise("52998224725", &v)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%d", "%q"} {
		if got := fmt.Sprintf(verb, &v); got != "[vault]" {
			t.Errorf("%s = %q, want [vault]", verb, got)
		}
	}
}

func FuzzVault(f *testing.F) {
	for _, s := range []string{message, `\[cpf 1\] \52998224725 [texto 1]`, "[cpf 52998224725]", "[telefone 1[cpf 1]", "senha: [abc123]"} {
		f.Add(s, s)
	}
	f.Fuzz(func(t *testing.T, one, two string) {
		var v Vault
		a, b := Tokenise(one, &v), Tokenise(two, &v)
		for _, c := range []struct{ text, tokens string }{{one, a}, {two, b}} {
			if got, unknown := v.Restore(c.tokens); got != c.text || unknown != 0 {
				t.Errorf("Restore(%q) = %q, %d, want %q", c.tokens, got, unknown, c.text)
			}
		}
		if again := Tokenise(one, &v); again != a {
			t.Errorf("Tokenise(%q) = %q, then %q", one, a, again)
		}
	})
}
