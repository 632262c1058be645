package guard

import (
	"math"
	"math/rand/v2"
)

// Row is one text that is known to be an attack or not.
type Row struct {
	ID      string `json:"id"`
	Text    string `json:"text"`
	Label   string `json:"label"` // attack or benign
	Lang    string `json:"lang"`
	Source  string `json:"source"`
	Tier    string `json:"tier"`
	Kind    string `json:"kind"`
	Licence string `json:"licence"`
}

// Attack says what the row is.
func (r *Row) Attack() bool { return r.Label == "attack" }

type example struct {
	words    int
	features []feature
	attack   bool
	weight   float32
}

const epochs = 3

// fit trains float weights on examples: logistic regression over the heaviest part of each
// text, by stochastic descent with a rate for each feature, averaged. The same examples and
// seed give the same weights.
func fit(examples []example, seed uint64) *Model {
	const n = 1 << dimBits
	w, u, g := make([]float32, n+1), make([]float32, n+1), make([]float32, n+1) // the last is the bias
	rng := rand.New(rand.NewPCG(seed, 1))
	order := make([]int, len(examples))
	for i := range order {
		order[i] = i
	}
	longest := 0
	for i := range examples {
		longest = max(longest, examples[i].words)
	}
	sums := make([]float32, longest+1)
	step := float32(1)
	const rate, decay = 0.15, 4e-5
	for range epochs {
		rng.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
		for _, n0 := range order {
			e := &examples[n0]
			if e.words == 0 {
				continue
			}
			part := sums[:e.words+1]
			clear(part)
			for _, f := range e.features {
				part[f.at+1] += w[f.hash]
			}
			z, from, to := heaviest(part)
			p := float32(1 / (1 + math.Exp(-float64(z+w[n]))))
			d := p
			if e.attack {
				d = p - 1
			}
			d *= e.weight
			if d < 1e-4 && d > -1e-4 {
				step++
				continue
			}
			x := damping(to - from)
			update := func(i uint32, x float32) {
				grad := d*x + decay*w[i]
				g[i] += grad * grad
				delta := rate * grad / float32(math.Sqrt(float64(g[i])+1e-6))
				w[i] -= delta
				u[i] -= delta * step
			}
			for _, f := range e.features {
				if int(f.at) >= from && int(f.at) < to {
					update(f.hash, x)
				}
			}
			update(n, 1)
			step++
		}
	}
	top := float32(0)
	for i := range w {
		w[i] -= u[i] / step
		if a := float32(math.Abs(float64(w[i]))); i < n && a > top {
			top = a
		}
	}
	m := &Model{bias: w[n], scale: max(top, 1e-6) / 127, weights: make([]int8, n)}
	for i := range m.weights {
		m.weights[i] = int8(math.Round(float64(w[i] / m.scale)))
	}
	return m
}
