// Package mcpb tests the bundles of mcpengine package with the official tool: it
// validates and unpacks them, and says how a host starts the program.
package mcpb
