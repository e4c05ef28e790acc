// Package http1 sends HTTP/1.1 requests in the clear without what a general
// client does for each of them: on the way to a server on the same machine, in
// the same cluster or behind a sidecar, that costs more than the call.
//
// [Transport] is an [http.RoundTripper], so that whatever stands above it stays
// as it is. It does by itself what a client of MCP sends (a short POST, GET or
// DELETE to an http URL that no proxy stands before) and leaves the rest to
// another transport: TLS, proxies, long bodies, unusual fields and hosts.
//
// A request is written and its response read on the goroutine of the caller; a
// connection has no goroutine of its own, and a context that ends closes it. A
// connection that has been idle is asked, without waiting, whether the server
// has closed it, and then used again. A request is sent a second time only if
// not a byte of it had been taken by the system: anything else could run a tool
// twice.
//
// Responses are read strictly (RFC 9112): what two readers could understand
// differently is an error. Everything that is accepted net/http reads the same.
package http1
