package telemetry

import (
	"context"
	"slices"
	"strings"

	"github.com/google/uuid"

	"secretaria/internal/redact"
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

// kept says whether an id from outside is taken over. One that is somebody's number, document
// or address, or a key, would stand on every line that follows from the request, whatever it
// says it is: "order-5511912345678" is dialled all the same. A piece of hexadecimal or of
// letters of one case is taken for an id: proxies number their requests like that.
func kept(id string) bool {
	if !ValidCorrelation(id) {
		return false
	}
	if uuid.Validate(id) == nil {
		return true
	}
	for _, found := range redact.Find(id) {
		if found.Class != redact.Token || strings.ContainsAny(id, "._-") || id != strings.ToLower(id) && id != strings.ToUpper(id) {
			return false
		}
	}
	pieces := strings.FieldsFunc(id, func(r rune) bool { return r == '.' || r == '_' || r == '-' })
	return !slices.ContainsFunc(pieces, func(piece string) bool {
		return len(piece) >= 10 && strings.Trim(piece, "0123456789") == "" && len(redact.Find(piece)) > 0
	})
}

// ValidCorrelation says whether an id from outside has a form that may be kept: 1 to 64 letters, digits,
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
