package telemetry

import (
	"io"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"secretaria/internal/fault"
)

// Instrument wraps everything that is served. It
//
//   - sets X-Correlation-ID on every answer, keeping a valid incoming one that says nothing
//     of anybody, and puts it into the request's context;
//   - records duration and size under method, path and status, where route says what the
//     path is called: it is asked after next has run, and "" counts as "other";
//   - turns a panic into a 500 with a JSON body and a line in log that holds the stack. Once
//     an answer has begun, the connection is aborted instead, since half an answer must not
//     look whole. http.ErrAbortHandler passes through.
//
// The writer that next sees supports http.Flusher, io.ReaderFrom and, by Unwrap,
// http.ResponseController. For Routes to see the pattern, nothing between Instrument and
// the ServeMux may copy the request.
func Instrument(next http.Handler, route func(*http.Request) string, m *Metrics, log *slog.Logger) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		id := r.Header.Get(CorrelationHeader)
		if !kept(id) {
			id = NewCorrelation()
		}
		w.Header().Set(CorrelationHeader, id)
		protect(w.Header())
		r = r.WithContext(WithCorrelation(r.Context(), id))
		rec := &recorder{ResponseWriter: w}
		abort := false
		defer func() {
			path := route(r)
			if path == "" {
				path = other
			}
			size := rec.size
			if r.Method == http.MethodHead {
				size = 0 // written, and dropped by the server
			}
			m.request(r.Method, path, rec.final(), time.Since(start), size)
			if abort {
				panic(http.ErrAbortHandler)
			}
		}()
		defer func() {
			p := recover()
			switch {
			case p == nil:
				return
			case p == http.ErrAbortHandler:
				abort = true
				return
			}
			log.LogAttrs(r.Context(), slog.LevelError, "request panicked", slog.Any("error", fault.Panicked(p)), slog.String("stack", string(debug.Stack())))
			if rec.status != 0 {
				abort = true
				return
			}
			h := rec.Header()
			connection := h.Get("Connection")
			clear(h)
			h.Set(CorrelationHeader, id)
			protect(h)
			h.Set("Content-Type", "application/json")
			if connection != "" {
				h.Set("Connection", connection)
			}
			rec.WriteHeader(http.StatusInternalServerError)
			_, _ = io.WriteString(rec, `{"error":"temporarily unavailable"}`+"\n")
		}()
		next.ServeHTTP(rec, r)
	})
}

// protect sets the headers that every answer carries. They are for answers that no person
// looks at: JSON that a browser was led to is neither run, nor framed, nor sniffed, nor kept,
// nor does what follows tell where it came from. HSTS is for the proxy that has the TLS.
func protect(h http.Header) {
	h["X-Content-Type-Options"] = []string{"nosniff"}
	h["Content-Security-Policy"] = []string{"default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"}
	h["X-Frame-Options"] = []string{"DENY"} // for browsers that do not know frame-ancestors
	h["Referrer-Policy"] = []string{"no-referrer"}
	h["Cross-Origin-Resource-Policy"] = []string{"same-origin"} // reading by CORS is not affected
	h["Cache-Control"] = []string{"no-store"}
}

// Routes returns a route function for Instrument: the pattern by which a ServeMux found the
// handler, without method and host. fold maps patterns to what they are called instead, such
// as "/webhook/whaticket/{inbox}" to "/webhook/whaticket". A catch-all "/" is "" unless fold
// has it, for it says nothing of what was asked for.
func Routes(fold map[string]string) func(*http.Request) string {
	return func(r *http.Request) string {
		pattern := r.Pattern
		if i := strings.IndexByte(pattern, '/'); i > 0 {
			pattern = pattern[i:]
		}
		if name, ok := fold[pattern]; ok {
			return name
		}
		if pattern == "/" {
			return ""
		}
		return strings.TrimSuffix(pattern, "{$}")
	}
}

// recorder notes status and size of an answer.
type recorder struct {
	http.ResponseWriter
	status int
	size   int64
}

// final is the status that the client sees.
func (r *recorder) final() int {
	if r.status == 0 {
		return http.StatusOK
	}
	return r.status
}

// WriteHeader implements http.ResponseWriter. Informational answers are not the answer.
func (r *recorder) WriteHeader(status int) {
	if r.status == 0 && (status >= 200 || status == http.StatusSwitchingProtocols) {
		r.status = status
	}
	r.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (r *recorder) Write(b []byte) (int, error) {
	r.begin()
	n, err := r.ResponseWriter.Write(b)
	r.size += int64(n)
	return n, err
}

// ReadFrom implements io.ReaderFrom, so that files still go out by sendfile.
func (r *recorder) ReadFrom(src io.Reader) (int64, error) {
	r.begin()
	n, err := io.Copy(r.ResponseWriter, src)
	r.size += n
	return n, err
}

// Flush implements http.Flusher.
func (r *recorder) Flush() {
	r.begin()
	_ = http.NewResponseController(r.ResponseWriter).Flush()
}

// Unwrap serves http.ResponseController.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

func (r *recorder) begin() {
	if r.status == 0 {
		r.status = http.StatusOK
	}
}
