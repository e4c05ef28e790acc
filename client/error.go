package client

import (
	"errors"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/peer"
	"github.com/mcpengine/mcpengine/mcp"
)

// ErrClosed is what calls end with when the client is closed.
var ErrClosed = peer.ErrClosed

// ErrIdle is what a call ends with when the server is silent for too long.
var ErrIdle = peer.ErrIdle

// The errors of calls that have no answer.
type (
	// UnreachableError says that the server cannot be talked to. Its field Sent
	// says whether the server may have acted on the request.
	UnreachableError = peer.UnreachableError

	// StatusError is an HTTP response that is no answer of the protocol.
	StatusError = peer.StatusError

	// AuthError says that the server wants credentials, or other ones.
	AuthError = peer.AuthError

	// SessionError says that the server has forgotten the session, and whether it
	// may have acted on the request. The next call begins a new session.
	SessionError = peer.SessionError

	// ProtocolError says that what the server sent breaks the protocol.
	ProtocolError = peer.ProtocolError
)

// A ToolError is the result of a tool that failed. [Call] returns it; of
// [Client.CallTool] it is a result like any other.
type ToolError struct{ Result *mcp.CallToolResult }

// Error returns what the tool says to the model.
func (e *ToolError) Error() string { return "the tool failed: " + e.Result.Text() }

// public turns the JSON-RPC error of an answer into an [*mcp.Error].
func public(err error) error {
	rpcErr, ok := errors.AsType[*jsonrpc.Error](err)
	if !ok {
		return err
	}
	_, protocol := errors.AsType[*peer.ProtocolError](err)
	_, status := errors.AsType[*peer.StatusError](err)
	if protocol || status {
		return err
	}
	e := &mcp.Error{Code: rpcErr.Code, Message: rpcErr.Message, Data: rpcErr.Data}
	if r := required(e); r != nil {
		return r
	}
	return e
}
