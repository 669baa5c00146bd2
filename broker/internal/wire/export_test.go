package wire

// BufferSize returns the size of the buffer that the Reader reads into.
func (r *Reader) BufferSize() int { return len(r.buf) }
