package mqttauth

// Nap lets the tests see how long an ExpiryTimer sleeps: no test can step the
// wall clock.
var Nap = nap

// Remembered returns the number of failures that a throttle keeps.
func (t *Throttle) Remembered() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.failed)
}

// Fire is what the runtime calls when the timer's sleep is over, which may be
// just after it was stopped or moved.
func (t *ExpiryTimer) Fire() { t.fire() }
