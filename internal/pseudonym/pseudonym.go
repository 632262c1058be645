// Package pseudonym turns what says who somebody is into a keyed hash, by which they are
// known again and not found out: an opt-out outlives the person's data, a message that was
// erased stays known as a repeat, and an audit says of whom without saying who.
//
// The key is the installation's own and lies with its data. Who has both can still try all
// telephone numbers one after the other: the hash keeps people out of files, lists and
// exports, it is no anonymity before the law.
package pseudonym

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"

	"secretaria/internal/fault"
	"secretaria/internal/secret"
)

// Prefix begins every text that Of makes, so that it is told from what it stands for.
const Prefix = "k1:"

const keySize = 32

// Key makes pseudonyms. The zero Key makes none: Of and Sum panic.
type Key struct{ hidden secret.String }

// New draws a key.
func New() Key {
	var b [keySize]byte
	_, _ = rand.Read(b[:]) // ends the program where there is no randomness
	return Key{secret.New(base64.StdEncoding.EncodeToString(b[:]))}
}

// Parse reads what Text gave; fault.Invalid where that is no key.
func Parse(text string) (Key, error) {
	if b, err := base64.StdEncoding.DecodeString(text); err != nil || len(b) != keySize {
		return Key{}, fault.New(fault.Invalid, "key of the installation cannot be read")
	}
	return Key{secret.New(text)}, nil
}

// Text is the key, to be kept.
func (k Key) Text() string { return k.hidden.Reveal() }

// Of is the pseudonym of what its parts say together: the same for the same parts, 27
// characters of ASCII.
func (k Key) Of(parts ...string) string {
	return Prefix + base64.RawURLEncoding.EncodeToString(k.hash(parts)[:18])
}

// Sum is Of as 16 bytes, for what is kept by the million.
func (k Key) Sum(parts ...string) []byte { return k.hash(parts)[:16] }

func (k Key) hash(parts []string) []byte {
	if k.hidden.IsZero() {
		panic("pseudonym: no key")
	}
	h := hmac.New(sha256.New, []byte(k.hidden.Reveal()))
	var size [8]byte
	for _, p := range parts {
		// The length keeps ("ab","c") and ("a","bc") apart.
		binary.BigEndian.PutUint64(size[:], uint64(len(p)))
		h.Write(size[:])
		h.Write([]byte(p))
	}
	return h.Sum(nil)
}
