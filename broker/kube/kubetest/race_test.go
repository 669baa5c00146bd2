//go:build race

package kubetest_test

// raceDetector says that the tests run with -race, so the program should too.
const raceDetector = true
