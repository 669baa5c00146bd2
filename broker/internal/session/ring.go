package session

// ring is a queue of deliveries. The zero ring is empty and takes no memory.
type ring struct {
	buf  []Delivery // length is a power of two or 0
	head int        // index of the first
	n    int
	peak int // greatest n since it was empty
}

const (
	minRing = 8
	// keptRing is the size up to which a ring that is in use keeps its array: a
	// queue that fills and drains with each write must not allocate each time.
	keptRing = 256
)

// at returns the delivery i places behind the first.
func (r *ring) at(i int) *Delivery { return &r.buf[(r.head+i)&(len(r.buf)-1)] }

func (r *ring) push(d Delivery) {
	if r.n == len(r.buf) {
		r.resize(max(minRing, 2*r.n))
	}
	r.n++
	r.peak = max(r.peak, r.n)
	*r.at(r.n - 1) = d
}

// drop removes the first. It gives back memory step by step when little of a
// large array is used, and all when little was used since the last time that
// the ring was empty.
func (r *ring) drop() {
	*r.at(0) = Delivery{}
	r.head = (r.head + 1) & (len(r.buf) - 1)
	r.n--
	switch {
	case r.n == 0:
		if len(r.buf) > minRing && r.peak*8 <= len(r.buf) {
			r.buf, r.head = nil, 0
		}
		r.peak = 0
	case len(r.buf) > keptRing && r.n*8 <= len(r.buf):
		r.resize(len(r.buf) / 2)
	}
}

// compact gives back all memory that is not needed now.
func (r *ring) compact() {
	size := 0
	for size < r.n {
		size = max(minRing, 2*size)
	}
	if size != len(r.buf) {
		r.resize(size)
	}
}

func (r *ring) resize(size int) {
	buf := make([]Delivery, size)
	for i := range r.n {
		buf[i] = *r.at(i)
	}
	r.buf, r.head = buf, 0
}

// filter removes the deliveries that keep refuses; the rest keeps its order.
func (r *ring) filter(keep func(*Delivery) bool) {
	kept := 0
	for i := range r.n {
		d := r.at(i)
		if !keep(d) {
			continue
		}
		*r.at(kept) = *d
		kept++
	}
	for i := kept; i < r.n; i++ {
		*r.at(i) = Delivery{}
	}
	r.n = kept
	r.compact()
}
