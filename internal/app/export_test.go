package app

// Ended waits for the parts that Stop has given up.
func (a *App) Ended() { a.ending.Wait() }
