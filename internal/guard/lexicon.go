package guard

import (
	_ "embed"
	"fmt"
	"strings"
)

// A concept is a set of meanings: what a word may stand for in an attack, whatever the
// language. Bits are given in the order in which lexicon.txt names them.
type concept uint64

// Languages that the lexicon tells apart.
const (
	portuguese uint8 = 1 << iota
	spanish
	english
)

//go:embed lexicon.txt
var lexiconText string

type entry struct {
	concepts concept
	langs    uint8
}

type node struct {
	next          [36]uint16
	exact, prefix entry
	plain         bool   // means nothing but what its own entry says
	number        uint16 // of a word that a rule names
}

// lexicon finds what a word means: a tree by letters.
type lexicon struct {
	nodes    []node
	names    []string // of the bits
	numbered uint16
	bones    map[string]string // words that mean something by their skeletons; a star as in add
	mixed    map[string]string // the same by their first letter and the others in order
}

// newLexicon reads "NAME: word word* ..." lines. A star stands for any ending. A line
// "NAME/plain: ..." takes words out: they mean nothing. A line "pt: ..." names words that
// tell a language.
func newLexicon(text string) (*lexicon, error) {
	lex := &lexicon{nodes: make([]node, 1), bones: map[string]string{}, mixed: map[string]string{}}
	for i, line := range strings.Split(text, "\n") {
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		name, words, ok := strings.Cut(line, ":")
		if !ok {
			return nil, fmt.Errorf("lexicon line %d: no name", i+1)
		}
		var e entry
		switch name {
		case "pt":
			e.langs = portuguese
		case "es":
			e.langs = spanish
		case "en":
			e.langs = english
		case "plain":
		default:
			bit, err := lex.bit(name)
			if err != nil {
				return nil, err
			}
			e.concepts = bit
		}
		for word := range strings.FieldsSeq(words) {
			if err := lex.add(word, e); err != nil {
				return nil, fmt.Errorf("lexicon line %d: %w", i+1, err)
			}
		}
	}
	return lex, nil
}

func (lex *lexicon) bit(name string) (concept, error) {
	for i, n := range lex.names {
		if n == name {
			return 1 << i, nil
		}
	}
	if len(lex.names) == 64 {
		return 0, fmt.Errorf("lexicon: more than 64 concepts")
	}
	lex.names = append(lex.names, name)
	return 1 << (len(lex.names) - 1), nil
}

func letter(c byte) int {
	switch {
	case c >= 'a' && c <= 'z':
		return int(c - 'a')
	case c >= '0' && c <= '9':
		return int(c-'0') + 26
	}
	return -1
}

func (lex *lexicon) add(word string, e entry) error {
	stem, open := strings.CutSuffix(word, "*")
	at, err := lex.grow(stem)
	if err != nil {
		return err
	}
	n := &lex.nodes[at]
	if len(stem) >= 5 && e.concepts != 0 {
		if key := mixed([]byte(stem)); lex.mixed[key] == "" {
			lex.mixed[key] = word
		}
	}
	if bones := string(skeleton([]byte(stem))); e.concepts != 0 && len(bones) >= 3 && len(stem) > len(bones) {
		if _, taken := lex.bones[bones]; !taken {
			lex.bones[bones] = word
		}
	}
	if open {
		n.prefix.concepts |= e.concepts
		n.prefix.langs |= e.langs
		return nil
	}
	n.exact.concepts |= e.concepts
	n.exact.langs |= e.langs
	n.plain = n.plain || e == (entry{})
	return nil
}

// number gives a word that a rule names a number of its own, which its tokens carry.
func (lex *lexicon) number(word string) (uint16, error) {
	at, err := lex.grow(word)
	if err != nil {
		return 0, err
	}
	n := &lex.nodes[at]
	if n.number == 0 {
		lex.numbered++
		n.number = lex.numbered
	}
	return n.number, nil
}

// grow returns the node at which a word ends.
func (lex *lexicon) grow(stem string) (uint16, error) {
	at := uint16(0)
	for i := range len(stem) {
		l := letter(stem[i])
		if l < 0 {
			return 0, fmt.Errorf("%q is not folded", stem)
		}
		next := lex.nodes[at].next[l]
		if next == 0 {
			if len(lex.nodes) == 1<<16-1 {
				return 0, fmt.Errorf("too many words")
			}
			next = uint16(len(lex.nodes))
			lex.nodes = append(lex.nodes, node{})
			lex.nodes[at].next[l] = next
		}
		at = next
	}
	return at, nil
}

// find returns what a folded word means: its own entry with those of its known stems; and
// its number, 0 where it has none.
func (lex *lexicon) find(word []byte) (entry, uint16) {
	at, stems := uint16(0), entry{}
	for _, c := range word {
		l := letter(c)
		if l < 0 {
			return stems, 0
		}
		at = lex.nodes[at].next[l]
		if at == 0 {
			return stems, 0
		}
		p := lex.nodes[at].prefix
		stems.concepts |= p.concepts
		stems.langs |= p.langs
	}
	n := &lex.nodes[at]
	if n.plain {
		return n.exact, n.number
	}
	return entry{stems.concepts | n.exact.concepts, stems.langs | n.exact.langs}, n.number
}
