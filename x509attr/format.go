package x509attr

import (
	"crypto/x509"
	"encoding/hex"
	"strings"
	"unicode"
)

// FormatSubject prints the subject of a certificate as RFC 4514 does, last RDN
// first, so that as [Rule.Subject] it equals this subject. Invisible characters
// are escaped. It is not ok if no rule can equal the subject: it is empty,
// malformed or cannot be decoded, or is longer than a rule may be.
func FormatSubject(cert *x509.Certificate) (subject string, ok bool) {
	if cert == nil {
		return "", false
	}
	rdns, ok := readName(cert.RawSubject)
	if !ok {
		return "", false
	}
	for len(rdns) > 0 {
		var set []byte
		set, rdns, ok = nextRDN(rdns)
		if !ok {
			return "", false
		}
		rdn, ok := formatRDN(set)
		if !ok {
			return "", false
		}
		if subject != "" {
			rdn += ","
		}
		if len(rdn)+len(subject) > maxSubjectBytes {
			return "", false
		}
		subject = rdn + subject
	}
	return subject, subject != ""
}

func formatRDN(set []byte) (rdn string, ok bool) {
	var attributes []string
	for len(set) > 0 {
		oid, value, rest, ok := nextAttribute(set)
		if !ok || len(attributes) == maxAttributes {
			return "", false
		}
		text, ok := formatValue(value)
		name, known := formatType(oid)
		if !ok || !known {
			return "", false
		}
		attributes = append(attributes, name+"="+text)
		set = rest
	}
	return strings.Join(attributes, "+"), true
}

// formatType prints an attribute type: the keywords of RFC 4514, section 3,
// else a dotted OID.
func formatType(oid []byte) (name string, ok bool) {
	if len(oid) > maxSubjectBytes {
		return "", false // printing is quadratic in the length of an arc
	}
	var parsed x509.OID
	if err := parsed.UnmarshalBinary(oid); err != nil {
		return "", false
	}
	dotted := parsed.String()
	for _, name := range []string{"CN", "L", "ST", "O", "OU", "C", "STREET", "DC", "UID"} {
		if keyword(strings.ToLower(name)) == dotted {
			return name, true
		}
	}
	return dotted, true
}

// formatValue prints a value, escaped as RFC 4514, section 2.4 asks for, or in
// hex if it is not text.
func formatValue(v element) (text string, ok bool) {
	if !isText(v.tag()) {
		return "#" + hex.EncodeToString(v.raw), true
	}
	decoded, ok := appendText(nil, v)
	if !ok {
		return "", false
	}
	var b strings.Builder
	last := len(decoded) - 1
	for i, r := range string(decoded) {
		switch {
		case unicode.IsControl(r), unicode.Is(unicode.Bidi_Control, r):
			b.WriteString(escapeBytes(string(r)))
			continue
		case strings.ContainsRune(`,+"\<>;`, r), r == '#' && i == 0, r == ' ' && (i == 0 || i == last):
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String(), true
}
