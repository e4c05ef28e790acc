// Package peer is a connection to one MCP server at the level of messages:
// requests go out and results come back as the bytes they are, whatever the
// transport (Streamable HTTP, HTTP+SSE, a command's standard streams) and
// whatever the protocol version, with or without a handshake.
//
// A [Conn] finds out what the server speaks, and does what the transport asks
// of a client: the "_meta" members and header fields of every request, sessions,
// streams that are resumed, cancellation, questions of the server. It does not
// translate between versions: a method that the version lacks is the server's to
// refuse. Packages client and bridge are built on it.
package peer
