package http1

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
)

// An exchanged is a response with its body, in one piece of memory.
type exchanged struct {
	http.Response
	body
}

// A body is the rest of a response. Close may be called while Read waits.
type body struct {
	conn    *conn // not to be used any more once ended is set
	request *http.Request
	stop    func() bool // ends the watch over the context
	ended   atomic.Bool
	err     error // of every further Read

	close   bool
	chunked bool
	begun   bool  // a chunk has been read
	left    int64 // of the body, or of the chunk; -1 for all until the end
}

// begin makes the response.
func (x *exchanged) begin(c *conn, r *http.Request, h head) *http.Response {
	x.Response = http.Response{
		Status: h.status, StatusCode: h.code, Proto: h.proto, ProtoMajor: 1, ProtoMinor: int(h.proto[len(h.proto)-1] - '0'),
		Header: h.fields, ContentLength: h.length, Close: h.close, Request: r, Body: &x.body,
	}
	delete(h.fields, "Transfer-Encoding") // which is undone
	x.conn, x.request = c, r
	x.body.close, x.chunked, x.left = h.close, h.chunked, h.length
	if h.chunked {
		x.left = 0
	} else if h.length == 0 {
		x.Response.Body = http.NoBody
		x.end(!h.close)
	}
	return &x.Response
}

// end gives the connection up, once.
func (b *body) end(again bool) {
	if b.ended.CompareAndSwap(false, true) {
		// When the watch cannot be stopped, it closes the connection.
		b.conn.release(b.stop() && again)
	}
}

// Close closes the connection, unless the body has been read to its end.
func (b *body) Close() error {
	b.end(false)
	return nil
}

// Read reads the body as it comes. A body that is cut short ends in
// [io.ErrUnexpectedEOF].
func (b *body) Read(p []byte) (n int, err error) {
	switch {
	case b.err != nil:
		return 0, b.err
	case b.ended.Load():
		return 0, http.ErrBodyReadAfterClose
	case len(p) == 0:
		return 0, nil
	}
	n, err = b.read(p)
	if err == nil && !b.chunked && b.left == 0 {
		err = io.EOF
	}
	if err == nil {
		return n, nil
	}
	b.err = cause(b.request, err)
	if errors.Is(err, io.EOF) {
		b.err = io.EOF // the body is complete, whatever the context says
	}
	b.end(errors.Is(b.err, io.EOF) && !b.close)
	return n, b.err
}

func (b *body) read(p []byte) (n int, err error) {
	if b.chunked && b.left == 0 {
		if err := b.nextChunk(); err != nil {
			return 0, err
		}
	}
	if b.left < 0 {
		return b.conn.reader.Read(p)
	}
	n, err = b.conn.reader.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// nextChunk reads what stands before a chunk. The end of the body is [io.EOF].
func (b *body) nextChunk() error {
	if b.begun {
		if line, err := b.line(); err != nil || line != "" {
			return errors.Join(errors.New("a chunk does not end where it should"), err)
		}
	}
	b.begun = true
	line, err := b.line()
	if err != nil {
		return err
	}
	digits, extension, _ := strings.Cut(line, ";")
	size, err := strconv.ParseUint(digits, 16, 62)
	if err != nil || len(digits) > 15 || !isFieldValue(extension) {
		return fmt.Errorf("%.64q does not begin a chunk", line)
	}
	if size > 0 {
		b.left = int64(size)
		return nil
	}
	return b.trailer()
}

// line reads a line, which must be short.
func (b *body) line() (string, error) {
	line, err := b.conn.reader.ReadSlice('\n')
	switch {
	case errors.Is(err, io.EOF):
		return "", io.ErrUnexpectedEOF
	case err != nil:
		return "", err
	case len(line) > maxChunkLine || len(line) < 2 || line[len(line)-2] != '\r':
		return "", errors.New("the line before a chunk is too long or does not end in CRLF")
	}
	return string(line[:len(line)-2]), nil
}

// trailer reads the fields after the last chunk, which nobody needs, and returns
// [io.EOF] after them.
func (b *body) trailer() error {
	block, err := readBlock(b.conn.reader, nil, maxTrailer)
	if err != nil {
		return err
	}
	for line, rest := "", string(block); rest != ""; {
		line, rest, _ = strings.Cut(rest, "\r\n")
		if _, _, err := parseField(line); err != nil {
			return err
		}
	}
	return io.EOF
}
