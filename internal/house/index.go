package house

import (
	"context"
	"slices"
	"time"

	"secretaria/internal/fault"
	"secretaria/internal/stem"
)

// Index keeps passages of many desks and finds them by their stems. It is safe for
// concurrent use, and processes with different versions of a house do not disturb each other.
// Every index passes the suite in storetest.
type Index interface {
	// Put makes the passages of a version of a desk's house searchable, all or none. A version
	// that is there already is left alone and counts as used now. Versions of the desk that
	// were not used for KeepFor are dropped.
	Put(ctx context.Context, desk, version string, passages []Passage, now time.Time) error
	// Search finds at most limit passages that contain at least one of the stems, best first;
	// those that are equally good come in the order of their ids. Stems that are none (see
	// Passage.Terms) find nothing. fault.NotFound when the version is not there: it was never
	// put, or dropped since.
	Search(ctx context.Context, desk, version string, stems []string, limit int) ([]Hit, error)
}

// KeepFor is how long a version of a house stays in an index without being put again.
const KeepFor = 7 * 24 * time.Hour

// ErrUnknown is what Search returns for a version that is not there.
var ErrUnknown = fault.New(fault.NotFound, "house version not indexed")

// Clean are the stems among terms, each once: what an index may be asked for.
func Clean(terms []string) []string {
	var out []string
	for _, t := range terms {
		if stem.Valid(t) && !slices.Contains(out, t) {
			out = append(out, t)
		}
	}
	return out
}
