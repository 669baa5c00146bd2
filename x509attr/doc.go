// Package x509attr finds the authorization attributes of an X.509 client
// certificate: those of the rule whose subject names a certificate of the
// verified chain.
//
//	rules → Compile → Matcher
//	verified chain, leaf first → Matcher.Match → Match{Rule, Index, Attributes}
//
// [Matcher.Match] looks at the leaf first and then along the chain to the trust
// anchor. The first certificate that a rule names ends the search; nothing is
// added up (X509-6). One look-up per certificate, whatever the number of rules.
//
//	matcher, err := x509attr.Compile([]x509attr.Rule{
//		{Name: "smartfan", Subject: "CN = smart-fan", Attributes: map[string]string{"building": "17"}},
//	})
//	...
//	match, ok := matcher.Match(chain)
//
// # Subjects
//
// A rule's subject is a distinguished name as OpenSSL or RFC 4514 print it
// (X509-7):
//
//	CN = smart-fan, OU = Engineering, C = US     openssl x509 -noout -subject
//	CN=smart-fan,OU=Engineering,C=US             the same with RFC 4514
//	C=US,OU=Engineering,CN=smart-fan             the same in reverse
//	CN = "Fans, Ltd."                            quoted
//	CN=Fans\, Ltd.,O=caf\C3\A9                   escapes: one character, or the bytes of UTF-8 in hex
//	CN=smart-fan+serialNumber=17                 an RDN of two attributes, in any order
//	2.5.4.3=smart-fan, OID.2.5.4.10=Contoso      dotted OIDs
//	1.2.3.4=#0C0161                              the BER encoding of the value in hex
//
// It equals a certificate's subject when the sequences of RDNs are equal in the
// printed order or exactly reversed, since OpenSSL and RFC 4514 print opposite
// orders. Nothing shorter or longer matches. [FormatSubject] prints a subject so
// that it can be used in a rule.
//
// Spaces around "=", "," and "+" do not count, and keywords may be in upper or
// lower case. UID and mail alone have to be written so, as OpenSSL has other
// attributes of these names in another case. Values are compared code point by code point: no case folding, no
// normalisation, no trimming. How a certificate encodes the text does not
// matter: UTF8String, PrintableString, IA5String, NumericString, VisibleString,
// BMPString and UniversalString are decoded, as far as crypto/x509 parses a
// certificate with them at all. A TeletexString is decoded only if
// all of its characters mean the same in T.61 and in Latin-1, as both readings
// are in use. A name with text that cannot be decoded equals no rule. Values
// that are no text are compared byte by byte and written as "#" and hex.
//
// The form with slashes ("/C=US/CN=a") is refused: OpenSSL does not escape a
// slash in it, so it can stand for several names.
//
// # Security
//
// Matching works on the raw subject, never on a printed one, so no character in
// a name can make it look like another (S-62, S-64). A certificate with two
// common names has none (S-63, [CommonName]). Malformed subjects match nothing,
// and the work on a subject is bounded by its length and by the longest rule
// (S-65).
//
// With more than one trust anchor any of them can issue a certificate with any
// subject. [Rule.Anchor] pins a rule to one of them.
//
// # What is not here
//
// Verification. Match believes the chain it is given; hand it a chain that
// [crypto/x509.Certificate.Verify] built, never the certificates that a client
// merely presented (S-68). The choice among several verified chains is the
// caller's.
package x509attr
