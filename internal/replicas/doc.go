// Package replicas connects an engine to the other replicas of its server over
// a [bus.Bus].
//
// A [Link] seals what it publishes for the server, so that strangers on the same
// bus can neither read messages nor make them, and opens, checks and hands out
// what it receives. It reconnects, says so once, and keeps the messages that must
// not be lost until every replica has had a chance to receive them.
package replicas
