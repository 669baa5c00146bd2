//go:build !race

package mqttauthz_test

const raceEnabled = false
