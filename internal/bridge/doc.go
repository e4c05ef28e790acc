// Package bridge relays between a host that speaks over standard streams, or the
// callers of an HTTP endpoint, and a server, in whatever protocol version each of
// them speaks.
//
// A request of the host takes this way. host.go finds out in which version it is,
// and answers what concerns only the host and the bridge. relay.go sends it on as
// it is when both sides are of the same kind; handshake.go translates requests of
// handshake versions for servers of 2026-07-28, and stateless.go requests of
// 2026-07-28 for servers with one. server.go keeps the connection to the server,
// and retry.go sends a request again where that is safe. The result gets the form
// that the host's version allows (relay.go, internal/protocol), and tools that the
// host must not see are taken out of lists (tools.go).
//
// Questions of a server of a handshake version wait in pending.go for a host that answers
// them by sending its request again. listen.go and subscribe.go translate
// subscriptions, restore.go repeats them in a new session. handler.go and
// processes.go are mcpengine serve.
//
// Every request gets exactly one answer, whatever the server does.
package bridge
