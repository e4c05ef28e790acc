package mcp

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// An Error is a JSON-RPC error. A server's handler returns one when the request
// cannot be served at all, a client returns the one that the server answered
// with, and a proxy passes it on as it is. Everything in it is sent.
type Error struct {
	// Code is one of the codes below, or a code of your own outside -32768 to
	// -32000 (basic, "Error Codes").
	Code int `json:"code"`

	// Message is one sentence.
	Message string `json:"message"`

	// Data is any JSON value, or nil for no value.
	Data json.RawMessage `json:"data,omitzero"`
}

// Errorf returns an error with a formatted message.
func Errorf(code int, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// WithData returns a copy of the error with v, encoded as JSON, as its data. A
// value that cannot be encoded is left out: an error is not worth losing for it.
func (e *Error) WithData(v any) *Error {
	with := Error{Code: e.Code, Message: e.Message}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if encoder.Encode(v) == nil {
		with.Data = bytes.TrimSuffix(text.Bytes(), []byte("\n"))
	}
	return &with
}

// Error returns the message with the code.
func (e *Error) Error() string { return fmt.Sprintf("%s (%d)", e.Message, e.Code) }

// Error codes of JSON-RPC 2.0 (section 5.1, "Error object").
const (
	CodeParseError     = -32700
	CodeInvalidRequest = -32600
	CodeMethodNotFound = -32601
	// CodeInvalidParams also answers an unknown tool, resource or prompt.
	CodeInvalidParams = -32602
	CodeInternalError = -32603
)

// Error codes of the protocol, which keeps -32020 to -32099 for itself.
const (
	// CodeHeaderMismatch answers an HTTP request whose headers are missing,
	// malformed or at odds with its body.
	CodeHeaderMismatch = -32020
	// CodeMissingRequiredClientCapability comes with a
	// [MissingRequiredClientCapabilityData].
	CodeMissingRequiredClientCapability = -32021
	// CodeUnsupportedProtocolVersion comes with an
	// [UnsupportedProtocolVersionData].
	CodeUnsupportedProtocolVersion = -32022
)

// CodeRateLimited answers a request over a limit of the server and comes with a
// [RateLimitedData]. The protocol has not settled on a number: this one is a
// draft's, and may change. Over HTTP the status 429 and Retry-After say the same.
const CodeRateLimited = -32023

// RateLimitedData is the data of an error with [CodeRateLimited].
type RateLimitedData struct {
	// RetryAfterMs is how many milliseconds to wait before the next request.
	RetryAfterMs int64 `json:"retryAfterMs"`
}

// Error codes of handshake versions, which are never given out again.
const (
	// CodeResourceNotFound is of 2025-11-25 and before. Since then,
	// [CodeInvalidParams] takes its place.
	CodeResourceNotFound = -32002
	// CodeURLElicitationRequired is of 2025-11-25 only.
	CodeURLElicitationRequired = -32042
)

// UnsupportedProtocolVersionData is the data of an error with
// [CodeUnsupportedProtocolVersion].
type UnsupportedProtocolVersionData struct {
	// Supported are the versions the client can choose from to try again.
	Supported List[string] `json:"supported"`
	Requested string       `json:"requested"`
}

// MissingRequiredClientCapabilityData is the data of an error with
// [CodeMissingRequiredClientCapability].
type MissingRequiredClientCapabilityData struct {
	// RequiredCapabilities are those the client did not declare.
	RequiredCapabilities ClientCapabilities `json:"requiredCapabilities"`
}
