package house

import (
	"slices"
	"strings"

	"secretaria/internal/portuguese"
	"secretaria/internal/spelling"
)

// form is what the values of a column look like.
type form int

const (
	words form = iota
	money
	web
	telephone
	mail
	clock
	days
	postcode
)

// column is a column of a kind of table.
type column struct {
	name     string   // in the files' first language
	names    []string // what else it may be called, without case and accents
	label    string   // before the value where a fact is told: "Duração"
	form     form
	required bool
	// titles says that the value names the fact; no two rows may have the same values in all
	// unique columns.
	titles, unique bool
}

// schema is what a kind of table looks like.
type schema struct {
	names   []string // in other words, without case and accents
	label   string   // of one row: "Preço"
	about   string   // the subject that every row is about, see subjects
	columns []column
}

func col(name, label string, names ...string) column {
	return column{name: name, label: label, names: names}
}

func (c column) as(f form) column      { c.form = f; return c }
func (c column) must() column          { c.required = true; return c }
func (c column) title() column         { c.titles, c.unique = true, true; return c }
func (c column) distinguishes() column { c.unique = true; return c }

// Columns that several kinds have.
var (
	nameColumn        = col("name", "", "nome", "titulo").must().title()
	descriptionColumn = col("description", "", "descricao", "detalhes", "sobre")
	notesColumn       = col("notes", "Obs.", "observacao", "observacoes", "obs", "nota", "notas")
	phoneColumn       = col("phone", "Telefone", "telefone", "celular", "fone", "whatsapp").as(telephone)
	linkColumn        = col("link", "Link", "url", "site").as(web)
	placeColumn       = col("place", "Unidade", "unidade", "local", "filial", "loja").distinguishes()
	categoryColumn    = col("category", "Categoria", "categoria", "area", "especialidade")
)

var schemas = map[TableKind]schema{
	Services: {
		names: []string{"servicos", "servico", "service", "procedimentos", "produtos"}, label: "Serviço", about: "0service",
		columns: []column{nameColumn, descriptionColumn, categoryColumn, col("duration", "Duração", "duracao", "tempo"),
			col("price", "Preço", "preco", "valor").as(money), col("professional", "Profissional", "profissional", "responsavel"),
			col("preparation", "Preparo", "preparo"), placeColumn, linkColumn, notesColumn},
	},
	Prices: {
		names: []string{"precos", "preco", "price", "valores", "tabela de precos"}, label: "Preço", about: "0price",
		columns: []column{col("item", "", "nome", "name", "servico", "produto", "plano").must().title(), col("price", "", "preco", "valor").as(money).must(),
			col("unit", "Por", "unidade de cobranca", "por").distinguishes(), col("payment", "Pagamento", "pagamento", "forma de pagamento", "condicoes"), categoryColumn.distinguishes(),
			col("valid_until", "Válido até", "validade", "valido ate"), placeColumn, linkColumn, notesColumn},
	},
	Hours: {
		names: []string{"horarios", "horario", "opening hours", "funcionamento"}, label: "Horário", about: "0hours",
		columns: []column{col("name", "", "nome", "o que", "servico", "setor").title(), col("days", "", "dias", "dia").as(days).distinguishes(),
			col("hours", "", "horario", "horarios", "hora", "das").as(clock).must(), placeColumn, notesColumn},
	},
	Addresses: {
		names: []string{"enderecos", "endereco", "address", "unidades", "locais"}, label: "Endereço", about: "0address",
		columns: []column{col("name", "", "nome", "unidade", "filial", "loja").title(), col("address", "", "endereco", "rua", "logradouro").must().distinguishes(),
			col("district", "Bairro", "bairro"), col("city", "Cidade", "cidade"), col("zip", "CEP", "cep").as(postcode), phoneColumn,
			col("map", "Mapa", "mapa").as(web), col("hours", "Horário", "horario", "horarios").as(clock), col("parking", "Estacionamento", "estacionamento"),
			col("reference", "Referência", "referencia", "ponto de referencia", "como chegar"), notesColumn},
	},
	Links: {
		names: []string{"link", "enlaces", "sites"}, label: "Link", about: "0link",
		columns: []column{nameColumn, col("url", "", "link", "endereco", "site").as(web).must(), descriptionColumn, notesColumn},
	},
	People: {
		names: []string{"pessoas", "equipe", "time", "profissionais", "team", "staff"}, label: "Equipe", about: "0people",
		columns: []column{nameColumn, col("role", "", "cargo", "funcao", "profissao"), col("specialty", "Especialidade", "especialidade", "area"),
			col("register", "Registro", "registro", "crm", "cro", "oab", "crea"), phoneColumn, col("email", "E-mail", "e-mail").as(mail),
			col("days", "Dias", "dias").as(days), col("hours", "Atende", "horario", "horarios", "atende").as(clock), col("languages", "Idiomas", "idiomas"), placeColumn, descriptionColumn, notesColumn},
	},
	Policies: {
		names: []string{"politicas", "politica", "regras", "normas", "policy"}, label: "Política", about: "",
		columns: []column{col("topic", "", "assunto", "tema", "nome", "name", "titulo").must().title(), col("text", "", "politica", "regra", "texto", "descricao", "description").must(), linkColumn, notesColumn},
	},
}

// columnOf finds a column by what it is called in a file.
func (s schema) columnOf(name string) (column, bool) {
	name = strings.ReplaceAll(portuguese.Fold(strings.TrimSpace(name)), "_", " ")
	for _, c := range s.columns {
		if name == strings.ReplaceAll(c.name, "_", " ") || slices.Contains(c.names, name) {
			return c, true
		}
	}
	return column{}, false
}

// nearest is the column that somebody meant who wrote name, "" where that cannot be told.
func (s schema) nearest(name string) string {
	folded, best, distance := portuguese.Fold(name), "", max(1, min(3, len(name)/4))+1
	for _, c := range s.columns {
		for _, known := range append([]string{c.name}, c.names...) {
			if n := spelling.Distance([]rune(folded), []rune(known)); n < distance {
				best, distance = known, n
			}
		}
	}
	return best
}

// Columns are the columns that a kind of table may have, those first that it must have, each
// with what else it may be called.
func Columns(k TableKind) (must, may [][]string) {
	for _, c := range schemas[k].columns {
		names := append([]string{c.name}, c.names...)
		if c.required {
			must = append(must, names)
		} else {
			may = append(may, names)
		}
	}
	return must, may
}

// value is what stands in a column.
type value struct {
	column
	key  string // as the file calls it
	text string
}

// values are the row's values in the order of the schema's columns, without those that are
// empty, and the keys that name no column.
func (s schema) values(r Row) (found []value, unknown []string) {
	for _, key := range sortedKeys(r.Columns) {
		c, ok := s.columnOf(key)
		if !ok {
			unknown = append(unknown, key)
			continue
		}
		if text := strings.TrimSpace(tidy(r.Columns[key])); text != "" {
			found = append(found, value{column: c, key: key, text: text})
		}
	}
	slices.SortStableFunc(found, func(a, b value) int { return s.position(a.name) - s.position(b.name) })
	return found, unknown
}

func (s schema) position(name string) int {
	return slices.IndexFunc(s.columns, func(c column) bool { return c.name == name })
}
