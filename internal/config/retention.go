package config

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

const oneDay = 24 * time.Hour

// period reads how long something is kept: days (180d), years (5y), a Go duration of a day at
// least, or 0 and forever, which are both for ever.
func period(text string) (time.Duration, error) {
	text = strings.ToLower(strings.TrimSpace(text))
	if text == "forever" || text == "0" {
		return 0, nil
	}
	for suffix, unit := range map[string]time.Duration{"d": oneDay, "y": 365 * oneDay} {
		number, ok := strings.CutSuffix(text, suffix)
		if !ok {
			continue
		}
		n, err := strconv.Atoi(number)
		if err != nil || n < 0 {
			return 0, fmt.Errorf("%q is not a period such as 180d, 5y or forever", text)
		}
		return min(time.Duration(min(n, 40_000))*unit, forever), nil
	}
	d, err := time.ParseDuration(text)
	switch {
	case err != nil:
		return 0, fmt.Errorf("%q is not a period such as 180d, 5y or forever", text)
	case d != 0 && d < oneDay:
		return 0, errors.New("is less than a day: what was just said is still being worked on")
	}
	return min(d, forever), nil
}

// kept sets a period.
func kept(field func(*draft) *time.Duration) func(*draft, value) error {
	return func(d *draft, v value) (err error) {
		*field(d), err = period(v.text)
		return err
	}
}
