package house

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// Library is a house that can be asked: what a desk's agent knows. It is safe for concurrent
// use. A nil Library knows nothing.
//
// The index says which passages may be meant, and the library, which has the house in memory
// anyway, ranks them: so every index gives the same answers, and an index that fails costs
// nothing but the look through all of it.
type Library struct {
	desk    string
	index   Index
	corpus  *corpus
	version string
	tables  []TableKind // that have rows

	mu  sync.Mutex
	put time.Time // when the house was last put into the index
}

// putEvery is how often a library says to its index that its version is in use.
const putEvery = 24 * time.Hour

// candidates is how many passages an index is asked for.
const candidates = 64

// NewLibrary returns the library of a desk, nil for a house that is nil or empty. The house
// must be valid. The index may be nil: the library then keeps its passages in memory.
func NewLibrary(h *House, index Index, desk string) *Library {
	if h == nil || len(h.Tables) == 0 && len(h.Pages) == 0 {
		return nil
	}
	if index == nil {
		index = InMemory()
	}
	l := &Library{desk: desk, index: index, corpus: newCorpus(h)}
	l.version = version(l.corpus.passages)
	for _, k := range Kinds() {
		if slices.ContainsFunc(h.Tables, func(t Table) bool { return t.Kind == k && len(t.Rows) > 0 }) {
			l.tables = append(l.tables, k)
		}
	}
	return l
}

// Version names what the library knows, "" for a nil one.
func (l *Library) Version() string {
	if l == nil {
		return ""
	}
	return l.version
}

// Ensure puts the house into the index, where it is not there yet: at start and after a
// change. A library that was never ensured does so when it is first asked.
func (l *Library) Ensure(ctx context.Context) error {
	if l == nil {
		return nil
	}
	now := time.Now()
	if err := l.index.Put(ctx, l.desk, l.version, l.corpus.passages, now); err != nil {
		return err
	}
	l.mu.Lock()
	l.put = now
	l.mu.Unlock()
	return nil
}

// Relevant finds what may help to answer what a customer has just said, the messages of a
// burst in order: at most limit passages, best first, whose words come to at most tokens by
// estimate (0: no bound). Each sentence is looked for by itself and all of them together, so
// that two questions find the answers of both. Nothing that is likely to help: none.
func (l *Library) Relevant(ctx context.Context, texts []string, limit, tokens int) []Hit {
	if l == nil || limit <= 0 {
		return nil
	}
	var lists [][]scored
	for _, q := range l.corpus.questions(texts) {
		if ctx.Err() != nil {
			return nil
		}
		found := l.answer(ctx, q.asked)
		if len(found) > 0 {
			lists = append(lists, found)
			continue
		}
		for _, part := range q.parts {
			if found := l.answer(ctx, part); len(found) > 0 {
				lists = append(lists, found)
			}
		}
	}
	return l.corpus.weave(lists, limit, tokens)
}

// answer is what answers one question, best first.
func (l *Library) answer(ctx context.Context, q []asked) []scored {
	found := slices.DeleteFunc(l.corpus.rank(l.find(ctx, q), q), func(s scored) bool { return !s.answers() })
	if len(found) == 0 {
		return nil
	}
	least := found[0].score * tail
	return slices.DeleteFunc(found, func(s scored) bool { return s.score < least })
}

// tail is how much of the best one's score a passage needs to be shown beside it.
const tail = 0.35

// find asks the index which passages have anything of a question: first by the things, since
// so many passages may be about a subject like prices.
func (l *Library) find(ctx context.Context, q []asked) []int {
	var out []int
	for _, terms := range [][]string{stems(q, false), stems(q, true)} {
		if len(terms) == 0 {
			continue
		}
		hits, err := l.search(ctx, terms)
		if err != nil {
			return l.all()
		}
		for _, h := range hits {
			if at, ok := l.corpus.at[h.ID]; ok && !slices.Contains(out, at) {
				out = append(out, at)
			}
		}
	}
	return out
}

func (l *Library) all() []int {
	out := make([]int, len(l.corpus.passages))
	for i := range out {
		out[i] = i
	}
	return out
}

// search asks the index, and puts the house into it where it is not there, or where it is
// time to say that it is still used.
func (l *Library) search(ctx context.Context, terms []string) ([]Hit, error) {
	l.mu.Lock()
	due := time.Since(l.put) >= putEvery
	l.mu.Unlock()
	if due {
		if err := l.Ensure(ctx); err != nil {
			return nil, err
		}
	}
	hits, err := l.index.Search(ctx, l.desk, l.version, terms, candidates)
	if errors.Is(err, ErrUnknown) {
		if err = l.Ensure(ctx); err == nil {
			hits, err = l.index.Search(ctx, l.desk, l.version, terms, candidates)
		}
	}
	return hits, err
}

// weave takes the best of each list in turn: the answers to several questions.
func (c *corpus) weave(lists [][]scored, limit, tokens int) []Hit {
	var out []Hit
	taken := map[int]bool{}
	spent := 0
	for round := 0; len(out) < limit; round++ {
		more := false
		for _, list := range lists {
			if round >= len(list) {
				continue
			}
			more = true
			s := list[round]
			if taken[s.at] || len(out) == limit {
				continue
			}
			taken[s.at] = true
			h := Hit{Passage: c.passages[s.at], Score: s.score}
			cost := estimate(Prompt([]Hit{h}))
			if tokens > 0 && spent+cost > tokens {
				continue
			}
			spent += cost
			out = append(out, h)
		}
		if !more {
			break
		}
	}
	return out
}

// estimate is how many tokens a text costs; Portuguese runs at about three and a half bytes a token.
func estimate(s string) int { return len(s)*2/7 + 1 }
