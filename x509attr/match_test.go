package x509attr_test

import (
	"crypto/sha256"
	"crypto/x509"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mqttwarden/mqttwarden/x509attr"
)

// X509-7, S-62, S-64: which subjects equal the rule CN = fan, O = Contoso, and
// which come close.
func TestS62SubjectEquality(t *testing.T) {
	const rule = "CN = fan, O = Contoso"
	org := text(o, "Contoso")
	tests := []struct {
		name string
		raw  []byte
		want bool
	}{
		{"the same", name(text(cn, "fan"), org), true},
		{"in reverse", name(org, text(cn, "fan")), true},

		{"one RDN less", name(text(cn, "fan")), false},
		{"one RDN more", name(text(cn, "fan"), org, text(ou, "x")), false},
		{"an RDN twice", name(text(cn, "fan"), text(cn, "fan"), org), false},
		{"both in one RDN", nameOf([]attribute{text(cn, "fan"), org}), false},
		{"an attribute twice in an RDN", nameOf([]attribute{text(cn, "fan"), text(cn, "fan")}, []attribute{org}), false},
		{"another attribute in an RDN", nameOf([]attribute{text(cn, "fan"), text(ou, "x")}, []attribute{org}), false},
		{"values changed round", name(text(cn, "Contoso"), text(o, "fan")), false},
		{"another type", name(text(cn, "fan"), text(ou, "Contoso")), false},
		{"a type below", name(text(cn+".1", "fan"), org), false},
		{"no RDN", name(), false},

		{"upper case", name(text(cn, "FAN"), org), false},
		{"space before", name(text(cn, " fan"), org), false},
		{"space after", name(text(cn, "fan "), org), false},
		{"NUL after", name(text(cn, "fan\x00"), org), false},
		{"line feed after", name(text(cn, "fan\n"), org), false},
		{"invisible character", name(text(cn, "fan\u200b"), org), false},
		{"text direction", name(text(cn, "\u202enaf"), org), false},
		{"wide letters", name(text(cn, "ｆａｎ"), org), false},
		{"combining character", name(text(cn, "fan\u0301"), org), false},
		{"comma: both in the common name", name(text(cn, "fan, O = Contoso")), false},
		{"comma, without spaces", name(text(cn, "fan,O=Contoso")), false},
		{"escaped comma", name(text(cn, `fan\,O=Contoso`)), false},
		{"plus sign", name(text(cn, "fan+O=Contoso")), false},
		{"slash", name(text(cn, "fan/O=Contoso")), false},
		{"quotes", name(text(cn, `"fan"`), org), false},
		{"number sign", name(text(cn, "#0c0366616e"), org), false},
		{"comma in the other value", name(text(o, "Contoso, CN = fan")), false},

		{"PrintableString", name(attribute{cn, printableString, "fan"}, org), true},
		{"IA5String", name(attribute{cn, ia5String, "fan"}, org), true},
		{"VisibleString", name(attribute{cn, visibleString, "fan"}, org), true},
		{"TeletexString", name(attribute{cn, teletexString, "fan"}, org), true},
		{"BMPString", name(attribute{cn, bmpString, ucs2("fan")}, org), true},
		{"UniversalString", name(attribute{cn, universalString, ucs4("fan")}, org), true},
		{"NumericString with letters", name(attribute{cn, numericString, "fan"}, org), false},
		{"GeneralString", name(attribute{cn, generalString, "fan"}, org), false},
		{"GraphicString", name(attribute{cn, graphicString, "fan"}, org), false},
		{"OCTET STRING", name(attribute{cn, 4, "fan"}, org), false},
		{"UTF8String in pieces", name(attribute{cn, 0x2C, "\x0c\x03fan"}, org), false},
		{"context-specific tag", name(attribute{cn, 0x8C, "fan"}, org), false},

		{"nothing", nil, false},
		{"garbage", []byte("CN = fan, O = Contoso"), false},
		{"a byte after", append(name(text(cn, "fan"), org), 0), false},
		{"cut off", name(text(cn, "fan"), org)[:20], false},
		{"an RDN without attributes", nameOf([]attribute{text(cn, "fan")}, []attribute{org}, nil), false},
		{"a name in a SET", tlv(0x31, name(text(cn, "fan"), org)[2:]), false},
		{"an attribute of three elements", tlv(0x30, tlv(0x31, tlv(0x30, append(oidElement(cn), "\x0c\x01a\x05\x00"...)))), false},
		{"length in too many bytes", append([]byte{0x30, 0x81, 29}, name(text(cn, "fan"), org)[2:]...), false},
		{"indefinite length", append(append([]byte{0x30, 0x80}, name(text(cn, "fan"), org)[2:]...), 0, 0), false},
	}
	m := compile(t, rule)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := matches(m, tt.raw); got != tt.want {
				t.Errorf("%x: match %t, want %t", tt.raw, got, tt.want)
			}
		})
	}
}

