package stdio

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

// readSize is how much is read at once.
const readSize = 64 << 10

// ErrTooLong reports a line that was skipped because it is over the limit.
var ErrTooLong = errors.New("line too long")

// A LineReader cuts its input into lines of at most max bytes.
type LineReader struct {
	in  *bufio.Reader
	max int
	err error // how the input has ended
}

// NewLineReader returns a reader of the lines of in.
func NewLineReader(in io.Reader, limit int) *LineReader {
	return &LineReader{in: bufio.NewReaderSize(in, readSize), max: limit}
}

// Next reads a line into dst and returns it without its end, which is "\n" or
// "\r\n" or, after the last line, the end of the input. It skips a line that is
// too long without keeping it and reports ErrTooLong.
func (r *LineReader) Next(dst []byte) ([]byte, error) {
	dst = dst[:0]
	tooLong := false
	for r.err == nil {
		var chunk []byte
		chunk, r.err = r.in.ReadSlice('\n')
		// The line end has at most two bytes. Which bytes belong to it is only
		// known when the line is complete.
		tooLong = tooLong || len(dst)+len(chunk)-len("\r\n") > r.max
		if !tooLong {
			dst = append(dst, chunk...)
		}
		if errors.Is(r.err, bufio.ErrBufferFull) {
			r.err = nil
			continue
		}
		if r.err != nil && (!errors.Is(r.err, io.EOF) || len(dst) == 0 && !tooLong) {
			break
		}
		dst = bytes.TrimSuffix(dst, []byte("\n"))
		dst = bytes.TrimSuffix(dst, []byte("\r"))
		if tooLong || len(dst) > r.max {
			return dst[:0], ErrTooLong
		}
		return dst, nil
	}
	return dst[:0], r.err
}
