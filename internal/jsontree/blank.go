package jsontree

import (
	"bytes"
	"encoding/json"
)

// Blank returns the JSON with null in place of every value, however deep, whose key secret
// names. Nothing else changes, not even white space. What is not JSON comes back as it is.
func Blank(body []byte, secret func(key string) bool) []byte {
	b := blanker{dec: json.NewDecoder(bytes.NewReader(body)), secret: secret}
	b.dec.UseNumber()
	if err := b.value(); err != nil || len(b.cuts) == 0 {
		return body
	}
	out := make([]byte, 0, len(body))
	at := 0
	for _, c := range b.cuts {
		out = append(append(out, body[at:c.from]...), "null"...)
		at = c.to
	}
	return append(out, body[at:]...)
}

type cut struct{ from, to int }

type blanker struct {
	dec    *json.Decoder
	secret func(string) bool
	cuts   []cut
}

func (b *blanker) value() error {
	token, err := b.dec.Token()
	if err != nil {
		return err
	}
	opens, ok := token.(json.Delim)
	if !ok {
		return nil
	}
	for b.dec.More() {
		if opens == '{' {
			key, err := b.dec.Token()
			if err != nil {
				return err
			}
			if name, _ := key.(string); b.secret(name) {
				if err := b.cut(); err != nil {
					return err
				}
				continue
			}
		}
		if err := b.value(); err != nil {
			return err
		}
	}
	_, err = b.dec.Token()
	return err
}

func (b *blanker) cut() error {
	var value json.RawMessage
	if err := b.dec.Decode(&value); err != nil {
		return err
	}
	end := int(b.dec.InputOffset())
	b.cuts = append(b.cuts, cut{end - len(value), end})
	return nil
}

// Texts lists the texts and numbers in JSON that keep wants, each as it is; nil for what is
// not JSON.
func Texts(body []byte, keep func(string) bool) (out []string) {
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	for {
		token, err := dec.Token()
		if err != nil {
			return out
		}
		text := ""
		switch v := token.(type) {
		case string:
			text = v
		case json.Number:
			text = v.String()
		}
		if text != "" && keep(text) {
			out = append(out, text)
		}
	}
}
