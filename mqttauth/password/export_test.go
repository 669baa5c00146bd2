package password

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

// CountWork makes m count the iterations that it computes.
func (m *Method) CountWork() (iterations *int) {
	iterations = new(int)
	m.compute = func(h Hash, password []byte) bool {
		*iterations += h.iterations
		return h.Verify(password)
	}
	return iterations
}
