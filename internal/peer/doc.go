// Package peer is a connection to one MCP server at the level of messages: a
// request goes out and its result comes back byte for byte, whatever the transport
// (Streamable HTTP, HTTP+SSE, the standard streams of a command) and the protocol
// version.
//
// A [Conn] finds out what the server speaks and meets the demands of the
// transport: the "_meta" members and header fields of every request, sessions,
// resumed streams, cancellation, requests of the server. It does not translate
// between versions: the server refuses a method that its version lacks. Packages
// client and bridge are built on it.
//
// A call begins in call.go. It waits for a binding in conn.go, which
// discover.go (HTTP) or command.go (streams) make if necessary; refusal.go
// examines the server's refusals on the way. Then one of four links carries the
// call: stateless.go and session.go over Streamable HTTP, duplex.go over
// HTTP+SSE (sse.go) and streams (command.go). Over HTTP, http.go sends each
// request, with credentials, and answer.go reads the response. The idle timer
// of idle.go holds for all of it.
//
// A request is sent again in three places, for three reasons: by Call, once,
// when the server says that it has not acted on it, because it has lost the
// session or speaks another version; by http.go, up to three times, with new
// credentials after a challenge; and by net/http, when a reused connection
// breaks before a response and the request only reads.
package peer
