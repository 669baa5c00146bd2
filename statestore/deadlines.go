package statestore

// deadlines is a binary heap of the records that expire, the earliest first.
// Each record knows its place, so that it can be taken out of the middle.
type deadlines []*record

func (d deadlines) before(i, j int) bool {
	a, b := d[i], d[j]
	if a.expires != b.expires {
		return a.expires < b.expires
	}
	return a.version.Compare(b.version) < 0
}

// add takes in a record, unless it never expires.
func (d *deadlines) add(r *record) {
	if r.expires == 0 {
		return
	}
	r.place = int32(len(*d))
	*d = append(*d, r)
	d.up(len(*d) - 1)
}

// remove takes out a record that was added as it is.
func (d *deadlines) remove(r *record) {
	if r.expires == 0 {
		return
	}
	i, last := int(r.place), len(*d)-1
	d.swap(i, last)
	(*d)[last] = nil
	*d = (*d)[:last]
	if i < last {
		d.down(i)
		d.up(i)
	}
}

func (d deadlines) swap(i, j int) {
	d[i], d[j] = d[j], d[i]
	d[i].place, d[j].place = int32(i), int32(j)
}

func (d deadlines) up(i int) {
	for i > 0 {
		parent := (i - 1) / 2
		if !d.before(i, parent) {
			return
		}
		d.swap(i, parent)
		i = parent
	}
}

func (d deadlines) down(i int) {
	for {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < len(d); child++ {
			if d.before(child, least) {
				least = child
			}
		}
		if least == i {
			return
		}
		d.swap(i, least)
		i = least
	}
}
