package telemetry

import (
	"context"

	"github.com/google/uuid"
)

// CorrelationHeader carries the correlation id of a request and of its answer.
const CorrelationHeader = "X-Correlation-ID"

type correlationCtx struct{}

// WithCorrelation returns a context that carries a correlation id.
func WithCorrelation(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, correlationCtx{}, id)
}

// Correlation returns the correlation id that ctx carries, "" when it carries none.
func Correlation(ctx context.Context) string {
	id, _ := ctx.Value(correlationCtx{}).(string)
	return id
}

// ValidCorrelation says whether an id from outside may be kept: 1 to 64 letters, digits,
// dots, underscores and hyphens of ASCII, which a UUID is. It can stand in a log, a header
// and a page without harm.
func ValidCorrelation(id string) bool {
	if id == "" || len(id) > 64 {
		return false
	}
	for i := range len(id) {
		switch c := id[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '.', c == '_', c == '-':
		default:
			return false
		}
	}
	return true
}

// NewCorrelation returns a new id, a UUID that sorts by time.
func NewCorrelation() string {
	id, err := uuid.NewV7()
	if err != nil { // no randomness; an id of zeros is better than no answer
		return uuid.Nil.String()
	}
	return id.String()
}
