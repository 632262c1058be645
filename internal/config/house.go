package config

import (
	"path/filepath"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"

	"secretaria/internal/agent"
	"secretaria/internal/house"
	"secretaria/internal/invalid"
)

// houseFile is what a desk knows.
type houseFile struct {
	Tables   tablesFile `key:"tables" doc:"Tables of facts by kind (services, prices, hours, addresses, links, people, policies): rows, or a YAML file of rows. Or one file with all of them."`
	Pages    pagesFile  `key:"pages" doc:"Markdown files, and folders of them."`
	Synonyms synonyms   `key:"synonyms" doc:"Groups of words that mean the same here."`
}

// synonyms are lists of words.
type synonyms [][]string

func (synonyms) form() string { return "list of lists" }

// tablesFile are tables in the order of the file.
type tablesFile []house.Table

func (tablesFile) form() string { return "kinds with rows, or file" }

func (t *tablesFile) fromNode(x *decoder, path string, n *yaml.Node) {
	if n.Kind == yaml.ScalarNode {
		name, ok := x.text(path, n)
		if !ok {
			return
		}
		if x, n = x.include(path, n, name); n == nil {
			return
		}
		path = ""
	}
	var kinds table[rowsFile]
	x.decodeInto(path, n, &kinds)
	for _, k := range kinds {
		kind, ok := house.KindOf(k.Name)
		if !ok {
			known := make([]string, 0, len(house.Kinds()))
			for _, kind := range house.Kinds() {
				known = append(known, string(kind))
			}
			x.problem(join(path, k.Name), k.Node, "is not one of %s%s", quoted(known), didYouMean(k.Name, known))
			continue
		}
		*t = append(*t, house.Table{Kind: kind, Rows: k.Value})
	}
}

// rowsFile are rows, or the name of a file of rows.
type rowsFile []house.Row

func (r *rowsFile) fromNode(x *decoder, path string, n *yaml.Node) {
	if n.Kind == yaml.ScalarNode {
		name, ok := x.text(path, n)
		if !ok {
			return
		}
		if x, n = x.include(path, n, name); n == nil {
			return
		}
		path = ""
	}
	if n.Kind != yaml.SequenceNode {
		x.problem(path, n, "expected a list of rows, or the name of a file of rows")
		return
	}
	for i, item := range n.Content {
		at := locatePath(path, i)
		if x.d.nodes++; x.d.nodes > maxNodes {
			x.problem(at, item, "is too much: the tables have more than %d values", maxNodes)
			return
		}
		if item = follow(item); item == nil || item.Kind != yaml.MappingNode {
			x.problem(at, n.Content[i], "expected columns with values")
			continue
		}
		row := house.Row{Columns: map[string]string{}, Source: house.Source{File: x.file, Line: item.Line}}
		x.d.rows[row.Source] = item
		for c := 0; c+1 < len(item.Content); c += 2 {
			key := item.Content[c]
			if _, twice := row.Columns[key.Value]; twice {
				x.problem(join(at, key.Value), key, "already set in this row")
				continue
			}
			if text, ok := x.cell(join(at, key.Value), follow(item.Content[c+1])); ok {
				row.Columns[key.Value] = text
			}
		}
		*r = append(*r, row)
	}
}

// cell is the text of a column as it was written: a number, a date and an hour keep their
// form. A list becomes a line.
func (x *decoder) cell(path string, n *yaml.Node) (string, bool) {
	if x.d.nodes++; isNull(n) {
		return "", false
	}
	switch n.Kind {
	case yaml.ScalarNode:
		return strings.TrimSpace(n.Value), true
	case yaml.SequenceNode:
		var parts []string
		for _, item := range n.Content {
			if item = follow(item); item == nil || item.Kind != yaml.ScalarNode {
				x.problem(path, n, "expected a value, or a list of plain values")
				return "", false
			}
			parts = append(parts, strings.TrimSpace(item.Value))
		}
		return strings.Join(parts, ", "), true
	}
	x.problem(path, n, "expected a value, or a list of plain values")
	return "", false
}

// pagesFile are the pages of the files and folders that are named.
type pagesFile []house.Page

func (p *pagesFile) fromNode(x *decoder, path string, n *yaml.Node) {
	var names []located[string]
	if n.Kind == yaml.ScalarNode {
		names = make([]located[string], 1)
		x.decodeInto(path, n, &names[0])
	} else {
		x.decodeInto(path, n, &names)
	}
	for _, name := range names {
		for _, file := range x.pageFiles(name) {
			if len(*p) >= maxPages {
				x.problem(name.path, name.node, "comes to more than %d pages", maxPages)
				return
			}
			text, err := x.d.readText(file, maxPageSize)
			if err != nil {
				x.problem(name.path, name.node, "%q %v", file, err)
				continue
			}
			*p = append(*p, house.Page{Text: text, Source: house.Source{File: file}})
		}
	}
}

// pageFiles are the Markdown files that a name stands for.
func (x *decoder) pageFiles(name located[string]) []string {
	shown, err := x.beside(name.Value)
	if err != nil {
		x.problem(name.path, name.node, "%q %v", name.Value, err)
		return nil
	}
	entries, err := x.d.list(shown)
	if err != nil {
		return []string{shown} // not a folder
	}
	var files []string
	for _, e := range entries {
		if strings.HasSuffix(e, ".md") && !strings.HasPrefix(e, ".") {
			files = append(files, filepath.Join(shown, e))
		}
	}
	if len(files) == 0 {
		x.problem(name.path, name.node, "%q has no file that ends in .md", name.Value)
	}
	return files
}

// house gathers what the desk knows. What is wrong with a fact is told with the file and the
// line where it stands.
func (x *decoder) house(desk *agent.Config, f *deskFile) {
	h := f.House
	if h.node == nil {
		return
	}
	made := &house.House{Tables: h.Value.Tables, Pages: h.Value.Pages, Synonyms: h.Value.Synonyms}
	desk.House = made
	for _, p := range invalid.Fields(made.Validate()) {
		at, where := x.fact(made, p.Path)
		if where == "" {
			at, where = join(h.path, p.Path), place(x.file, locate(h.node, p.Path).Line)
		}
		x.d.problem(at, where, "%s", p.Text)
	}
}

// fact says where that stands to which a path such as "tables[1][2].price" or "pages[3]"
// leads, and how it is called; "" where it is no fact.
func (x *decoder) fact(h *house.House, path string) (name, where string) {
	if i, _ := index(path, "pages"); i >= 0 && i < len(h.Pages) {
		return "", h.Pages[i].Source.File
	}
	i, rest := index(path, "tables")
	if i < 0 || i >= len(h.Tables) {
		return "", ""
	}
	table := h.Tables[i]
	row, column := index(rest, "")
	if row < 0 || row >= len(table.Rows) {
		return "", ""
	}
	source := table.Rows[row].Source
	name = string(table.Kind) + "[" + strconv.Itoa(row) + "]"
	if column == "" {
		return name, source.String()
	}
	return join(name, column), place(source.File, locate(x.d.rows[source], column).Line)
}
