package x509attr_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/mqttwarden/mqttwarden/x509attr"
)

// X509-5, S-63: the username that a subject gives, if any.
func TestX509_5CommonName(t *testing.T) {
	tests := []struct {
		name string
		raw  []byte
		want string // "" if it gives none
	}{
		{"one", name(text(c, "US"), text(cn, "fan")), "fan"},
		{"in an RDN of two", nameOf([]attribute{text(serial, "1"), text(cn, "fan")}), "fan"},
		{"PrintableString", name(attribute{cn, printableString, "fan"}), "fan"},
		{"BMPString", name(attribute{cn, bmpString, ucs2("café")}), "café"},
		{"not ASCII", name(text(cn, "café 😀")), "café 😀"},
		{"specials", name(text(cn, "a,O=b+c/d#")), "a,O=b+c/d#"},
		{"beside text that cannot be decoded", name(attribute{o, generalString, "x"}, text(cn, "fan")), "fan"},

		{"none", name(text(o, "fan")), ""},
		{"no RDN", name(), ""},
		{"two", name(text(cn, "admin"), text(cn, "fan")), ""},
		{"two equal", name(text(cn, "fan"), text(cn, "fan")), ""},
		{"two in an RDN", nameOf([]attribute{text(cn, "admin"), text(cn, "fan")}), ""},
		{"two, one of them empty", name(text(cn, "fan"), text(cn, "")), ""},
		{"two, one of them not text", name(text(cn, "fan"), attribute{cn, 2, "\x05"}), ""},
		{"empty", name(text(cn, "")), ""},
		{"not UTF-8", name(text(cn, "caf\xe9")), ""},
		{"NUL", name(text(cn, "admin\x00fan")), ""},
		{"line feed", name(text(cn, "fan\n")), ""},
		{"DEL", name(text(cn, "fan\x7f")), ""},
		{"C1 control", name(text(cn, "fan\u0085")), ""},
		{"TeletexString that is not certain", name(attribute{cn, teletexString, "caf\xe9"}), ""},
		{"empty GeneralString", name(attribute{cn, generalString, ""}), ""},
		{"INTEGER", name(attribute{cn, 2, "\x05"}), ""},
		{"OCTET STRING", name(attribute{cn, 4, "fan"}), ""},
		{"nothing", nil, ""},
		{"a byte after", append(name(text(cn, "fan")), 0), ""},
		{"garbage after", tlv(0x30, append(name(text(cn, "fan"))[2:], "\x31\x02\x30\x00"...)), ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, ok := x509attr.CommonName(withSubject(tt.raw))
			if got != tt.want || ok != (tt.want != "") {
				t.Errorf("%q, %t; want %q", got, ok, tt.want)
			}
		})
	}
	if _, ok := x509attr.CommonName(nil); ok {
		t.Error("no certificate has a common name")
	}
}

// X509-7: a printed subject, used as a rule, equals the subject.
func TestFormatSubject(t *testing.T) {
	tests := []struct {
		name string
		raw  []byte
		want string // "" if it does not print
	}{
		{"order of RFC 4514", name(text(c, "US"), text(o, "Contoso"), text(cn, "fan")), "CN=fan,O=Contoso,C=US"},
		{"two attributes in an RDN", nameOf([]attribute{text(cn, "a"), text(ou, "b")}, []attribute{text(c, "US")}), "C=US,CN=a+OU=b"},
		{"other types", name(text(serial, "17"), text("0.9.2342.19200300.100.1.1", "u")), "UID=u,2.5.4.5=17"},
		{"specials", name(text(cn, `# ,+"\<>;=# `)), `CN=\# \,\+\"\\\<\>\;=#\ `},
		{"space", name(text(cn, " ")), `CN=\ `},
		{"space at both ends", name(text(cn, " a ")), `CN=\ a\ `},
		{"empty value", name(text(cn, "")), "CN="},
		{"invisible", name(text(cn, "a\x00\n\u202e\u0085é")), `CN=a\00\0A\E2\80\AE\C2\85é`},
		{"not text", name(attribute{cn, 2, "\x05"}), "CN=#020105"},
		{"a tag of another class", name(attribute{cn, 0x8C, "a"}), "CN=#8c0161"},
		{"no RDN", name(), ""},
		{"nothing", nil, ""},
		{"text that cannot be decoded", name(attribute{cn, generalString, "x"}), ""},
		{"as long as a rule may be", name(text(cn, strings.Repeat("a", 4089)), text(o, "b")), "O=b,CN=" + strings.Repeat("a", 4089)},
		{"as long, in one RDN", name(text(cn, strings.Repeat("a", 4093))), "CN=" + strings.Repeat("a", 4093)},
		{"longer", name(text(cn, strings.Repeat("a", 4090)), text(o, "b")), ""},
		{"longer, in one RDN", name(text(cn, strings.Repeat("a", 4094))), ""},
		{"17 attributes in an RDN", nameOf(slices.Repeat([]attribute{text(cn, "a")}, 17)), ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, ok := x509attr.FormatSubject(withSubject(tt.raw))
			if got != tt.want || ok != (tt.want != "") {
				t.Fatalf("%q, %t; want %q", got, ok, tt.want)
			}
			if ok && !matches(compile(t, got), tt.raw) {
				t.Errorf("%s does not equal its own subject", got)
			}
		})
	}
	if _, ok := x509attr.FormatSubject(nil); ok {
		t.Error("no certificate has a subject")
	}
}
