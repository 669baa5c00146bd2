//go:build unix

package mqttauthz_test

import (
	"syscall"
	"testing"
	"time"
)

// cpuTime returns the processor time this process has used. Unlike wall time it
// does not count what others do on the machine.
func cpuTime(tb testing.TB) time.Duration {
	tb.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
