package client

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/oauth"
	"github.com/mcpengine/mcpengine/internal/peer"
	"github.com/mcpengine/mcpengine/mcp"
)

// ErrClosed is the error of calls that end because the client is closed.
var ErrClosed = peer.ErrClosed

// ErrIdle is the error of a call during which the server is silent for too
// long.
var ErrIdle = peer.ErrIdle

// An UnreachableError says that the server cannot be reached: it refused the
// connection, broke it, or ended.
type UnreachableError struct {
	// Sent says that the request may have reached the server, which may have
	// acted on it. Without Sent, sending it again is safe.
	Sent bool
	Err  error
}

// Error says what went wrong.
func (e *UnreachableError) Error() string { return (*peer.UnreachableError)(e).Error() }

// Unwrap returns the cause.
func (e *UnreachableError) Unwrap() error { return e.Err }

// A StatusError is an HTTP response that is not an answer of the protocol.
type StatusError struct {
	Status int

	// RetryAfter is how long the server asks to wait, and 0 when it does not.
	RetryAfter time.Duration

	// Body is the beginning of the body, at most 512 bytes.
	Body string

	// Err is the JSON-RPC error in the body, or nil.
	Err *mcp.Error

	text string
}

// Error returns the status and the server's message.
func (e *StatusError) Error() string {
	if e.text == "" {
		return fmt.Sprintf("HTTP %d %s", e.Status, http.StatusText(e.Status))
	}
	return e.text
}

// An AuthError says that the server demands credentials, or refuses the given
// ones.
type AuthError struct {
	// Status is 401 or 403, and 0 when getting credentials failed before the
	// server was asked.
	Status int

	// Challenges are read from WWW-Authenticate and from the field that AWS
	// renames it to.
	Challenges []Challenge

	// Err is the reason that there are no credentials, such as an [*OAuthError],
	// or the [*mcp.Error] of the body. It may be nil.
	Err error

	text string
}

// A Challenge is one challenge of a WWW-Authenticate field (RFC 9110, section
// 11.6.1). Scheme and the names of Params are in lower case.
type Challenge struct {
	Scheme string
	Params map[string]string

	// Field is the header field that held the challenge: WWW-Authenticate, or the
	// name that AWS gives it.
	Field string
}

// Error names the status and the reason.
func (e *AuthError) Error() string {
	if e.text == "" {
		return fmt.Sprintf("HTTP %d %s", e.Status, http.StatusText(e.Status))
	}
	return e.text
}

// Unwrap returns the cause, or nil.
func (e *AuthError) Unwrap() error { return e.Err }

// A SessionError says that the server does not know the session any more. The
// next call begins a new session.
type SessionError struct {
	// Sent says that the server may have acted on the request.
	Sent bool

	// Err is the server's answer: a [*StatusError] or an [*mcp.Error]. It may be
	// nil.
	Err error
}

// Error returns a message with the server's own text, if it has any.
func (e *SessionError) Error() string { return (*peer.SessionError)(e).Error() }

// A ProtocolError says that a message of the server breaks the protocol.
type ProtocolError struct{ Err error }

// Error says how.
func (e *ProtocolError) Error() string { return (*peer.ProtocolError)(e).Error() }

// Unwrap returns the cause.
func (e *ProtocolError) Unwrap() error { return e.Err }

func protocolErrorf(format string, args ...any) error {
	return &ProtocolError{Err: fmt.Errorf(format, args...)}
}

// An OAuthError is the refusal of an authorization server (RFC 6749, sections
// 4.1.2.1 and 5.2).
type OAuthError struct {
	// Code is the error code, such as "access_denied" or "invalid_grant". It is
	// empty if the answer is not an OAuth error.
	Code string

	// Description is the server's text for people, in printable ASCII of at most
	// 200 bytes. It holds no secret of the request.
	Description string

	// Status is the HTTP status, and 0 for an answer by way of the browser.
	Status int
}

// Error returns the code and the description.
func (e *OAuthError) Error() string { return (*oauth.Error)(e).Error() }

// A ToolError is the result of a tool that failed. [Call] returns it;
// [Client.CallTool] returns it as a result like any other.
type ToolError struct{ Result *mcp.CallToolResult }

// Error returns the tool's text for the model.
func (e *ToolError) Error() string { return "the tool failed: " + e.Result.Text() }

// public turns an error of a connection into one of this package, with the same
// text. All errors are converted here.
func public(err error) error {
	theirs, own := convert(err)
	if own == nil {
		return err
	}
	// The text around it stays, such as "connect: ".
	before, after, found := strings.Cut(err.Error(), theirs.Error())
	if !found || before == "" && after == "" {
		return own
	}
	return fmt.Errorf("%s%w%s", before, own, after)
}

// convert returns the connection's error that err wraps, and the error of this
// package that replaces it. Both are nil when err wraps no such error.
func convert(err error) (theirs, own error) {
	if e, ok := errors.AsType[*peer.AuthError](err); ok {
		a := &AuthError{Status: e.Status, Err: public(e.Err), text: e.Error()}
		for _, c := range e.Challenges {
			a.Challenges = append(a.Challenges, Challenge(c))
		}
		return e, a
	}
	if e, ok := errors.AsType[*peer.SessionError](err); ok {
		return e, &SessionError{Sent: e.Sent, Err: public(e.Err)}
	}
	if e, ok := errors.AsType[*peer.StatusError](err); ok {
		s := &StatusError{Status: e.Status, RetryAfter: e.RetryAfter, Body: e.Body, text: e.Error()}
		if rpcErr, ok := errors.AsType[*jsonrpc.Error](e.Err); ok {
			s.Err = answered(rpcErr)
		}
		return e, s
	}
	if e, ok := errors.AsType[*peer.ProtocolError](err); ok {
		return e, (*ProtocolError)(e)
	}
	if e, ok := errors.AsType[*peer.UnreachableError](err); ok {
		return e, (*UnreachableError)(e)
	}
	if e, ok := errors.AsType[*oauth.Error](err); ok {
		return e, (*OAuthError)(e)
	}
	if e, ok := errors.AsType[*jsonrpc.Error](err); ok {
		if a := answered(e); required(a) != nil {
			return e, required(a)
		}
		return e, answered(e)
	}
	return nil, nil
}

// answered is the error that a server answered with.
func answered(e *jsonrpc.Error) *mcp.Error {
	return &mcp.Error{Code: e.Code, Message: e.Message, Data: e.Data}
}
