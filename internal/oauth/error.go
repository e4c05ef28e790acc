package oauth

import (
	"errors"
	"fmt"
	"strings"
)

var (
	// ErrResource says that the metadata of a protected resource is about
	// another one than the server (RFC 9728, section 3.3).
	ErrResource = errors.New("the resource metadata is about another server")

	// ErrIssuer says that the metadata of an authorization server, or its
	// answer, is from another issuer than the one asked (RFC 8414, section 3.3;
	// RFC 9207, section 2.4).
	ErrIssuer = errors.New("the answer is from another issuer")

	// ErrMixUp says that the answer of the browser does not name its issuer,
	// while the authorization endpoint is of another origin than the issuer:
	// the answer may be another authorization server's.
	ErrMixUp = errors.New("the answer does not name its issuer (iss), and the authorization endpoint is of another origin than the issuer: " +
		"it may be another authorization server's")

	// ErrNoPKCE says that the authorization server does not say that it
	// supports PKCE with S256 (security-considerations, "Authorization Code
	// Protection").
	ErrNoPKCE = errors.New("the authorization server does not say that it supports PKCE (S256)")

	// ErrRegistration says that there is no client id and no way to get one.
	ErrRegistration = errors.New("the authorization server registers no clients by itself: register one there and give its client id")

	// ErrNoDocument is the ErrRegistration of an authorization server that reads
	// client id metadata documents.
	ErrNoDocument = fmt.Errorf("%w, or give the URL of a client id metadata document, which it reads", ErrRegistration)

	// ErrRefused says that the server still refuses after authorization, and
	// that doing it again would not help.
	ErrRefused = errors.New("the server refuses the access token that was just issued for it")
)

// ErrNotKept says that the store of the tokens cannot be written.
var ErrNotKept error = notKeptError{}

type notKeptError struct{}

// Error says so.
func (notKeptError) Error() string { return "the token cannot be kept" }

// Hint returns what the user can do about it.
func (notKeptError) Hint() string {
	return "make room for the tokens, or set MCPENGINE_HOME to a folder that can be written"
}

// An Error is the answer of an authorization server that refuses (RFC 6749,
// sections 4.1.2.1 and 5.2).
type Error struct {
	// Code is the error code, such as "invalid_grant", and "" for an answer that
	// is not OAuth's.
	Code string

	// Description is what the server says for people, without control
	// characters and at most 200 bytes. It holds nothing that was sent in
	// secret.
	Description string

	// Status is the HTTP status, and 0 for an answer by way of the browser.
	Status int
}

// Error returns the code and the description.
func (e *Error) Error() string {
	switch {
	case e.Code == "":
		return fmt.Sprintf("HTTP status %d", e.Status)
	case e.Description == "":
		return e.Code
	}
	return fmt.Sprintf("%s: %s", e.Code, e.Description)
}

// newError returns an Error with the texts of a peer made safe to show. The
// secrets, which were sent to the peer, are blackened.
func newError(status int, code, description string, secrets ...string) *Error {
	for _, secret := range secrets {
		if secret != "" {
			code = strings.ReplaceAll(code, secret, "…")
			description = strings.ReplaceAll(description, secret, "…")
		}
	}
	return &Error{Status: status, Code: printable(code, 64), Description: printable(description, 200)}
}

// isCode reports whether err is an answer with the code.
func isCode(err error, code string) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.Code == code
}

// printable cuts a text of a peer to size and to the characters that the
// specification allows in it (RFC 6749, section 5.2).
func printable(s string, size int) string {
	var b strings.Builder
	for _, r := range s {
		if b.Len() >= size {
			break
		}
		if r >= ' ' && r <= '~' {
			b.WriteRune(r)
		}
	}
	return b.String()
}
