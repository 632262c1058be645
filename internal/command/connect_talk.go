package command

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"unicode"

	"secretaria/internal/fault"
	"secretaria/internal/secret"
)

// talk asks the person at the terminal, line by line. One goroutine uses it at a time.
type talk struct {
	env   *Env
	yes   bool // optional questions are not asked: their preset counts
	lines chan typed
}

// typed is a line of standard input, or its end.
type typed struct {
	text string
	err  error
}

func newTalk(env *Env, yes bool) *talk { return &talk{env: env, yes: yes} }

// question is one thing to be asked.
type question struct {
	flag   string // which says it without being asked: "--url"
	text   string // English first, Portuguese in brackets
	preset string // what an empty line means; "": there has to be an answer
	hint   string // shown in place of the preset
	// optional questions are not asked with --yes, nor are those that have a preset.
	optional bool
	secret   bool // the answer is not printed
	// check tidies an answer, or says what is wrong with it; nil takes every answer.
	check func(string) (string, error)
}

// errCalledOff ends a conversation in which somebody pressed Ctrl-C.
var errCalledOff = errors.New("called off; nothing more was changed (interrompido; nada mais foi mudado)")

// calledOff says that a call ended by Ctrl-C, and changed nothing for sure.
func calledOff(err error) bool {
	return fault.Code(err) == "cancelled" && !fault.Is(err, fault.Uncertain)
}

// usageError is a command line that does not say enough, or says what cannot be: exit code 2.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

// usage puts the name of a flag before what is wrong with it; nil stays nil.
func usage(flag string, err error) error {
	if err == nil {
		return nil
	}
	return &usageError{fmt.Errorf("%s: %w", flag, err)}
}

// say prints a line. What stands in it may be a name that somebody else chose: it neither
// moves the cursor nor begins a line of its own.
func (t *talk) say(format string, args ...any) {
	for i, a := range args {
		if s, ok := a.(string); ok {
			args[i] = tame(s)
		}
	}
	t.env.printf(format+"\n", args...)
}

// tame takes out of a text what a terminal would obey instead of showing it, and what would
// show the rest in another order. Where a line ends a space stands.
func tame(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n', r == '\t', r == '\u2028', r == '\u2029':
			return ' '
		case unicode.IsControl(r), unicode.Is(unicode.Cf, r) && r != '\u200d':
			return -1
		}
		return r
	}, s)
}

// finding prints what check would print of it.
func (t *talk) finding(f finding) {
	t.say("%-7s  %s: %s", f.Level, f.About, f.Text)
	if f.Remedy != "" {
		t.say("         → %s", f.Remedy)
	}
}

// ask asks until there is an answer that can be taken. Where nobody answers the error names
// the flag.
func (t *talk) ask(ctx context.Context, q question) (string, error) {
	if t.yes && (q.optional || q.preset != "") {
		return q.preset, nil
	}
	for {
		t.env.printf("? %s%s: ", tame(q.text), tame(hintWords(cmp.Or(q.hint, q.preset))))
		text, err := t.line(ctx)
		if !t.echoed() && err == nil {
			shown := text
			if q.secret && text != "" {
				shown = "…"
			}
			t.say("%s", shown)
		}
		if err != nil {
			t.say("")
			if errors.Is(err, io.EOF) {
				return "", usage(q.flag, errors.New("is not given, and nobody answers here (não foi informado, e ninguém responde aqui)"))
			}
			return "", err
		}
		if text == "" {
			text = q.preset
		}
		if text == "" {
			continue
		}
		if q.check == nil {
			return text, nil
		}
		if text, err = q.check(text); err == nil {
			return text, nil
		}
		t.say("  %s", said(err))
	}
}

func hintWords(hint string) string {
	if hint == "" {
		return ""
	}
	return " [" + hint + "]"
}

// secret asks for what nobody else should read. It is never printed; where the terminal cannot
// be kept from showing what is typed, that is said.
func (t *talk) secret(ctx context.Context, q question) (secret.String, error) {
	q.secret = true
	if t.env.Hide != nil {
		show := t.env.Hide()
		defer show()
	} else if t.echoed() {
		t.say("  It shows while you type or paste it (aparece enquanto você digita ou cola).")
	}
	text, err := t.ask(ctx, q)
	if t.env.Hide != nil && err == nil {
		t.say("") // the typed end of the line was not shown either
	}
	return secret.New(text), err
}

// echoed says whether a terminal shows what is typed. From anything else answers are printed
// as they are taken, so that what was said can be read afterwards.
func (t *talk) echoed() bool {
	f, ok := t.env.Stdin.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// choose asks for one of several, by number or by name, and returns its index. preset is the
// index that an empty line means; -1: there has to be an answer.
func (t *talk) choose(ctx context.Context, q question, options []string, preset int) (int, error) {
	chosen := -1
	q.check = func(text string) (string, error) {
		if n, err := strconv.Atoi(text); err == nil && n >= 1 && n <= len(options) {
			chosen = n - 1
			return text, nil
		}
		for i, o := range options {
			if strings.EqualFold(o, text) {
				chosen = i
				return text, nil
			}
		}
		return "", fmt.Errorf("a number from 1 to %d (um número de 1 a %d)", len(options), len(options))
	}
	if preset >= 0 {
		q.preset = strconv.Itoa(preset + 1)
		if t.yes && q.optional {
			return preset, nil
		}
	}
	for i, o := range options {
		t.say("  %d  %s", i+1, o)
	}
	_, err := t.ask(ctx, q)
	return chosen, err
}

// confirm asks for yes or no. An empty line is no.
func (t *talk) confirm(ctx context.Context, q question) (bool, error) {
	agreed := false
	q.preset, q.hint = "n", "s/N"
	q.check = func(text string) (string, error) {
		switch strings.ToLower(text) {
		case "s", "sim", "y", "yes":
			agreed = true
			return text, nil
		case "n", "não", "nao", "no":
			return text, nil
		}
		return "", errors.New("s or n (s ou n)")
	}
	_, err := t.ask(ctx, q)
	return agreed, err
}

// line reads a line without the space around it. io.EOF where nothing more is typed.
func (t *talk) line(ctx context.Context) (string, error) {
	select {
	case got, more := <-t.typed(ctx):
		if !more {
			return "", io.EOF
		}
		return got.text, got.err
	case <-ctx.Done():
		return "", errCalledOff
	}
}

// typed gives the lines of standard input as they come.
func (t *talk) typed(ctx context.Context) <-chan typed {
	if t.lines != nil {
		return t.lines
	}
	t.lines = make(chan typed)
	if t.env.Stdin == nil {
		close(t.lines)
		return t.lines
	}
	go func() { // ends with the input, or with the process: a read of a terminal cannot be called off
		defer close(t.lines)
		in := bufio.NewScanner(t.env.Stdin)
		in.Buffer(nil, maxLine)
		for in.Scan() {
			select {
			case t.lines <- typed{text: strings.TrimSpace(in.Text())}:
			case <-ctx.Done():
				return
			}
		}
		if err := in.Err(); err != nil {
			select {
			case t.lines <- typed{err: fmt.Errorf("read what is typed: %w", err)}:
			case <-ctx.Done():
			}
		}
	}()
	return t.lines
}
