package auth

import (
	"errors"
	"net/http"
	"strings"

	"github.com/mcpengine/mcpengine/internal/httptoken"
)

// MaxTokenBytes bounds the length of a token. A longer one is refused.
const MaxTokenBytes = 16 << 10

var (
	errMalformed   = errors.New("malformed Authorization header")
	errOtherScheme = errors.New("no Bearer credentials")
	errQueryToken  = errors.New("access token in the query string")
)

// bearerToken reads the one credential that a request may carry: a single
// Authorization header of the scheme Bearer (OAuth 2.1, section 5.1.1). It
// returns "" for a request without the header. Forms, cookies and other headers are not
// looked at; a token in the query string is an error, because URLs end up in
// logs (basic/authorization, "Token Requirements").
func bearerToken(req *http.Request) (string, error) {
	if req.URL != nil && req.URL.RawQuery != "" && req.URL.Query().Has("access_token") {
		return "", errQueryToken
	}
	values := req.Header["Authorization"]
	switch len(values) {
	case 0:
		return "", nil
	case 1:
		return parseBearer(values[0])
	}
	// Two readers may believe different ones.
	return "", errMalformed
}

// parseBearer reads `Bearer 1*SP b64token` (RFC 6750, section 2.1). The scheme
// is case-insensitive (RFC 9110, section 11.1). A token with characters that are
// not allowed in tokens is returned too: the refusal of a token tells the client
// to get a new one.
func parseBearer(value string) (string, error) {
	scheme, rest, spaced := strings.Cut(value, " ")
	if !strings.EqualFold(scheme, "Bearer") {
		if strings.HasPrefix(strings.ToLower(scheme), "bearer") && !httptoken.Is(scheme) {
			return "", errMalformed // such as "Bearer\ttoken"
		}
		return "", errOtherScheme
	}
	token := strings.TrimLeft(rest, " ")
	switch {
	case !spaced || token == "":
		return "", errOtherScheme // no credential was sent
	case strings.IndexByte(token, ' ') >= 0 || strings.IndexByte(token, '\t') >= 0:
		return "", errMalformed
	}
	return token, nil
}

// b64Token holds the characters of b64token but the padding.
var b64Token = func() (table [256]bool) {
	for _, c := range []byte("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~+/") {
		table[c] = true
	}
	return table
}()

// checkCharacters refuses a text that cannot be a token.
func checkCharacters(token string) error {
	if !isB64Token(token) {
		return &InvalidTokenError{Reason: "token with a character that is not allowed in tokens"}
	}
	return nil
}

// isB64Token reports whether s is made of the characters of a bearer token:
// b64token of RFC 6750, section 2.1.
func isB64Token(s string) bool {
	body := strings.TrimRight(s, "=")
	for _, c := range []byte(body) {
		if !b64Token[c] {
			return false
		}
	}
	return body != ""
}
