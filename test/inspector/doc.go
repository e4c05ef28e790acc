// Package inspector clicks through the page of `mcpengine inspect --open` in a real
// browser. It exports nothing.
package inspector
