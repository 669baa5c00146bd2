package sat

import (
	"errors"
	"syscall"
)

// exhausted reports whether a connection failed because this machine has no
// more file descriptors, which is not the server's doing (AUTHN-5).
func exhausted(err error) bool { return errors.Is(err, syscall.EMFILE) }
