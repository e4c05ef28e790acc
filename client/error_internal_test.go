package client

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/oauth"
	"github.com/mcpengine/mcpengine/internal/peer"
	"github.com/mcpengine/mcpengine/mcp"
)

// An error of a connection becomes one of this package with the same fields and
// text, whatever is around it.
func TestPublicErrors(t *testing.T) {
	t.Parallel()
	cause := errors.New("cause")
	rpcErr := &jsonrpc.Error{Code: -32603, Message: "no", Data: []byte(`1`)}
	ours := &mcp.Error{Code: -32603, Message: "no", Data: []byte(`1`)}
	for _, test := range []struct {
		theirs, own error
	}{
		{&peer.UnreachableError{Sent: true, Err: cause}, &UnreachableError{Sent: true, Err: cause}},
		{&peer.StatusError{Status: 503, RetryAfter: time.Second, Body: "x"}, &StatusError{Status: 503, RetryAfter: time.Second, Body: "x"}},
		{&peer.StatusError{Status: 500, Err: rpcErr}, &StatusError{Status: 500, Err: ours}},
		{
			&peer.AuthError{Status: 401, Challenges: []peer.Challenge{{Scheme: "bearer", Params: map[string]string{"error": "invalid_token"}}}, Err: &oauth.Error{Code: "invalid_grant"}},
			&AuthError{Status: 401, Challenges: []Challenge{{Scheme: "bearer", Params: map[string]string{"error": "invalid_token"}}}, Err: &OAuthError{Code: "invalid_grant"}},
		},
		{&peer.AuthError{Status: 401, Err: rpcErr}, &AuthError{Status: 401, Err: ours}},
		{&peer.AuthError{Err: cause}, &AuthError{Err: cause}},
		{&peer.SessionError{Sent: true, Err: &peer.StatusError{Status: 404}}, &SessionError{Sent: true, Err: &StatusError{Status: 404}}},
		{&peer.SessionError{}, &SessionError{}},
		{&peer.ProtocolError{Err: cause}, &ProtocolError{Err: cause}},
		{rpcErr, ours},
	} {
		for _, format := range []string{"%w", "connect: %w", "connect: %w (and that)"} {
			wrapped := fmt.Errorf(format, test.theirs)
			got := public(wrapped)
			if got.Error() != wrapped.Error() {
				t.Errorf("public(%T) says %q, want %q", test.theirs, got, wrapped)
			}
			if format != "%w" {
				got = errors.Unwrap(got)
			}
			if diff := cmp.Diff(fmt.Sprintf("%T %+v", test.own, fields(test.own)), fmt.Sprintf("%T %+v", got, fields(got))); diff != "" {
				t.Errorf("public(%T) (-want +got):\n%s", test.theirs, diff)
			}
		}
	}
	for _, err := range []error{nil, cause, ErrIdle, fmt.Errorf("tools/call: %w", ErrClosed)} {
		if got := public(err); got != err { //nolint:errorlint // the very error
			t.Errorf("public(%v) = %v", err, got)
		}
	}
}

// fields returns the exported fields of an error and of its cause.
func fields(err error) []any {
	switch e := err.(type) { //nolint:errorlint // the error itself
	case *UnreachableError:
		return []any{e.Sent, e.Err}
	case *StatusError:
		return []any{e.Status, e.RetryAfter, e.Body, e.Err}
	case *AuthError:
		return []any{e.Status, e.Challenges, fmt.Sprintf("%T", e.Err)}
	case *SessionError:
		return []any{e.Sent, fmt.Sprintf("%T", e.Err)}
	case *ProtocolError:
		return []any{e.Err}
	case *mcp.Error:
		return []any{e.Code, e.Message, string(e.Data)}
	}
	return nil
}
