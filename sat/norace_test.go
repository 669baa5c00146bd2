//go:build !race

package sat_test

// manyTokens is how many bad tokens a flood has.
const manyTokens = 100_000
