package redact

// meaning is what a word says about the number that follows it.
type meaning uint8

const (
	nothing meaning = iota
	joint           // "é", "nº", "do": the word before it still speaks
	aboutCPF
	aboutDocument
	aboutPhone
	aboutPix
	aboutCEP
	aboutStreet
	aboutOrder // of orders, protocols, invoices: numbers that are nobody's
	aboutUnit  // what is counted, behind a number
	schemeBearer
	schemeBasic
	spelledAt     // "arroba"
	spelledSign   // "ponto"
	aboutPassword // what may follow is a password, or the number of a queue
)

// meaningOf takes a word in lower case without accents.
func meaningOf(word []byte) meaning {
	switch string(word) {
	case "cpf":
		return aboutCPF
	case "cnpj", "rg", "cnh", "pis", "pasep", "nis", "passaporte", "documento", "doc", "identidade", "titulo", "habilitacao":
		return aboutDocument
	case "telefone", "telefones", "tel", "fone", "celular", "cel", "whatsapp", "whats", "zap", "zapzap", "wpp", "contato", "ligar", "ligue", "liga", "phone", "mobile":
		return aboutPhone
	case "pix", "chave":
		return aboutPix
	case "cep":
		return aboutCEP
	case "rua", "avenida", "av", "endereco", "bairro", "moro", "travessa", "alameda", "rodovia", "praca", "estrada", "address":
		return aboutStreet
	case "pedido", "pedidos", "ped", "protocolo", "protocolos", "prot", "nota", "notas", "nf", "nfe", "nfce", "ordem", "os", "codigo", "codigos", "cod", "rastreio", "rastreamento",
		"boleto", "fatura", "faturas", "contrato", "matricula", "lote", "serie", "sku", "ref", "referencia", "modelo", "item", "produto", "chamado", "chamados", "ticket", "processo",
		"orcamento", "orcamentos", "reserva", "ean", "gtin", "isbn", "barras", "versao", "timestamp", "unix", "cupom", "voucher", "registro", "inscricao", "order",
		"orders", "purchase", "compra", "invoice", "tracking", "nsu", "autorizacao", "transacao", "remessa", "cotacao", "proposta", "apolice", "sinistro", "guia", "encomenda", "demanda",
		"solicitacao", "patrimonio", "imei", "peca", "build", "seed":
		return aboutOrder
	case "n", "no", "nr", "nro", "num", "numero", "e", "eh", "o", "a", "do", "da", "de", "foi", "id", "is", "number", "aqui", "esta", "ta", "ficou", "sera", "tem", "meu", "minha", "seu", "sua", "com", "sob", "atendimento", "entrega", "venda", "servico", "fiscal":
		return joint
	case "reais", "real", "mil", "unidades", "unidade", "un", "und", "unid", "kg", "g", "mg", "ml", "l", "litros", "km", "m", "cm", "mm", "pecas", "pcs", "caixas", "vezes", "pessoas", "dias",
		"horas", "minutos", "segundos", "ms", "ns", "us", "bytes", "kb", "mb", "gb", "visualizacoes", "seguidores", "clientes", "tokens":
		return aboutUnit
	case "bearer":
		return schemeBearer
	case "basic":
		return schemeBasic
	case "arroba":
		return spelledAt
	case "ponto", "underline", "underscore", "traco", "hifen":
		return spelledSign
	case "senha", "password":
		return aboutPassword
	}
	return nothing
}

// A label is the last word that says what numbers are about.
type label struct {
	what   meaning
	words  int  // since then, joints not counted
	direct bool // nothing but joints since then
}

func (l *label) set(what meaning) { *l = label{what: what, direct: true} }

func (l *label) pass() {
	l.words++
	l.direct = false
}

// pause is the end of a sentence.
func (l *label) pause() {
	if !l.direct {
		l.words += 3
	}
}

func (l *label) within(words int) bool { return l.what != nothing && l.words <= words }

// folded is a word in lower case without accents, as far as it fits.
type folded struct {
	b    [16]byte
	n    int
	long bool
}

func (f *folded) add(c byte) {
	if f.n == len(f.b) {
		f.long = true
		return
	}
	f.b[f.n] = c
	f.n++
}

func (f *folded) meaning() meaning {
	if f.long {
		return nothing
	}
	return meaningOf(f.b[:f.n])
}

// wordAt folds the word that begins at i: letters, with marks of any kind, and digits. It
// returns where the word ends and where its digits begin, if it is letters and then digits.
func wordAt(s string, i int) (f folded, to, digits int) {
	digits = -1
	mixed := false
	j := i
	for j < len(s) {
		c := s[j]
		switch k := kinds[c]; {
		case k == letter:
			f.add(c | 0x20)
			mixed = mixed || digits >= 0
			j++
		case k == digit:
			if digits < 0 {
				digits = j
			}
			f.add(c)
			j++
		case c >= 0x80:
			base, size := foldRune(s, j)
			if size == 0 {
				return f, j, onlyIf(digits, !mixed)
			}
			mixed = mixed || digits >= 0
			if base != 0 {
				f.add(base)
			}
			j += size
		default:
			return f, j, onlyIf(digits, !mixed)
		}
	}
	return f, j, onlyIf(digits, !mixed)
}

func onlyIf(n int, ok bool) int {
	if ok {
		return n
	}
	return -1
}

// foldRune returns the letter without its mark, 0 for a mark alone, and the size of what
// stands at j; size 0 where it belongs to no word.
func foldRune(s string, j int) (base byte, size int) {
	if j+1 >= len(s) {
		return 0, 0
	}
	next := s[j+1]
	switch s[j] {
	case 0xC3: // U+00C0 to U+00FF
		const bases = "aaaaaaaceeeeiiiidnooooo\x00ouuuuyts"
		if b := bases[next&0x1F]; b != 0 && next >= 0x80 && next <= 0xBF {
			return b, 2
		}
	case 0xC2: // ª º °, as in nº
		switch next {
		case 0xAA:
			return 'a', 2
		case 0xBA, 0xB0:
			return 'o', 2
		}
	case 0xCC, 0xCD: // combining marks
		if next >= 0x80 && next <= 0xBF && (s[j] == 0xCC || next < 0xB0) {
			return 0, 2
		}
	}
	return 0, 0
}
