// Package duplex answers many requests at once over one connection. The
// messages travel over the standard streams of a process (internal/stdio), or
// over an event stream and the POSTs that belong to it (internal/handshake).
//
// A transport hands over each message as it comes in (receive.go). A request
// becomes a call, which has a goroutine of its own (call.go); the requests of a
// batch are calls with one common answer (batch.go). All of them write whole
// messages to the one output (output.go).
package duplex
