// Package interop holds the tests of this framework against others: the clients
// of the official Go and TypeScript SDKs against our server, our client against
// their servers, mcp-go's and the reference server, in every protocol version they
// speak and over every transport, and the requests our own tests send against the
// servers of two other Go frameworks. It exports nothing.
package interop
