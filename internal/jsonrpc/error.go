package jsonrpc

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/mcpengine/mcpengine/mcp"
)

// An Error is a JSON-RPC error. Everything in it is meant for the peer.
type Error struct {
	Code    int
	Message string
	Data    []byte // raw JSON, or nil

	// Malformed says that the request itself was wrong, not what it asked for.
	// It decides between HTTP 400 and 200 where the code alone does not:
	// a missing "_meta" field is -32602 with 400 (basic, "_meta").
	Malformed bool

	// Refusal says that the caller was refused, and how over HTTP. Nil for
	// every other error.
	Refusal *Refusal
}

// A Refusal is the HTTP side of an error about the caller: the status 401 or 403
// (RFC 6750, section 3), 429 (RFC 6585, section 4) or 503, with the header fields
// that go with it.
type Refusal struct {
	Status int
	Header http.Header
}

// ErrInternal is what a client learns of a mistake of the server. The rest is in
// the log.
var ErrInternal = Errorf(mcp.CodeInternalError, "internal error")

// Errorf returns an error with the given code and a formatted message.
func Errorf(code int, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// Malformedf is [Errorf] for requests that break a rule of the protocol.
func Malformedf(code int, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...), Malformed: true}
}

func (e *Error) Error() string {
	return fmt.Sprintf("%s (%d)", e.Message, e.Code)
}

// status is the HTTP status for e: 404 for an unknown method and 400 for the
// errors of the protocol (streamable-http, "Protocol Version Header" and
// "Server Validation"). An error of the feature that was called is an answer
// like any other and travels with 200.
func (e *Error) status() int {
	switch {
	case e.Refusal != nil:
		return e.Refusal.Status
	case e.Code == mcp.CodeMethodNotFound:
		return http.StatusNotFound
	case e.Malformed:
		return http.StatusBadRequest
	}
	switch e.Code {
	case mcp.CodeParseError, mcp.CodeInvalidRequest, mcp.CodeHeaderMismatch,
		mcp.CodeMissingRequiredClientCapability, mcp.CodeUnsupportedProtocolVersion:
		return http.StatusBadRequest
	}
	return http.StatusOK
}

// OverLimit returns the error for a caller over a limit, who may try again after
// wait. The message says what the limit is.
func OverLimit(wait time.Duration, format string, args ...any) *Error {
	seconds := max(1, int64(math.Ceil(wait.Seconds())))
	return &Error{
		Code:    mcp.CodeRateLimited,
		Message: fmt.Sprintf(format+"; try again in %d s", append(args, seconds)...),
		Data:    fmt.Appendf(nil, `{"retryAfterMs":%d}`, max(1, wait.Milliseconds())),
		Refusal: TooMany(wait),
	}
}

// TooMany is the refusal of a caller who may try again after wait.
func TooMany(wait time.Duration) *Refusal {
	seconds := max(1, int64(math.Ceil(wait.Seconds())))
	return &Refusal{Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {strconv.FormatInt(seconds, 10)}}}
}

// Append appends the encoded error to dst.
func (e *Error) Append(dst []byte) []byte {
	dst = append(dst, `{"code":`...)
	dst = strconv.AppendInt(dst, int64(e.Code), 10)
	dst = append(dst, `,"message":`...)
	dst = AppendString(dst, e.Message)
	if e.Data != nil {
		dst = append(dst, `,"data":`...)
		dst = append(dst, e.Data...)
	}
	return append(dst, '}')
}

// ParseError reads the error of a response. Its Data aliases raw.
func ParseError(raw []byte) (*Error, error) {
	members, err := ParseObject(raw)
	if err != nil {
		return nil, err
	}
	code, err := strconv.Atoi(string(members.Get("code")))
	if err != nil {
		return nil, fmt.Errorf("code must be an integer, got %.64q", members.Get("code"))
	}
	message := members.Get("message")
	if message == nil || message[0] != '"' {
		return nil, errors.New("message must be a string")
	}
	return &Error{Code: code, Message: UnquoteString(message), Data: members.Get("data")}, nil
}
