package mcpengine

import (
	"strings"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/protocol"
	"github.com/mcpengine/mcpengine/mcp"
)

// supportedVersions are the names of the versions that the program serves.
func supportedVersions() []string {
	return protocol.Names(func(v *protocol.Version) bool { return servesHandshake || !v.Handshake })
}

// findVersion returns the version that a JSON string names, among the handshake
// versions or among the others, and nil when it is not one of them.
func findVersion(raw []byte, handshake bool) *protocol.Version {
	if v := protocol.FindJSON(raw); v != nil && v.Handshake == handshake {
		return v
	}
	return nil
}

// unsupportedVersion tells a client which versions it can choose from
// (versioning, "Protocol Version Negotiation").
func unsupportedVersion(requested string) *jsonrpc.Error {
	return wireError(mcp.Errorf(mcp.CodeUnsupportedProtocolVersion,
		"Unsupported protocol version %.64q, supported: %s", requested, strings.Join(supportedVersions(), ", ")).
		WithData(mcp.UnsupportedProtocolVersionData{Supported: supportedVersions(), Requested: requested}))
}
