// Package bundle makes MCP bundles of a Go server: zip files with the program and a
// manifest, which desktop hosts install with a click.
//
// The format is that of github.com/modelcontextprotocol/mcpb, manifest version 0.3,
// the newest that is not experimental there.
package bundle
