// Package bridge relays between a host that speaks to a process and a server
// that is somewhere else, in whatever protocol version each of them speaks.
//
// A request of the host passes four rooms. The host's side (host.go) decides
// which era the host speaks, and answers what concerns nobody but the host and
// the bridge. Then either the request is sent as it is, or it is translated: a
// host with a handshake to a server without one (earlier.go), or the other way
// around (newer.go). The server's side (server.go) sends it, again where that is
// safe (retry.go). On its way back a result gets, or loses, what the versions
// differ in (translate.go). Tools that the host is not to see are taken out of
// lists (tools.go).
//
// Every request gets exactly one answer, whatever becomes of the server.
package bridge
