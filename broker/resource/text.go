package resource

import (
	"bytes"
	"fmt"
	"unicode/utf8"
)

// Bounds of one file. A Kubernetes object is at most about 1.5 MiB; a file may
// hold several.
//
// What a parser takes grows with the number of values, not with the bytes, so
// characters that can begin a value are counted before any parser begins. A rule
// has about 20. The reader of JSON takes up to 128 bytes for one, the YAML library
// up to 1 KiB: it gets less of them, so that the worst file takes less than 400
// MiB for a moment.
const (
	maxFileBytes = 8 << 20
	maxDepth     = 64      // of nested lists and mappings
	maxMarks     = 1 << 20 // in a file
	maxYAMLMarks = 1 << 18 // in a file of YAML

	maxErrors       = 1000 // reported for one file
	maxSyntaxErrors = 20   // after which the rest of a file is not read
)

// checkText refuses what no notation should have to deal with, before a parser
// sees it: too much, another encoding, and characters that some programs take
// for line breaks and others do not. Values are too many when there are more than
// most marks. It returns the text without a byte order mark.
func checkText(file string, data []byte, most int) ([]byte, *Error) {
	if len(data) > maxFileBytes {
		return nil, &Error{Position: Position{file, 1, 1}, Detail: fmt.Sprintf("file is larger than %d MiB; split it", maxFileBytes>>20)}
	}
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	if at := offsetOfMark(data, most); at >= 0 {
		return nil, &Error{Position: placeOf(data, at).in(file), Detail: fmt.Sprintf("file has more than %d values; split it", most)}
	}
	for i := 0; i < len(data); {
		if b := data[i]; b >= ' ' && b < 0x7f || b == '\t' || b == '\n' || b == '\r' {
			i++
			continue
		}
		r, n := utf8.DecodeRune(data[i:])
		if problem := unwanted(r, n); problem != "" {
			return nil, &Error{Position: placeOf(data, i).in(file), Detail: problem}
		}
		i += n
	}
	return data, nil
}

// marks are the characters that can begin a value.
const marks = ":,-?[{"

// offsetOfMark returns where the mark is that has so many others before it, or -1.
func offsetOfMark(data []byte, others int) int {
	count := 0
	for i := range len(marks) {
		count += bytes.Count(data, []byte(marks[i:i+1]))
	}
	if count <= others {
		return -1
	}
	at := -1
	for range others + 1 {
		at += 1 + bytes.IndexAny(data[at+1:], marks)
	}
	return at
}

// unwanted says what is wrong with a character that is not printable ASCII, or
// returns "".
func unwanted(r rune, size int) string {
	switch {
	case r == utf8.RuneError && size <= 1:
		return "invalid UTF-8; save the file as UTF-8"
	case r < ' ' || r >= 0x7f && r < 0xa0:
		return fmt.Sprintf("control character U+%04X; remove it", r)
	case r == 0x2028 || r == 0x2029:
		return fmt.Sprintf("line separator U+%04X; use a plain newline", r)
	default:
		return ""
	}
}

// placeOf converts a byte offset to a line and a column.
func placeOf(data []byte, offset int) place {
	before := data[:min(offset, len(data))]
	line := 1 + bytes.Count(before, []byte("\n"))
	start := bytes.LastIndexByte(before, '\n') + 1
	return place{int32(line), int32(1 + utf8.RuneCount(before[start:]))}
}
