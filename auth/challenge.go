package auth

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
)

// Error codes of RFC 6750, section 3.1.
const (
	codeInvalidRequest    = "invalid_request"
	codeInvalidToken      = "invalid_token"
	codeInsufficientScope = "insufficient_scope"
)

// A parameter belongs to a challenge. Its value is our own text or has been
// checked: it holds no quotation mark and no backslash.
type parameter struct{ name, value string }

// newChallenge returns a challenge of the scheme Bearer.
func newChallenge(status int, code, message string, parameters ...parameter) *Challenge {
	c := &Challenge{Status: status, Code: code, Message: message, Header: http.Header{
		// A shared cache must not keep a refusal, nor serve one caller's
		// answer to another.
		"Cache-Control": {"no-store"},
		"Vary":          {"Authorization"},
	}}
	if code != "" {
		parameters = append([]parameter{{"error", code}, {"error_description", message}}, parameters...)
	}
	fields := make([]string, 0, len(parameters))
	data := make(map[string]string, len(parameters))
	for _, p := range parameters {
		if p.value == "" {
			continue
		}
		fields = append(fields, p.name+`="`+p.value+`"`)
		data[p.name] = p.value
	}
	c.Header.Set("WWW-Authenticate", strings.TrimSuffix("Bearer "+strings.Join(fields, ", "), " "))
	if len(data) > 0 {
		c.Data, _ = json.Marshal(data) // a map of strings can be encoded
	}
	return c
}

// plainChallenge returns a refusal that a new token would not change.
func plainChallenge(status int, message string) *Challenge {
	c := newChallenge(status, "", message)
	c.Header.Del("WWW-Authenticate")
	return c
}

// Unauthenticated returns the challenge for a request without credentials: 401
// without an error code, because the client has made no mistake (RFC 6750,
// section 3.1). Name the scopes that the operation needs, so that the client asks
// for these and no more.
func (r *Resource) Unauthenticated(scopes ...string) *Challenge {
	return newChallenge(http.StatusUnauthorized, "", "an access token is required",
		parameter{"resource_metadata", r.metadataURL}, parameter{"scope", r.requestable(scopes)})
}

// Insufficient returns the challenge for a caller whose token lacks a scope of
// the operation: 403 with insufficient_scope. Name every scope that the
// operation needs and not only the missing ones, so that one more authorization
// is enough (basic/authorization, "Runtime Insufficient Scope Errors").
func (r *Resource) Insufficient(scopes ...string) *Challenge {
	return newChallenge(http.StatusForbidden, codeInsufficientScope, "the access token lacks a scope that this operation needs",
		parameter{"scope", r.requestable(scopes)}, parameter{"resource_metadata", r.metadataURL})
}

// signInAgain returns the challenge for a caller whose sign-in is not enough for an
// API behind the server (RFC 9470, section 3). Microsoft's clients send the claims
// with the next sign-in.
func (r *Resource) signInAgain(claims string, verified bool) *Challenge {
	const message = "another sign-in is needed for an API behind the server"
	switch {
	case !verified:
		return r.Unauthenticated()
	case claims != "":
		return newChallenge(http.StatusUnauthorized, "insufficient_claims", message,
			parameter{"claims", base64.StdEncoding.EncodeToString([]byte(claims))}, parameter{"resource_metadata", r.metadataURL})
	}
	return newChallenge(http.StatusUnauthorized, "insufficient_user_authentication", message,
		parameter{"resource_metadata", r.metadataURL})
}

// Denied returns the refusal of a caller by a [Rule]: a plain 403, because
// another token for the same caller would not help. It does not say which rule.
func (r *Resource) Denied() *Challenge {
	return plainChallenge(http.StatusForbidden, "the caller is not allowed to do this")
}

// invalidToken returns the challenge for a token that was refused. The message is
// the same for every reason except expiry, which ordinary clients meet.
func (r *Resource) invalidToken(err error) *Challenge {
	message := "the access token is invalid"
	why, ok := errors.AsType[*InvalidTokenError](err)
	if !ok {
		why = &InvalidTokenError{}
	}
	if why.Expired {
		message = "the access token has expired"
	}
	c := newChallenge(http.StatusUnauthorized, codeInvalidToken, message,
		parameter{"resource_metadata", r.metadataURL})
	if why.Bound {
		// RFC 9449, section 7.1. The Bearer challenge stays in front: a client
		// that has a choice gets an unbound token.
		c.Header.Add("WWW-Authenticate", `DPoP error="invalid_token", error_description="the access token is bound to a key and is no bearer token"`)
	}
	return c
}

func (r *Resource) invalidRequest(message string) *Challenge {
	return newChallenge(http.StatusBadRequest, codeInvalidRequest, message,
		parameter{"resource_metadata", r.metadataURL})
}

func (r *Resource) unavailable() *Challenge {
	c := plainChallenge(http.StatusServiceUnavailable, "the access token cannot be checked at the moment")
	c.Header.Set("Retry-After", "5")
	return c
}

// requestable joins scopes in the spelling in which a client has to ask for
// them. It leaves out scopes that are not allowed in a challenge.
func (r *Resource) requestable(scopes []string) string {
	var names []string
	for _, scope := range scopes {
		if name := r.trusted[0].requestable(scope); ValidScope(name) && scope != offlineAccess && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return strings.Join(names, " ")
}
