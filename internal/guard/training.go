package guard

import (
	"cmp"
	"slices"
	"strings"
)

// Training is how a model is trained.
type Training struct {
	Seed      uint64
	Date      string // is kept in the card
	Generated int    // rows a label and language, see Generate; 0 means 1500
	// Budgets are the shares of benign rows that may be stopped, and deflected, where whole
	// sources were left out. Zero means 0.6 % and 0.15 %.
	Restricted, Deflected float64
	Note                  string // what whoever reads the figures should know; is kept in the card
	// Look, if there is one, sees each row with the verdict of a guard that has not seen its
	// source, and that guard.
	Look func(*Row, Verdict, *Guard)
}

// folds is into how many parts sources are dealt.
const folds = 7

// Train makes a model from rows, those of which the licence forbids it left out, and from
// generated ones. Thresholds are chosen on what models say of sources that they have not
// seen; the report is of the same kind. Training takes a minute or so.
func Train(rows []Row, how Training) (*Model, *Report, error) {
	how.Generated = cmp.Or(how.Generated, 1500)
	how.Restricted = cmp.Or(how.Restricted, 0.006)
	how.Deflected = cmp.Or(how.Deflected, 0.0015)
	lex, rs, err := parts()
	if err != nil {
		return nil, nil, err
	}
	made, err := Generate(how.Seed, how.Generated)
	if err != nil {
		return nil, nil, err
	}
	g := newGuard(lex, rs, nil)
	all := slices.Concat(rows, made)
	examples := make([]example, len(all))
	for i := range all {
		examples[i] = g.example(&all[i])
	}
	fold := deal(all)
	seen := make([]observation, len(rows))
	var guards [folds]*Guard
	for k := range folds {
		var part []example
		for i := range all {
			if (foldOf(fold, &all[i]) != k || all[i].Source == generated) && all[i].trainable() {
				part = append(part, examples[i])
			}
		}
		h := g.With(fit(part, how.Seed))
		guards[k] = h
		for i := range rows {
			if foldOf(fold, &rows[i]) == k {
				seen[i] = h.observe(rows[i].Text)
			}
		}
	}
	var part []example
	for i := range all {
		if all[i].trainable() {
			part = append(part, examples[i])
		}
	}
	m := fit(part, how.Seed)
	m.Card = Card{Date: how.Date, Note: how.Note, Seed: how.Seed, Rows: len(part), Origins: origins(all), Calibration: calibrate(rows, seen, how)}
	// No row is measured with thresholds that its own sources helped to choose.
	var without [folds][langCount]Calibration
	for k := range folds {
		var some []Row
		var saw []observation
		for i := range rows {
			if foldOf(fold, &rows[i]) != k {
				some, saw = append(some, rows[i]), append(saw, seen[i])
			}
		}
		without[k] = calibrate(some, saw, how)
		guards[k].model.Card.Calibration = without[k]
	}
	report := &Report{}
	for i := range rows {
		v := seen[i].verdict(without[foldOf(fold, &rows[i])][seen[i].lang])
		report.Add(&rows[i], v)
		if how.Look != nil {
			how.Look(&rows[i], v, guards[foldOf(fold, &rows[i])])
		}
	}
	m.Card.Figures = strings.Split(strings.TrimSpace(report.String()), "\n")
	return m, report, nil
}

func (r *Row) trainable() bool {
	return !strings.Contains(strings.ToLower(r.Licence), "do not train")
}

func (g *Guard) example(r *Row) example {
	folded, _ := fold(r.Text)
	var d desk
	v := view{name: "plain", text: folded, tokens: g.lex.tokens(&d, folded)}
	var fs features
	fs.collect(v, g.read(&d, v).met)
	e := example{words: len(v.tokens), features: fs.list, attack: r.Attack(), weight: 1}
	switch {
	case r.Tier == "obfuscated":
		e.weight = 0.0001 // their plain view says nothing
	case strings.HasPrefix(r.Source, "own-") && r.Attack():
		e.weight = 5 // by people who write as they please: few, and most like what will come
	case r.Tier == "hard" && r.Lang == "pt", strings.HasPrefix(r.Source, "own-"):
		e.weight = 3
	case r.Attack() && r.Tier == "jailbreak":
		e.weight = 0.5
	case r.Attack() && r.Source != generated:
		e.weight = 3
	}
	return e
}

