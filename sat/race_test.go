//go:build race

package sat_test

// manyTokens is fewer than meant: the race detector makes each ten times slower.
const manyTokens = 10_000
