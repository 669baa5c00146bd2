package x509attr_test

import (
	"errors"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mqttwarden/mqttwarden/x509attr"
)

// X509-7: what a rule's subject may look like, and the subject it stands for.
func TestX509_7Syntax(t *testing.T) {
	fan := name(text(c, "US"), text(o, "Contoso"), text(cn, "fan"))
	tests := []struct {
		name    string
		subject string
		want    []byte
	}{
		{"OpenSSL", "C = US, O = Contoso, CN = fan", fan},
		{"RFC 4514", "CN=fan,O=Contoso,C=US", fan},
		{"RFC 4514 in reverse", "C=US,O=Contoso,CN=fan", fan},
		{"many spaces", "  CN  =  fan  ,  O  =  Contoso  ,  C  =  US  ", fan},
		{"keywords in any case", "cn=fan,o=Contoso,c=US", fan},
		{"long names", "commonName=fan,organizationName=Contoso,countryName=US", fan},
		{"dotted OIDs", "2.5.4.3=fan,OID.2.5.4.10=Contoso,oid.2.5.4.6=US", fan},
		{"quoted", `CN="fan",O = "Contoso" ,C=US`, fan},
		{"hex", "CN=#0c0366616e,O=#0C07436F6E746F736F,C=#13025553", fan},
		{"every byte escaped", `CN=\66\61\6E,O=Contoso,C=US`, fan},

		{"one attribute", "CN=fan", name(text(cn, "fan"))},
		{"empty value", "CN=", name(text(cn, ""))},
		{"empty quoted value", `CN=""`, name(text(cn, ""))},
		{"empty value before another", "CN = , O = x", name(text(cn, ""), text(o, "x"))},
		{"space inside", "CN=smart fan", name(text(cn, "smart fan"))},
		{"two spaces inside", "CN=smart  fan", name(text(cn, "smart  fan"))},
		{"escaped space at both ends", `CN=\ fan\ `, name(text(cn, " fan "))},
		{"space before an escaped space", `CN=fan \ `, name(text(cn, "fan  "))},
		{"space after an escaped space", `CN=\  fan`, name(text(cn, "  fan"))},
		{"quoted spaces", `CN="  fan "`, name(text(cn, "  fan "))},
		{"escaped specials", `CN=\,\+\"\\\<\>\;\#\=\ .`, name(text(cn, `,+"\<>;#= .`))},
		{"quoted specials", `CN=",+<>;#= \"\\"`, name(text(cn, `,+<>;#= "\`))},
		{"equals sign and number sign inside", "CN=a=b#c", name(text(cn, "a=b#c"))},
		{"escaped UTF-8", `CN=caf\C3\A9`, name(text(cn, "café"))},
		{"plain UTF-8", "CN=café", name(text(cn, "café"))},
		{"replacement character", "CN=a\uFFFDb", name(text(cn, "a\uFFFDb"))},
		{"escaped NUL", `CN=a\00b`, name(text(cn, "a\x00b"))},
		{"slash inside", "CN=a/O=b", name(text(cn, "a/O=b"))},

		{"two attributes in an RDN", "CN=fan+OU=a,C=US", nameOf([]attribute{text(cn, "fan"), text(ou, "a")}, []attribute{text(c, "US")})},
		{"in the other order", "OU = a + CN = fan, C = US", nameOf([]attribute{text(cn, "fan"), text(ou, "a")}, []attribute{text(c, "US")})},

		{"UID", "UID=u", name(text("0.9.2342.19200300.100.1.1", "u"))},
		{"DC", "DC=example,DC=com", name(text("0.9.2342.19200300.100.1.25", "example"), text("0.9.2342.19200300.100.1.25", "com"))},
		{"S and ST", "S=a,ST=b", name(text("2.5.4.8", "a"), text("2.5.4.8", "b"))},
		{"E and emailAddress", "E=a,emailAddress=b", name(text("1.2.840.113549.1.9.1", "a"), text("1.2.840.113549.1.9.1", "b"))},
		{"SN is a surname", "SN=a,serialNumber=b", name(text("2.5.4.4", "a"), text(serial, "b"))},
		{"large arc", "2.25.340282366920938463463374607431768211455=a", name(text("2.25.340282366920938463463374607431768211455", "a"))},
		{"integer", "1.2.3.4=#020105", name(attribute{"1.2.3.4", 2, "\x05"})},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if !matches(compile(t, tt.subject), tt.want) {
				t.Errorf("%s does not equal the subject %x", tt.subject, tt.want)
			}
		})
	}
}

// X509-7: what is no distinguished name, where, and why.
func TestX509_7SyntaxErrors(t *testing.T) {
	tests := []struct {
		name    string
		subject string
		offset  int
		reason  string // a part of it
	}{
		{"empty", "", 0, "empty"},
		{"spaces", "   ", 0, "empty"},
		{"too long", "CN=" + strings.Repeat("a", 4094), 4096, "longer than 4096"},
		{"not UTF-8", "CN=a\xff", 4, "not UTF-8"},
		{"line feed", "CN=a\n", 4, `\0A`},
		{"NUL", "CN=a\x00", 4, `\00`},
		{"text direction", "CN=a\u202eb", 4, `\E2\80\AE`},
		{"slashes", "/C=US/CN=a", 0, "slashes"},
		{"with what OpenSSL prints first", "subject=CN = a", 0, "leave out"},
		{"no equals sign", "fan", 3, "equals sign"},
		{"no type", "=fan", 0, "attribute type"},
		{"comma at the end", "CN=a,", 5, "attribute type"},
		{"comma at the start", ",CN=a", 0, "attribute type"},
		{"two commas", "CN=a,,O=b", 5, "attribute type"},
		{"plus sign at the end", "CN=a+", 5, "attribute type"},
		{"comma in a value", "CN=Fans, Ltd.,O=b", 13, `\,`},
		{"unknown type", "CN=a, XX=b", 6, `unknown attribute type "XX"`},
		{"ambiguous type", "uid=a", 0, "write UID"},
		{"ambiguous type at the end", "CN=a,MAIL=a", 5, "write mail"},
		{"no OID", "2.5.4.=a", 0, "no dotted OID"},
		{"OID of one arc", "2=a", 0, "no dotted OID"},
		{"OID with a leading zero", "2.5.04.3=a", 0, "no dotted OID"},
		{"OID that cannot be", "1.40=a", 0, "no dotted OID"},
		{"quote inside", `CN=a"b`, 4, `\"`},
		{"semicolon", "CN=a;O=b", 4, `\;`},
		{"less than", "CN=<a>", 3, `\<`},
		{"open quote", `CN="a`, 3, "no quotation mark ends"},
		{"text after a quote", `CN="a"b`, 6, "'b'"},
		{"backslash at the end", `CN=a\`, 4, "backslash"},
		{"one hex digit", `CN=a\6`, 4, "backslash"},
		{"unknown escape", `CN=\n`, 3, "backslash"},
		{"escapes that are not UTF-8", `CN=\C3`, 3, "UTF-8"},
		{"hex: none", "CN=#", 3, `\#`},
		{"hex: not hex", "CN=#zz", 3, `\#`},
		{"hex: odd", "CN=#0c0", 3, `\#`},
		{"hex: cut off", "CN=#0c0361", 3, "DER"},
		{"hex: too much", "CN=#0c016161", 3, "DER"},
		{"hex: long length", "CN=#0c810161", 3, "DER"},
		{"hex: not UTF-8", "CN=#0c01ff", 3, "UTF-8"},
		{"hex: ambiguous text", "CN=#1401e9", 3, "no subject equals it"},
		{"hex: text in pieces", "CN=#2c030c0161", 3, "no subject equals it"},
		{"text after hex", "CN=#0c0161 b", 11, "comma"},
		{"17 attributes in an RDN", "O=b,CN=a" + strings.Repeat("+CN=a", 16), 4, "more than 16"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := x509attr.Compile([]x509attr.Rule{{Name: "r", Subject: tt.subject}})
			var syntax *x509attr.SyntaxError
			if !errors.As(err, &syntax) {
				t.Fatalf("error %v, want a *SyntaxError", err)
			}
			if syntax.Offset != tt.offset || !strings.Contains(syntax.Reason, tt.reason) {
				t.Errorf("offset %d: %s; want offset %d and %q", syntax.Offset, syntax.Reason, tt.offset, tt.reason)
			}
		})
	}
}

// The RDNs come out in the printed order, and equal ones are equal strings.
func TestParseOrder(t *testing.T) {
	one, err := x509attr.ParseSubject("CN=a+OU=b, O = c")
	if err != nil {
		t.Fatal(err)
	}
	two, err := x509attr.ParseSubject(`2.5.4.10="c",OU=b+CN=\61`)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{one[1], one[0]}, two); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// Keywords mean what they mean in OpenSSL: every attribute that it knows by a
// name this package knows too has the same OID there.
func TestX509_7KeywordsOfOpenSSL(t *testing.T) {
	out, err := exec.Command("openssl", "list", "-objects").Output()
	if err != nil {
		t.Fatalf("this test needs the openssl program: %v", err)
	}
	known := 0
	for line := range strings.Lines(string(out)) {
		// "CN = commonName, 2.5.4.3", or "title = 2.5.4.12"
		short, rest, _ := strings.Cut(strings.TrimSpace(line), " = ")
		long, oid, two := strings.Cut(rest, ", ")
		if !two {
			long, oid = short, rest
		}
		for _, keyword := range []string{short, long} {
			m, err := x509attr.Compile([]x509attr.Rule{{Subject: keyword + "=x"}})
			if err != nil {
				continue
			}
			known++
			if !matches(m, name(text(oid, "x"))) {
				t.Errorf("%s is not %s", keyword, oid)
			}
		}
	}
	if known < 50 {
		t.Errorf("only %d keywords of OpenSSL are known", known)
	}
}
