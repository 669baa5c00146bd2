package x509attr

import (
	"crypto/x509"
	"fmt"
	"strings"
)

// parseType returns the content of the DER encoding of the OID that name stands
// for: a keyword, or a dotted OID with or without "OID." before it. Otherwise it
// says what is wrong.
func parseType(name string) (oid []byte, reason string) {
	for _, exact := range []string{"UID", "mail"} { // OpenSSL has "uid" and "Mail" for other OIDs
		if strings.EqualFold(name, exact) && name != exact {
			return nil, fmt.Sprintf("attribute type %q is ambiguous, as another case means another type; write %s, or a dotted OID", name, exact)
		}
	}
	if strings.EqualFold(name, "subject") {
		return nil, `leave out the "subject=" that OpenSSL prints first`
	}
	dotted := strings.ToLower(name)
	if isDigit(name[0]) || strings.HasPrefix(dotted, "oid.") {
		dotted = strings.TrimPrefix(dotted, "oid.")
	} else if dotted = keyword(dotted); dotted == "" {
		return nil, fmt.Sprintf("unknown attribute type %q; write its dotted OID", name)
	}
	parsed, err := x509.ParseOID(dotted)
	if err != nil || parsed.String() != dotted { // leading zeros, for one
		return nil, fmt.Sprintf("%q is no dotted OID", name)
	}
	oid, err = parsed.MarshalBinary()
	if err != nil {
		return nil, fmt.Sprintf("%q is no dotted OID", name)
	}
	return oid, ""
}

// keyword returns the dotted OID of a keyword in lower case, or "". It knows
// the keywords of RFC 4514, the short and long names of OpenSSL for the X.500
// attributes and for others that subjects have, and S and E, which are common
// elsewhere. It is a switch because nothing can modify one.
func keyword(name string) string {
	const (
		pilot        = "0.9.2342.19200300.100.1." // RFC 4524
		pkcs9        = "1.2.840.113549.1.9."      // RFC 2985
		jurisdiction = "1.3.6.1.4.1.311.60.2.1."  // extended validation certificates
	)
	switch name {
	case "emailaddress", "e":
		return pkcs9 + "1"
	case "unstructuredname":
		return pkcs9 + "2"
	case "unstructuredaddress":
		return pkcs9 + "8"
	case "userid", "uid":
		return pilot + "1"
	case "mail", "rfc822mailbox":
		return pilot + "3"
	case "dc", "domaincomponent":
		return pilot + "25"
	case "uniqueidentifier":
		return pilot + "44"
	case "jurisdictionl", "jurisdictionlocalityname":
		return jurisdiction + "1"
	case "jurisdictionst", "jurisdictionstateorprovincename":
		return jurisdiction + "2"
	case "jurisdictionc", "jurisdictioncountryname":
		return jurisdiction + "3"
	}
	if arc := x500Keyword(name); arc != "" {
		return "2.5.4." + arc
	}
	return ""
}

// x500Keyword returns the last arc of an attribute of X.520 (2.5.4), or "".
func x500Keyword(name string) string {
	switch name {
	case "cn", "commonname":
		return "3"
	case "sn", "surname":
		return "4"
	case "serialnumber":
		return "5"
	case "c", "countryname":
		return "6"
	case "l", "localityname":
		return "7"
	case "st", "s", "stateorprovincename":
		return "8"
	case "street", "streetaddress":
		return "9"
	case "o", "organizationname":
		return "10"
	case "ou", "organizationalunitname":
		return "11"
	case "title":
		return "12"
	case "description":
		return "13"
	case "businesscategory":
		return "15"
	case "postaladdress":
		return "16"
	case "postalcode":
		return "17"
	case "postofficebox":
		return "18"
	case "physicaldeliveryofficename":
		return "19"
	case "telephonenumber":
		return "20"
	case "name":
		return "41"
	case "gn", "givenname":
		return "42"
	case "initials":
		return "43"
	case "generationqualifier":
		return "44"
	case "x500uniqueidentifier":
		return "45"
	case "dnqualifier":
		return "46"
	case "houseidentifier":
		return "51"
	case "dmdname":
		return "54"
	case "pseudonym":
		return "65"
	case "role":
		return "72"
	case "organizationidentifier":
		return "97"
	case "c3", "countrycode3c":
		return "98"
	case "n3", "countrycode3n":
		return "99"
	case "dnsname":
		return "100"
	default:
		return ""
	}
}
