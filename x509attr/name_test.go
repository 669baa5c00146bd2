package x509attr_test

import (
	"crypto/x509"
	"encoding/asn1"
	"testing"
	"unicode/utf16"

	"github.com/mqttwarden/mqttwarden/x509attr"
)

// Tags of string types, for attributes built by hand.
const (
	utf8String      = 12
	numericString   = 18
	printableString = 19
	teletexString   = 20
	ia5String       = 22
	graphicString   = 25
	visibleString   = 26
	generalString   = 27
	universalString = 28
	bmpString       = 30
)

// attribute is one attribute of a subject, encoded as it says.
type attribute struct {
	oid     string
	tag     int
	content string
}

const (
	cn     = "2.5.4.3"
	c      = "2.5.4.6"
	o      = "2.5.4.10"
	ou     = "2.5.4.11"
	serial = "2.5.4.5"
)

// text is an attribute with a UTF8String.
func text(oid, value string) attribute { return attribute{oid, utf8String, value} }

// name encodes RDNs of one attribute each.
func name(attributes ...attribute) []byte {
	rdns := make([][]attribute, len(attributes))
	for i, a := range attributes {
		rdns[i] = []attribute{a}
	}
	return nameOf(rdns...)
}

// nameOf encodes RDNs; the attributes of one stay in the order given, as an
// encoder that ignores DER would leave them.
func nameOf(rdns ...[]attribute) []byte {
	var sequence []byte
	for _, rdn := range rdns {
		var set []byte
		for _, a := range rdn {
			set = append(set, tlv(0x30, append(oidElement(a.oid), tlv(byte(a.tag), []byte(a.content))...))...)
		}
		sequence = append(sequence, tlv(0x31, set)...)
	}
	return tlv(0x30, sequence)
}

func tlv(tag byte, content []byte) []byte {
	b, err := asn1.Marshal(asn1.RawValue{
		Class: int(tag >> 6), IsCompound: tag&0x20 != 0, Tag: int(tag & 0x1f), Bytes: content,
	})
	if err != nil {
		panic(err)
	}
	return b
}

func oidElement(dotted string) []byte {
	oid, err := x509.ParseOID(dotted)
	if err != nil {
		panic(err)
	}
	content, err := oid.MarshalBinary()
	if err != nil {
		panic(err)
	}
	return tlv(0x06, content)
}

// ucs2 is the content of a BMPString, surrogates and all.
func ucs2(s string) string {
	var b []byte
	for _, u := range utf16.Encode([]rune(s)) {
		b = append(b, byte(u>>8), byte(u))
	}
	return string(b)
}

// ucs4 is the content of a UniversalString.
func ucs4(s string) string {
	var b []byte
	for _, r := range s {
		b = append(b, byte(r>>24), byte(r>>16), byte(r>>8), byte(r))
	}
	return string(b)
}

func withSubject(raw []byte) *x509.Certificate { return &x509.Certificate{RawSubject: raw} }

// compile makes a matcher of rules without attributes, named after their
// subjects.
func compile(t testing.TB, subjects ...string) *x509attr.Matcher {
	t.Helper()
	var rules []x509attr.Rule
	for _, s := range subjects {
		rules = append(rules, x509attr.Rule{Name: s, Subject: s})
	}
	m, err := x509attr.Compile(rules)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func matches(m *x509attr.Matcher, raw []byte) bool {
	_, ok := m.Match([]*x509.Certificate{withSubject(raw)})
	return ok
}
