package broker_test

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"runtime/pprof"
	"testing"
	"time"
)

// TestMain checks that all servers of all tests together left no goroutine
// behind. It begins as a process of a benchmark, if it is one.
func TestMain(m *testing.M) {
	if playRole() {
		return
	}
	before := runtime.NumGoroutine()
	code := m.Run()
	fuzzing := flag.Lookup("test.fuzz").Value.String() != "" // which has goroutines of its own
	if code == 0 && !fuzzing && !settled(before) {
		fmt.Fprintf(os.Stderr, "goroutines: %d before the tests, %d after\n", before, runtime.NumGoroutine())
		_ = pprof.Lookup("goroutine").WriteTo(os.Stderr, 1)
		code = 1
	}
	os.Exit(code)
}

// settled waits until there are no more goroutines than before.
func settled(before int) bool {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	late := time.After(patience)
	for runtime.NumGoroutine() > before {
		select {
		case <-late:
			return false
		case <-tick.C:
		}
	}
	return true
}
