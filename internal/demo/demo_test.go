package demo_test

import (
	"bytes"
	"context"
	"net"
	"strings"
	"testing"
	"time"

	"secretaria/internal/demo"
)

func TestOnce(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if err := demo.Run(t.Context(), demo.Options{Out: &out, Quiet: 100 * time.Millisecond, Command: "secretaria"}); err != nil {
		t.Fatalf("Run = %v\n%s", err, &out)
	}
	for _, want := range []string{
		"(a fake)",
		"Ana     Oi, bom dia!",
		"conversation 1, message 1; on disk and acknowledged in",
		"decided  replied (model) by offline/rules",
		"one answer to 2 messages",
		"Bot     Entregamos em Campinas",
		"our own words come back, and are known",
		"Bot     Vou transferir você",
		"opened   for people",
		"status open, team 4, labels demo",
		"private note: O cliente pediu para falar com uma pessoa.",
		"Bot     Olá! Que bom falar com você. Para começar, qual é o seu nome?",
		"Bot     Prazer, Carla! Qual é o nome da sua empresa?",
		"Bot     E qual é o seu cargo na Padaria Trigo Bom?",
		"Bot     Quais ferramentas de vendas vocês usam hoje?",
		"Bot     Qual é a principal dificuldade de vocês hoje?",
		"Bot     Obrigado, Carla! Já tenho o que preciso. Vou passar a conversa para um dos nossos especialistas.",
		"by a rule, no model asked,",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the demonstration does not show %q", want)
		}
	}
	if got, want := strings.Count(out.String(), "\nBot "), 12; got != want {
		t.Errorf("the bot answers %d times, want %d", got, want)
	}
	if t.Failed() {
		t.Log(out.String())
	}
}

// An answer that does not come in time is an error, and so is a port that is taken.
func TestFailures(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	err := demo.Run(t.Context(), demo.Options{Out: &out, Quiet: time.Hour, Patience: 50 * time.Millisecond})
	if err == nil || !strings.Contains(err.Error(), "no answer") {
		t.Errorf("Run without an answer = %v, want an error", err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if err := demo.Run(t.Context(), demo.Options{Out: &out, Port: l.Addr().(*net.TCPAddr).Port}); err == nil {
		t.Error("Run on a port that is taken = nil, want an error")
	}
}

// Ctrl-C ends it in good order, whenever it comes.
func TestCalledOff(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(t.Context())
	var out bytes.Buffer
	err := demo.Run(ctx, demo.Options{Out: stopper{&out, stop}, Quiet: time.Hour, Stay: true})
	if err != nil {
		t.Errorf("Run, called off = %v, want nil", err)
	}
}

// stopper calls off when the first customer speaks.
type stopper struct {
	*bytes.Buffer
	stop context.CancelFunc
}

func (s stopper) Write(p []byte) (int, error) {
	if bytes.HasPrefix(p, []byte("Ana ")) {
		s.stop()
	}
	return s.Buffer.Write(p)
}
