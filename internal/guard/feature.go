package guard

import "math"

// dimBits is how many bits of a feature's hash pick its weight.
const dimBits = 18

// A feature is something seen in a text, hashed, with the word at which it stands.
type feature struct {
	at   int32
	hash uint32
}

func hashBytes(seed uint32, b []byte) uint32 {
	h := seed ^ 2166136261
	for _, c := range b {
		h = (h ^ uint32(c)) * 16777619
	}
	return h
}

func mix(h uint32) uint32 {
	h ^= h >> 15
	h *= 0x2c1b3c6d
	h ^= h >> 12
	h *= 0x297a2d39
	h ^= h >> 15
	return h & (1<<dimBits - 1)
}

// near is how far two meanings may stand apart to count as a pair, in words.
const near = 8

// features collects what the classifier weighs in one view. With weights their sums are
// kept, for each word; without, the features themselves, for training.
type features struct {
	weights []int8
	sums    []float32 // sums[i+1] is what stands at the i-th word
	list    []feature
}

func (fs *features) add(at int, hash uint32) {
	hash = mix(hash)
	if fs.weights != nil {
		fs.sums[at+1] += float32(fs.weights[hash])
		return
	}
	fs.list = append(fs.list, feature{int32(at), hash})
}

// collect finds words, stems, pairs of them, parts of words, meanings, ordered pairs of
// meanings near to each other, and rules met.
func (fs *features) collect(v view, met []hit) {
	var stem1, stem2 uint32
	type meant struct {
		at int
		c  concept
	}
	var recent [6]meant  // the last words that mean something, the latest first
	var seen [256]uint64 // pairs of words that stood here before, by bits of their hash
	for i := range v.tokens {
		t := &v.tokens[i]
		word := v.text[t.start:t.end]
		if len(word) > 24 {
			word = word[:24]
		}
		whole := hashBytes(1, word)
		stem := whole
		if len(word) > 5 {
			stem = hashBytes(2, word[:5])
		}
		pair := mix(stem*29 + stem1*19)
		if seen[pair>>6&255]&(1<<(pair&63)) != 0 {
			stem2, stem1 = stem1, stem
			continue // what is said again weighs no more: a flood is no attack
		}
		seen[pair>>6&255] |= 1 << (pair & 63)
		fs.add(i, whole)
		if stem != whole {
			fs.add(i, stem)
		}
		if i > 0 {
			fs.add(i, stem*31+stem1*17+3)
		}
		if i > 1 {
			fs.add(i, stem*31+stem2*13+5)
			fs.add(i, stem*31+stem1*17+stem2*11+7)
		}
		stem2, stem1 = stem1, stem
		for k := 0; k+4 <= len(word); k++ {
			w := word[k : k+4]
			fs.add(i, uint32(w[0])|uint32(w[1])<<8|uint32(w[2])<<16|uint32(w[3])<<24)
		}
		if t.concepts == 0 {
			continue
		}
		fs.add(i, 11+hash64(uint64(t.concepts)))
		for _, r := range recent {
			if r.c == 0 || r.at < i-near {
				break
			}
			for a := r.c; a != 0; a &= a - 1 {
				for b := t.concepts; b != 0; b &= b - 1 {
					fs.add(i, 13+hash64(uint64(a&-a)*3+uint64(b&-b)*5))
				}
			}
		}
		copy(recent[1:], recent[:])
		recent[0] = meant{i, t.concepts}
	}
	for _, h := range met {
		fs.add(h.at, uint32(h.rule)*7919+1000003)
	}
}

func hash64(x uint64) uint32 {
	x *= 0x9e3779b97f4a7c15
	return uint32(x >> 29)
}

// A hit is a rule that was met and where.
type hit struct{ rule, at int }

// window and stride are the parts of a longer text that are weighed by themselves, in words.
const window, stride = 24, 12

// heaviest returns the part of a text that weighs most: its sum, and from which word to
// which. sums[i+1] holds what stands at the i-th word; it is overwritten.
func heaviest(sums []float32) (z float32, from, to int) {
	words := len(sums) - 1
	for i := range words {
		sums[i+1] += sums[i]
	}
	best, from, to := sums[words]*damping(words), 0, words
	if words > window+stride/2 {
		for a := 0; a < words; a += stride {
			b := min(a+window, words)
			if z := (sums[b] - sums[a]) * damping(b-a); z > best {
				best, from, to = z, a, b
			}
			if b == words {
				break
			}
		}
	}
	return best, from, to
}

func damping(words int) float32 {
	return float32(1 / math.Sqrt(float64(words)+3))
}
