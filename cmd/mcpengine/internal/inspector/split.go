package inspector

import "bytes"

// A lineSplitter takes a stream apart into lines. Of a line that is too long to be
// recorded it keeps the beginning.
type lineSplitter struct {
	deliver func(line []byte, size int)
	line    []byte
	size    int
}

func (s *lineSplitter) write(p []byte) {
	for len(p) > 0 {
		part, rest, found := bytes.Cut(p, []byte("\n"))
		p = rest
		s.size += len(part)
		s.line = append(s.line, part[:min(len(part), maxRecorded-len(s.line))]...)
		if !found {
			return
		}
		line, size := s.line, s.size
		s.line, s.size = nil, 0
		if size == len(line) {
			line = bytes.TrimSuffix(line, []byte("\r"))
			size = len(line)
		}
		s.deliver(line, size)
	}
}

// An eventSplitter takes the data of the events out of an event stream. Streams of
// servers end lines with LF or CRLF; of one that ends them with CR alone, which the
// format allows too, no messages are recorded.
type eventSplitter struct {
	deliver func(data []byte, size int)
	lines   *lineSplitter
	data    []byte
	size    int
	any     bool
}

func (s *eventSplitter) write(p []byte) {
	if s.lines == nil {
		s.lines = &lineSplitter{deliver: s.field}
	}
	s.lines.write(p)
}

func (s *eventSplitter) field(line []byte, size int) {
	if size == 0 {
		if s.any && s.size > 0 { // an event without data is no message
			s.deliver(s.data, s.size)
		}
		s.data, s.size, s.any = nil, 0, false
		return
	}
	value, found := bytes.CutPrefix(line, []byte("data:"))
	if !found {
		return
	}
	size -= len("data:")
	if trimmed, space := bytes.CutPrefix(value, []byte(" ")); space {
		value, size = trimmed, size-1
	}
	if s.any {
		s.data, s.size = append(s.data, '\n'), s.size+1
	}
	s.any = true
	s.size += size
	s.data = append(s.data, value[:min(len(value), max(maxRecorded-len(s.data), 0))]...)
}
