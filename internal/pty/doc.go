// Package pty runs programs on a pseudo-terminal, for tests of what a person types and
// for recordings of it.
package pty
