package crash

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"secretaria/internal/llm/llmtest"
)

const (
	// detectable is how long the model may take to notice that a call was given up.
	detectable = 500 * time.Millisecond
	// unnoticed is how long a call may have been given up by a process that asks anew, when it
	// is answered all the same.
	unnoticed = 150 * time.Millisecond
)

// model answers with the words of the messages that it is asked about, after about 300 ms.
// Every process has a URL of its own, so that the model knows who asks: two calls about one
// conversation at the same time are two turns at the same time.
type model struct {
	town   *town
	openai llmtest.OpenAI
	server *httptest.Server

	asked, answered atomic.Int64

	mu    sync.Mutex
	calls map[*customer][]*call
}

// call is one question about a customer.
type call struct {
	by       int // the process
	words    []string
	began    time.Time
	ended    time.Time
	answered bool
}

func newModel(w *town) *model {
	m := &model{town: w, calls: map[*customer][]*call{}}
	m.openai.Key, m.openai.Record = modelKey, -1
	m.openai.Respond = func(r *llmtest.Request) llmtest.Reply {
		return llmtest.Reply{Text: "Sobre " + strings.Join(word.FindAllString(r.LastUser(), -1), " e ") + ": está bem."}
	}
	m.server = httptest.NewServer(m)
	return m
}

func (m *model) close() {
	m.server.CloseClientConnections()
	m.server.Close()
}

// ServeHTTP implements http.Handler.
func (m *model) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 8<<20))
	if err != nil {
		return
	}
	number := seat(r)
	r.Body = io.NopCloser(bytes.NewReader(body))
	rec := httptest.NewRecorder()
	m.openai.ServeHTTP(rec, r)
	words := word.FindAllString(rec.Body.String(), -1)
	who := m.town.by(words)
	if who == nil {
		copyAnswer(w, rec)
		return
	}
	c := m.begin(who, number, words)
	m.asked.Add(1)
	m.town.note(who, "process %d asks the model about %v", number, words)
	given := false
	select {
	case <-time.After(time.Duration(m.town.between(200, 400)) * time.Millisecond):
		given = r.Context().Err() == nil
	case <-r.Context().Done():
	}
	// Before the answer leaves: what follows from it must not look like an overlap.
	m.end(c, given)
	if !given {
		panic(http.ErrAbortHandler)
	}
	m.town.note(who, "the model answers process %d about %v", number, words)
	m.answered.Add(1)
	copyAnswer(w, rec)
}

func (m *model) begin(who *customer, by int, words []string) *call {
	m.mu.Lock()
	defer m.mu.Unlock()
	c := &call{by: by, words: words, began: time.Now()}
	m.calls[who] = append(m.calls[who], c)
	return c
}

func (m *model) end(c *call, answered bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	c.ended, c.answered = time.Now(), answered
}

// overlaps lists the calls that were about one conversation at the same time, when no call
// is open any more.
func (m *model) overlaps() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	var list []string
	for who, calls := range m.calls {
		slices.SortFunc(calls, func(a, b *call) int { return a.began.Compare(b.began) })
		for i, a := range calls {
			for _, b := range calls[i+1:] {
				switch {
				case !b.began.Before(a.ended):
				case m.town.killed(a.by, b.began):
					// The process was killed, and the other one took its work over.
				case a.shortly(b.began), b.shortly(b.began), a.by == b.by && (a.ended.Sub(b.began) < unnoticed || len(b.words) > len(a.words)):
					// One of them had been given up, which is noticed a moment later, or was under way
					// for so long; or the customer wrote on, and the draft was stale.
				default:
					list = append(list, fmt.Sprintf("%s: process %d was asking about %v (%s to %s, answered: %v) when process %d asked about %v (%s to %s, answered: %v)", who.prefix,
						a.by, a.words, clock(a.began), clock(a.ended), a.answered, b.by, b.words, clock(b.began), clock(b.ended), b.answered))
				}
			}
		}
	}
	return list
}

// shortly says whether the call was given up, and that had been noticed soon after a moment.
func (c *call) shortly(after time.Time) bool {
	return !c.answered && c.ended.Sub(after) < detectable
}

func clock(t time.Time) string { return t.Local().Format("15:04:05.000") }
