//go:build !plan9

// Package exhausted tells our own shortage from somebody else's outage.
package exhausted

import (
	"errors"
	"slices"
	"syscall"
)

// Is reports whether an error says that this machine has run out of file
// descriptors, memory or ports. Clients can bring that about, so it does not
// say that a server cannot be reached (AUTHN-5).
func Is(err error) bool {
	const tooManySockets, noBufferSpace = 10024, 10055 // as Windows numbers them
	var number syscall.Errno
	return errors.As(err, &number) && slices.Contains([]syscall.Errno{
		syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.EADDRNOTAVAIL,
		tooManySockets, noBufferSpace,
	}, number)
}
