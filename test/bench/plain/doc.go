// Package plain is an MCP server of one protocol version, 2026-07-28 or
// 2025-11-25 without sessions, as a competent engineer would write it by hand
// on net/http and encoding/json, without a framework. It is the baseline of the
// benchmarks: every figure is read as a multiple of this server's figure for
// the same work.
//
// It does what the protocol asks of a tool server on every request (bounded
// body, envelope, version, mirrored headers, typed arguments) and nothing else:
// no middleware, no schema validation beyond the typed decode, one protocol
// version.
package plain
