// Package caller is what the engine and package auth both know of a caller: who
// it is, what can be asked of it, how it is refused, and who decides. It keeps
// the engine from linking the verification of tokens, which only a server with
// protected features needs. Users know its types under their names in auth.
package caller

import "net/http"

// An Authority verifies the callers of one protected resource and words the
// refusals. It is what the engine knows of auth.Resource, where the methods are
// documented.
type Authority interface {
	URL() string
	Authenticate(*http.Request) (*User, *Challenge)
	Granted(u *User, scopes ...string) bool
	Unauthenticated(scopes ...string) *Challenge
	Insufficient(scopes ...string) *Challenge
	Denied() *Challenge
	DiscoveryOpen() bool
	Metadata() http.Handler
	MetadataPaths() []string
}

// ValidScope reports whether scope can be named in a request or a challenge: a
// scope-token of RFC 6749, section 3.3, of at most 256 bytes.
func ValidScope(scope string) bool {
	if scope == "" || len(scope) > 256 {
		return false
	}
	for _, c := range []byte(scope) {
		if c <= ' ' || c == '"' || c == '\\' || c >= 0x7f {
			return false
		}
	}
	return true
}