// X509-7: text in a certificate, and the code points it stands for.
func TestX509_7StringTypes(t *testing.T) {
	tests := []struct {
		name    string
		tag     int
		content string
		want    string // "" if it is not certain
	}{
		{"UTF8String", utf8String, "café 😀", "café 😀"},
		{"UTF8String: broken", utf8String, "caf\xe9", ""},
		{"UTF8String: a slash in two bytes", utf8String, "a\xc0\xafb", ""},
		{"UTF8String: surrogate", utf8String, "\xed\xa0\x80", ""},
		{"NumericString", numericString, "17 4", "17 4"},
		{"NumericString: sign", numericString, "-1", ""},
		{"PrintableString", printableString, "A-z 0'()+,./:=?", "A-z 0'()+,./:=?"},
		{"PrintableString: asterisk and ampersand", printableString, "*&", "*&"},
		{"PrintableString: at sign", printableString, "a@b", ""},
		{"PrintableString: Latin-1", printableString, "caf\xe9", ""},
		{"IA5String", ia5String, "a@b\x01", "a@b\x01"},
		{"IA5String: Latin-1", ia5String, "caf\xe9", ""},
		{"VisibleString", visibleString, "a@b~", "a@b~"},
		{"VisibleString: control", visibleString, "a\x01", ""},
		{"TeletexString", teletexString, "Fan 17 (east), a/b_c@d|e", "Fan 17 (east), a/b_c@d|e"},
		{"TeletexString: Ø or é", teletexString, "\xe9", ""},
		{"TeletexString: currency sign or dollar", teletexString, "$", ""},
		{"TeletexString: no tilde in T.61", teletexString, "a~b", ""},
		{"BMPString", bmpString, ucs2("café ☃"), "café ☃"},
		{"BMPString: beyond the plane", bmpString, ucs2("😀"), ""},
		{"BMPString: odd length", bmpString, "\x00a\x00", ""},
		{"UniversalString", universalString, ucs4("café 😀"), "café 😀"},
		{"UniversalString: surrogate", universalString, "\x00\x00\xd8\x00", ""},
		{"UniversalString: too large", universalString, "\x00\x11\x00\x00", ""},
		{"UniversalString: negative", universalString, "\xff\xff\xff\xff", ""},
		{"UniversalString: odd length", universalString, "\x00\x00a", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			raw := name(attribute{o, tt.tag, tt.content})
			printed, ok := x509attr.FormatSubject(withSubject(raw))
			if tt.want == "" {
				if ok {
					t.Errorf("reads as %q, want nothing", printed)
				}
				return
			}
			m := compile(t, "O="+escapeAll(tt.want))
			if !ok || !matches(m, raw) || !matches(m, name(text(o, tt.want))) {
				t.Errorf("%q does not read as %q, printed as %q", tt.content, tt.want, printed)
			}
		})
	}
}

// escapeAll escapes every byte, so that nothing in s can be syntax.
func escapeAll(s string) string {
	var b strings.Builder
	for i := range len(s) {
		fmt.Fprintf(&b, `\%02x`, s[i])
	}
	return b.String()
}

// X509-6, S-68: the first certificate from the leaf that a rule names ends the
// search; nothing is added up.
func TestX509_6FirstMatchFromTheLeaf(t *testing.T) {
	rules := []x509attr.Rule{
		{Name: "root", Subject: "CN=root", Attributes: map[string]string{"organization": "contoso"}},
		{Name: "intermediate", Subject: "CN=intermediate", Attributes: map[string]string{"city": "seattle"}},
		{Name: "smartfan", Subject: "CN=fan", Attributes: map[string]string{"building": "17"}},
		{Name: "blank", Subject: "CN=blank"},
	}
	m, err := x509attr.Compile(rules)
	if err != nil {
		t.Fatal(err)
	}
	for i := range rules {
		if rules[i].Attributes != nil {
			rules[i].Attributes["added"] = "later" // the matcher keeps copies
		}
	}
	tests := []struct {
		name  string
		chain string // common names, leaf first
		want  x509attr.Match
		ok    bool
	}{
		{"leaf", "fan intermediate root", x509attr.Match{Rule: "smartfan", Attributes: map[string]string{"building": "17"}}, true},
		{"intermediate", "x intermediate root", x509attr.Match{Rule: "intermediate", Index: 1, Attributes: map[string]string{"city": "seattle"}}, true},
		{"root", "x y root", x509attr.Match{Rule: "root", Index: 2, Attributes: map[string]string{"organization": "contoso"}}, true},
		{"a rule without attributes ends the search", "blank intermediate root", x509attr.Match{Rule: "blank"}, true},
		{"leaf alone", "fan", x509attr.Match{Rule: "smartfan", Attributes: map[string]string{"building": "17"}}, true},
		{"none", "x y z", x509attr.Match{}, false},
		{"no chain", "", x509attr.Match{}, false},
		{"nil at the end", "fan nil", x509attr.Match{}, false},
		{"nil as the leaf", "nil root", x509attr.Match{}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var chain []*x509.Certificate
			for _, common := range strings.Fields(tt.chain) {
				if common == "nil" {
					chain = append(chain, nil)
					continue
				}
				chain = append(chain, withSubject(name(text(cn, common))))
			}
			got, ok := m.Match(chain)
			if diff := cmp.Diff(tt.want, got); diff != "" || ok != tt.ok {
				t.Errorf("ok %t, want %t (-want +got)\n%s", ok, tt.ok, diff)
			}
		})
	}
}

