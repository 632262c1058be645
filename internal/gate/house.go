package gate

import (
	"slices"
	"time"
)

// House is what a house says of itself, read once: make one with Prepare where the passages
// change seldom, and keep it. It is not changed after it was made and is safe for concurrent use.
type House struct {
	passages []string
	grounds  map[Kind][]ground
	// timely are the passages that speak of today or of an instant: they are read with each answer.
	timely []string
	// vocabulary numbers the words of the figures, weight says how well each tells items apart.
	vocabulary map[string]int32
	weight     []float32
	names      []string
}

// Prepare reads the passages of a house. The more of a house it is given, the better a figure
// of one thing is told from that of another: all of it is best.
func Prepare(passages []string) *House {
	h := &House{passages: slices.Clone(passages), grounds: map[Kind][]ground{}, vocabulary: map[string]int32{}}
	seen := map[string]bool{}
	number := func(w string) int32 {
		id, ok := h.vocabulary[w]
		if !ok {
			id = int32(len(h.vocabulary))
			h.vocabulary[w] = id
		}
		return id
	}
	inNames, inPassages := map[int32]int{}, map[int32]int{}
	for _, p := range passages {
		if seen[p] {
			continue
		}
		seen[p] = true
		r := read(p, time.Time{}, time.UTC, true)
		if r.timely {
			h.timely = append(h.timely, p)
			continue
		}
		all, shared, labels, named, rows := r.subjects()
		var around []int32
		for t := range r.tokens {
			for _, w := range r.wordsAt(t, nil) {
				if id := number(w); len(around) < 4*maxWords && !slices.Contains(around, id) {
					around = append(around, id)
					inPassages[id]++
				}
			}
		}
		var opening []int32
		for _, w := range r.words(nil, 0, r.opening()) {
			opening = append(opening, number(w))
		}
		here := map[int64]bool{}
		last := tier{}
		for i, v := range r.values {
			g := ground{value: v, source: fromHouse, passage: len(seen), around: around, opening: opening}
			if t, ok := r.tier(i, last); ok {
				g.tier, last = t, t
			}
			if v.kind == Money {
				g.asked = r.askedOn(i)
			}
			for _, w := range shared[i] {
				g.shared = append(g.shared, number(w))
			}
			for _, w := range labels[i] {
				g.name = append(g.name, number(w))
			}
			for k, w := range all[i] {
				id := number(w)
				if !slices.Contains(g.words, id) {
					g.words = append(g.words, id)
				}
				// The figures of one row have one name, which counts once.
				if at := int64(rows[i])<<32 | int64(id); k < named[i] && !here[at] {
					here[at] = true
					inNames[id]++
				}
			}
			h.grounds[v.kind] = append(h.grounds[v.kind], g)
		}
	}
	h.weight, h.names = make([]float32, len(h.vocabulary)), make([]string, len(h.vocabulary))
	for w, i := range h.vocabulary {
		h.names[i] = w
	}
	for i := range h.weight {
		// A word of names tells names apart, though it is used elsewhere now and then.
		n := inNames[int32(i)]
		if inPassages[int32(i)] > 2*n+1 {
			n = inPassages[int32(i)]
		}
		h.weight[i] = 1 / float32(max(1, n))
	}
	return h
}

// known returns those of the words of r.tokens[from:to] that figures of the house are about.
func (h *House) known(r *reader, from, to int, out []int32) []int32 {
	var buf [4]string
	for i := max(from, 0); i < min(to, len(r.tokens)); i++ {
		for _, w := range r.wordsAt(i, buf[:0]) {
			if id, ok := h.vocabulary[w]; ok && !slices.Contains(out, id) {
				out = append(out, id)
			}
		}
	}
	return out
}

// weigh is how much of a figure's words stand in a window, those of besides left aside.
func (h *House) weigh(words, window, besides []int32) float32 {
	sum := float32(0)
	for _, w := range words {
		if slices.Contains(window, w) && !slices.Contains(besides, w) {
			sum += h.weight[w]
		}
	}
	return sum
}
