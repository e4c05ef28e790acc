// Package httptoken knows what a token of HTTP is: the name of a header field,
// a method or an authentication scheme.
package httptoken

import "strings"

// Is reports whether s is a token (RFC 9110, section 5.6.2).
func Is(s string) bool {
	for i := range len(s) {
		if !IsByte(s[i]) {
			return false
		}
	}
	return s != ""
}

// IsByte reports whether a token may have the character.
func IsByte(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' ||
		strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0
}
