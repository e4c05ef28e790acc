package wire

import "net/http"

// Initialize returns the request that begins a session in a handshake version.
func Initialize(version string) Request {
	return Request{
		ID: 1, Method: "initialize", Handshake: version,
		Params: map[string]any{
			"protocolVersion": version,
			"capabilities":    map[string]any{},
			"clientInfo":      clientInfo(),
		},
	}
}

// Initialized returns the notification that ends the handshake.
func Initialized(version, session string) Request {
	return Request{Method: "notifications/initialized", Handshake: version, Session: session}
}

// addHandshake adds the headers of a handshake version: the version, once it is
// negotiated (2025-11-25, transports, "Protocol Version Header"), and the
// session.
func (r Request) addHandshake(header http.Header) {
	if r.Method != "initialize" {
		header.Set("MCP-Protocol-Version", r.Handshake)
	}
	if r.Session != "" {
		header.Set("Mcp-Session-Id", r.Session)
	}
}
