package slot

import (
	"slices"
	"time"
)

// Half is what waits for its other half: a day for its hour, the digits of a phone for their
// area code, the beginning of an address for what follows the "@".
type Half struct {
	Day   *Piece `json:"day,omitempty"`
	Clock *Piece `json:"clock,omitempty"`
	Phone *Piece `json:"phone,omitempty"`
	Area  *Piece `json:"area,omitempty"`
	Local *Piece `json:"local,omitempty"`
	CNPJ  *Piece `json:"cnpj,omitempty"`
}

// Piece is half a value and where it stands.
type Piece struct {
	Text   string  `json:"text"`
	Quotes []Quote `json:"quotes,omitempty"`
}

const clockForm = "15:04"

func (h *Half) any() bool { return h.Day != nil || h.Clock != nil }

func (h *Half) keepDay(m moment) {
	h.Day = &Piece{Text: m.day.Format(time.DateOnly), Quotes: m.quotes}
}

func (h *Half) keepClock(m moment) {
	at := time.Date(2000, 1, 1, m.minutes/60, m.minutes%60, 0, 0, time.UTC)
	h.Clock = &Piece{Text: at.Format(clockForm), Quotes: m.quotes}
}

// moment reads a kept day or hour back; what does not parse is a moment without either.
func (p *Piece) moment() moment {
	m := moment{quotes: p.Quotes}
	if at, err := time.Parse(clockForm, p.Text); err == nil {
		m.minutes, m.hasClock = at.Hour()*60+at.Minute(), true
	} else if day, err := time.Parse(time.DateOnly, p.Text); err == nil {
		m.day, m.hasDay = day, true
	}
	return m
}

// knownMoment returns the time that was noted last.
func (t *turn) knownMoment() (moment, bool) {
	v, ok := t.state.Values[Times]
	if !ok || len(v.List) == 0 {
		return moment{}, false
	}
	at, err := time.Parse(time.RFC3339, v.List[len(v.List)-1])
	if err != nil {
		return moment{}, false
	}
	at = at.In(t.now.Location())
	quotes := v.Quotes
	if len(quotes) >= len(v.List) && len(v.List) > 1 {
		quotes = quotes[len(quotes)-1:]
	}
	return moment{
		day: time.Date(at.Year(), at.Month(), at.Day(), 0, 0, 0, 0, time.UTC), hasDay: true,
		minutes: at.Hour()*60 + at.Minute(), hasClock: true, quotes: slices.Clone(quotes),
	}, true
}

const maxTimes = 6

// learnTimes notes the times of the turn. They replace those known before, unless another
// one was asked for, or only one of several is moved.
func (t *turn) learnTimes(full []moment, how How, known Value, hasKnown, fixes bool) {
	v := Value{Kind: Times, How: how}
	add := func(m moment) {
		at := m.instant(t.now.Location())
		text := at.Format(time.RFC3339)
		if at.Before(t.now) || slices.Contains(v.List, text) || len(v.List) == maxTimes {
			return
		}
		v.List = append(v.List, text)
		for _, q := range m.quotes {
			if !slices.Contains(v.Quotes, q) {
				v.Quotes = append(v.Quotes, q)
			}
		}
	}
	more := hasKnown && !fixes && (t.bot.has(0, len(t.bot.tokens), "outro", "outra", "segundo", "segunda opcao", "mais um", "mais uma", "alternativa", "alternativo", "dois horarios"))
	for _, l := range t.lines {
		if hasKnown && !fixes && l.has(0, len(l.tokens), "tambem", "tbm", "outro", "outra", "alem", "ou") {
			more = true
		}
	}
	if more {
		v.List = slices.Clone(known.List)
		v.Quotes = slices.Clone(known.Quotes)
	}
	if hasKnown && fixes && len(full) == 1 {
		v.List, v.Quotes = others(known, full[0].instant(t.now.Location()))
	}
	for _, m := range full {
		add(m)
	}
	if len(v.List) == 0 || hasKnown && v.Same(known) {
		return
	}
	t.learn(v)
	t.state.Half.Day, t.state.Half.Clock = nil, nil
}

// others returns what stays of several known times when one of them, on the same day, gets
// another hour. Which quote belongs to which is not known, so all of them stay.
func others(known Value, at time.Time) ([]string, []Quote) {
	if len(known.List) < 2 {
		return nil, nil
	}
	var kept []string
	for _, text := range known.List {
		was, err := time.Parse(time.RFC3339, text)
		if err != nil || was.In(at.Location()).Format(time.DateOnly) != at.Format(time.DateOnly) {
			kept = append(kept, text)
		}
	}
	if len(kept) != len(known.List)-1 {
		return nil, nil
	}
	return kept, slices.Clone(known.Quotes)
}
