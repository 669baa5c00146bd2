package statestore

import (
	"fmt"
	"strconv"
)

// SyntaxError says where a payload stops being a command. On the wire it is
// ErrSyntax.
type SyntaxError struct {
	Offset int    // in the payload, in bytes
	Reason string // holds nothing of the payload
}

// Error returns the place and the reason.
func (e *SyntaxError) Error() string {
	return fmt.Sprintf("statestore: syntax error at byte %d: %s", e.Offset, e.Reason)
}

// Is makes errors.Is(e, ErrSyntax) true.
func (e *SyntaxError) Is(target error) bool { return target == ErrSyntax }

// maxWords is how many elements a command can use; SET with everything has 6.
const maxWords = 6

// words are the elements of a request. There may be more than are kept: a
// command with too many is well-formed and wrong.
type words struct {
	count int
	text  [maxWords][]byte // into the payload
	at    [maxWords]int    // offsets in the payload
}

// maxDigits of a count or length: more than any MQTT packet holds, and no
// overflow of 32 bits.
const maxDigits = 9

// parseWords reads a RESP3 array of bulk strings that takes the whole payload.
// Nothing else of RESP3 is a request, so there is no nesting. A count or length
// is only ever compared with the bytes that are there.
func parseWords(payload []byte, w *words) error {
	count, off, err := parseLength(payload, 0, '*')
	if err != nil {
		return err
	}
	if count == 0 {
		return &SyntaxError{0, "the array is empty: a command has a verb"}
	}
	for i := range count {
		size, start, err := parseLength(payload, off, '$')
		if err != nil {
			return err
		}
		end := start + size
		if len(payload)-start < size+2 {
			return &SyntaxError{off, "the string is longer than the payload"}
		}
		if payload[end] != '\r' || payload[end+1] != '\n' {
			return &SyntaxError{end, "CR LF is missing behind the string"}
		}
		if i < maxWords {
			w.text[i], w.at[i] = payload[start:end:end], start
		}
		off = end + 2
	}
	if off != len(payload) {
		return &SyntaxError{off, "there are bytes behind the command"}
	}
	w.count = count
	return nil
}

// parseLength reads the line at off: kind, a decimal number without sign or
// leading zeros, CR LF. It returns the number and where the next line begins.
func parseLength(payload []byte, off int, kind byte) (n, next int, err error) {
	if off >= len(payload) {
		return 0, 0, &SyntaxError{off, "the payload ends too early"}
	}
	if payload[off] != kind {
		return 0, 0, &SyntaxError{off, "a request is an array (*) of bulk strings ($)"}
	}
	i := off + 1
	for ; i < len(payload) && '0' <= payload[i] && payload[i] <= '9'; i++ {
		if i-off > maxDigits {
			return 0, 0, &SyntaxError{off, "the number is too large"}
		}
		n = n*10 + int(payload[i]-'0')
	}
	switch {
	case i == off+1:
		return 0, 0, &SyntaxError{i, "a decimal number is missing"}
	case payload[off+1] == '0' && i > off+2:
		return 0, 0, &SyntaxError{off + 1, "the number has a leading zero"}
	case len(payload)-i < 2 || payload[i] != '\r' || payload[i+1] != '\n':
		return 0, 0, &SyntaxError{i, "CR LF is missing behind the number"}
	}
	return n, i + 2, nil
}

// AppendOK appends the reply "+OK".
func AppendOK(b []byte) []byte { return append(b, "+OK\r\n"...) }

// AppendInteger appends an integer reply: 1 and 0 for deleted and absent, -1 for
// not applied.
func AppendInteger(b []byte, n int) []byte {
	return append(strconv.AppendInt(append(b, ':'), int64(n), 10), "\r\n"...)
}

// AppendNull appends the reply to a GET of an absent key.
func AppendNull(b []byte) []byte { return append(b, "$-1\r\n"...) }

// AppendError appends an error reply: "-ERR ", the text, CR LF.
func AppendError(b []byte, e ReplyError) []byte {
	return append(append(append(b, "-ERR "...), e...), "\r\n"...)
}

// AppendBulk appends a bulk string: the reply to GET, or an element of an array.
func AppendBulk[T string | []byte](b []byte, s T) []byte {
	b = append(strconv.AppendInt(append(b, '$'), int64(len(s)), 10), "\r\n"...)
	return append(append(b, s...), "\r\n"...)
}

// AppendArray appends the head of an array; n elements have to follow.
func AppendArray(b []byte, n int) []byte {
	return append(strconv.AppendInt(append(b, '*'), int64(n), 10), "\r\n"...)
}

// AppendSetNotification appends the payload that tells of a new value.
func AppendSetNotification(b, value []byte) []byte {
	b = append(b, "*4\r\n$6\r\nNOTIFY\r\n$3\r\nSET\r\n$5\r\nVALUE\r\n"...)
	return AppendBulk(b, value)
}

// AppendDeleteNotification appends the payload that tells that a key is gone, by
// DEL, VDEL or expiry.
func AppendDeleteNotification(b []byte) []byte {
	return append(b, "*2\r\n$6\r\nNOTIFY\r\n$6\r\nDELETE\r\n"...)
}
