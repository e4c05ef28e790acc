// Package registry publishes a server in the official registry: its own program, with a
// PostgreSQL, and a GitHub of this test.
package registry
