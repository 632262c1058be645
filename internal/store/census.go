package store

// Census counts everybody, for metrics.
type Census struct {
	// Bot, Human and Closed count conversations by who holds them. A hold that has run out is
	// the bot's.
	Bot, Human, Closed int
	// OptedOut counts those who want no more messages, by where they said so.
	OptedOut int
}
