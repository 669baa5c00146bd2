package x509attr

import (
	"bytes"
	"encoding/binary"
)

// A key is a name in one form, whatever the string types and the order within
// an RDN. Two names are equal exactly if their keys are:
//
//	name      = RDN...                       in order
//	RDN       = count attribute...           sorted by bytes
//	attribute = length OID kind length value lengths of 4 bytes
//
// Every part tells where it ends, so no value can reach into the next part.
const (
	kindText = 't' // value is UTF-8
	kindDER  = 'd' // value is the whole DER element
)

// maxAttributes bounds the attributes of one RDN; more than two are rare.
const maxAttributes = 16

// appendName appends the key of a raw name to buf. It is not ok if the name is
// malformed, cannot be decoded, or has a key much longer than limit bytes.
func appendName(buf, raw []byte, limit int) (key []byte, ok bool) {
	rdns, ok := readName(raw)
	if !ok {
		return nil, false
	}
	for len(rdns) > 0 {
		set, rest, ok := nextRDN(rdns)
		if !ok {
			return nil, false
		}
		buf, ok = appendRDN(buf, set, limit)
		if !ok {
			return nil, false
		}
		rdns = rest
	}
	return buf, true
}

func appendRDN(buf, set []byte, limit int) (key []byte, ok bool) {
	oid, value, rest, ok := nextAttribute(set)
	if !ok {
		return nil, false
	}
	if len(rest) > 0 {
		return appendLongRDN(buf, set, limit)
	}
	return appendAttribute(append(buf, 1), oid, value, limit)
}

// appendLongRDN is appendRDN for any number of attributes.
func appendLongRDN(buf, set []byte, limit int) (key []byte, ok bool) {
	var ends [maxAttributes + 1]int // attribute i is buf[ends[i]:ends[i+1]]
	n := 0
	buf = append(buf, 0)
	ends[0] = len(buf)
	for len(set) > 0 {
		oid, value, rest, ok := nextAttribute(set)
		if !ok || n == maxAttributes {
			return nil, false
		}
		buf, ok = appendAttribute(buf, oid, value, limit)
		if !ok {
			return nil, false
		}
		n++
		ends[n] = len(buf)
		set = rest
	}
	buf[ends[0]-1] = byte(n)
	return sortParts(buf, ends[:n+1]), true
}

func appendAttribute(buf, oid []byte, value element, limit int) (key []byte, ok bool) {
	// No value shrinks to less than a quarter (UniversalString) here; what the
	// headers lose, the lengths in the key add.
	if len(buf)+len(oid)+len(value.raw)/4 > limit {
		return nil, false
	}
	buf = binary.BigEndian.AppendUint32(buf, uint32(len(oid)))
	buf = append(buf, oid...)
	if !isText(value.tag()) {
		buf = append(buf, kindDER)
		buf = binary.BigEndian.AppendUint32(buf, uint32(len(value.raw)))
		return append(buf, value.raw...), true
	}
	buf = append(buf, kindText, 0, 0, 0, 0)
	start := len(buf)
	buf, ok = appendText(buf, value)
	if !ok {
		return nil, false
	}
	binary.BigEndian.PutUint32(buf[start-4:], uint32(len(buf)-start))
	return buf, true
}

// sortParts sorts the parts at the end of buf, which lie between two ends each.
func sortParts(buf []byte, ends []int) []byte {
	var parts [maxAttributes][]byte
	n := len(ends) - 1
	for i := range n {
		part, j := buf[ends[i]:ends[i+1]], i
		for ; j > 0 && bytes.Compare(parts[j-1], part) > 0; j-- {
			parts[j] = parts[j-1]
		}
		parts[j] = part
	}
	first, last := ends[0], ends[n]
	for _, part := range parts[:n] {
		buf = append(buf, part...)
	}
	return buf[:first+copy(buf[first:], buf[last:])]
}
