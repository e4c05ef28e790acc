package peer

import (
	"errors"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/mcp"
)

// meta returns the "_meta" of a request to send, nil for none, and the caller's
// progress token. The token that is sent is the request's id, because tokens of
// several callers could be the same.
func (l *binding) meta(given, id []byte, notify bool) (meta, token []byte, err error) {
	if given == nil {
		if l.version.Handshake {
			return nil, nil, nil
		}
		return l.standardMeta, nil, nil
	}
	if !jsonrpc.IsObject(given) {
		return nil, nil, errors.New("_meta must be an object")
	}
	members, err := jsonrpc.ParseObject(given)
	if err != nil {
		return nil, nil, err
	}
	b := jsonrpc.NewBuilder(len(given) + len(l.standardMeta))
	for _, m := range members {
		value := m.Value
		switch string(m.Name) {
		case "progressToken":
			if token = value; !notify {
				continue
			}
			value = id
		case mcp.MetaProtocolVersion:
			continue
		case mcp.MetaClientInfo, mcp.MetaClientCapabilities, mcp.MetaLogLevel:
			if l.version.Handshake {
				continue
			}
		}
		b.Add(string(m.Name), value)
	}
	if !l.version.Handshake {
		b.AddString(mcp.MetaProtocolVersion, l.version.Name)
		if members.Get(mcp.MetaClientInfo) == nil {
			b.Add(mcp.MetaClientInfo, l.config.ClientInfo)
		}
		if members.Get(mcp.MetaClientCapabilities) == nil {
			b.Add(mcp.MetaClientCapabilities, l.config.Capabilities)
		}
	}
	return b.Object(), token, nil
}
