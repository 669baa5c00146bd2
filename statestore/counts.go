package statestore

// Counts counts what a Service has done. It begins at zero and never falls.
type Counts struct {
	Retrievals        uint64 // GET, of keys that are there or not
	Insertions        uint64 // SET of a key that was not there
	Modifications     uint64 // SET of a key that was
	Deletions         uint64 // of keys that were there: DEL, VDEL, expiry
	NotifyRequests    uint64 // KEYNOTIFY that registered
	NotificationsSent uint64 // handed to the caller, one for each session
}

// Counts returns what has been done up to now.
func (s *Service[S]) Counts() Counts { return s.counts }
