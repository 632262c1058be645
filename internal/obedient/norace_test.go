//go:build !race

package obedient

const raceDetector = false
