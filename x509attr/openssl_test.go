package x509attr_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"math/rand/v2"
	"os/exec"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/mqttwarden/mqttwarden/x509attr"
)

// X509-7: what OpenSSL prints for a certificate, used as a rule, names that
// certificate and no other of the corpus.
func TestX509_7EveryPrintedFormOfOpenSSL(t *testing.T) {
	forms := []struct {
		option string
		plain  bool // prints what is not ASCII as it is
	}{
		{option: ""}, // the default, which depends on the version
		{option: "oneline"},
		{option: "RFC2253"},
		{option: "RFC2253,-esc_msb", plain: true},
		{option: "oneline,lname"},
		{option: "oneline,oid,dump_all"},
	}
	corpus := subjectCorpus(12)
	certs := make([][]byte, len(corpus))
	for i, raw := range corpus {
		certs[i] = certificateWith(t, raw)
	}
	for _, form := range forms {
		t.Run("nameopt="+form.option, func(t *testing.T) {
			for i, der := range certs {
				printed := opensslSubject(t, der, form.option)
				m, err := x509attr.Compile([]x509attr.Rule{{Subject: printed}})
				if strings.ContainsFunc(printed, func(r rune) bool { return unicode.Is(unicode.Bidi_Control, r) }) {
					if err == nil {
						t.Errorf("rule with a plain text direction control: %q", printed)
					}
					continue
				}
				if err != nil {
					t.Errorf("%s\n%v", printed, err)
					continue
				}
				for j, raw := range corpus {
					if got := matches(m, raw); got != (i == j) {
						t.Errorf("%s\nequals subject %d: %t, want %t: %x", printed, j, got, i == j, raw)
					}
				}
			}
		})
	}
}

// subjectCorpus returns subjects of all string types but VisibleString, which
// OpenSSL refuses in names, with every kind of character that needs escaping;
// the same ones at every call.
func subjectCorpus(n int) [][]byte {
	random := rand.New(rand.NewPCG(7, 62))
	alphabets := map[int][]string{
		utf8String:      {"a", "B", " ", ",", "+", `"`, `\`, "<", ">", ";", "#", "=", "/", "\x00", "\n", "\x7f", "é", "☃", "😀", "\u202e", "\u0301"},
		printableString: {"a", "B", "7", " ", ",", "+", "=", "/", "'"},
		ia5String:       {"a", "@", " ", ",", `"`, `\`, "#", "\x01"},
		teletexString:   {"a", "B", " ", ",", `"`, "<", ";", "="},
		numericString:   {"0", "7", " "},
		bmpString:       {"a", " ", ",", "é", "☃", "#"},
		universalString: {"a", " ", "+", "é", "😀", `"`},
	}
	tags := []int{utf8String, printableString, utf8String, ia5String, teletexString, numericString, bmpString, universalString}
	types := []string{cn, ou, o, c, serial, "2.5.4.7", "2.5.4.12", "2.5.4.42", "0.9.2342.19200300.100.1.1", "0.9.2342.19200300.100.1.25", "1.2.840.113549.1.9.1", "1.2.3.4.5"}
	one := func() attribute {
		tag := tags[random.IntN(len(tags))]
		var value strings.Builder
		for range random.IntN(9) {
			value.WriteString(alphabets[tag][random.IntN(len(alphabets[tag]))])
		}
		content := value.String()
		switch tag {
		case bmpString:
			content = ucs2(content)
		case universalString:
			content = ucs4(content)
		}
		return attribute{types[random.IntN(len(types))], tag, content}
	}
	subjects := make([][]byte, n)
	for i := range subjects {
		// The first attribute tells the subjects apart.
		rdns := [][]attribute{{text(ou, "subject "+string(rune('A'+i)))}}
		for range 2 + random.IntN(8) {
			rdn := []attribute{one()}
			for random.IntN(4) == 0 {
				rdn = append(rdn, one())
			}
			rdns = append(rdns, rdn)
		}
		subjects[i] = nameOf(rdns...)
	}
	return subjects
}

// certificateWith returns a certificate with the raw subject.
func certificateWith(t *testing.T, raw []byte) []byte {
	t.Helper()
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), RawSubject: raw,
		NotBefore: time.Unix(0, 0), NotAfter: time.Unix(1<<31, 0),
	}
	issuer := &x509.Certificate{Subject: pkix.Name{CommonName: "issuer"}}
	der, err := x509.CreateCertificate(nil, template, issuer, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func opensslSubject(t *testing.T, der []byte, nameopt string) string {
	t.Helper()
	args := []string{"x509", "-inform", "DER", "-noout", "-subject"}
	if nameopt != "" {
		args = append(args, "-nameopt", nameopt)
	}
	cmd := exec.CommandContext(t.Context(), "openssl", args...)
	cmd.Stdin = bytes.NewReader(der)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("this test needs the openssl program: %v\n%s%x", err, &stderr, der)
	}
	return strings.TrimPrefix(strings.TrimSuffix(string(out), "\n"), "subject=")
}
