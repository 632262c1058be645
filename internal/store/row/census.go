package row

import "secretaria/internal/store"

// Census reads the row of the query of that name.
func Census(sc Scanner) (store.Census, error) {
	var all int
	var c store.Census
	err := sc.Scan(&all, &c.Human, &c.Closed, &c.OptedOut)
	c.Bot = max(0, all-c.Human-c.Closed)
	return c, err
}
