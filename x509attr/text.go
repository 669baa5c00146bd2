package x509attr

import (
	"encoding/binary"
	"math"
	"unicode/utf8"
)

// Tags of the character string types (X.680, 8.4) that can be decoded.
const (
	tagUTF8String      = 12
	tagNumericString   = 18
	tagPrintableString = 19
	tagTeletexString   = 20
	tagIA5String       = 22
	tagVisibleString   = 26
	tagUniversalString = 28
	tagBMPString       = 30
)

// textElement returns a UTF8String as an element that has no length, which
// nothing asks of text.
func textElement(text []byte) element {
	return element{raw: append([]byte{tagUTF8String}, text...), header: 1}
}

// isText reports whether tag belongs to a character string type, decodable or
// not. Constructed ones count: DER has none.
func isText(tag byte) bool {
	const (
		class       = 0xC0
		number      = 0x1F
		descriptor  = 7
		videotex    = 21
		graphic     = 25
		general     = 27
		unspecified = 29
	)
	if tag&class != 0 {
		return false
	}
	switch tag & number {
	case tagUTF8String, tagNumericString, tagPrintableString, tagTeletexString, tagIA5String,
		tagVisibleString, tagUniversalString, tagBMPString,
		descriptor, videotex, graphic, general, unspecified:
		return true
	default:
		return false
	}
}

// appendText appends the code points of a character string to buf, as UTF-8. It
// is not ok if they are not certain.
func appendText(buf []byte, v element) (text []byte, ok bool) {
	switch content := v.content(); v.tag() {
	case tagUTF8String:
		return append(buf, content...), utf8.Valid(content)
	case tagBMPString:
		return appendUTF16(buf, content)
	case tagUniversalString:
		return appendUTF32(buf, content)
	case tagNumericString, tagPrintableString, tagTeletexString, tagIA5String, tagVisibleString:
		return append(buf, content...), validBytes(v.tag(), content)
	default:
		return nil, false
	}
}

// appendUTF16 decodes a BMPString: UCS-2, which has no surrogates.
func appendUTF16(buf, content []byte) ([]byte, bool) {
	if len(content)%2 != 0 {
		return nil, false
	}
	for ; len(content) > 0; content = content[2:] {
		r := rune(binary.BigEndian.Uint16(content))
		if !utf8.ValidRune(r) {
			return nil, false
		}
		buf = utf8.AppendRune(buf, r)
	}
	return buf, true
}

// appendUTF32 decodes a UniversalString.
func appendUTF32(buf, content []byte) ([]byte, bool) {
	if len(content)%4 != 0 {
		return nil, false
	}
	for ; len(content) > 0; content = content[4:] {
		r := rune(binary.BigEndian.Uint32(content)) // negative if too large, and so not valid
		if !utf8.ValidRune(r) {
			return nil, false
		}
		buf = utf8.AppendRune(buf, r)
	}
	return buf, true
}

// validBytes reports whether every byte of content is a character of the type,
// and the same one as in ASCII.
func validBytes(tag byte, content []byte) bool {
	low, high := alphabet(tag)
	for _, c := range content {
		set := low
		if c >= 64 {
			set = high
		}
		if c >= utf8.RuneSelf || set>>(c%64)&1 == 0 {
			return false
		}
	}
	return true
}

// alphabet returns the ASCII characters of a type as two sets: bit c of low
// stands for character c, bit c of high for character 64+c.
func alphabet(tag byte) (low, high uint64) {
	const (
		digits      = (1<<10 - 1) << '0'
		letters     = (1<<26-1)<<('A'-64) | (1<<26-1)<<('a'-64)
		visibleLow  = (1<<32 - 1) << ' '
		visibleHigh = 1<<63 - 1
	)
	switch tag {
	case tagNumericString:
		return digits | 1<<' ', 0
	case tagPrintableString:
		// X.680, 41.4, and * and &, which crypto/x509 lets pass as well
		// because certificates in use have them.
		return digits | 1<<' ' | 1<<'\'' | 1<<'(' | 1<<')' | 1<<'+' | 1<<',' | 1<<'-' | 1<<'.' | 1<<'/' |
			1<<':' | 1<<'=' | 1<<'?' | 1<<'*' | 1<<'&', letters
	case tagTeletexString:
		// Without those that are other characters in T.61, or none.
		return visibleLow &^ (1<<'#' | 1<<'$'),
			visibleHigh &^ (1<<('\\'-64) | 1<<('^'-64) | 1<<('`'-64) | 1<<('{'-64) | 1<<('}'-64) | 1<<('~'-64))
	case tagIA5String:
		return math.MaxUint64, math.MaxUint64
	case tagVisibleString:
		return visibleLow, visibleHigh
	default:
		return 0, 0
	}
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }
