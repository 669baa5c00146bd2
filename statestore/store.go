package statestore

// Entry is what a store keeps for a key.
type Entry struct {
	Value   []byte
	Version Timestamp
	Fence   Timestamp // the fencing token that protects the key; zero: none
	Expires int64     // milliseconds since 1970; 0: never
	Persist bool      // the client asked for disk persistence
}

// Store keeps the entries for one Service, which is its only user and calls one
// method at a time. It knows nothing of the protocol, of clocks and of watchers,
// and it never removes an entry by itself.
//
// A durable store may write in batches. Its owner then holds replies and
// notifications back until they are on disk (STORE-5), and counts the bytes that
// wait.
type Store interface {
	// Get returns the entry of a key. Its Value may be read until the next call
	// of a method.
	Get(key []byte) (e Entry, found bool, err error)

	// Put keeps an entry in place of the one of that key, if any. It copies key,
	// value and the fence's node. ErrQuota says that there is no room; any error
	// means that nothing has changed.
	Put(key []byte, e Entry) error

	// Delete removes the entry of a key. The version is the deletion's; it counts
	// for LastVersion.
	Delete(key []byte, version Timestamp) error

	// Earliest returns the entry that expires first, by Expires and then Version.
	// The key is appended to buf.
	Earliest(buf []byte) (key []byte, expires int64, found bool)

	// LastVersion returns the greatest version of any Put or Delete ever; zero if
	// there was none.
	LastVersion() Timestamp
}