// X509-7: a value that is no text is not the text of the same bytes.
func TestX509_7HexIsNotText(t *testing.T) {
	raw, same := name(attribute{cn, 2, "a"}), name(text(cn, "\x02\x01a"))
	if m := compile(t, "CN=#020161"); !matches(m, raw) || matches(m, same) {
		t.Error("the rule in hex")
	}
	if m := compile(t, `CN=\02\01a`); matches(m, raw) || !matches(m, same) {
		t.Error("the rule with text")
	}
}

// S-64: a value that holds the very bytes in which names are compared does not
// reach into the next RDN.
func TestS64ValueThatLooksLikeTheNextRDN(t *testing.T) {
	m := compile(t, "CN=a,O=b")
	for _, length := range []string{"\x00\x00\x00\x00", "\x00\x00\x00\x01"} {
		value := "a\x01\x00\x00\x00\x03\x55\x04\x0at" + length + "b"
		if matches(m, name(text(cn, value))) {
			t.Errorf("CN=%q equals CN=a,O=b", value)
		}
	}
}

// Short rules behind a long one do not hide it.
func TestLongAndShortRules(t *testing.T) {
	long := strings.Repeat("a", 4000)
	m := compile(t, "CN="+long, "CN=fan")
	for _, common := range []string{long, "fan"} {
		if !matches(m, name(text(cn, common))) {
			t.Errorf("no match of %d characters", len(common))
		}
	}
	for n, want := range map[int]bool{16: true, 17: false} {
		raw := nameOf(slices.Repeat([]attribute{text(cn, "a")}, n))
		m := compile(t, "CN="+long, "CN=a"+strings.Repeat("+CN=a", 15))
		if got := matches(m, raw); got != want {
			t.Errorf("%d attributes in an RDN: %t, want %t", n, got, want)
		}
	}
}

func TestZeroMatcherMatchesNothing(t *testing.T) {
	var zero x509attr.Matcher
	empty := compile(t)
	for _, m := range []*x509attr.Matcher{nil, &zero, empty} {
		for _, raw := range [][]byte{nil, name(), name(text(cn, "fan"))} {
			if matches(m, raw) {
				t.Errorf("%v matches %x", m, raw)
			}
		}
	}
}

// X509-6: a pinned rule holds only below its anchor.
func TestX509_6PinnedAnchor(t *testing.T) {
	leaf := withSubject(name(text(cn, "fan")))
	anchor := func(raw string) *x509.Certificate {
		return &x509.Certificate{Raw: []byte(raw), RawSubject: name(text(cn, "root"))}
	}
	pin := func(raw string) string { return fmt.Sprintf("%X", sha256.Sum256([]byte(raw))) }
	m, err := x509attr.Compile([]x509attr.Rule{
		{Name: "fan of one", Subject: "CN=fan", Anchor: pin("one")},
		{Name: "fan of two", Subject: "CN=fan", Anchor: strings.ToLower(pin("two"))},
		{Name: "fan of nothing", Subject: "CN=fan", Anchor: pin("")},
		{Name: "root", Subject: "CN=root"},
	})
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct{ raw, want string }{
		{"one", "fan of one"},
		{"two", "fan of two"},
		{"three", "root"},
		{"", "root"}, // an anchor without bytes has no fingerprint
	}
	for _, tt := range tests {
		got, ok := m.Match([]*x509.Certificate{leaf, anchor(tt.raw)})
		if !ok || got.Rule != tt.want {
			t.Errorf("anchor %q: rule %q, %t; want %q", tt.raw, got.Rule, ok, tt.want)
		}
	}
	if got, ok := m.Match([]*x509.Certificate{leaf}); ok {
		t.Errorf("no anchor: rule %q", got.Rule)
	}
}
