package exhausted_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"testing"

	"github.com/mqttwarden/mqttwarden/internal/exhausted"
)

// AUTHN-5: what our own load can bring about is nobody's outage.
func TestIs(t *testing.T) {
	wrapped := &net.OpError{Op: "dial", Err: os.NewSyscallError("socket", syscall.EMFILE)}
	for err, want := range map[error]bool{
		syscall.EMFILE:                true,
		wrapped:                       true,
		fmt.Errorf("no: %w", wrapped): true,
		syscall.ECONNREFUSED:          false,
		io.EOF:                        false,
		errors.New("too many open"):   false,
	} {
		if got := exhausted.Is(err); got != want {
			t.Errorf("Is(%v) = %v, want %v", err, got, want)
		}
	}
}
