// Package redact finds what says who somebody is, and what opens a door, in text that was
// written by people or programs, and masks it: documents, phone numbers, e-mail addresses,
// cards, Pix keys, postcodes, tokens, passwords.
//
// It promises that one pass over the text is enough (its time grows with the length alone),
// that text without a find comes back as it is without an allocation, and that masking what
// is masked changes nothing. Check digits only name the class: a CPF with a wrong digit is
// somebody's CPF all the same. What stands before a number decides where its form does not:
// "pedido 11987654321" is an order, "pix" before a UUID makes it a key; without such a word
// a UUID is a correlation id and stays. Numbers that are spelled out ("onze nove oito...")
// and digits in disguise are not found: normalise first where that matters.
//
// Everything here is safe for concurrent use, a Vault excepted.
package redact

import "strings"

// Class is what a find is. Its text is the mask without its brackets.
type Class string

// The classes. Document is a number with the form of a document whose kind is not certain,
// Token whatever a program proves itself with, Password what a person does.
const (
	CPF      Class = "cpf"
	CNPJ     Class = "cnpj"
	Document Class = "documento"
	Phone    Class = "telefone"
	Email    Class = "email"
	Card     Class = "cartão"
	Pix      Class = "pix"
	CEP      Class = "cep"
	Token    Class = "token"
	Password Class = "senha"
)

// Classes returns every class.
func Classes() []Class {
	return []Class{CPF, CNPJ, Document, Phone, Email, Card, Pix, CEP, Token, Password}
}

// Mask returns what stands in the place of a find: "[cpf]".
func (c Class) Mask() string {
	switch c { // constants, so that masking does not build them again
	case CPF:
		return "[cpf]"
	case CNPJ:
		return "[cnpj]"
	case Document:
		return "[documento]"
	case Phone:
		return "[telefone]"
	case Email:
		return "[email]"
	case Card:
		return "[cartão]"
	case Pix:
		return "[pix]"
	case CEP:
		return "[cep]"
	case Token:
		return "[token]"
	}
	return "[senha]"
}

// maskAt returns the length and class of the mask at the start of s, or 0.
func maskAt(s string) (int, Class) {
	if len(s) < 5 || s[0] != '[' {
		return 0, ""
	}
	var c Class
	switch s[1:4] {
	case "cpf":
		c = CPF
	case "cnp":
		c = CNPJ
	case "doc":
		c = Document
	case "tel":
		c = Phone
	case "ema":
		c = Email
	case "car":
		c = Card
	case "pix":
		c = Pix
	case "cep":
		c = CEP
	case "tok":
		c = Token
	case "sen":
		c = Password
	default:
		return 0, ""
	}
	if m := c.Mask(); strings.HasPrefix(s, m) {
		return len(m), c
	}
	return 0, ""
}

// Span is one find: the bytes From to To of the text.
type Span struct {
	From, To int
	Class    Class
}

// Find returns what is in the text, in order and without overlaps; nil when there is nothing.
func Find(text string) []Span { return scan(text) }

// rounds bounds how often Text looks at its own work. A mask can bring to light what the
// text around it hid; no input is known that needs a third look.
const rounds = 4

// Text masks what Find finds.
func Text(text string) string {
	for range rounds {
		found := scan(text)
		if len(found) == 0 {
			break
		}
		text = replace(text, found, func(s Span) string { return s.Class.Mask() })
	}
	return text
}

func replace(text string, found []Span, by func(Span) string) string {
	var b strings.Builder
	b.Grow(len(text) + 16)
	from := 0
	for _, s := range found {
		b.WriteString(text[from:s.From])
		b.WriteString(by(s))
		from = s.To
	}
	b.WriteString(text[from:])
	return b.String()
}
