package peer

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

var (
	// ErrClosed is the error of a call when the connection is closed.
	ErrClosed = errors.New("the connection is closed")

	// ErrIdle is the error of a call when the server sends nothing that belongs to
	// it for as long as [Config].IdleTimeout.
	ErrIdle = errors.New("the server sent nothing for too long")
)

// An UnreachableError says that the server could not be reached: it refused the
// connection, broke it, or ended.
type UnreachableError struct {
	// Sent says that the request may have reached the server, which may have
	// acted on it. Without Sent, sending it again is safe.
	Sent bool
	Err  error
}

// Error says what went wrong.
func (e *UnreachableError) Error() string { return fmt.Sprintf("reach the server: %v", e.Err) }

// Unwrap returns the cause.
func (e *UnreachableError) Unwrap() error { return e.Err }

// A StatusError is an HTTP response that is not an answer of the protocol.
type StatusError struct {
	Status int

	// RetryAfter is how long the server asks to wait, and 0 when it does not.
	RetryAfter time.Duration

	// Body is the beginning of the body, at most 512 bytes.
	Body string

	// Err is the JSON-RPC error in the body, if there is one: a
	// *[jsonrpc.Error].
	Err error
}

// Error returns the status and the server's reason.
func (e *StatusError) Error() string {
	text := fmt.Sprintf("HTTP %d %s", e.Status, http.StatusText(e.Status))
	switch {
	case e.Err != nil:
		return fmt.Sprintf("%s: %v", text, e.Err)
	case e.Status >= 300 && e.Status < 400:
		return text + ": a redirect to another origin, or one that changes the method, is not followed"
	case isPage(e.Body):
		return text + ": a web page and no answer of the protocol"
	case e.Body != "":
		return fmt.Sprintf("%s: %q", text, e.Body)
	}
	return text
}

// isPage reports whether a body is HTML, which says nothing to a reader of errors.
func isPage(body string) bool {
	body = strings.ToLower(strings.TrimLeft(body, "\ufeff \t\r\n"))
	return strings.HasPrefix(body, "<!doctype html") || strings.HasPrefix(body, "<html") || strings.HasPrefix(body, "<head")
}

// Unwrap returns the JSON-RPC error of the body, or nil.
func (e *StatusError) Unwrap() error { return e.Err }

// An AuthError says that the server wants credentials, or other credentials.
type AuthError struct {
	// Status is 401 or 403, and 0 when getting credentials failed before the
	// request was sent.
	Status int

	// Challenges are read from WWW-Authenticate and from the field that AWS
	// renames it to.
	Challenges []Challenge

	// Err is the error of the [Authorizer], or the JSON-RPC error in the body.
	Err error
}

// Error names the status and the reason.
func (e *AuthError) Error() string {
	text := "authorize"
	if e.Status != 0 {
		text = fmt.Sprintf("HTTP %d %s", e.Status, http.StatusText(e.Status))
	}
	for _, c := range e.Challenges {
		if reason := c.Params["error"]; reason != "" {
			text += ": " + reason
		}
	}
	if e.Err != nil {
		return fmt.Sprintf("%s: %v", text, e.Err)
	}
	return text
}

// Unwrap returns the cause, or nil.
func (e *AuthError) Unwrap() error { return e.Err }

// A SessionError says that the server does not know the session any more. When
// Sent is false, the server has not acted on the request. The next call begins
// a new session.
type SessionError struct {
	Sent bool

	// Err is the server's refusal: a *[StatusError] or a *[jsonrpc.Error].
	Err error
}

// Error quotes the server if it said anything.
func (e *SessionError) Error() string {
	if e.Err == nil {
		return "the server has ended the session"
	}
	return fmt.Sprintf("the server has ended the session: %v", e.Err)
}

// A ProtocolError says that a message of the server breaks the protocol.
type ProtocolError struct{ Err error }

// Error says how.
func (e *ProtocolError) Error() string { return fmt.Sprintf("protocol error of the server: %v", e.Err) }

// Unwrap returns the cause.
func (e *ProtocolError) Unwrap() error { return e.Err }

func protocolErrorf(format string, args ...any) error {
	return &ProtocolError{Err: fmt.Errorf(format, args...)}
}
