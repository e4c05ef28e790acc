package mcpengine

import (
	"errors"
	"fmt"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
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

// An Error is answered as a JSON-RPC error. A handler returns one when the
// request cannot be served at all; for what the model can put right, any other
// error is better. All of it reaches the client.
type Error struct {
	// Code is one of the codes of JSON-RPC or of package mcp, or an own one
	// outside of -32768 to -32000 (basic, "Error Codes").
	Code int

	// Message is one sentence.
	Message string

	// Data is encoded as JSON and left out when nil.
	Data any

	// kind tells errors apart whose code depends on the protocol version.
	kind errorKind
}

type errorKind int

const (
	otherError errorKind = iota
	notFoundError
	missingCapabilityError
)

// Errorf returns an [*Error] with a formatted message.
func Errorf(code int, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// Error returns the message with the code.
func (e *Error) Error() string {
	return fmt.Sprintf("%s (%d)", e.Message, e.Code)
}

// ResourceNotFound returns the error for a resource that does not exist. The
// handler of a template returns it for values that lead nowhere (resources,
// "Error Handling").
func ResourceNotFound(uri string) *Error {
	return &Error{
		Code:    mcp.CodeInvalidParams,
		Message: "Resource not found",
		Data:    map[string]string{"uri": uri},
		kind:    notFoundError,
	}
}

func (e *Error) wire() *jsonrpc.Error {
	wire := &jsonrpc.Error{Code: e.Code, Message: e.Message}
	if e.Data != nil {
		// Data that cannot be encoded is the handler's mistake, not a reason
		// to lose the error.
		if data, err := encode(e.Data); err == nil {
			wire.Data = data
		}
	}
	return wire
}

// isProtocolError reports whether an error ends the request whatever else a
// handler has asked for.
func isProtocolError(err error) bool {
	if _, ok := errors.AsType[*internalError](err); ok {
		return true
	}
	if _, ok := errors.AsType[*jsonrpc.Error](err); ok {
		return true
	}
	_, ok := errors.AsType[*Error](err)
	return ok
}

// wireError returns what the client may know of err, and whether that is less
// than there is to know, so that err belongs into the log.
func (r *Request) wireError(err error) (wire *jsonrpc.Error, hidden bool) {
	if e, ok := errors.AsType[*jsonrpc.Error](err); ok {
		return e, false
	}
	if e, ok := errors.AsType[*Error](err); ok {
		wire := e.wire()
		switch e.kind {
		case notFoundError:
			wire.Code = r.version.notFound
		case missingCapabilityError:
			wire.Code = r.version.missingCapability
		}
		return wire, false
	}
	for _, no := range []error{ErrDeclined, ErrCancelled} {
		if errors.Is(err, no) {
			return jsonrpc.Errorf(jsonrpc.CodeInternalError, "%v", no), false
		}
	}
	return jsonrpc.Errorf(jsonrpc.CodeInternalError, "internal error"), true
}
