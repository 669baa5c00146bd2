package password

import "sync/atomic"

// Remembered returns how many passwords are remembered.
func (m *Method) Remembered() int {
	m.memory.mu.Lock()
	defer m.memory.mu.Unlock()
	return len(m.memory.until)
}

// Busy returns how many hashes are computed now, and how many may be.
func (m *Method) Busy() (now, most int) { return len(m.slots), cap(m.slots) }

// Occupy takes a slot, as a computation does, until release is called.
func (m *Method) Occupy() (release func()) {
	m.slots <- struct{}{}
	return func() { <-m.slots }
}

// WatchWork makes m count how many hashes are computed at once, at most.
func (m *Method) WatchWork() (most *atomic.Int32) {
	var running atomic.Int32
	most = new(atomic.Int32)
	m.compute = func(h Hash, password []byte) bool {
		defer running.Add(-1)
		for n := running.Add(1); ; {
			if seen := most.Load(); n <= seen || most.CompareAndSwap(seen, n) {
				return h.Verify(password)
			}
		}
	}
	return most
}

// CountWork makes m count the iterations that it computes.
func (m *Method) CountWork() (iterations *int) {
	iterations = new(int)
	m.compute = func(h Hash, password []byte) bool {
		*iterations += h.iterations
		return h.Verify(password)
	}
	return iterations
}
