package x509attr

// element is one DER value.
type element struct {
	raw    []byte // tag, length and content
	header int    // length of tag and length
}

func (e element) tag() byte       { return e.raw[0] }
func (e element) content() []byte { return e.raw[e.header:] }

// Tags of the types that make up a name (X.501, Name).
const (
	tagOID      = 0x06
	tagSequence = 0x30
	tagSet      = 0x31
)

// readElement splits the first element from b. It is strict: one tag byte, a
// definite length in as few bytes as possible, at most three of them (16 MiB,
// more than any TLS handshake carries).
func readElement(b []byte) (e element, rest []byte, ok bool) {
	start, end := measure(b)
	if end == 0 {
		return element{}, nil, false
	}
	return element{raw: b[:end], header: start}, b[end:], true
}

// readTagged splits the content of the first element from b if it has the tag.
// The short form comes first: nearly all of a name is in it, and to read it is
// most of the cost of a match.
func readTagged(b []byte, tag byte) (content, rest []byte, ok bool) {
	if len(b) < 2 || b[0] != tag || int(b[1]) > len(b)-2 || b[1] >= longForm {
		return readTaggedLong(b, tag)
	}
	end := 2 + int(b[1])
	return b[2:end], b[end:], true
}

// readTaggedLong is readTagged for every form.
func readTaggedLong(b []byte, tag byte) (content, rest []byte, ok bool) {
	start, end := measure(b)
	if end == 0 || b[0] != tag {
		return nil, nil, false
	}
	return b[start:end], b[end:], true
}

// measure returns where the content of the first element of b starts and ends,
// or zeros if there is none.
func measure(b []byte) (start, end int) {
	const highTag = 0x1F
	if len(b) < 2 || b[0]&highTag == highTag {
		return 0, 0
	}
	start, end = 2, 2+int(b[1])
	if b[1] >= longForm {
		start, end = measureLong(b)
	}
	if end > len(b) {
		return 0, 0
	}
	return start, end
}

// longForm marks a length byte that holds the number of those that follow.
const longForm = 0x80

// measureLong is measure for the long form, but end may be beyond b.
func measureLong(b []byte) (start, end int) {
	const maxLengthBytes = 3
	n := int(b[1]) - longForm
	if n == 0 || n > maxLengthBytes || len(b) < 2+n || b[2] == 0 {
		return 0, 0
	}
	length := 0
	for _, c := range b[2 : 2+n] {
		length = length<<8 | int(c)
	}
	if length < longForm {
		return 0, 0
	}
	return 2 + n, 2 + n + length
}

// readName returns the RDNs of a raw name, for nextRDN.
func readName(raw []byte) (rdns []byte, ok bool) {
	rdns, rest, ok := readTagged(raw, tagSequence)
	return rdns, ok && len(rest) == 0
}

// nextRDN splits the attributes of the first RDN from rdns, for nextAttribute.
// An RDN has at least one attribute.
func nextRDN(rdns []byte) (set, rest []byte, ok bool) {
	set, rest, ok = readTagged(rdns, tagSet)
	return set, rest, ok && len(set) > 0
}

// nextAttribute splits the first attribute from the set of an RDN.
func nextAttribute(set []byte) (oid []byte, value element, rest []byte, ok bool) {
	pair, rest, ok := readTagged(set, tagSequence)
	if !ok {
		return nil, element{}, nil, false
	}
	oid, pair, ok = readTagged(pair, tagOID)
	if !ok || !validOID(oid) {
		return nil, element{}, nil, false
	}
	value, pair, ok = readElement(pair)
	return oid, value, rest, ok && len(pair) == 0
}

// validOID reports whether b is the content of an OBJECT IDENTIFIER, every arc
// in as few bytes as possible (X.690, 8.19.2): one OID, one encoding.
func validOID(b []byte) bool {
	start := true
	for _, c := range b {
		if start && c == 0x80 {
			return false
		}
		start = c < 0x80
	}
	return len(b) > 0 && start
}
