//go:build !plan9

package customauth

import (
	"errors"
	"syscall"
)

// exhausted reports whether a connection failed because this machine has no
// more file descriptors, memory or ports. Clients can bring that about, so it
// is not the server that cannot be reached (AUTHN-5).
func exhausted(err error) bool {
	const tooManySockets, noBufferSpace = 10024, 10055 // Windows; no other system has these numbers
	for _, e := range []syscall.Errno{
		syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.EADDRNOTAVAIL,
		tooManySockets, noBufferSpace,
	} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}
