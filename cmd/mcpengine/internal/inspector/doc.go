// Package inspector serves a page on this machine that shows an MCP server and
// calls it: its features, every message in both directions, and the questions that
// the server asks.
//
// A page of the web can send requests to any port of this machine, and a program
// that starts commands for whoever asks it is a way to run code. So the package
// serves loopback addresses alone, and answers a request for data only if it names
// the exact address in Host, comes from the page's own origin, and carries the
// token in its Authorization field. The server to inspect is chosen on the command
// line, and by no request.
package inspector
