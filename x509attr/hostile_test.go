package x509attr_test

import (
	"crypto/x509"
	"slices"
	"strings"
	"testing"

	"github.com/mqttwarden/mqttwarden/x509attr"
)

// S-65: hostile subjects cost little and match nothing.
func TestS65HostileSubjects(t *testing.T) {
	long := strings.Repeat("a", 1<<20)
	subjects := map[string][]byte{
		"long value":            name(text(cn, long)),
		"long BMPString":        name(attribute{cn, bmpString, long}),
		"long UniversalString":  name(attribute{cn, universalString, ucs4(long)}),
		"long OID":              tlv(0x30, tlv(0x31, tlv(0x30, append(tlv(6, []byte(long)), "\x0c\x01a"...)))),
		"many RDNs":             name(slices.Repeat([]attribute{text(cn, "a")}, 10_000)...),
		"many in an RDN":        nameOf(slices.Repeat([]attribute{text(cn, "a")}, 10_000)),
		"many empty sequences":  tlv(0x30, []byte(strings.Repeat("\x30\x00", 100_000))),
		"length of 2^31":        []byte("\x30\x84\x7f\xff\xff\xff"),
		"length of 2^64":        []byte("\x30\x88\xff\xff\xff\xff\xff\xff\xff\xff"),
		"length cut off":        []byte("\x30\x83"),
		"no length follows":     []byte("\x30\x80"),
		"high tag number":       []byte("\x3f\x81\x00\x00"),
		"OID without end":       tlv(0x30, tlv(0x31, tlv(0x30, []byte("\x06\x02\x55\x84\x0c\x01a")))),
		"OID with empty arc":    tlv(0x30, tlv(0x31, tlv(0x30, []byte("\x06\x03\x55\x80\x03\x0c\x01a")))),
		"OID of no bytes":       tlv(0x30, tlv(0x31, tlv(0x30, []byte("\x06\x00\x0c\x01a")))),
		"attribute of no bytes": tlv(0x30, tlv(0x31, tlv(0x30, nil))),
	}
	m := compile(t, "CN=fan,O=Contoso")
	for label, raw := range subjects {
		t.Run(label, func(t *testing.T) {
			cert := withSubject(raw)
			chain := []*x509.Certificate{cert}
			if _, ok := m.Match(chain); ok {
				t.Error("matches")
			}
			if n := testing.AllocsPerRun(10, func() { m.Match(chain) }); n > 0 {
				t.Errorf("%v allocations, want none: the rule is short", n)
			}
			if printed, ok := x509attr.FormatSubject(cert); ok {
				t.Errorf("prints %d bytes", len(printed))
			}
			x509attr.CommonName(cert)
		})
	}
}

// S-65: a subject that is not DER names nothing, even if all but a part of it is
// fine.
func TestS65MalformedSubjects(t *testing.T) {
	const value = "\x0c\x01a"
	fan := name(text(cn, "fan"))[2:]
	oid := oidElement(o)
	// with encodes CN=fan and a second RDN of one attribute.
	with := func(attribute string) []byte {
		return tlv(0x30, slices.Concat(fan, tlv(0x31, tlv(0x30, []byte(attribute)))))
	}
	tests := []struct {
		name string
		raw  []byte
		ok   bool
	}{
		{"fine", with(string(oid) + value), true},
		{"long value", with(string(oid) + "\x0c\x81\x80" + strings.Repeat("a", 0x80)), true},
		{"longer value", with(string(oid) + "\x0c\x82\x01\x00" + strings.Repeat("a", 0x100)), true},
		{"large arc", with("\x06\x04\x55\x84\x80\x03" + value), true},

		{"long form of a short length", with(string(oid) + "\x0c\x81\x01a"), false},
		{"length with a leading zero", with(string(oid) + "\x0c\x82\x00\x80" + strings.Repeat("a", 0x80)), false},
		{"length of four bytes", with(string(oid) + "\x0c\x84\x01\x00\x00\x00" + strings.Repeat("a", 1<<24)), false},
		{"indefinite length", with(string(oid) + "\x2c\x80\x0c\x01a\x00\x00"), false},
		{"length beyond the end", with(string(oid) + "\x0c\x02a"), false},
		{"tag of two bytes", with(string(oid) + "\x1f\x01a"), false},
		{"no value", with(string(oid)), false},
		{"two values", with(string(oid) + value + value), false},
		{"no OID", with(value), false},
		{"empty OID", with("\x06\x00" + value), false},
		{"OID without end", with("\x06\x03\x55\x04\x8a" + value), false},
		{"OID with a leading zero in an arc", with("\x06\x04\x55\x04\x80\x0a" + value), false},
		{"RDN without attributes", tlv(0x30, append(slices.Clone(fan), 0x31, 0)), false},
		{"RDN that is a SEQUENCE", tlv(0x30, append(slices.Clone(fan), tlv(0x30, tlv(0x30, []byte(string(oid)+value)))...)), false},
		{"attribute that is a SET", tlv(0x30, append(slices.Clone(fan), tlv(0x31, tlv(0x31, []byte(string(oid)+value)))...)), false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if common, ok := x509attr.CommonName(withSubject(tt.raw)); ok != tt.ok {
				t.Errorf("common name %q, %t; want %t", common, ok, tt.ok)
			}
			if _, ok := x509attr.FormatSubject(withSubject(tt.raw)); ok != tt.ok {
				t.Errorf("prints: %t, want %t", ok, tt.ok)
			}
		})
	}
}
