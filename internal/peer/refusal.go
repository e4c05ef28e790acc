package peer

import (
	"context"
	"errors"
	"net/http"
	"regexp"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/mcp"
)

// errHandshakeOnly says that the server has handshake versions and no
// other.
var errHandshakeOnly = errors.New("the server has only versions with a handshake")

// isFinal reports whether a refusal of server/discover leaves nothing to try: the
// server is not there, wants credentials or time, or shares no version with the
// client. After every other refusal the handshake is tried.
func isFinal(err error) bool {
	if status, ok := errors.AsType[*StatusError](err); ok {
		return status.Status == http.StatusTooManyRequests || status.Status == http.StatusServiceUnavailable
	}
	if unreachable, ok := errors.AsType[*UnreachableError](err); ok {
		return !unreachable.Sent
	}
	_, auth := errors.AsType[*AuthError](err)
	return auth || errors.Is(err, errNoVersion) || errors.Is(err, ErrClosed) || errors.Is(err, context.Canceled)
}

// isVerdict reports whether a refusal of server/discover certainly comes from
// an MCP server, and so says that it has a handshake. Any other refusal may
// come from a gateway or be a passing fault, and so it does not decide the
// version.
func isVerdict(err error) bool {
	if errors.Is(err, errHandshakeOnly) {
		return true
	}
	status, ok := errors.AsType[*StatusError](err)
	if ok && (status.Status >= 500 || status.Status == http.StatusRequestTimeout) {
		return false
	}
	rpcErr, ok := errors.AsType[*jsonrpc.Error](err)
	return ok && rpcErr.Code != mcp.CodeInternalError && !wraps[*ProtocolError](err)
}

// isSameRefusal reports whether two refusals of server/discover are alike.
func isSameRefusal(a, b error) bool {
	first, ok := errors.AsType[*StatusError](a)
	second, also := errors.AsType[*StatusError](b)
	if ok || also {
		return ok && also && first.Status == second.Status
	}
	return isVerdict(b) ||
		wraps[*ProtocolError](a) && wraps[*ProtocolError](b) ||
		wraps[*UnreachableError](a) && wraps[*UnreachableError](b) ||
		wraps[*jsonrpc.Error](a) && wraps[*jsonrpc.Error](b) ||
		errors.Is(a, ErrIdle) && errors.Is(b, ErrIdle)
}

func wraps[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

// mayBeSSE reports whether a server that refuses initialize so may be one of
// HTTP+SSE, which takes no POST at its URL (streamable-http, "Backward
// Compatibility", which names 400, 404 and 405; frameworks have others).
func mayBeSSE(err error) bool {
	if status, ok := errors.AsType[*StatusError](err); ok {
		switch status.Status {
		case http.StatusRequestTimeout, http.StatusTooManyRequests,
			http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
			return false
		}
		return isNoEndpoint(status.Status) || status.Err == nil // an MCP server has others, too
	}
	return errors.Is(err, errNotAnswer)
}

// isNoEndpoint reports whether servers answer with the status at a URL without
// an endpoint of the protocol or of the version.
func isNoEndpoint(status int) bool { return status == 400 || status == 404 || status == 405 }

// sessionLost matches the refusals of an unknown session. The official SDKs and
// popular examples say, with 400 or 404:
// "Session not found" (TypeScript, C#, Rust, Go, Java, Kotlin, PHP, Python,
// Ruby), "Invalid or expired session ID", "Session has been terminated"
// (Python), "No valid session ID provided" (TypeScript's examples, Kotlin,
// Python 1), "Server not initialized" (TypeScript, of a transport that was made
// anew), "Could not find session" (Python, HTTP+SSE), "Session ID not found"
// (C#, HTTP+SSE), "Session not found or has expired", "A valid session id is
// REQUIRED" (PHP), "Session ID required", "Missing session ID", "Mcp-Session-Id
// header is required".
var sessionLost = regexp.MustCompile(`(?i)` +
	`\bsession\b.{0,80}\b(not found|not exist|expired|terminated|unknown|invalid|required|missing|closed|not active|not valid)\b` +
	`|\b(no|invalid|unknown|expired|missing|not find|no valid|no active)\b.{0,40}\bsession\b` +
	`|\bsession-id\b.{0,40}\b(required|missing|invalid|unknown)\b` +
	`|\bserver (is )?not initialized\b`)

// saysSessionLost reports whether a refusal with the status says that the
// server does not know the session of the request. HasID says that the request
// named one.
func saysSessionLost(status int, err error, hasID bool) bool {
	rpcErr, isRPC := errors.AsType[*jsonrpc.Error](err)
	text := ""
	if isRPC {
		text = rpcErr.Message
	} else if refused, ok := errors.AsType[*StatusError](err); ok {
		text = refused.Body
	}
	switch {
	case status == http.StatusNotFound || status == http.StatusGone:
		// A method that is not there may have that status, too.
		return hasID && !(isRPC && rpcErr.Code == mcp.CodeMethodNotFound) || sessionLost.MatchString(text)
	case status == http.StatusOK:
		// A tool may have sessions of its own, and speak of them with other
		// codes.
		return isRPC && sessionLost.MatchString(text) &&
			(rpcErr.Code == mcp.CodeInvalidRequest || rpcErr.Code == codeServerError || rpcErr.Code == codeSessionNotFound)
	}
	return sessionLost.MatchString(text)
}

// Codes that handshake versions left to implementations, as SDKs use them.
const (
	codeServerError     = -32000
	codeSessionNotFound = -32001
)
