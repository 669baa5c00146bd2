//go:build race

package mqttauthz_test

// raceEnabled makes exhaustive tests smaller.
const raceEnabled = true
