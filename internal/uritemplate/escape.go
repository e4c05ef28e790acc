package uritemplate

import (
	"strings"
	"unicode/utf8"
)

const upperHex = "0123456789ABCDEF"

// escape percent-encodes all bytes of s but the unreserved ones.
func escape(b *strings.Builder, s string) {
	for i := range len(s) {
		if c := s[i]; isUnreserved(c) {
			b.WriteByte(c)
		} else {
			writeTriplet(b, c)
		}
	}
}

func writeTriplet(b *strings.Builder, c byte) {
	b.WriteByte('%')
	b.WriteByte(upperHex[c>>4])
	b.WriteByte(upperHex[c&0xF])
}

// unescapeValue decodes what a variable has matched and reports whether it may:
// a variable is not empty, and holds no character that separates.
func unescapeValue(s string, query bool) (string, bool) {
	separators := "/?#"
	if query {
		separators = "&#"
	}
	if s == "" || strings.ContainsAny(s, separators) {
		return "", false
	}
	return unescape(s)
}

// unescape decodes the triplets of s and reports whether all of them are whole
// and the result is UTF-8.
func unescape(s string) (string, bool) {
	i := strings.IndexByte(s, '%')
	if i < 0 {
		return s, utf8.ValidString(s)
	}
	b := make([]byte, i, len(s))
	copy(b, s)
	for ; i < len(s); i++ {
		if s[i] != '%' {
			b = append(b, s[i])
			continue
		}
		if !isTriplet(s[i:]) {
			return "", false
		}
		b = append(b, fromHex(s[i+1])<<4|fromHex(s[i+2]))
		i += 2
	}
	return string(b), utf8.Valid(b)
}

// isTriplet reports whether s begins with a percent-encoded byte.
func isTriplet(s string) bool {
	return len(s) >= 3 && s[0] == '%' && isHex(s[1]) && isHex(s[2])
}

// isUnreserved follows RFC 3986, section 2.3.
func isUnreserved(c byte) bool {
	return isAlnum(c) || c == '-' || c == '.' || c == '_' || c == '~'
}

func isAlnum(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

// fromHex returns the value of a digit that isHex accepts.
func fromHex(c byte) byte {
	if c <= '9' {
		return c - '0'
	}
	return c&^0x20 - 'A' + 10 // upper and lower case differ in this bit
}
