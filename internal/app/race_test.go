//go:build race

package app_test

// raceDetector: everything takes ten times as long; what is the same thousands of times
// over is sampled.
const raceDetector = true
