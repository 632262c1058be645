package guard

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
)

// Languages for which a model is calibrated. A text whose language cannot be told uses the
// first.
const (
	LangPortuguese = iota
	LangSpanish
	LangEnglish
	langCount
)

// LangName returns a language as data files write it.
func LangName(lang int) string { return [langCount]string{"pt", "es", "en"}[lang] }

// Calibration is where actions begin on the scale of the classifier, for one language.
type Calibration struct {
	Restrict float32 `json:"restrict"`
	Deflect  float32 `json:"deflect"`
}

// Origin says what a part of the training rows came from.
type Origin struct {
	Source  string `json:"source"`
	Licence string `json:"licence"`
	Attack  int    `json:"attack"`
	Benign  int    `json:"benign"`
}

// Card is what a model tells of itself. It is stored in its file.
type Card struct {
	Date        string                 `json:"date"` // of the training, as the caller gave it
	Note        string                 `json:"note,omitempty"`
	Seed        uint64                 `json:"seed"`
	Rows        int                    `json:"rows"`
	Origins     []Origin               `json:"origins"`
	Calibration [langCount]Calibration `json:"calibration"` // in the order of the languages
	Figures     []string               `json:"figures,omitempty"`
}

// Model is a linear classifier over hashed features, with weights of one byte.
type Model struct {
	Card    Card
	bias    float32
	scale   float32
	weights []int8 // 1<<dimBits
}

const modelMagic = "SGM1"

// MarshalBinary writes the model: its card as JSON, then its weights.
func (m *Model) MarshalBinary() ([]byte, error) {
	card, err := json.Marshal(m.Card)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	b.WriteString(modelMagic)
	for _, v := range []uint32{uint32(len(card)), math.Float32bits(m.bias), math.Float32bits(m.scale), uint32(len(m.weights))} {
		b.Write(binary.LittleEndian.AppendUint32(nil, v))
	}
	b.Write(card)
	for _, w := range m.weights {
		b.WriteByte(byte(w))
	}
	return b.Bytes(), nil
}

// UnmarshalBinary reads what MarshalBinary wrote, and nothing else.
func (m *Model) UnmarshalBinary(data []byte) error {
	const head = len(modelMagic) + 16
	if len(data) < head || string(data[:len(modelMagic)]) != modelMagic {
		return fmt.Errorf("not a guard model")
	}
	at := func(i int) uint32 { return binary.LittleEndian.Uint32(data[len(modelMagic)+4*i:]) }
	card, n := uint64(at(0)), uint64(at(3))
	if n != 1<<dimBits || uint64(len(data)) != uint64(head)+card+n {
		return fmt.Errorf("guard model: %d bytes do not fit what its head says", len(data))
	}
	read := Model{bias: math.Float32frombits(at(1)), scale: math.Float32frombits(at(2)), weights: make([]int8, n)}
	for _, f := range []float32{read.bias, read.scale} {
		if math.IsNaN(float64(f)) || math.IsInf(float64(f), 0) {
			return fmt.Errorf("guard model: bias or scale is no number")
		}
	}
	dec := json.NewDecoder(bytes.NewReader(data[head : uint64(head)+card]))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&read.Card); err != nil {
		return fmt.Errorf("guard model: read its card: %w", err)
	}
	for i, b := range data[uint64(head)+card:] {
		read.weights[i] = int8(b)
	}
	*m = read
	return nil
}

// weigh returns what the classifier makes of a view, on an open scale.
func (m *Model) weigh(d *desk, v view, met []hit) float32 {
	if m == nil || len(v.tokens) == 0 {
		return nothing
	}
	n := len(v.tokens) + 1
	if n > cap(d.sums) {
		d.sums = make([]float32, n, 2*n)
	}
	fs := features{weights: m.weights, sums: d.sums[:n]}
	clear(fs.sums)
	fs.collect(v, met)
	z, _, _ := heaviest(fs.sums)
	return m.bias + z*m.scale
}

// nothing is the weight of a text without words.
const nothing = -20
