//go:build !unix

package mqttauthz_test

import (
	"testing"
	"time"
)

// cpuTime falls back to wall time where processor time is not to be had from
// the standard library.
func cpuTime(testing.TB) time.Duration { return time.Duration(time.Now().UnixNano()) }
