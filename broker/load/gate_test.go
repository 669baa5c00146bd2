package main

import (
	"testing"
	"testing/synctest"
)

// The slowest subscriber decides, and closing lets everybody go.
func TestGate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(10, 2)
		if !g.reserve(10) {
			t.Fatal("the window is refused")
		}
		passed := make(chan bool, 1)
		go func() { passed <- g.reserve(4) }()
		g.report(0, 10)
		g.report(1, 3)
		synctest.Wait()
		if len(passed) != 0 {
			t.Fatal("four more were let through when one subscriber had received three")
		}
		g.report(1, 1)
		if !<-passed {
			t.Fatal("refused")
		}
		if due, come := g.account(); due != 28 || come != 14 {
			t.Errorf("%d due, %d come; want 28 and 14", due, come)
		}
		go func() { passed <- g.reserve(10) }()
		synctest.Wait()
		g.close()
		if <-passed {
			t.Error("let through after close")
		}
	})
}
