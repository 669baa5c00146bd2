package broker

import (
	"testing"
	"time"
)

// What a long pause left undone is spread over the rest of the time, and only what
// is over is done at once.
func TestPaceAfterLongPause(t *testing.T) {
	start := time.Unix(0, 0)
	at := func(ms int) time.Time { return start.Add(time.Duration(ms) * time.Millisecond) }
	p := newPace(start, 7000, at(1400)) // a second would be 980 ms
	left := 7000
	for _, step := range []struct{ at, want int }{
		{1, 8},      // 7000 of 980 ms are 7.1 a millisecond
		{2, 8},      //
		{3, 8},      //
		{103, 15},   // not 714
		{104, 8},    // 6961 of 877 ms
		{900, 16},   //
		{901, 87},   // 6937 of 80 ms
		{978, 174},  // 6850 of 79
		{980, 6676}, // the end
	} {
		if got := p.steps(left, at(step.at)); got != step.want {
			t.Errorf("at %d ms: %d steps of %d, want %d", step.at, got, left, step.want)
		}
		left -= step.want
	}
}
