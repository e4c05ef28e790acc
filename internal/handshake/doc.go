// Package handshake serves the protocol versions that begin with a handshake,
// 2024-11-05 to 2025-11-25, by translating them to the engine.
//
// What a handshake establishes — version, capabilities and identity of the
// client — becomes the "_meta" that a request of 2026-07-28 carries, so
// that the engine answers every request alike and keeps nothing. What a
// connection adds, this package keeps: requests from server to client, the log
// level, subscriptions, and streams that can be resumed.
//
// Nothing imports the package but the file of the root package that plugs it
// in; without both, 2026-07-28 is served unchanged.
package handshake
