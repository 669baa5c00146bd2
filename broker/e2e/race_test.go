//go:build race

package e2e_test

// raceDetector says that the tests run with -race, so the program should too.
const raceDetector = true
