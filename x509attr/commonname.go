package x509attr

import (
	"bytes"
	"crypto/x509"
	"unicode"
)

// CommonName returns the common name of a certificate's subject, as UTF-8. It
// is not ok unless the whole subject is well-formed and has exactly one common
// name, which can be decoded, is not empty and has no control characters
// (X509-5): readers of certificates disagree about which of two common names
// counts (S-63).
func CommonName(cert *x509.Certificate) (name string, ok bool) {
	if cert == nil {
		return "", false
	}
	value, ok := onlyCommonName(cert.RawSubject)
	if !ok {
		return "", false
	}
	text, ok := appendText(nil, value)
	if !ok || len(text) == 0 || bytes.ContainsFunc(text, unicode.IsControl) {
		return "", false
	}
	return string(text), true
}

// onlyCommonName returns the value of the one common name in a raw name.
func onlyCommonName(raw []byte) (cn element, ok bool) {
	const commonName = "\x55\x04\x03" // 2.5.4.3
	rdns, ok := readName(raw)
	if !ok {
		return element{}, false
	}
	count := 0
	for len(rdns) > 0 {
		var set []byte
		set, rdns, ok = nextRDN(rdns)
		if !ok {
			return element{}, false
		}
		for len(set) > 0 {
			var oid []byte
			var value element
			oid, value, set, ok = nextAttribute(set)
			if !ok {
				return element{}, false
			}
			if string(oid) == commonName {
				cn = value
				count++
			}
		}
	}
	return cn, count == 1
}
