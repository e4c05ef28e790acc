// Package sse reads and writes event streams (text/event-stream) as defined
// by the HTML standard, section "Server-sent events".
package sse

import (
	"bytes"
	"strconv"
	"time"
)

// Event is one block of an event stream.
type Event struct {
	// ID is what a client sends back as Last-Event-ID when it reconnects.
	// Empty means that the event carries no id.
	ID string

	// Name is the event's type. Empty means "message", the standard's default.
	Name string

	// Data is the payload. When writing, nil means that there is no data field
	// and that clients act on the id and the retry time without dispatching an
	// event; empty but not nil writes one empty data field, which is how an MCP
	// server of a handshake version gives a client an id to resume from. When
	// reading, it is never nil.
	Data []byte

	// Retry is how long a client waits before it reconnects, in whole
	// milliseconds. Less than one millisecond means absent.
	Retry time.Duration
}

// Append appends the encoding of e to dst and returns the extended slice. It
// allocates only to grow dst. Each line break in Data, be it CR, LF or CRLF,
// starts another data field, so a reader sees LF for all three. CR, LF and NUL
// are dropped from ID and Name, because the format cannot carry them.
func Append(dst []byte, e Event) []byte {
	dst = appendField(dst, "event: ", e.Name)
	dst = appendField(dst, "id: ", e.ID)
	if ms := e.Retry.Milliseconds(); ms > 0 {
		dst = append(dst, "retry: "...)
		dst = strconv.AppendInt(dst, ms, 10)
		dst = append(dst, '\n')
	}
	if e.Data != nil {
		dst = appendLines(dst, "data: ", e.Data)
	}
	return append(dst, '\n')
}

// AppendComment appends a block that every reader ignores, with one comment
// line per line of text, and returns the extended slice. An empty text makes
// the shortest keep-alive there is. Use it between events, never inside one.
func AppendComment(dst []byte, text string) []byte {
	if text == "" {
		return append(dst, ":\n\n"...)
	}
	dst = appendLines(dst, ": ", []byte(text))
	return append(dst, '\n')
}

// appendField appends a one-line field, or nothing when no byte of the value
// can be sent: an empty id would make the client forget the one it has.
func appendField(dst []byte, prefix, value string) []byte {
	start := len(dst)
	dst = append(dst, prefix...)
	for i := range len(value) {
		// NUL could be framed, but makes a reader ignore the whole id.
		if c := value[i]; c != '\n' && c != '\r' && c != 0 {
			dst = append(dst, c)
		}
	}
	if len(dst) == start+len(prefix) {
		return dst[:start]
	}
	return append(dst, '\n')
}

// appendLines appends one field for each line of value.
func appendLines(dst []byte, prefix string, value []byte) []byte {
	// JSON rarely holds a raw line break, and two searches for one byte are
	// many times faster than one search for either of two.
	if bytes.IndexByte(value, '\n') < 0 && bytes.IndexByte(value, '\r') < 0 {
		dst = append(dst, prefix...)
		dst = append(dst, value...)
		return append(dst, '\n')
	}
	for {
		line, rest, more := cutLine(value)
		dst = append(dst, prefix...)
		dst = append(dst, line...)
		dst = append(dst, '\n')
		if !more {
			return dst
		}
		value = rest
	}
}
