package agent

// What tests of the rules' words look at.
var (
	Angry    = angry
	Greeting = greeting
	HoursIn  = hoursIn
)
