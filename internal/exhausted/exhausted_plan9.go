// Package exhausted tells our own shortage from somebody else's outage.
package exhausted

import (
	"errors"
	"syscall"
)

// Is reports whether an error says that this machine has run out of file
// descriptors, which is not a server's doing (AUTHN-5).
func Is(err error) bool { return errors.Is(err, syscall.EMFILE) }
