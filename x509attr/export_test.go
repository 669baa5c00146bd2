package x509attr

// ParseSubject lets the tests look at the result of the parser: one string per
// RDN, which are equal exactly if the RDNs are.
var ParseSubject = parseSubject
