package broker

import (
	"errors"
	"syscall"

	"github.com/mqttwarden/mqttwarden/broker/internal/wire"
)

// input is a TCP connection as [wire.Direct]: one that is idle holds no buffer,
// and one that sends much is read in large pieces.
type input struct {
	*conn
	raw syscall.RawConn
	try func(fd uintptr) bool // reads into room, for raw

	room wire.Room
	n    int
	err  error
}

var errNothing = errors.New("nothing to read now")

func newInput(c *conn, raw syscall.RawConn) *input {
	i := &input{conn: c, raw: raw}
	i.try = func(fd uintptr) bool {
		i.n, i.err = readNow(fd, i.room.Bytes())
		if i.err == errNothing { //nolint:errorlint // our own
			i.room.Idle()
			return false
		}
		return true
	}
	return i
}

// ReadInto is Read, as wire.Direct wants it.
func (i *input) ReadInto(r wire.Room) (int, error) {
	i.room = r
	i.beforeRead()
	n, err := i.once()
	for i.again(err) {
		n, err = i.once()
	}
	return n, i.afterRead(n, err)
}

// once waits until something can be read, and reads it.
func (i *input) once() (int, error) {
	i.n, i.err = 0, nil
	if err := i.raw.Read(i.try); err != nil {
		return 0, err
	}
	return i.n, i.err
}
