package x509attr_test

import (
	"encoding/asn1"
	"encoding/hex"
	"errors"
	"math/big"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// This file reads a distinguished name in another way than the package does:
// it first marks every character as escaped, quoted or plain, then splits at
// the plain separators.

var errNaive = errors.New("no distinguished name")

// errNoKeyword is the answer to a keyword that this reader does not know.
var errNoKeyword = errors.New("keyword not known here")

// symbol is a byte of a value, or a plain byte that may be syntax.
type symbol struct {
	b     byte
	plain bool
	quote bool // a quotation mark that starts or ends a quoted value
}

// naiveSubject returns the raw name that text stands for.
func naiveSubject(s string) ([]byte, error) {
	invisible := func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) }
	if len(s) > 4096 || !utf8.ValidString(s) || strings.ContainsFunc(s, invisible) {
		return nil, errNaive
	}
	symbols, err := naiveSymbols(s)
	if err != nil {
		return nil, err
	}
	var sequence []byte
	for _, rdn := range splitPlain(symbols, ',') {
		var set []byte
		attributes := splitPlain(rdn, '+')
		if len(attributes) > 16 {
			return nil, errNaive
		}
		for _, a := range attributes {
			der, err := naiveAttribute(a)
			if err != nil {
				return nil, err
			}
			set = append(set, der...)
		}
		sequence = append(sequence, tlv(0x31, set)...)
	}
	return tlv(0x30, sequence), nil
}

func naiveSymbols(s string) (symbols []symbol, err error) {
	inQuotes := false
	for s != "" {
		switch {
		case s[0] == '\\':
			if escaped := regexp.MustCompile(`^\\[,+"\\<>;#= ]`).FindString(s); escaped != "" {
				symbols = append(symbols, symbol{b: s[1]})
				s = s[2:]
				continue
			}
			digits := regexp.MustCompile(`^\\[0-9a-fA-F]{2}`).FindString(s)
			if digits == "" {
				return nil, errNaive
			}
			b, _ := hex.DecodeString(digits[1:])
			symbols = append(symbols, symbol{b: b[0]})
			s = s[3:]
		case s[0] == '"':
			inQuotes = !inQuotes
			symbols = append(symbols, symbol{quote: true})
			s = s[1:]
		default:
			symbols = append(symbols, symbol{b: s[0], plain: !inQuotes})
			s = s[1:]
		}
	}
	if inQuotes {
		return nil, errNaive
	}
	return symbols, nil
}

func splitPlain(symbols []symbol, at byte) (parts [][]symbol) {
	var part []symbol
	for _, s := range symbols {
		if s.plain && s.b == at {
			parts = append(parts, part)
			part = nil
			continue
		}
		part = append(part, s)
	}
	return append(parts, part)
}

func trimPlain(symbols []symbol) []symbol {
	space := symbol{b: ' ', plain: true}
	for len(symbols) > 0 && symbols[0] == space {
		symbols = symbols[1:]
	}
	for len(symbols) > 0 && symbols[len(symbols)-1] == space {
		symbols = symbols[:len(symbols)-1]
	}
	return symbols
}

func naiveAttribute(symbols []symbol) ([]byte, error) {
	var keyword string
	symbols = trimPlain(symbols)
	for len(symbols) > 0 && symbols[0] != (symbol{b: '=', plain: true}) {
		if !symbols[0].plain {
			return nil, errNaive
		}
		keyword += string(rune(symbols[0].b))
		symbols = symbols[1:]
	}
	if len(symbols) == 0 {
		return nil, errNaive
	}
	value, err := naiveValue(trimPlain(symbols[1:]))
	if err != nil {
		return nil, err
	}
	oid, err := naiveType(strings.TrimRight(keyword, " "))
	if err != nil {
		return nil, err
	}
	return tlv(0x30, append(tlv(6, oid), value...)), nil
}

// naiveValue returns the DER encoding of a value.
func naiveValue(symbols []symbol) ([]byte, error) {
	if len(symbols) > 0 && symbols[0].plain && symbols[0].b == '#' {
		var digits string
		for _, s := range symbols[1:] {
			if !s.plain {
				return nil, errNaive
			}
			digits += string(rune(s.b))
		}
		der, err := hex.DecodeString(digits)
		if err != nil {
			return nil, errNaive
		}
		if _, rest, ok := naiveRead(der); !ok || len(rest) > 0 {
			return nil, errNaive
		}
		return der, nil
	}
	quoted := len(symbols) > 1 && symbols[0].quote && symbols[len(symbols)-1].quote
	if quoted {
		symbols = symbols[1 : len(symbols)-1]
	}
	var value []byte
	for _, s := range symbols {
		if s.quote || s.plain && (quoted || strings.IndexByte(";<>", s.b) >= 0) {
			return nil, errNaive
		}
		value = append(value, s.b)
	}
	if !utf8.Valid(value) {
		return nil, errNaive
	}
	return tlv(utf8String, value), nil
}

// naiveRead reads a value with encoding/asn1 and checks that it can be decoded.
func naiveRead(der []byte) (value string, rest []byte, ok bool) {
	var raw asn1.RawValue
	rest, err := asn1.Unmarshal(der, &raw)
	if err != nil {
		return "", nil, false
	}
	value, ok = naiveText(raw)
	return value, rest, ok
}

func naiveType(keyword string) ([]byte, error) {
	known := map[string]string{
		"CN": "2.5.4.3", "OU": "2.5.4.11", "O": "2.5.4.10", "C": "2.5.4.6", "L": "2.5.4.7", "ST": "2.5.4.8",
		"DC": "0.9.2342.19200300.100.1.25", "STREET": "2.5.4.9",
	}
	dotted := known[strings.ToUpper(keyword)]
	switch {
	case dotted != "":
	case keyword == "UID":
		dotted = "0.9.2342.19200300.100.1.1"
	case len(keyword) > 4 && strings.EqualFold(keyword[:4], "OID."):
		dotted = keyword[4:]
	case keyword != "" && keyword[0] >= '0' && keyword[0] <= '9':
		dotted = keyword
	case regexp.MustCompile(`^[a-zA-Z][-.a-zA-Z0-9]*$`).MatchString(keyword):
		return nil, errNoKeyword
	}
	if !regexp.MustCompile(`^(0|1|2)(\.(0|[1-9][0-9]*))+$`).MatchString(dotted) {
		return nil, errNaive
	}
	var arcs []*big.Int
	for arc := range strings.SplitSeq(dotted, ".") {
		n, _ := new(big.Int).SetString(arc, 10)
		arcs = append(arcs, n)
	}
	if arcs[0].Int64() < 2 && arcs[1].Cmp(big.NewInt(39)) > 0 {
		return nil, errNaive
	}
	arcs[1].Add(arcs[1], new(big.Int).Mul(arcs[0], big.NewInt(40)))
	var oid []byte
	for _, arc := range arcs[1:] {
		digits := []byte{byte(new(big.Int).And(arc, big.NewInt(127)).Int64())}
		for arc.Rsh(arc, 7); arc.Sign() > 0; arc.Rsh(arc, 7) {
			digits = append([]byte{0x80 | byte(new(big.Int).And(arc, big.NewInt(127)).Int64())}, digits...)
		}
		oid = append(oid, digits...)
	}
	return oid, nil
}
