// Package handshake serves the protocol versions that begin with a handshake,
// 2024-11-05 to 2025-11-25, by translating them to the engine.
//
// What a handshake establishes (version, capabilities and identity of the
// client) becomes the "_meta" that a request of 2026-07-28 carries. So the
// engine answers every request alike and keeps nothing. This package keeps the
// state of a connection: requests from server to client, the log level,
// subscriptions, and streams that can be resumed.
//
// Only handshake.go of the root package imports this package. Without both,
// 2026-07-28 is served unchanged.
package handshake
