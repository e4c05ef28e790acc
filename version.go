package mcpengine

import "github.com/mcpengine/mcpengine/internal/protocol"

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
