package handshake

import (
	"slices"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/protocol"
	"github.com/mcpengine/mcpengine/mcp"
)

// versions are the handshake versions, the latest first.
var versions = protocol.Names(protocol.IsHandshake)

// reservedPrefix begins the names in "_meta" that tell the engine what the
// handshake has established.
const reservedPrefix = "io.modelcontextprotocol/"

// A Peer is the description of a client in the handshake.
type Peer struct {
	Version      string
	Capabilities []byte // a JSON object
	Info         []byte // a JSON object, or empty
}

// Negotiate reads the parameters of initialize. It answers an unknown version
// with the last handshake version (lifecycle, "Version Negotiation"). The
// client decides whether to go on with that.
func Negotiate(req *jsonrpc.Request) (Peer, *jsonrpc.Error) {
	var p Peer
	requested := req.Params.Get("protocolVersion")
	if !jsonrpc.IsString(requested) {
		return p, invalid("params.protocolVersion must be a string")
	}
	p.Version = versions[0]
	if v := jsonrpc.UnquoteString(requested); slices.Contains(versions, v) {
		p.Version = v
	}
	p.Capabilities = req.Params.Get("capabilities")
	if !jsonrpc.IsObject(p.Capabilities) {
		return p, invalid("params.capabilities must be an object")
	}
	p.Info = req.Params.Get("clientInfo")
	info, err := jsonrpc.ParseObject(p.Info)
	if err != nil || !jsonrpc.IsString(info.Get("name")) || !jsonrpc.IsString(info.Get("version")) {
		return p, invalid("params.clientInfo must be an object with name and version")
	}
	// The slices outlive the message.
	p.Capabilities, p.Info = slices.Clone(p.Capabilities), slices.Clone(p.Info)
	return p, nil
}

func invalid(message string) *jsonrpc.Error {
	return jsonrpc.Malformedf(mcp.CodeInvalidParams, "%s", message)
}

// traits returns the properties of the negotiated version.
func (p *Peer) traits() *protocol.Version { return protocol.Find(p.Version) }

// Adapt puts the description of the peer into the "_meta" of a request.
// The level is for log messages; it is empty for a client that wants none.
func (p *Peer) Adapt(req *jsonrpc.Request, level string) {
	req.Handshake = true
	p.describe(req, p.Version, level)
}

// describe writes the "_meta" of a request in the given version.
func (p *Peer) describe(req *jsonrpc.Request, version, level string) {
	p.description(version).put(req, level)
}

// A description is a [Peer] encoded for "_meta". A session over HTTP encodes it
// once for all its requests; Peer.Adapt encodes it for each request.
type description struct {
	meta []jsonrpc.Member
	info jsonrpc.Object // the members of the client's implementation
}

func (p *Peer) description(version string) description {
	capabilities := p.Capabilities
	if len(capabilities) == 0 {
		capabilities = []byte("{}")
	}
	d := description{meta: []jsonrpc.Member{
		{Name: []byte(mcp.MetaProtocolVersion), Value: jsonrpc.AppendString(nil, version)},
		{Name: []byte(mcp.MetaClientCapabilities), Value: capabilities},
	}}
	if len(p.Info) > 0 {
		// Negotiate has checked it. The engine checks the members again.
		d.meta = append(d.meta, jsonrpc.Member{Name: []byte(mcp.MetaClientInfo), Value: p.Info})
		d.info, _ = jsonrpc.ParseObject(p.Info)
	}
	return d
}

// put writes the description into the "_meta" of req.
func (d description) put(req *jsonrpc.Request, level string) {
	req.HasMeta = true
	// In the handshake versions these names have no meaning, so a client's own
	// values must not reach the engine.
	req.Meta = slices.DeleteFunc(req.Meta, func(m jsonrpc.Member) bool {
		return len(m.Name) >= len(reservedPrefix) && string(m.Name[:len(reservedPrefix)]) == reservedPrefix
	})
	req.Meta = append(req.Meta, d.meta...)
	req.ClientInfo = d.info
	if level != "" {
		req.Meta = append(req.Meta, levelMember(level))
	}
}
