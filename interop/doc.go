// Package interop holds the tests of this framework against the two other Go
// frameworks, in both directions: their clients against our servers, and the
// requests our own tests send against their servers. It exports nothing.
package interop
