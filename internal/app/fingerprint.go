package app

import (
	"crypto/sha256"
	"encoding"
	"encoding/binary"
	"fmt"
	"hash"
	"io"
	"maps"
	"math"
	"reflect"
	"slices"
	"time"

	"secretaria/internal/house"
	"secretaria/internal/secret"
)

// Fingerprint is a digest of each part of the options that every process of an installation
// has to agree about, by the key that an operator knows it by: "models", "desks.sdr",
// "inboxes.loja". Options that mean the same give the same digests, wherever their files lie
// and however they are written. Secrets are in them, so that nobody may see a digest who could
// try passwords on it: the store keeps keyed hashes of them.
//
// What is a process's own is not in it: its role, address and port, the URL by which it
// reaches the database, its spool, its queue's workers, its collector of traces.
func (o Options) Fingerprint() map[string][]byte {
	o = o.filled()
	parts := map[string][]byte{}
	for _, p := range o.common() {
		parts[p.key] = digest(p.value)
	}
	// Of traces only what decides which are kept: each machine may have its own collector.
	parts["OTEL_TRACES_SAMPLER"] = digest(o.Traces.Share())
	for _, d := range o.Desks {
		parts["desks."+d.Name] = digest(d)
	}
	for _, i := range o.Inboxes {
		parts["inboxes."+i.Name] = digest(i)
	}
	return parts
}

// part is some of the options under the key that an operator knows them by.
type part struct {
	key   string
	value any
}

// common are the parts beside desks and inboxes that all processes share. They are read only
// at the start.
func (o Options) common() []part {
	return []part{
		{"REDIS_URL", o.Redis},
		{"models", o.Models},
		{"workflows", o.Workflows},
		{"turns", o.Quiet},
		{"limits", []any{o.Limits, o.DedupeWindow}},
		{"delivery", []any{o.SendTimeout, o.Schedule}},
		{"retention", o.Retention},
		{"ALLOW_PRIVATE_ADDRESSES", o.Addresses},
		{"TRUSTED_PROXIES", o.TrustedProxies},
		{"ALLOWED_ORIGINS", o.AllowedOrigins},
		{"PROMETHEUS_ENABLED", o.Metrics},
	}
}

func digest(v any) []byte {
	h := sha256.New()
	write(h, reflect.ValueOf(v))
	return h.Sum(nil)
}

// write gives a hash what a value means. Everything has its length before it, so that no two
// values write the same.
func write(h hash.Hash, v reflect.Value) {
	if !v.IsValid() {
		text(h, "nothing")
		return
	}
	if v.CanInterface() {
		switch known := v.Interface().(type) {
		case secret.String:
			text(h, known.Reveal())
			return
		case *time.Location:
			text(h, known.String())
			return
		case house.Source:
			return // where it was written says nothing of what it means
		case encoding.TextMarshaler:
			if v.Kind() != reflect.Pointer || !v.IsNil() {
				if b, err := known.MarshalText(); err == nil {
					text(h, string(b))
					return
				}
			}
		}
	}
	switch v.Kind() {
	case reflect.Bool:
		text(h, fmt.Sprint(v.Bool()))
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		number(h, uint64(v.Int()))
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		number(h, v.Uint())
	case reflect.Float32, reflect.Float64:
		number(h, math.Float64bits(v.Float()))
	case reflect.String:
		text(h, v.String())
	case reflect.Slice, reflect.Array:
		number(h, uint64(v.Len()))
		for i := range v.Len() {
			write(h, v.Index(i))
		}
	case reflect.Map:
		entries := map[string][]byte{}
		for _, key := range v.MapKeys() {
			entries[string(digest(key.Interface()))] = digest(v.MapIndex(key).Interface())
		}
		number(h, uint64(len(entries)))
		for _, key := range slices.Sorted(maps.Keys(entries)) {
			text(h, key)
			text(h, string(entries[key]))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() {
				text(h, f.Name)
				write(h, v.Field(i))
			}
		}
	case reflect.Pointer:
		if v.IsNil() {
			text(h, "nothing")
			return
		}
		text(h, "something")
		write(h, v.Elem())
	case reflect.Interface:
		// In a list of ours it holds options; in options it is a part of the running program.
		if !v.IsNil() && v.Elem().Kind() != reflect.Pointer {
			write(h, v.Elem())
		}
	}
}

func text(w io.Writer, s string) {
	number(w, uint64(len(s)))
	_, _ = io.WriteString(w, s)
}

func number(w io.Writer, n uint64) {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], n)
	_, _ = w.Write(b[:])
}
