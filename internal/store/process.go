package store

import (
	"context"
	"time"
)

// Process is a running program of the installation.
type Process struct {
	ID      string
	Role    string // "web", "worker", "" for both
	Version string // "" where it is not known
	// Parts are the sealed digests of its configuration, by the keys that operators know;
	// none of a process of 0.1.0.
	Parts map[string]string
	At    time.Time // of its last sign of life
}

// Processes is what the store knows of the programs that share it.
type Processes interface {
	// Beat records that a process is alive, and what it is. Processes not seen for a day are
	// dropped.
	Beat(ctx context.Context, p Process, now time.Time) error
	// Leave drops one that ends.
	Leave(ctx context.Context, id string) error
	// Processes lists those seen since a time, by id.
	Processes(ctx context.Context, since time.Time) ([]Process, error)
	// Workers counts those seen since a time that answer messages.
	Workers(ctx context.Context, since time.Time) (count int, freshest time.Time, err error)
	// Seal makes keyed hashes of digests, the same for the same ones in one installation. Who
	// has them cannot try out what was digested without the installation's key.
	Seal(ctx context.Context, digests map[string][]byte) (map[string]string, error)
}
