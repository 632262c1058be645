// Package obedient assumes that the attacker has won: the model does what it is told. A fake
// one prints its whole prompt in every disguise, copies whatever it reads, claims what nobody
// did, and calls any tool with any arguments; it stands behind the whole program, and
// customers write every attack that is known here to it, three times over, on both channels.
//
// What then reaches the helpdesks and n8n is searched by means of its own, without the
// product's gate: no secret, no mark, no eight words in a row of a prompt, nothing of another
// customer, no link that is not the house's, no effect that the desk's policy does not have.
// It has only tests.
package obedient
