package session

// flight is a delivery with a packet id, from its first sending to its last
// acknowledgement.
type flight struct {
	Delivery
	id         uint16 // 0 in a free slot
	prev, next uint16 // neighbours in the chain; 0 at its ends
	releasing  bool   // PUBREC came: in that chain, and Message is nil
	sent       bool   // on this connection: counted in window.used
}

// chain is a list of flights in order, linked by packet id. Those from unsent
// on have not been sent on this connection.
type chain struct {
	first, last, unsent uint16
}

// window holds the flights of a session. A flight lies in the slot that the low
// bits of its packet id name, and an id is only given out when that slot is
// free. So a look-up is one index, ids still go round through all 65,535
// values, and the table is as large as the window, not as the id space.
type window struct {
	slots      []flight // length is a power of two or 0
	n          int
	peak       int    // greatest n since it was 0
	used       int    // sent on this connection and not completed
	last       uint16 // packet id given out last
	publishing chain  // in order of first sending [MQTT-4.6.0-1]
	releasing  chain  // in order of PUBREC [MQTT-4.6.0-4]
}

const (
	minSlots = 8
	// keptSlots is the size above which an empty table is given back at once.
	keptSlots = 512
	// maxWindow keeps half of the 65,536 slots free that 16 bits can name, so
	// that a free id is found quickly.
	maxWindow = 1 << 15
)

// get returns the flight of a packet id, or nil. The pointer is valid until the
// next add.
func (w *window) get(id uint16) *flight {
	if id == 0 || len(w.slots) == 0 {
		return nil
	}
	f := &w.slots[int(id)&(len(w.slots)-1)]
	if f.id != id {
		return nil
	}
	return f
}

// add gives d the next free packet id, as sent on this connection. The caller
// sees to it that there are fewer than maxWindow.
func (w *window) add(d Delivery) *flight {
	if w.n*2 >= len(w.slots) {
		w.grow()
	}
	for {
		w.last++
		f := &w.slots[int(w.last)&(len(w.slots)-1)]
		if w.last == 0 || f.id != 0 {
			continue
		}
		*f = flight{Delivery: d, id: w.last, sent: true}
		w.n++
		w.peak = max(w.peak, w.n)
		w.used++
		w.link(&w.publishing, f)
		return f
	}
}

// grow doubles the table. Ids that differ in their low bits still do when one
// more bit counts.
func (w *window) grow() {
	old := w.slots
	w.slots = make([]flight, max(minSlots, 2*len(old)))
	for _, f := range old {
		if f.id != 0 {
			w.slots[int(f.id)&(len(w.slots)-1)] = f
		}
	}
}

// link appends f to a chain.
func (w *window) link(c *chain, f *flight) {
	f.prev, f.next = c.last, 0
	if last := w.get(c.last); last != nil {
		last.next = f.id
	} else {
		c.first = f.id
	}
	c.last = f.id
}

// unlink takes f out of its chain.
func (w *window) unlink(c *chain, f *flight) {
	if c.unsent == f.id {
		c.unsent = f.next
	}
	if prev := w.get(f.prev); prev != nil {
		prev.next = f.next
	} else {
		c.first = f.next
	}
	if next := w.get(f.next); next != nil {
		next.prev = f.prev
	} else {
		c.last = f.prev
	}
}

// chainOf returns the chain that f is in.
func (w *window) chainOf(f *flight) *chain {
	if f.releasing {
		return &w.releasing
	}
	return &w.publishing
}

// remove frees the packet id of f.
func (w *window) remove(f *flight) {
	w.unlink(w.chainOf(f), f)
	if f.sent {
		w.used--
	}
	*f = flight{}
	w.n--
	if w.n > 0 {
		return
	}
	if len(w.slots) > keptSlots || len(w.slots) > minSlots && w.peak*8 <= len(w.slots) {
		w.slots = nil
	}
	w.peak = 0
}

// compact gives back the table if it is empty. The ids go on where they were.
func (w *window) compact() {
	if w.n == 0 {
		w.slots = nil
	}
}

// release moves f to the end of the releasing chain, from which its PUBREL is
// to be sent. The message is not needed any more.
func (w *window) release(f *flight) {
	w.unlink(w.chainOf(f), f)
	f.Delivery = Delivery{QoS: 2}
	f.releasing = true
	w.link(&w.releasing, f)
	if w.releasing.unsent == 0 {
		w.releasing.unsent = f.id
	}
}

// advance marks the first unsent flight of a chain as sent and returns it.
func (w *window) advance(c *chain) *flight {
	f := w.get(c.unsent)
	c.unsent = f.next
	if !f.sent {
		f.sent = true
		w.used++
	}
	return f
}

// rewind makes everything unsent, for a new connection.
func (w *window) rewind() {
	for i := range w.slots {
		w.slots[i].sent = false
	}
	w.used = 0
	w.publishing.unsent = w.publishing.first
	w.releasing.unsent = w.releasing.first
}
