package streamable

import (
	"encoding/base64"
	"math/big"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/protocol"
	"github.com/mcpengine/mcpengine/mcp"
)

// Canonical forms of the field names, as net/http stores them.
const (
	protocolVersionField = "Mcp-Protocol-Version"
	methodField          = "Mcp-Method"
	nameField            = "Mcp-Name"
	paramFieldPrefix     = "Mcp-Param-"
)

// The standard header fields repeat a part of the message, so that
// intermediaries can decide by them. Fields that are present are compared with
// the message in every protocol version: an intermediary that reads the fields
// and the engine, which reads the message, must not be told different things
// (streamable-http, "Server Validation"). In 2026-07-28 the fields are also
// required.

// checkMessage says what is wrong with a message or its fields. Err is the
// result of parsing it, and handshake says that it belongs to a handshake
// version.
func (s *Server) checkMessage(h http.Header, req *jsonrpc.Request, err *jsonrpc.Error, handshake bool) *jsonrpc.Error {
	switch {
	case handshake && err != nil: // a batch or a response
		return CheckNoFields(h)
	case err != nil:
		return err
	case handshake || req.IsNotification():
		return s.CheckFields(h, req)
	}
	if err := s.checkVersion(h, req); err != nil {
		return err
	}
	if err := s.requireFields(h, req); err != nil {
		return err
	}
	return s.CheckFields(h, req)
}

// checkVersion refuses a version that is not served, before the request is
// checked by the rules of another. The version in the body counts, or the
// header field when the body names no version. When the two differ, that is the
// error (streamable-http, "Server Validation").
func (s *Server) checkVersion(h http.Header, req *jsonrpc.Request) *jsonrpc.Error {
	body := req.Meta.Get(mcp.MetaProtocolVersion)
	if slices.ContainsFunc(s.config.Versions, func(v string) bool { return jsonrpc.EqualString(body, v) }) {
		return nil // the usual case, without an allocation
	}
	requested := jsonrpc.Text(body)
	switch fields := h[protocolVersionField]; {
	case req.Method == protocol.MethodInitialize && body == nil:
		requested = jsonrpc.Text(req.Params.Get("protocolVersion"))
	case body == nil && len(fields) == 1:
		requested = fields[0]
	case len(fields) == 1 && fields[0] != requested:
		return nil // CheckFields refuses it
	}
	if requested == "" || len(s.config.Versions) == 0 || slices.Contains(s.config.Versions, requested) {
		return nil
	}
	return protocol.Unsupported(s.config.Versions, requested)
}

// requireFields checks the fields that a request of 2026-07-28 must have.
func (s *Server) requireFields(h http.Header, req *jsonrpc.Request) *jsonrpc.Error {
	version, err := single(h[protocolVersionField], protocolVersionField)
	if err != nil {
		err.Message += "; this server speaks " + strings.Join(s.config.Versions, ", ")
		return err
	}
	if body := req.Meta.Get(mcp.MetaProtocolVersion); jsonrpc.IsString(body) && !jsonrpc.EqualString(body, version) {
		return mismatch("%s header value %.64q does not match body value %.64s", "MCP-Protocol-Version", version, body)
	}
	switch {
	case len(h[methodField]) == 0:
		return mismatch("%s header is missing", methodField)
	case len(h[nameField]) == 0 && s.rows.Of(req).Mirrored:
		return mismatch("%s header is missing", nameField)
	}
	return nil
}

// CheckFields compares Mcp-Method and Mcp-Name, when they are present, with a
// request or notification.
func (s *Server) CheckFields(h http.Header, req *jsonrpc.Request) *jsonrpc.Error {
	if methods := h[methodField]; len(methods) > 0 {
		method, err := single(methods, methodField)
		if err != nil {
			return err
		}
		if method != req.Method {
			return mismatch("%s header value %.64q does not match body value %.64q", methodField, method, req.Method)
		}
	}
	names := h[nameField]
	if len(names) == 0 {
		return nil
	}
	m := s.rows.Of(req)
	if m.Param == "" {
		return nil // there is nothing to compare it with
	}
	name, err := single(names, nameField)
	if err != nil {
		return err
	}
	body := req.Params.Get(m.Param)
	if !jsonrpc.IsString(body) {
		return nil // the engine refuses it as a parameter
	}
	name, ok := DecodeValue(name)
	if !ok || !jsonrpc.EqualString(body, name) {
		return mismatch("%s header value %.64q does not match body value %.64s", nameField, name, body)
	}
	return nil
}

