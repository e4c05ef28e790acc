package peer

import (
	"bytes"
	"errors"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
)

// Members of "_meta" that a version without a handshake has with every request
// (basic, "_meta").
const (
	metaVersion      = "io.modelcontextprotocol/protocolVersion"
	metaClientInfo   = "io.modelcontextprotocol/clientInfo"
	metaCapabilities = "io.modelcontextprotocol/clientCapabilities"
	metaLogLevel     = "io.modelcontextprotocol/logLevel"
	metaServerInfo   = "io.modelcontextprotocol/serverInfo"
	metaSubscription = "io.modelcontextprotocol/subscriptionId"
)

// meta returns the "_meta" of a request to send, nil for none, and the caller's
// progress token. The token that is sent is the request's id, because tokens of
// several callers could be the same.
func (l *live) meta(given, id []byte, notify bool) (meta, token []byte, err error) {
	if given == nil {
		if l.version.handshake {
			return nil, nil, nil
		}
		return l.standardMeta, nil, nil
	}
	if given[0] != '{' {
		return nil, nil, errors.New("_meta must be an object")
	}
	members, err := jsonrpc.AppendObject(nil, given)
	if err != nil {
		return nil, nil, err
	}
	meta = append(make([]byte, 0, len(given)+len(l.standardMeta)), '{')
	for _, m := range members {
		value := m.Value
		switch string(m.Name) {
		case "progressToken":
			if token = value; !notify {
				continue
			}
			value = id
		case metaVersion:
			continue
		case metaClientInfo, metaCapabilities, metaLogLevel:
			if l.version.handshake {
				continue
			}
		}
		meta = appendMember(meta, string(m.Name), value)
	}
	if !l.version.handshake {
		meta = appendMember(meta, metaVersion, jsonrpc.AppendString(nil, l.version.name))
		if members.Get(metaClientInfo) == nil {
			meta = appendMember(meta, metaClientInfo, l.config.ClientInfo)
		}
		if members.Get(metaCapabilities) == nil {
			meta = appendMember(meta, metaCapabilities, l.config.Capabilities)
		}
	}
	return append(meta, '}'), token, nil
}

// appendMember appends a member to an object that is not closed yet.
func appendMember(dst []byte, name string, value []byte) []byte {
	if dst[len(dst)-1] != '{' {
		dst = append(dst, ',')
	}
	dst = jsonrpc.AppendString(dst, name)
	dst = append(dst, ':')
	return append(dst, value...)
}

// SetMember returns the JSON object with the value of one member changed, or
// added at the end, and everything else as it was. A nil value takes the member
// out. Text that is not an object is returned as it is.
func SetMember(object []byte, name string, value []byte) []byte {
	members, err := jsonrpc.ParseObject(object)
	if err != nil {
		return object
	}
	for _, m := range members {
		if string(m.Name) != name {
			continue
		}
		if value == nil {
			return without(members, name)
		}
		// The value is a part of object, so that its place is known.
		start := cap(object) - cap(m.Value)
		changed := make([]byte, 0, len(object)-len(m.Value)+len(value))
		changed = append(changed, object[:start]...)
		changed = append(changed, value...)
		return append(changed, object[start+len(m.Value):]...)
	}
	if value == nil {
		return object
	}
	end := bytes.LastIndexByte(object, '}')
	changed := append(make([]byte, 0, end+len(name)+len(value)+8), object[:end]...)
	changed = bytes.TrimRight(changed, " \t\r\n")
	changed = appendMember(changed, name, value)
	return append(changed, '}')
}

// without encodes the members but for one.
func without(members jsonrpc.Object, name string) []byte {
	changed := []byte{'{'}
	for _, m := range members {
		if string(m.Name) != name {
			changed = appendMember(changed, string(m.Name), m.Value)
		}
	}
	return append(changed, '}')
}

// SetMeta is [SetMember] for a member of the object's "_meta".
func SetMeta(object []byte, name string, value []byte) []byte {
	members, err := jsonrpc.ParseObject(object)
	if err != nil {
		return object
	}
	meta := members.Get("_meta")
	if meta == nil || meta[0] != '{' {
		if value == nil {
			return object
		}
		meta = []byte("{}")
	}
	return SetMember(object, "_meta", SetMember(meta, name, value))
}
