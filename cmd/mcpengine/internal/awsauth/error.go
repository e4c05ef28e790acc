package awsauth

import (
	"net/http"
	"strings"

	"github.com/mcpengine/mcpengine/internal/peer"
	"github.com/mcpengine/mcpengine/internal/terminal"
)

// An Error says why AWS refuses a request, and what the user can do about it.
type Error struct {
	text, hint string
}

// Error says what is wrong.
func (e *Error) Error() string { return e.text }

// Hint says what to do.
func (e *Error) Hint() string { return e.hint }

// unauthorized returns the error of a request without credentials, or with ones
// that AWS has refused. It has the type that a server's own refusal has.
func unauthorized(status int, text, hint string) error {
	return &peer.AuthError{Status: status, Err: &Error{text, hint}}
}

const signIn = "sign in with aws sso login or aws configure, name a profile with --aws-profile, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"

// clean makes text of AWS fit for an error: one line, and bounded.
func clean(s string) string { return terminal.Clip(s, 400) }

// innermost returns the cause at the bottom of a chain of errors, in which the SDK
// repeats itself on the way.
func innermost(err error) string {
	for {
		inner, ok := err.(interface{ Unwrap() error })
		if !ok || inner.Unwrap() == nil {
			return clean(err.Error())
		}
		err = inner.Unwrap()
	}
}

// local returns a response that no server has sent.
func local(r *http.Request, status int, text string) *http.Response {
	return &http.Response{
		StatusCode: status,
		Proto:      "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header:        http.Header{"Content-Type": {"text/plain; charset=utf-8"}},
		Body:          readCloser{strings.NewReader(text), nil},
		ContentLength: int64(len(text)),
		Request:       r,
	}
}
