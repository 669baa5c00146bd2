package x509attr_test

import (
	"crypto/x509"
	"encoding/asn1"
	"encoding/hex"
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/mqttwarden/mqttwarden/x509attr"
)

// FuzzParseSubject compares the parser with the one in naive_test.go: both
// refuse a text, or it names the subject that the other one made of it.
func FuzzParseSubject(f *testing.F) {
	for _, seed := range []string{
		"CN = fan, OU = x", "CN=fan,O=Contoso,C=US", `CN="a, b" + O=\C3\A9`, `cn=\  a\ ,2.5.4.3=#0c0161`, "OID.1.2.3=#020105",
		"CN=", `CN=""`, "CN=a+", "uid=x", "UID=x", "CN=a=b#", `CN="a"b`, "/CN=a", "CN=#2c030c0161", "O=#1401e9", `L=\`, "2.25.99999999999999999999=a",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, subject string) {
		want, wantErr := naiveSubject(subject)
		if errors.Is(wantErr, errNoKeyword) {
			return
		}
		m, err := x509attr.Compile([]x509attr.Rule{{Subject: subject}})
		if (err != nil) != (wantErr != nil) {
			t.Fatalf("%q: error %v, want %v", subject, err, wantErr)
		}
		var syntax *x509attr.SyntaxError
		if err != nil && (!errors.As(err, &syntax) || syntax.Offset < 0 || syntax.Offset > len(subject)) {
			t.Fatalf("%q: error %v without a place", subject, err)
		}
		if err == nil && !matches(m, want) {
			t.Fatalf("%q does not equal %x", subject, want)
		}
	})
}

// FuzzMatch reads two raw subjects with encoding/asn1, makes a rule of one and
// asks whether it equals the other.
func FuzzMatch(f *testing.F) {
	fan := name(text(cn, "fan"), text(o, "Contoso"))
	for _, seed := range [][2][]byte{
		{fan, name(text(o, "Contoso"), attribute{cn, printableString, "fan"})},
		{fan, name(text(cn, "fan"))},
		{fan, append(slices.Clone(fan), 0)},
		{nameOf([]attribute{text(cn, "a"), text(o, "b")}), nameOf([]attribute{text(o, "b"), text(cn, "a")})},
		{name(attribute{cn, bmpString, ucs2("é")}), name(attribute{cn, universalString, ucs4("é")})},
		{name(attribute{cn, teletexString, "a"}), name(attribute{cn, ia5String, "a"})},
		{name(attribute{cn, 2, "\x05"}), name(attribute{cn, numericString, "5"})},
		{name(text(cn, "a"), text(cn, "a")), name(text(cn, "a"))},
		{name(attribute{cn, generalString, "a"}), name(attribute{cn, 0x2C, "\x0c\x01a"})},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, one, two []byte) {
		a, b := readNaive(one), readNaive(two)
		checkSubject(t, one, a)
		checkSubject(t, two, b)
		rule := a.print()
		if !a.ok || rule == "" || len(rule) > 4096 {
			return
		}
		m := compile(t, rule)
		if !matches(m, one) {
			t.Fatalf("%s does not equal %x", rule, one)
		}
		if got, want := matches(m, two), a.equal(b); got != want {
			t.Fatalf("%s equals %x: %t, want %t", rule, two, got, want)
		}
	})
}

// checkSubject compares what the package says about a raw subject with what
// the other reader says.
func checkSubject(t *testing.T, raw []byte, want naiveName) {
	t.Helper()
	got, ok := x509attr.CommonName(withSubject(raw))
	if got != want.commonName || ok != (want.commonName != "") {
		t.Fatalf("common name of %x: %q, %t; want %q", raw, got, ok, want.commonName)
	}
	printed, ok := x509attr.FormatSubject(withSubject(raw))
	if ok && !want.ok {
		t.Fatalf("%x prints as %s", raw, printed)
	}
	if short := len(raw) < 500; !ok && want.ok && len(want.rdns) > 0 && short {
		t.Fatalf("%x does not print", raw)
	}
	if ok && !matches(compile(t, printed), raw) {
		t.Fatalf("%s does not equal its own subject %x", printed, raw)
	}
}

// naiveName is a name as the other reader sees it: the printed attributes of
// each RDN, sorted.
type naiveName struct {
	ok         bool // well-formed, and all text can be decoded
	rdns       [][]string
	commonName string // "" if there is none that counts
}

func (n naiveName) print() string {
	var parts []string
	for _, rdn := range n.rdns {
		parts = append(parts, strings.Join(rdn, "+"))
	}
	return strings.Join(parts, ",")
}

func (n naiveName) equal(other naiveName) bool {
	if !n.ok || !other.ok {
		return false
	}
	same := func(a, b []string) bool { return slices.Equal(a, b) }
	reversed := slices.Clone(other.rdns)
	slices.Reverse(reversed)
	return slices.EqualFunc(n.rdns, other.rdns, same) || slices.EqualFunc(n.rdns, reversed, same)
}

// readNaive reads a raw name with encoding/asn1.
func readNaive(der []byte) naiveName {
	sequence, ok := elements(der, true)
	if !ok || len(sequence) != 1 || sequence[0].FullBytes[0] != 0x30 {
		return naiveName{}
	}
	sets, ok := elements(sequence[0].Bytes, true)
	n := naiveName{ok: ok}
	var common []asn1.RawValue
	for _, set := range sets {
		pairs, ok := elements(set.Bytes, set.FullBytes[0] == 0x31)
		if !ok || len(pairs) == 0 {
			return naiveName{}
		}
		if len(pairs) > 16 {
			n.ok = false
		}
		var rdn []string
		for _, pair := range pairs {
			parts, ok := elements(pair.Bytes, pair.FullBytes[0] == 0x30)
			var oid x509.OID
			if !ok || len(parts) != 2 || parts[0].FullBytes[0] != 6 || oid.UnmarshalBinary(parts[0].Bytes) != nil {
				return naiveName{}
			}
			value, ok := naiveText(parts[1])
			n.ok = n.ok && ok
			rdn = append(rdn, oid.String()+"="+value)
			if oid.String() == "2.5.4.3" {
				common = append(common, parts[1])
			}
		}
		slices.Sort(rdn)
		n.rdns = append(n.rdns, rdn)
	}
	if !ok {
		return naiveName{}
	}
	if len(common) == 1 {
		n.commonName = naiveCommonName(common[0])
	}
	return n
}

// elements splits der into elements with tags of one byte.
func elements(der []byte, ok bool) (list []asn1.RawValue, _ bool) {
	for ok && len(der) > 0 {
		var e asn1.RawValue
		rest, err := asn1.Unmarshal(der, &e)
		if err != nil || e.FullBytes[0]&0x1f == 0x1f {
			return nil, false
		}
		list, der = append(list, e), rest
	}
	return list, ok
}

func naiveCommonName(v asn1.RawValue) string {
	value, ok := naiveText(v)
	if !ok || strings.HasPrefix(value, "#") {
		return ""
	}
	b, err := hex.DecodeString(strings.ReplaceAll(value, `\`, ""))
	if err != nil || regexp.MustCompile(`\p{Cc}`).Match(b) {
		return ""
	}
	return string(b)
}

var asciiTypes = map[int]*regexp.Regexp{
	numericString:   regexp.MustCompile(`^[0-9 ]*$`),
	printableString: regexp.MustCompile(`^[A-Za-z0-9 '()+,./:=?*&-]*$`),
	teletexString:   regexp.MustCompile(`^[A-Za-z0-9 !"%&'()*+,./:;<=>?@_|\[\]-]*$`),
	ia5String:       regexp.MustCompile(`^[\x00-\x7f]*$`),
	visibleString:   regexp.MustCompile(`^[ -~]*$`),
}

// naiveText prints a value with every byte escaped, or in hex if it is not
// text.
func naiveText(v asn1.RawValue) (string, bool) {
	if v.FullBytes[0]&0x1f == 0x1f {
		return "", false
	}
	if v.Class != asn1.ClassUniversal || !slices.Contains([]int{7, 12, 18, 19, 20, 21, 22, 25, 26, 27, 28, 29, 30}, v.Tag) {
		return "#" + hex.EncodeToString(v.FullBytes), true
	}
	if v.IsCompound {
		return "", false
	}
	s := string(v.Bytes)
	switch v.Tag {
	case utf8String:
		return escapeAll(s), utf8.ValidString(s)
	case bmpString:
		var units []uint16
		for i := 0; i+1 < len(s); i += 2 {
			units = append(units, uint16(s[i])<<8|uint16(s[i+1]))
		}
		surrogate := slices.ContainsFunc(units, func(u uint16) bool { return u>>11 == 0x1b })
		return escapeAll(string(utf16.Decode(units))), len(s)%2 == 0 && !surrogate
	case universalString:
		var runes []rune
		for i := 0; i+3 < len(s); i += 4 {
			runes = append(runes, rune(s[i])<<24|rune(s[i+1])<<16|rune(s[i+2])<<8|rune(s[i+3]))
		}
		bad := slices.ContainsFunc(runes, func(r rune) bool { return !utf8.ValidRune(r) })
		return escapeAll(string(runes)), len(s)%4 == 0 && !bad
	}
	pattern := asciiTypes[v.Tag]
	return escapeAll(s), pattern != nil && pattern.MatchString(s)
}
