package mcpengine

import (
	"encoding/json"
	"errors"
	"time"

	"github.com/mcpengine/mcpengine/auth"
	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/protocol"
	"github.com/mcpengine/mcpengine/mcp"
)

// Errors of the functions that ask the user.
var (
	// ErrDeclined reports that the user refused what [Elicit] or [ElicitURL]
	// asked for.
	ErrDeclined = errors.New("the user declined")

	// ErrCancelled reports that the user dismissed the question without
	// choosing.
	ErrCancelled = errors.New("the user cancelled")
)

// A versionedError is an error whose code depends on the protocol version.
type versionedError struct {
	err  *mcp.Error
	code func(*protocol.Version) int
}

func (e *versionedError) Error() string { return e.err.Error() }
func (e *versionedError) Unwrap() error { return e.err }

// ResourceNotFound returns the error for a resource that does not exist, an
// [*mcp.Error]. The handler of a template returns it for values that name no
// resource (resources, "Error Handling").
func ResourceNotFound(uri string) error {
	return &versionedError{
		mcp.Errorf(mcp.CodeInvalidParams, "Resource not found").WithData(map[string]string{"uri": uri}),
		func(v *protocol.Version) int { return v.NotFound },
	}
}

// wireError returns err as it is sent. Data that is not JSON is left out: it is
// the handler's mistake, and no reason to lose the error. A handler that limits its
// callers by itself refuses them over HTTP as the engine does.
func wireError(err *mcp.Error) *jsonrpc.Error {
	wire := &jsonrpc.Error{Code: err.Code, Message: err.Message}
	if data := validText(err.Data); data != nil && jsonrpc.Valid(data) == nil {
		wire.Data = data
	}
	var limited mcp.RateLimitedData
	if err.Code == mcp.CodeRateLimited && json.Unmarshal(wire.Data, &limited) == nil && limited.RetryAfterMs > 0 {
		wire.Refusal = jsonrpc.TooMany(time.Duration(limited.RetryAfterMs) * time.Millisecond)
	}
	return wire
}

// isProtocolError reports whether an error ends the request even if the handler
// has asked something.
func isProtocolError(err error) bool {
	if _, ok := errors.AsType[*internalError](err); ok {
		return true
	}
	if _, ok := errors.AsType[*jsonrpc.Error](err); ok || turnedAway(err) != nil {
		return true
	}
	_, ok := errors.AsType[*mcp.Error](err)
	return ok
}

// wireError returns the error for the client, and whether it hides err, which then
// belongs in the log.
func (r *Request) wireError(err error) (wire *jsonrpc.Error, hidden bool) {
	if e, ok := errors.AsType[*jsonrpc.Error](err); ok {
		return e, false
	}
	if e, ok := errors.AsType[*mcp.Error](err); ok {
		wire := wireError(e)
		if v, ok := errors.AsType[*versionedError](err); ok && v.err == e {
			wire.Code = v.code(r.version)
		}
		return wire, false
	}
	if e := turnedAway(err); e != nil {
		return e, false
	}
	for _, no := range []error{ErrDeclined, ErrCancelled} {
		if errors.Is(err, no) {
			return jsonrpc.Errorf(mcp.CodeInternalError, "%v", no), false
		}
	}
	return jsonrpc.Errorf(mcp.CodeInternalError, "internal error"), true
}

// turnedAway returns the refusal of a caller who has to sign in again before a handler
// gets a token for an API behind the server, and nil for other errors.
func turnedAway(err error) *jsonrpc.Error {
	e, ok := errors.AsType[*auth.UpstreamError](err)
	if !ok || e.Challenge() == nil {
		return nil
	}
	return refusal(e.Challenge())
}
