package house_test

import (
	"fmt"
	"testing"

	"secretaria/internal/house"
)

// catalogue is a house as large as they may be.
func catalogue() *house.House {
	t := house.Table{Kind: house.Prices}
	for i := range 5000 {
		t.Rows = append(t.Rows, house.Row{
			Columns: map[string]string{"item": fmt.Sprintf("Peça modelo%d para carro marca%d cor azul", i, i%97), "preço": "R$ 80"},
			Source:  house.Source{File: "pecas.yaml", Line: i + 1},
		})
	}
	return &house.House{Tables: []house.Table{t}}
}

func BenchmarkNewLibrary(b *testing.B) {
	h := catalogue()
	for b.Loop() {
		house.NewLibrary(h, nil, "loja")
	}
}

func BenchmarkRelevant(b *testing.B) {
	l := house.NewLibrary(catalogue(), nil, "loja")
	for b.Loop() {
		l.Relevant(b.Context(), []string{"oi, comprei um fusca e queria muito achar uma pessa azul, quanto custa a peça modelo4711?"}, 4, 0)
	}
}
