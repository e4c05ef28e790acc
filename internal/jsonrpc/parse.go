package jsonrpc

import (
	"bytes"
	"slices"

	"github.com/mcpengine/mcpengine/mcp"
)

// maxID bounds the length of a request id, which is echoed in every message
// that belongs to the request.
const maxID = 256

// Names with a meaning, by level. A name that differs from one of these only
// by case is refused: a reader that ignores case would act on it.
var (
	envelopeNames = []string{"jsonrpc", "id", "method", "params", "result", "error"}
	paramsNames   = []string{
		"_meta", "name", "uri", "arguments", "cursor", "inputResponses", "requestState",
		"notifications", "ref", "argument", "context", "requestId", "taskId",
	}
	metaNames = []string{
		"progressToken",
		mcp.MetaProtocolVersion,
		mcp.MetaClientInfo,
		mcp.MetaClientCapabilities,
		mcp.MetaLogLevel,
	}
)

// What [Request.Parse] returns for messages of other kinds. Versions with a
// handshake know responses from clients, read by [ParseReply], and one of them
// knows batches, taken apart by [SplitBatch].
var (
	ErrIsResponse = Errorf(mcp.CodeInvalidRequest, "the message is a response: clients send requests and notifications only")
	ErrIsBatch    = Errorf(mcp.CodeInvalidRequest, "a message is one JSON object: batches are not part of the protocol")
)

// Parse reads a request or notification from data, which r then aliases. Text
// that is not strict JSON is mcp.CodeParseError, a message of another shape
// mcp.CodeInvalidRequest. Where the id could be read it is left in r, so that the
// error can be answered to it.
func (r *Request) Parse(data []byte) *Error {
	r.Reset()
	s := scanner{data: data}
	s.space()
	if s.pos < len(data) && data[s.pos] != '{' {
		return s.notObject()
	}
	if err := s.message(r.levels()); err != nil {
		r.ID = recoverID(data)
		return Errorf(mcp.CodeParseError, "parse error: %v", err)
	}
	return r.check()
}

// levels returns the levels of a message whose members r keeps.
func (r *Request) levels() *level {
	if r.room == nil {
		r.room = new(room)
	}
	r.envelope = r.room.envelope[:0]
	r.Params = r.room.params[:0]
	r.Meta = r.room.meta[:0]
	r.ClientInfo = r.room.client[:0]
	l := &r.room.levels
	l[0] = level{keep: &r.envelope, name: "params", next: &l[1]}
	l[1] = level{keep: &r.Params, name: "_meta", next: &l[2]}
	l[2] = level{keep: &r.Meta, name: mcp.MetaClientInfo, next: &l[3]}
	l[3] = level{keep: &r.ClientInfo}
	return &l[0]
}

func (s *scanner) message(l *level) error {
	if s.pos >= len(s.data) {
		return s.unexpected("a message")
	}
	if err := s.object(l); err != nil {
		return err
	}
	return s.end()
}

// notObject explains why a text that does not start an object is refused.
func (s *scanner) notObject() *Error {
	isArray := s.data[s.pos] == '['
	if err := Valid(s.data); err != nil {
		return Errorf(mcp.CodeParseError, "parse error: %v", err)
	}
	if isArray {
		return ErrIsBatch
	}
	return Errorf(mcp.CodeInvalidRequest, "a message is a JSON object")
}

func (r *Request) check() *Error {
	var version, method, params []byte
	isResponse := false
	if id := r.envelope.Get("id"); id != nil {
		if !validID(id) {
			return Errorf(mcp.CodeInvalidRequest, "id must be a string or an integer of at most %d bytes", maxID)
		}
		r.ID = id // first, so that whatever else is wrong is answered to it
	}
	for _, m := range r.envelope {
		switch string(m.Name) {
		case "id":
		case "jsonrpc":
			version = m.Value
		case "method":
			method = m.Value
		case "params":
			params = m.Value
		case "result", "error":
			isResponse = true
		default:
			if err := checkCase(m.Name, envelopeNames); err != nil {
				return err
			}
		}
	}
	switch {
	case string(version) != `"2.0"`:
		return Errorf(mcp.CodeInvalidRequest, `jsonrpc must be "2.0"`)
	case isResponse:
		return ErrIsResponse
	case method == nil || method[0] != '"' || len(method) == 2:
		return Errorf(mcp.CodeInvalidRequest, "method must be a non-empty string")
	}
	r.Method = methodName(method)
	return r.checkParams(params)
}

func (r *Request) checkParams(params []byte) *Error {
	if params == nil || isNull(params) {
		return nil
	}
	if params[0] != '{' {
		return Errorf(mcp.CodeInvalidRequest, "params must be an object")
	}
	r.RawParams = params
	r.Params, r.Meta = slices.DeleteFunc(r.Params, isAbsent), slices.DeleteFunc(r.Meta, isAbsent)
	for _, m := range r.Params {
		if err := checkCase(m.Name, paramsNames); err != nil {
			return err
		}
		if string(m.Name) != "_meta" {
			continue
		}
		if m.Value[0] != '{' {
			return Malformedf(mcp.CodeInvalidParams, "_meta must be an object")
		}
		r.HasMeta = true
	}
	for _, m := range r.Meta {
		if err := checkCase(m.Name, metaNames); err != nil {
			return err
		}
	}
	return nil
}

// isAbsent reports whether a member is null, which many clients write for what
// they leave out. No parameter and no member of "_meta" may be null.
func isAbsent(m Member) bool { return isNull(m.Value) }

func isNull(value []byte) bool { return string(value) == "null" }

// validID reports whether value is a string or an integer (basic, "Requests").
func validID(value []byte) bool {
	if len(value) > maxID {
		return false
	}
	return value[0] == '"' || isInteger(value)
}

// IsStringOrInteger reports whether value is what an id or a progress token
// may be.
func IsStringOrInteger(value []byte) bool { return validID(value) }

// isInteger reports whether value, which is valid JSON, is a number without
// fraction and exponent.
func isInteger(value []byte) bool {
	return (value[0] == '-' || '0' <= value[0] && value[0] <= '9') &&
		!bytes.ContainsAny(value, ".eE")
}

func checkCase(name []byte, known []string) *Error {
	for _, k := range known { //nolint:modernize // slices.Contains would allocate the string
		if string(name) == k {
			return nil
		}
	}
	for _, k := range known {
		if bytes.EqualFold(name, []byte(k)) {
			return Errorf(mcp.CodeInvalidRequest, "name %.64q differs from %q by case", name, k)
		}
	}
	return nil
}
