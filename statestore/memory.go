package statestore

import (
	"bytes"
	"strings"
)

// DefaultQuota is the quota of a Memory in bytes if none is given.
const DefaultQuota = 256 << 20

// entryOverhead is what an entry costs besides key and value, in bytes: its
// record, its place in the map and in the deadlines, and what the allocator rounds
// up.
const entryOverhead = 192

// Memory is a Store in memory. It is not safe for concurrent use. Make one with
// NewMemory.
type Memory struct {
	quota, used int64
	records     map[string]*record
	deadlines   deadlines
	last        Timestamp
}

var _ Store = (*Memory)(nil)

// record is one entry. A million of them are the reason for its layout: 96 bytes.
type record struct {
	key     string
	value   []byte
	version Timestamp
	fence   *Timestamp // nil: none
	expires int64      // 0: never
	place   int32      // in deadlines, if it expires
	persist bool
}

// NewMemory returns an empty store of at most quota bytes: keys, values, and a
// fixed overhead for each entry, which together are about the heap that they take.
// Zero or less: DefaultQuota.
func NewMemory(quota int64) *Memory {
	if quota <= 0 {
		quota = DefaultQuota
	}
	return &Memory{quota: quota, records: make(map[string]*record)}
}

// Used returns how many bytes of the quota are taken.
func (m *Memory) Used() int64 { return m.used }

// Len returns the number of entries.
func (m *Memory) Len() int { return len(m.records) }

// Get implements Store. The error is nil.
func (m *Memory) Get(key []byte) (Entry, bool, error) {
	r := m.records[string(key)]
	if r == nil {
		return Entry{}, false, nil
	}
	e := Entry{Value: r.value, Version: r.version, Expires: r.expires, Persist: r.persist}
	if r.fence != nil {
		e.Fence = *r.fence
	}
	return e, true, nil
}

// Put implements Store. The error is ErrQuota or nil. What makes an entry smaller
// is never refused.
func (m *Memory) Put(key []byte, e Entry) error {
	r := m.records[string(key)]
	growth := cost(len(key), len(e.Value), e.Fence)
	if r != nil {
		growth -= r.cost()
	}
	if growth > m.quota-m.used {
		return ErrQuota
	}
	m.used += growth
	if r == nil {
		r = &record{key: string(key)}
		m.records[r.key] = r
	}
	m.deadlines.remove(r)
	r.setValue(e.Value)
	r.version, r.expires, r.persist = e.Version, e.Expires, e.Persist
	r.setFence(e.Fence)
	m.deadlines.add(r)
	m.see(e.Version)
	return nil
}

// setValue keeps a copy, in the memory of the old value if it fits closely: a
// value that shrinks must not hold what the quota no longer counts.
func (r *record) setValue(value []byte) {
	if spare := cap(r.value) - len(value); spare < 0 || spare > len(value)/8+16 {
		r.value = bytes.Clone(value)
		return
	}
	r.value = append(r.value[:0], value...)
}

// setFence keeps a copy: the node of a request's token is part of larger text.
func (r *record) setFence(fence Timestamp) {
	switch {
	case fence.IsZero():
		r.fence = nil
	case r.fence == nil || *r.fence != fence:
		r.fence = &Timestamp{fence.Wall, fence.Counter, strings.Clone(fence.Node)}
	}
}

// Delete implements Store. The error is nil.
func (m *Memory) Delete(key []byte, version Timestamp) error {
	m.see(version)
	r := m.records[string(key)]
	if r == nil {
		return nil
	}
	m.used -= r.cost()
	m.deadlines.remove(r)
	delete(m.records, r.key)
	return nil
}

// Earliest implements Store.
func (m *Memory) Earliest(buf []byte) ([]byte, int64, bool) {
	if len(m.deadlines) == 0 {
		return buf, 0, false
	}
	first := m.deadlines[0]
	return append(buf, first.key...), first.expires, true
}

// LastVersion implements Store.
func (m *Memory) LastVersion() Timestamp { return m.last }

func (m *Memory) see(version Timestamp) {
	if version.Compare(m.last) > 0 {
		m.last = version
	}
}

func (r *record) cost() int64 {
	if r.fence == nil {
		return cost(len(r.key), len(r.value), Timestamp{})
	}
	return cost(len(r.key), len(r.value), *r.fence)
}

func cost(key, value int, fence Timestamp) int64 {
	n := int64(key) + int64(value) + entryOverhead
	if !fence.IsZero() {
		n += 32 + int64(len(fence.Node))
	}
	return n
}