// foldOf returns the fold of a row. The sentences of Common Voice are by thousands of people,
// a few each, so that to leave out a row is to leave out its writer.
func foldOf(fold map[string]int, r *Row) int {
	if strings.Contains(r.Source, "common-voice") {
		return int(hashBytes(7, []byte(r.Text)) >> 8 % folds)
	}
	return fold[r.Source]
}

// deal puts sources into folds, the largest first, what is by the same hand together.
func deal(rows []Row) map[string]int {
	count := map[string]int{}
	attacks := map[string]int{}
	for i := range rows {
		count[rows[i].Source]++
		if rows[i].Attack() {
			attacks[rows[i].Source]++
		}
	}
	var names []string
	for name := range count {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int {
		return cmp.Or(cmp.Compare(attacks[b], attacks[a]), cmp.Compare(count[b], count[a]), cmp.Compare(a, b))
	})
	fold := map[string]int{}
	hands := map[string]int{}
	next := 0
	for _, name := range names {
		hand, _, _ := strings.Cut(name, "-templates")
		hand, _, _ = strings.Cut(hand, " ")
		hand, _, _ = strings.Cut(hand, "/")
		k, ok := hands[hand]
		if !ok {
			k = next % folds
			hands[hand] = k
			next++
		}
		fold[name] = k
	}
	return fold
}

func origins(rows []Row) []Origin {
	by := map[string]*Origin{}
	var out []*Origin
	for i := range rows {
		r := &rows[i]
		if !r.trainable() {
			continue
		}
		o := by[r.Source]
		if o == nil {
			o = &Origin{Source: r.Source, Licence: r.Licence}
			by[r.Source] = o
			out = append(out, o)
		}
		if r.Attack() {
			o.Attack++
		} else {
			o.Benign++
		}
	}
	list := make([]Origin, len(out))
	for i, o := range out {
		list[i] = *o
	}
	slices.SortFunc(list, func(a, b Origin) int { return cmp.Compare(a.Source, b.Source) })
	return list
}

// calibrate chooses where actions begin: as low as the budgets allow on ordinary rows, and
// in Portuguese on the hard ones too, of which four times the share may be stopped.
func calibrate(rows []Row, seen []observation, how Training) [langCount]Calibration {
	var out [langCount]Calibration
	for lang := range out {
		var ordinary, hard []observation
		for i := range rows {
			r := &rows[i]
			if r.Attack() || r.Lang != LangName(lang) {
				continue
			}
			switch {
			case r.Tier != "hard":
				ordinary = append(ordinary, seen[i])
			case lang == LangPortuguese:
				hard = append(hard, seen[i])
			}
		}
		scale := 1.0
		if lang != LangPortuguese {
			scale = 2.5 // their attacks are more various and their customers fewer
		}
		out[lang].Restrict = max(threshold(ordinary, Restrict, scale*how.Restricted), threshold(hard, Restrict, 4*how.Restricted))
		out[lang].Deflect = max(out[lang].Restrict+0.5, threshold(ordinary, Deflect, how.Deflected), threshold(hard, Deflect, 3*how.Deflected)+1)
	}
	return out
}

// threshold returns the lowest weight at which at most a share of benign rows meets an
// action, by the classifier or by a rule that the classifier does not speak against.
func threshold(benign []observation, action Action, share float64) float32 {
	allowed := int(share * float64(len(benign)))
	var z []float32
	for _, o := range benign {
		if o.action >= action {
			z = append(z, max(o.z, o.ruleZ+against(o.lang)))
		} else {
			z = append(z, o.z)
		}
	}
	slices.SortFunc(z, func(a, b float32) int { return cmp.Compare(b, a) })
	if len(z) == 0 {
		return -2
	}
	return max(-2, z[min(max(allowed, 0), len(z)-1)]+0.02)
}
