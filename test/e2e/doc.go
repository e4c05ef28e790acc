// Package e2e holds tests of the engine as its clients meet it: over real
// connections, with what they should not send and with all of them at once.
package e2e
