//go:build !race

package kubetest_test

const raceDetector = false
