package crash

import (
	"math/rand/v2"
	"time"
)

// size is how much a campaign does.
type size struct{ messages, conversations, kills int }

// moment is when a process is killed.
type moment string

// The moments. Each is a step on the way of a message.
const (
	betweenAcks   moment = "between acknowledgements"
	whileThinking moment = "while models think"
	whileDeciding moment = "while decisions are written"
	whileSending  moment = "while messages go out"
	anyTime       moment = "at any time"
)

func moments() []moment {
	return []moment{betweenAcks, whileThinking, whileDeciding, whileSending, anyTime}
}

// trouble is how a helpdesk treats the first try of an answer. Where a trouble leaves open
// whether the message was stored, the program has to find out.
type trouble string

// The troubles.
const (
	none         trouble = ""
	late         trouble = "answers late"
	tooMany      trouble = "429 with Retry-After"
	brokenBefore trouble = "500, nothing stored"
	brokenAfter  trouble = "stored, then 500 or a dropped connection"
	silentBefore trouble = "no answer, nothing stored"
	silentAfter  trouble = "stored, no answer"
)

// delivery is how often a webhook comes.
type delivery string

// The deliveries of a webhook.
const (
	once   delivery = "once"
	atOnce delivery = "twice at once"
	again  delivery = "twice in a row"
)

// letter is one message of a customer, or two whose webhooks overtake each other.
type letter struct {
	customer int
	swapped  bool // two messages, the second is delivered first
	delivery delivery
	route    int  // which web process gets it first
	giveUp   bool // whoever delivers it does not try again when the connection breaks
	trouble  trouble
	lateness time.Duration // of an answer that is late
}

// blow is a kill with what happens around it.
type blow struct {
	letters   []letter // written from its beginning on
	moment    moment
	after     int           // acknowledgements, calls, answers or messages
	pause     time.Duration // of anyTime
	stored    bool          // of whileSending: the helpdesk has what it was told
	all       bool          // kill every process, and not one
	web       int           // which web process, where the moment is one of the web's
	worker    int           // which worker
	either    bool          // of anyTime: a web process, and not a worker
	database  bool          // the database is killed too
	redis     bool          // Redis goes away, until the next blow
	freeze    bool          // the other worker stands still until its leases are long gone
	lostEcho  bool          // Chatwoot tells nothing of our own messages
	staysDown time.Duration // how long the killed process is not started again
}

// draw makes the plan that a seed stands for.
func draw(seed uint64, s size) []blow {
	r := rand.New(rand.NewPCG(seed, 1))
	chance := func(percent int) bool { return r.IntN(100) < percent }
	between := func(low, high time.Duration) time.Duration { return low + time.Duration(r.Int64N(int64(high-low)+1)) }
	plan := make([]blow, s.kills)
	// Each moment comes equally often, in any order.
	order := moments()
	for i := range plan {
		if i%len(order) == 0 {
			r.Shuffle(len(order), func(a, b int) { order[a], order[b] = order[b], order[a] })
		}
		b := &plan[i]
		words := s.messages*(i+1)/s.kills - s.messages*i/s.kills
		for words > 0 {
			l := letter{customer: r.IntN(s.conversations), delivery: once, route: r.IntN(2), giveUp: chance(10)}
			switch {
			case chance(5):
				l.delivery = atOnce
			case chance(5):
				l.delivery = again
			}
			if chance(20) {
				l.trouble = []trouble{late, tooMany, brokenBefore, brokenAfter, silentBefore, silentAfter}[r.IntN(6)]
				l.lateness = between(300*time.Millisecond, 1500*time.Millisecond)
			}
			l.swapped = words >= 2 && chance(6)
			if words--; l.swapped {
				words--
			}
			b.letters = append(b.letters, l)
		}
		b.moment = order[i%len(order)]
		most := max(1, len(b.letters)/2)
		if b.moment == whileSending {
			most = min(most, 4)
		}
		b.after, b.stored = 1+r.IntN(most), chance(50)
		b.pause = between(0, 600*time.Millisecond)
		b.all, b.web, b.worker, b.either = chance(15), r.IntN(2), r.IntN(2), chance(30)
		b.lostEcho = chance(30)
		b.staysDown = between(0, 250*time.Millisecond)
		b.database = i%15 == 7
		b.freeze = i%15 == 1
		b.redis = i%10 == 4
	}
	// Everybody writes at least once.
	first := 0
	for i := range plan {
		for j := range plan[i].letters {
			if first < s.conversations {
				plan[i].letters[j].customer = first
				first++
			}
		}
	}
	return plan
}
