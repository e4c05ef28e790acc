package uritemplate

import "strings"

// Canonical returns the one spelling of a URI that all its spellings share as
// far as RFC 3986, section 6.2.2, says that they mean the same: unreserved
// characters stand for themselves, the digits of percent-encoded bytes and the
// letters of nothing else are folded, the scheme is in lower case, and what
// cannot stand in a URI, such as a letter beyond ASCII, is percent-encoded. So is
// a "%" that begins no percent-encoded byte, see [IsWellFormed].
//
// Nothing else is folded: not the case of a host, which in the URIs of
// resources often is a name, nor segments such as "..", an empty path, or the
// default port of a scheme.
func Canonical(uri string) string { return normalize(uri, false) }

// Fold returns a text that is the same for all URIs between which a policy must
// not distinguish. Beyond [Canonical], a character of a path counts as the same
// whether it is percent-encoded or not, such as "!" and "%21", unless it
// separates: "/", "?", "#", and "&" in a query, are never their percent-encoded
// forms. A URI that is found by its folded text has a policy that nobody can
// escape by spelling it differently.
func Fold(uri string) string { return normalize(uri, true) }

// IsWellFormed reports whether each "%" of a URI begins a percent-encoded byte.
// Where one does not, it cannot be known what the client meant.
func IsWellFormed(uri string) bool {
	for i := strings.IndexByte(uri, '%'); i >= 0; {
		if !isTriplet(uri[i:]) {
			return false
		}
		uri = uri[i+3:]
		i = strings.IndexByte(uri, '%')
	}
	return true
}

func normalize(uri string, fold bool) string {
	if isNormal(uri) {
		return uri
	}
	var n normalizer
	return lowerScheme(n.text(uri, fold))
}

// isNormal reports whether there is nothing to change in a URI, which is so for
// nearly all.
func isNormal(uri string) bool {
	scheme := true
	for i := range len(uri) {
		c := uri[i]
		if c == ':' {
			scheme = false
		}
		if !isURICharacter(c) || scheme && 'A' <= c && c <= 'Z' {
			return false
		}
	}
	return true
}

// A normalizer normalizes a URI piece by piece.
type normalizer struct {
	query bool // the "?" of the query, or the "#" of the fragment, was there
}

func (n *normalizer) text(s string, fold bool) string {
	var b strings.Builder
	b.Grow(len(s))
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '%' && isTriplet(s[i:]):
			c = fromHex(s[i+1])<<4 | fromHex(s[i+2])
			i += 2
			if isUnreserved(c) || fold && n.isData(c) {
				b.WriteByte(c)
			} else {
				writeTriplet(&b, c)
			}
		case isURICharacter(c):
			n.query = n.query || c == '?' || c == '#'
			b.WriteByte(c)
		default:
			writeTriplet(&b, c)
		}
	}
	return b.String()
}

// isData reports whether a reserved character separates nothing where it is.
func (n *normalizer) isData(c byte) bool {
	if n.query {
		return c != '&' && c != '#' && isReserved(c)
	}
	return c != '/' && c != '?' && c != '#' && isReserved(c)
}

// isReserved follows RFC 3986, section 2.2.
func isReserved(c byte) bool { return strings.IndexByte(":/?#[]@!$&'()*+,;=", c) >= 0 }

func isURICharacter(c byte) bool { return isUnreserved(c) || isReserved(c) }

// lowerScheme returns the URI with its scheme in lower case (RFC 3986, section
// 3.1).
func lowerScheme(uri string) string {
	if n := SchemeLength(uri); n > 0 {
		return strings.ToLower(uri[:n]) + uri[n:]
	}
	return uri
}

// SchemeLength returns the length of the scheme that a URI or a template begins
// with, and 0 when it begins with none.
func SchemeLength(uri string) int {
	for i := range len(uri) {
		switch c := uri[i]; {
		case c == ':':
			return i
		case 'a' <= c|0x20 && c|0x20 <= 'z':
		case i > 0 && ('0' <= c && c <= '9' || c == '+' || c == '-' || c == '.'):
		default:
			return 0
		}
	}
	return 0
}