// HasParamFields reports whether there are fields that mirror arguments.
func HasParamFields(h http.Header) bool {
	for name := range h {
		if strings.HasPrefix(name, paramFieldPrefix) {
			return true
		}
	}
	return false
}

// CheckNoFields refuses fields that mirror a message, for a batch and for a
// message without a method.
func CheckNoFields(h http.Header) *jsonrpc.Error {
	if len(h[methodField]) > 0 || len(h[nameField]) > 0 || HasParamFields(h) {
		return mismatch("header fields cannot mirror a batch, a response, or arguments over HTTP+SSE")
	}
	return nil
}

func mismatch(format string, args ...any) *jsonrpc.Error {
	return jsonrpc.Errorf(mcp.CodeHeaderMismatch, "Header mismatch: "+format, args...)
}

// single returns the only value of a field. A field given twice counts as
// malformed, because two readers could take different values.
func single(values []string, field string) (string, *jsonrpc.Error) {
	switch {
	case len(values) == 0:
		return "", mismatch("%s header is missing", field)
	case len(values) > 1:
		return "", mismatch("%s header is repeated", field)
	case !isVisible(values[0]):
		return "", mismatch("%s header contains invalid characters", field)
	}
	return values[0], nil
}

// isVisible reports whether s has only characters that a field value may
// contain (streamable-http, "Value Encoding").
func isVisible(s string) bool {
	for i := range len(s) {
		if c := s[i]; c != '\t' && (c < ' ' || c > '~') {
			return false
		}
	}
	return true
}

// DecodeValue returns the text that a mirrored header value stands for: itself,
// or what it encodes when it is wrapped as "=?base64?…?=". It reports false for
// invalid characters, invalid Base64 and text that is not UTF-8.
func DecodeValue(value string) (string, bool) {
	if !isVisible(value) {
		return value, false
	}
	encoded, ok := strings.CutPrefix(value, "=?base64?")
	if !ok {
		return value, true
	}
	encoded, ok = strings.CutSuffix(encoded, "?=")
	if !ok {
		return value, true // an unfinished wrapper is a literal
	}
	text, err := base64.StdEncoding.Strict().DecodeString(encoded)
	if err != nil || !utf8.Valid(text) {
		return value, false
	}
	return string(text), true
}

// CheckParam compares the values of a header field with the argument it
// mirrors, of the given JSON type. A nil argument must not be mirrored. Any
// other argument must be if required is set, as it is in 2026-07-28
// (streamable-http, "Server Behavior for Custom Headers").
func CheckParam(values []string, field, kind string, argument []byte, required bool) *jsonrpc.Error {
	switch {
	case len(values) == 0 && (argument == nil || !required):
		return nil
	case len(values) == 0:
		return mismatch("%s header is missing", field)
	case argument == nil:
		return mismatch("%s header has no value in the body", field)
	case len(values) > 1:
		return mismatch("%s header is repeated", field)
	}
	text, ok := DecodeValue(values[0])
	if !ok {
		return mismatch("%s header contains invalid characters", field)
	}
	if !sameValue(text, kind, argument) {
		return mismatch("%s header value %.64q does not match body value %.64s", field, text, argument)
	}
	return nil
}

// sameValue compares integers as numbers, because 42 and 42.0 are the same
// number ("Server Validation"), and everything else as text.
func sameValue(text, kind string, argument []byte) bool {
	if jsonrpc.IsString(argument) {
		return jsonrpc.EqualString(argument, text)
	}
	if kind != "integer" || text == string(argument) {
		return text == string(argument)
	}
	header, ok1 := integer(text)
	body, ok2 := integer(string(argument))
	return ok1 && ok2 && header.Cmp(body) == 0
}

// integer returns the value of a JSON number, and whether it is an integer in
// the range that a mirrored argument may have (streamable-http, "Schema
// Extension").
func integer(number string) (*big.Rat, bool) {
	const maxLength, maxExponent = 64, 2 // digits: a longer number takes long to compute
	if len(number) > maxLength || jsonrpc.Valid([]byte(number)) != nil || !isNumber(number[0]) {
		return nil, false
	}
	if i := strings.IndexAny(number, "eE"); i >= 0 && len(strings.TrimLeft(number[i+1:], "+-0")) > maxExponent {
		return nil, false
	}
	r, ok := new(big.Rat).SetString(number)
	return r, ok && r.IsInt() && r.Num().IsInt64() && r.Num().CmpAbs(big.NewInt(1<<53-1)) <= 0
}

func isNumber(c byte) bool { return c == '-' || '0' <= c && c <= '9' }
