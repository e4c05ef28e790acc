package sse

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"time"
)

// ErrTooLarge reports an event, or a single line, over the reader's limit.
var ErrTooLarge = errors.New("event is too large")

// Reader reads events from a stream. It is for one goroutine at a time.
//
// Blocks without a data field are not events and [Reader.Next] passes over
// them, but their id and retry fields count: a client that reconnects after
// Next returned an error asks [Reader.LastEventID] and [Reader.Retry] what the
// stream has told it. A block with an empty data field, such as the first one
// of an MCP server of 2025-11-25, is an event with empty Data.
type Reader struct {
	src *bufio.Reader
	max int
	err error // returned by every Next once the stream is broken

	line    []byte // the current line, reused
	started bool   // the first line, which may open with a BOM, is behind us
	skipLF  bool   // the last line ended in CR: an LF next belongs to it

	block block // the fields read since the last blank line

	lastID   string
	retry    time.Duration
	hasRetry bool
}

// block collects the fields of one event in buffers that outlive it.
type block struct {
	size           int // bytes of its lines, comments aside
	id, name, data []byte
	retry          time.Duration
	hasID, hasData bool
}

// NewReader returns a Reader of the stream r that reads ahead but never waits
// for more than an event needs. An event whose lines are together longer than
// maxEvent bytes, without line ends and comments, makes Next fail with
// [ErrTooLarge]; so does a longer comment.
func NewReader(r io.Reader, maxEvent int) *Reader {
	return &Reader{src: bufio.NewReader(r), max: maxEvent}
}

// LastEventID returns the id to resume the stream from: the one set last by a
// complete block, or the empty string. A block cut off by the end of the
// stream does not count.
func (r *Reader) LastEventID() string { return r.lastID }

// Retry returns the reconnection time the stream set last and whether it set
// one at all. The value is the peer's: bound it before waiting that long.
func (r *Reader) Retry() (wait time.Duration, ok bool) { return r.retry, r.hasRetry }

// Next returns the next event, which the caller may keep. Its ID is the one
// this event carried, if any. At the end of the stream Next drops an unfinished
// event, as the standard says, and returns [io.EOF]. Every error is final.
func (r *Reader) Next() (Event, error) {
	for r.err == nil {
		line, err := r.readLine()
		if err != nil {
			r.err = err
			break
		}
		if len(line) == 0 {
			if e, ok := r.dispatch(); ok {
				return e, nil
			}
			continue
		}
		if line[0] == ':' {
			// Comments are not counted: a stream may be kept alive with bare
			// comment lines for longer than any limit.
			continue
		}
		r.block.size += len(line)
		if r.block.size > r.max {
			r.err = ErrTooLarge
			break
		}
		r.field(line)
	}
	return Event{}, r.err
}

// readLine returns the next line without its end, valid until the next call.
func (r *Reader) readLine() ([]byte, error) {
	r.line = r.line[:0]
	for {
		chunk, err := r.buffered()
		if err != nil {
			return nil, err
		}
		// The LF of a CRLF is dropped when it arrives. To wait for it would
		// hold back an event that is already complete.
		if r.skipLF {
			r.skipLF = false
			if chunk[0] == '\n' {
				r.discard(1)
				continue
			}
		}
		end := indexLineEnd(chunk)
		part := chunk
		if end >= 0 {
			part = chunk[:end]
		}
		if len(part) > r.max-len(r.line) {
			return nil, ErrTooLarge
		}
		r.line = append(r.line, part...)
		if end < 0 {
			r.discard(len(part))
			continue
		}
		r.skipLF = chunk[end] == '\r'
		r.discard(end + 1)
		return r.trimBOM(r.line), nil
	}
}

// buffered returns the bytes that have arrived. It blocks only while there are
// none.
func (r *Reader) buffered() ([]byte, error) {
	_, err := r.src.Peek(1)
	switch {
	case errors.Is(err, io.EOF):
		return nil, io.EOF
	case err != nil:
		return nil, fmt.Errorf("read event stream: %w", err)
	}
	return r.src.Peek(r.src.Buffered())
}

// discard consumes n bytes that buffered has returned, which cannot fail.
func (r *Reader) discard(n int) { _, _ = r.src.Discard(n) }

func (r *Reader) trimBOM(line []byte) []byte {
	if r.started {
		return line
	}
	r.started = true
	return bytes.TrimPrefix(line, []byte("\uFEFF"))
}

// field takes in one line that is neither blank nor a comment.
func (r *Reader) field(line []byte) {
	name, value, _ := bytes.Cut(line, []byte(":"))
	value = bytes.TrimPrefix(value, []byte(" "))
	b := &r.block
	switch string(name) {
	case "data":
		b.data = append(append(b.data, value...), '\n')
		b.hasData = true
	case "event":
		b.name = append(b.name[:0], value...)
	case "id":
		if bytes.IndexByte(value, 0) < 0 {
			b.id = append(b.id[:0], value...)
			b.hasID = true
		}
	case "retry":
		// The standard applies the time at once, even if the event is dropped.
		if wait, ok := parseRetry(value); ok {
			b.retry = wait
			r.retry, r.hasRetry = wait, true
		}
	}
}

// dispatch ends the block and reports whether it was an event.
func (r *Reader) dispatch() (Event, bool) {
	b := &r.block
	e := Event{Retry: b.retry}
	if b.hasID {
		e.ID = string(b.id)
		r.lastID = e.ID
	}
	if b.hasData {
		e.Name = string(b.name)
		e.Data = bytes.Clone(b.data[:len(b.data)-1])
	}
	ok := b.hasData
	r.block = block{id: b.id[:0], name: b.name[:0], data: b.data[:0]}
	return e, ok
}

// parseRetry reads a time in milliseconds. The standard ignores a value that
// is anything but digits, and sets no limit: one too long for a
// [time.Duration] becomes the longest.
func parseRetry(value []byte) (time.Duration, bool) {
	const longest = math.MaxInt64 / int64(time.Millisecond)
	var ms int64
	for _, c := range value {
		if c < '0' || c > '9' {
			return 0, false
		}
		ms = min(ms*10+int64(c-'0'), longest)
	}
	return time.Duration(ms) * time.Millisecond, len(value) > 0
}
