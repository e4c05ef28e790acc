package jsonrpc

import (
	"github.com/mcpengine/mcpengine/mcp"
)

// A Message is a message from a server: a request or notification when Method
// is set, and a response otherwise. Its slices alias the text it was parsed
// from.
type Message struct {
	// ID is nil for a notification, and for an error that answers no request
	// in particular.
	ID     []byte
	Method string
	Params []byte // a JSON object, or nil

	// Either is set in a response.
	Result, Error []byte

	members Object
	room    [6]Member
	level   level
}

// IsResponse reports whether the message answers a request.
func (m *Message) IsResponse() bool { return m.Method == "" }

// Parse reads a message in one strict pass. Text that is not strict JSON is
// mcp.CodeParseError, a message of another shape mcp.CodeInvalidRequest.
func (m *Message) Parse(data []byte) *Error {
	if err := m.parse(data); err != nil {
		return err
	}
	if m.Result != nil && !IsObject(m.Result) {
		return Errorf(mcp.CodeInvalidRequest, "the result of a response is an object")
	}
	return nil
}

// parse is [Message.Parse] for results of any kind.
func (m *Message) parse(data []byte) *Error {
	*m = Message{}
	m.members = m.room[:0]
	m.level = level{keep: &m.members}
	s := scanner{data: data}
	s.space()
	if s.pos < len(data) && data[s.pos] != '{' {
		return s.notObject()
	}
	if err := s.message(&m.level); err != nil {
		return Errorf(mcp.CodeParseError, "parse error: %v", err)
	}
	return m.check()
}

func (m *Message) check() *Error {
	var version, method []byte
	for _, member := range m.members {
		switch string(member.Name) {
		case "jsonrpc":
			version = member.Value
		case "id":
			m.ID = member.Value
		case "method":
			method = member.Value
		case "params":
			if !isNull(member.Value) {
				m.Params = member.Value
			}
		case "result":
			m.Result = member.Value
		case "error":
			m.Error = member.Value
		default:
			if err := checkCase(member.Name, envelopeNames); err != nil {
				return err
			}
		}
	}
	if string(version) != `"2.0"` {
		return Errorf(mcp.CodeInvalidRequest, `jsonrpc must be "2.0"`)
	}
	if method == nil {
		return m.checkResponse()
	}
	switch {
	case m.Result != nil || m.Error != nil:
		return Errorf(mcp.CodeInvalidRequest, "a message is a request or a response, not both")
	case method[0] != '"' || len(method) == 2:
		return Errorf(mcp.CodeInvalidRequest, "method must be a non-empty string")
	case m.ID != nil && !validID(m.ID):
		return Errorf(mcp.CodeInvalidRequest, "id must be a string or an integer of at most %d bytes", maxID)
	case m.Params != nil && m.Params[0] != '{':
		return Errorf(mcp.CodeInvalidRequest, "params must be an object")
	}
	m.Method = UnquoteString(method)
	return nil
}

func (m *Message) checkResponse() *Error {
	if string(m.ID) == "null" {
		m.ID = nil
	}
	// Some libraries write both members, one of them as null.
	if m.Result != nil && string(m.Error) == "null" {
		m.Error = nil
	} else if m.Error != nil && string(m.Result) == "null" {
		m.Result = nil
	}
	switch {
	case (m.Result == nil) == (m.Error == nil):
		return Errorf(mcp.CodeInvalidRequest, "a response has either a result or an error")
	case m.Error != nil && m.Error[0] != '{':
		return Errorf(mcp.CodeInvalidRequest, "the error of a response is an object")
	case m.Result != nil && m.ID == nil || m.ID != nil && !validID(m.ID):
		return Errorf(mcp.CodeInvalidRequest, "a response has the id of the request")
	}
	return nil
}
